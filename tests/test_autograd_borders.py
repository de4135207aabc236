# ruff: noqa: E501 (a table with a line per error)
"""Bad input and every way to write into what the tape needs: an error that names the remedy, or no effect at all."""

import re

import numpy as np
import pytest

import minidl.autograd as m
from minidl.autograd import Tensor, grad, gradients, hvp, jvp, no_grad, value_and_grad, vjp


def leaf(*values):
    return Tensor(values[0] if len(values) == 1 else list(values), requires_grad=True)


X = leaf(1.0, 2.0)
IMAGE, KERNEL = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))

# What is done, the type of the error, and what its message says: what came, and the remedy.
ERRORS = {
    "integers ask for gradients": (lambda: Tensor([1, 2], requires_grad=True), TypeError, "only float tensors have gradients, got int64.*1.0 instead of 1"),
    "booleans ask for gradients": (lambda: Tensor([True], requires_grad=True), TypeError, "only float.*got bool"),
    "integers ask for gradients of a function": (lambda: grad(lambda x: x * x)(3), TypeError, "only float.*1.0 instead of 1"),
    "integers ask later": (lambda: _ask_later(), TypeError, "belong to float tensors: got float64 for a int64"),
    "complex data": (lambda: Tensor([1j]), TypeError, "holds float64, float32, integers or booleans, got complex128"),
    "half precision": (lambda: Tensor(np.ones(2, np.float16)), TypeError, "got float16: convert with dtype=np.float64"),
    "text": (lambda: Tensor("no"), TypeError, "got <U2"),
    "objects": (lambda: Tensor([None]), TypeError, "got object"),
    "other byte order": (lambda: Tensor(np.ones(2, ">f8")), TypeError, "got >f8: convert"),
    "complex on the way": (lambda: grad(lambda x: m.abs(x * 1j).sum())(np.ones(2)), TypeError, "gradients are real"),
    "to half precision": (lambda: X.astype(np.float16), TypeError, "got float16"),
    "to complex": (lambda: X.astype(complex), TypeError, "got complex128"),
    "item of many": (lambda: X.item(), ValueError, r"item\(\) needs a tensor with one entry, got shape \(2,\): index it or reduce"),
    "truth of many": (lambda: bool(X), ValueError, "truth value"),
    "length of a scalar": (lambda: len(leaf(1.0)), TypeError, r"len\(\)"),
    "iteration over a scalar": (lambda: list(leaf(1.0)), TypeError, r"len\(\)"),
    "backward of many": (lambda: (X * 2).backward(), ValueError, r"needs a scalar or a seed, got a tensor of shape \(2,\): reduce it with .sum\(\)"),
    "backward of a constant": (lambda: Tensor(1.0).backward(), RuntimeError, r"Tensor\(x, requires_grad=True\).*no_grad\(\), detach\(\)"),
    "backward without a record": (lambda: _unrecorded().backward(), RuntimeError, "does not depend on anything"),
    "backward twice": (lambda: _twice(), RuntimeError, "the tape behind sum was released.*retain_graph=True"),
    "seed of another shape": (lambda: (X * 2).backward(np.ones(3)), ValueError, r"seed has shape \(3,\), the tensor \(2,\)"),
    "seed that would broadcast": (lambda: (X * 2).backward(1.0), ValueError, r"seed has shape \(\), the tensor \(2,\)"),
    "gradients for a constant": (lambda: gradients(X.sum(), [X, Tensor(1.0)]), RuntimeError, r"inputs \[1\] do not require"),
    "writing into a tensor": (lambda: X.__setitem__(0, 5.0), TypeError, r"cannot be written into.*where\(\), concatenate\(\).*assign\(\)"),
    "writing into data": (lambda: X.data.__setitem__(0, 5.0), ValueError, "read-only"),
    "writing into a view of data": (lambda: X.data[:1].fill(5.0), ValueError, "read-only"),
    "writing into a result's data": (lambda: np.add(1, 1, out=(X * 2).data), ValueError, "read-only"),
    "writing into a gradient's data": (lambda: _gradient().data.__setitem__(0, 5.0), ValueError, "read-only"),
    "writing into a scalar's data": (lambda: leaf(1.0).data.fill(3), ValueError, "read-only"),
    "writing into what a custom forward sees": (lambda: m.custom_gradient(lambda a: a.fill(0), lambda g, y, a: g)(X), ValueError, "read-only"),
    "writing into what a custom rule sees": (lambda: grad(lambda x: m.custom_gradient(lambda a: a * 2, lambda g, y, a: g.fill(0))(x).sum())(np.ones(2)), ValueError, "read-only"),
    "NumPy takes the array": (lambda: np.asarray(X), TypeError, "would cut the tape unseen.*tensor.data to leave the tape on purpose"),
    "NumPy's function": (lambda: np.exp(X), TypeError, "__array_ufunc__"),
    "NumPy's where": (lambda: np.where([True, False], X, 0), TypeError, "would cut the tape"),
    "a list of tensors": (lambda: X + [X, X], TypeError, "would cut the tape"),
    "assign to a result": (lambda: (X * 2).assign([1.0, 2.0]), RuntimeError, r"assign\(\) is for leaves; this tensor was computed by multiply"),
    "assign another shape": (lambda: leaf(1.0, 2.0).assign([1.0]), ValueError, r"got shape \(1,\) for a tensor of shape \(2,\)"),
    "assigned between passes": (lambda: _assigned(), RuntimeError, r"input of multiply got a new value by assign\(\).*compute the forward pass again"),
    "clip without bounds": (lambda: m.clip(X), ValueError, "clip needs at least one bound: pass low, high or both"),
    "clip with tensor bounds": (lambda: m.clip(X, X), TypeError, r"use maximum\(x, low\) and minimum\(x, high\)"),
    "straight_through of two shapes": (lambda: m.straight_through(np.ones(3), X), ValueError, r"equal shapes, got \(3,\) and \(2,\)"),
    "custom gradient without rules": (lambda: m.custom_gradient(lambda a: a), ValueError, "one rule per input"),
    "custom gradient with a rule too few": (lambda: m.custom_gradient(lambda a, b: a * b, lambda g, y, a, b: g)(X, X), TypeError, "has 1 gradient rules, one per input, got 2"),
    "custom rule of another shape": (lambda: grad(lambda x: m.custom_gradient(lambda a: a, lambda g, y, a: g[:1], name="mine")(x).sum())(np.ones(2)), ValueError, r"a rule of mine gave shape \(1,\) for an input of shape \(2,\)"),
    "broadcast_to fewer": (lambda: m.broadcast_to(X, (3,)), ValueError, r"shape \(2,\) does not broadcast to \(3,\)"),
    "adding shapes that do not broadcast": (lambda: X + np.ones(3), ValueError, r"\(2,\) ?,? ?\(3,\)"),
    "index out of range": (lambda: X[5], IndexError, "out of bounds"),
    "concatenate nothing": (lambda: m.concatenate([]), ValueError, "concatenate needs at least one array"),
    "concatenate along no axis": (lambda: m.concatenate([X], axis=1), ValueError, "concatenate: axis 1 is out of range for 1 axes"),
    "stack along no axis": (lambda: m.stack([X], axis=2), ValueError, "stack: axis 2 is out of range for 2 axes"),
    "sum along no axis": (lambda: m.sum(X, axis=1), ValueError, "axis 1 is out of range for an array with 1 axes"),
    "cumsum along no axis": (lambda: m.cumsum(X, axis=1), ValueError, "axis 1 is out of bounds"),
    "transpose along no axis": (lambda: m.transpose(X, (1,)), ValueError, "axis 1 is out of bounds"),
    "transpose with an axis twice": (lambda: X.reshape(2, 1).transpose(0, 0), ValueError, "repeated axis"),
    "swapaxes along no axis": (lambda: m.swapaxes(X, 0, 2), ValueError, "axis 2 is out of bounds"),
    "pad with too few widths": (lambda: m.pad(np.ones((2, 2)), ((1, 1),)), ValueError, r"one \(before, after\) pair.*per axis \(2\)"),
    "pad with negative widths": (lambda: m.pad(X, -1), ValueError, "non-negative"),
    "mean of nothing": (lambda: m.mean(np.zeros((0, 3)), axis=0), ValueError, r"mean over no entries: shape \(0, 3\), axis 0"),
    "max of nothing": (lambda: m.max(leaf(1.0, 2.0)[:0]), ValueError, "zero-size array"),
    "matmul of a number": (lambda: m.matmul(X, 2.0), ValueError, r"use \* with numbers"),
    "matmul of shapes that do not meet": (lambda: X @ np.ones((3, 2)), ValueError, r"matmul of shapes \(2,\) and \(3, 2\): 2 columns meet 3 rows"),
    "dot of batches": (lambda: X.dot(np.ones((2, 2, 2))), ValueError, r"dot of shapes \(2,\) and \(2, 2, 2\): use @ for batches"),
    "linear of shapes that do not meet": (lambda: m.linear(np.ones((2, 3)), np.ones((4, 2)), np.ones(2)), ValueError, r"linear takes x \(..., n\).*got \(2, 3\), \(4, 2\), \(2,\)"),
    "einsum of too few operands": (lambda: m.einsum("i,j", X), ValueError, "names 2 operands, got 1"),
    "einsum of other axes": (lambda: m.einsum("ij->i", X), ValueError, "operand 0 has 1 axes, its indices are 'ij'"),
    "einsum of unequal lengths": (lambda: m.einsum("i,i", X, np.ones(3)), ValueError, "index 'i' has length 2 and 3"),
    "einsum of an unknown result": (lambda: m.einsum("i->j", X), ValueError, "result's indices must each occur once"),
    "einsum that loses its dots": (lambda: m.einsum("...i->i", np.ones((2, 2))), ValueError, r"needs the '\.\.\.'"),
    "einsum with dots twice": (lambda: m.einsum("...i...->i", X), ValueError, "operand 0 has 1 axes"),
    "labels of another shape": (lambda: m.cross_entropy(np.ones((2, 3)), [0]), ValueError, r"labels of shape \(1,\) do not fit logits of shape \(2, 3\).*shape \(2,\)"),
    "labels that are floats": (lambda: m.cross_entropy(np.ones((2, 3)), [0.0, 1.0]), TypeError, r"labels must be integers.*labels.astype\(int\)"),
    "labels too large": (lambda: m.cross_entropy(np.ones((2, 3)), [0, 3]), ValueError, r"labels must lie in \[0, 3\), got values from 0 to 3"),
    "labels below 0": (lambda: m.cross_entropy(np.ones((2, 3)), [0, -1]), ValueError, r"labels must lie in \[0, 3\), got values from -1 to 0"),
    "an empty batch": (lambda: m.cross_entropy(np.ones((0, 3)), np.zeros(0, int)), ValueError, r"empty batch: logits have shape \(0, 3\)"),
    "an unknown reduction": (lambda: m.cross_entropy(np.ones((1, 3)), [0], "avg"), ValueError, "must be \"mean\", \"sum\" or \"none\", got 'avg'"),
    "images without channels": (lambda: m.conv2d(np.ones((4, 4)), KERNEL), ValueError, r"images \(N, C, H, W\).*got \(4, 4\)"),
    "channels that do not fit": (lambda: m.conv2d(np.ones((1, 3, 4, 4)), KERNEL), ValueError, "equal C, got"),
    "a window larger than the image": (lambda: m.conv2d(IMAGE[:, :, :2], KERNEL), ValueError, r"window \(3, 3\) is larger than the image \(2, 4\) padded by \(0, 0\)"),
    "stride 0": (lambda: m.conv2d(IMAGE, KERNEL, stride=0), ValueError, "stride must be an integer or a pair of integers of at least 1, got 0"),
    "padding that is no integer": (lambda: m.conv2d(IMAGE, KERNEL, padding=0.5), (ValueError, TypeError), "0.5|float"),
    "sequences without channels": (lambda: m.conv1d(np.ones(4), np.ones((1, 1, 2))), ValueError, r"sequences \(N, C, L\)"),
    "pooling without channels": (lambda: m.max_pool2d(np.ones((4, 4)), 2), ValueError, r"images \(N, C, H, W\)"),
    "pooling beyond the image": (lambda: m.avg_pool2d(IMAGE, 5), ValueError, r"window \(5, 5\) is larger"),
    "pooling padded beyond the window": (lambda: m.max_pool2d(IMAGE, 2, padding=2), ValueError, "at most half the window"),
    "grad of many outputs": (lambda: grad(lambda x: x * x)(np.ones(3)), ValueError, r"grad needs a scalar output, got shape \(3,\): sum it, or use jacobian"),
    "grad of an array": (lambda: grad(lambda x: x.data.sum())(np.ones(3)), TypeError, "returns a tensor, got float64.*leave the tape"),
    "vjp of an array": (lambda: vjp(lambda x: x.data, np.ones(3)), TypeError, "vjp needs a function that returns a tensor"),
    "jvp of an array": (lambda: jvp(lambda x: x.data, (np.ones(3),), (np.ones(3),)), TypeError, "jvp needs a function that returns a tensor"),
    "tangents too few": (lambda: jvp(lambda x, y: x * y, (1.0, 2.0), (1.0,)), ValueError, "one tangent per argument: 2 arrays, 1 tangents"),
    "tangents of another shape": (lambda: jvp(lambda x: x, (np.ones(2),), (np.ones(3),)), ValueError, r"shape \(3,\), its argument \(2,\)"),
    "a direction of another shape": (lambda: hvp(lambda x: x.sum(), np.ones(2), 1.0), ValueError, r"argument's shape \(2,\), got \(\)"),
    "an argument that is not there": (lambda: grad(lambda x: x, argnums=1)(1.0), ValueError, "argnums names argument 1, the function got 1"),
    "an argument twice": (lambda: grad(lambda x: x, argnums=(0, -1))(1.0), ValueError, "argnums names an argument twice"),
}  # fmt: skip


def _unrecorded():
    with no_grad():
        return (X * 2).sum()


def _twice():
    y = (X * 2).sum()
    y.backward(retain_graph=True)
    y.backward()
    y.backward()


def _gradient():
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    return x.grad


def _assigned():
    x = leaf(2.0)
    y = x * x
    x.assign(3.0)
    y.backward(create_graph=True)


def _ask_later():
    n = Tensor([1, 2])
    n.requires_grad = True
    (n * 2.0).sum().backward()


@pytest.mark.parametrize("what", ERRORS)
def test_error(what):
    act, kind, message = ERRORS[what]
    with pytest.raises(kind, match=re.compile(message, re.DOTALL)):
        act()


# --- writing where nothing can stop it: it must change nothing -----------------------------------------------------------------
def test_a_tensor_owns_its_memory():
    a = np.array([1.0, 2.0])
    x = Tensor(a, requires_grad=True)
    y = (x * x).sum()
    a[:] = 100
    copied = x.numpy()
    copied[:] = 100
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2, 4])
    np.testing.assert_array_equal(x.data, [1, 2])
    taken = np.array([1.0, 2.0])
    Tensor(taken, copy=False)
    with pytest.raises(ValueError, match="read-only"):
        taken[0] = 5


OPERANDS = {
    "multiply": (lambda x, c: x * c, np.array([3.0, 4.0])),
    "right operand": (lambda x, c: c * x, np.array([3.0, 4.0])),
    "divide": (lambda x, c: c / x, np.array([3.0, 4.0])),
    "power": (lambda x, c: x**c, np.array([3.0, 4.0])),
    "matmul": (lambda x, c: c @ x, np.array([[3.0, 4.0], [5.0, 6.0]])),
    "vector product": (lambda x, c: x @ c, np.array([3.0, 4.0])),
    "view of an operand": (lambda x, c: x * c[::-1], np.array([3.0, 4.0])),
    "maximum": (lambda x, c: m.maximum(x, c), np.array([0.5, 4.0])),
    "where's condition": (lambda x, c: m.where(c, x, 0.0), np.array([True, False])),
    "where's value": (lambda x, c: m.where([True, False], x * c, c), np.array([3.0, 4.0])),
    "bounds": (lambda x, c: m.clip(x, c, 1.5), np.array([0.5, 1.0])),
    "fancy index": (lambda x, c: x[c] * x, np.array([0, 0])),
    "fancy index in a tuple": (lambda x, c: x.reshape(1, 2)[0, c], np.array([0, 0])),
    "mask": (lambda x, c: x[c], np.array([True, False])),
    "list index": (lambda x, c: x[c], [0, 0]),
    "scatter index": (lambda x, c: m.scatter(x, c, (3,)) * np.arange(3.0), np.array([2, 2])),
    "labels": (lambda x, c: m.cross_entropy(x.reshape(1, 2), c), np.array([1])),
    "einsum": (lambda x, c: m.einsum("i,i->i", x, c), np.array([3.0, 4.0])),
    "concatenate": (lambda x, c: m.concatenate([x, c]) ** 2, np.array([3.0, 4.0])),
    "linear": (lambda x, c: m.linear(c, x.reshape(2, 1), np.zeros(1)), np.array([[3.0, 4.0]])),
    "conv1d": (lambda x, c: m.conv1d(c, x.reshape(1, 1, 2)), np.array([[[3.0, 4.0, 5.0]]])),
    "hard": (lambda x, c: m.straight_through(c, x) * x, np.array([3.0, 4.0])),
    "a memory map": (lambda x, c: x * c, np.array([3.0, 4.0]).view(np.memmap)),
    "a tensor's value": (lambda x, c: x * c, Tensor([3.0, 4.0])),
}  # fmt: skip


def _scribble(c):
    if isinstance(c, Tensor):
        c.assign(np.full(c.shape, 9.0))
    elif isinstance(c, list):
        c[:] = [1] * len(c)
    elif c.dtype == bool:
        c[...] = [False, True]
    else:
        c[...] = 9 if c.dtype.kind == "f" else 1 - min(c.flat[0], 1)  # another valid index


@pytest.mark.parametrize("what", OPERANDS)
def test_writing_into_an_operand_after_the_forward_pass_changes_no_gradient(what):
    f, original = OPERANDS[what]
    x = leaf(1.25, 2.0)
    undisturbed = gradients((f(x, original)).sum(), [x])[0]
    y = f(x, original).sum()
    value = y.item()
    _scribble(original)
    assert f(x, original).sum().item() != value, "later passes see what was written, or this shows nothing"
    y.backward()
    np.testing.assert_array_equal(x.grad.data, undisturbed.data)
    assert y.item() == value


def test_assign_leaves_the_recorded_values_to_the_tape():
    x = leaf(2.0)
    y = x * x
    x.assign(Tensor(5.0, requires_grad=True))
    y.backward()
    assert x.grad.item() == 4
    assert (x * 1.0).item() == 5
    given = np.array([1.0, 2.0])
    w = leaf(0.0, 0.0)
    w.assign(given)
    given[:] = 7
    np.testing.assert_array_equal(w.data, [1, 2])
    single = Tensor(np.zeros(2, np.float32), requires_grad=True)
    single.assign([1, 2])
    assert single.dtype == np.float32


def test_in_place_operators_make_new_tensors():
    x = leaf(1.0, 2.0)
    y = x
    y += 1
    y *= x
    assert y is not x
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [3, 5])
    a = np.ones(2)
    with pytest.raises(TypeError, match="does not support ufuncs"):  # an array cannot become a tensor in place
        a += x


def test_results_that_functions_return_are_the_callers():
    """Gradients of two arguments may come from one adjoint, and still are two arrays."""
    _, (ga, gb) = value_and_grad(lambda a, b: (a + b).sum(), argnums=(0, 1))(np.ones(2), np.ones(2))
    ga[:] = 7
    np.testing.assert_array_equal(gb, [1, 1])
    seed = np.ones(2)
    x = leaf(1.0, 2.0)
    x.backward(seed)
    seed[:] = 7
    np.testing.assert_array_equal(x.grad.data, [1, 1])


def test_what_tensors_say():
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(leaf(1.0)) == "Tensor(1., requires_grad=True)"
    assert repr(X * 2) == "Tensor([2., 4.], op=multiply)"
    assert repr(Tensor(np.float32(1))) == "Tensor(1., dtype=float32)"
    assert (X.shape, X.ndim, X.size, X.dtype, X.is_leaf, len(X)) == ((2,), 1, 2, np.float64, True, 2)
    assert float(leaf(1.5)) == 1.5
    assert bool(leaf(1.5))
    assert [t.item() for t in X] == [1, 2]
    np.testing.assert_array_equal(np.asarray(X.detach()), [1, 2])
    np.testing.assert_array_equal(X.T.data, X.data)
    assert X.reshape(2, 1).mT.shape == (1, 2)
    np.testing.assert_array_equal(X.data == X, [True, True])
    assert len({X, X.detach()}) == 2
