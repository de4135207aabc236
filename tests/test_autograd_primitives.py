"""Every primitive against differences of itself: first and second order, float64 and float32, random cotangents.

The differences need no derivative rule, so nothing here shares a formula with the engine.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minidl.autograd as m
from minidl.autograd import Tensor, vjp
from minidl.autograd.check import check_gradients

# What __all__ has besides functions of arrays with a gradient: these have tests of their own.
NO_PRIMITIVES = {
    "Primitive", "Tensor", "custom_gradient", "grad", "gradients", "hessian", "hvp", "jacobian", "jvp", "no_grad", "tape",
    "value_and_grad", "vjp", "straight_through", "stop_gradient",
}  # fmt: skip


class Row(NamedTuple):
    """f of float arrays of these shapes. analytic: f takes complex steps. near: entries lie in near +- 1."""

    name: str
    f: Any
    shapes: tuple
    analytic: bool = True
    near: float = 0.0


def _rows():
    x, row, column, image = (2, 3), (3,), (2, 1), (1, 2, 4, 3)
    for name in ("add", "subtract", "multiply"):
        yield Row(name, getattr(m, name), (x, row))
        yield Row(name, lambda a, name=name: getattr(m, name)(a, a), (x,))
        yield Row(name, lambda a, name=name: getattr(m, name)(2.5, getattr(m, name)(a, 3)), (x,))
    yield Row("divide", m.divide, (column, x), near=3)
    yield Row("divide", lambda a: 1 / a + a / 2, (x,), near=3)
    yield Row("power", m.power, (x, row), near=2.5)
    for p in (2, 3, 1, 0, -1, -2, 0.5, 1.5):
        yield Row("power", lambda a, p=p: a**p, (x,), near=2.5)
    yield Row("power", lambda a: a**3 + a**2, (x,))  # negative bases
    yield Row("power", lambda a: 2**a + np.array([1.5, 2.0, 0.5]) ** a, (x,))
    for name in ("negative", "exp", "sin", "cos", "tanh", "sigmoid", "softplus"):
        yield Row(name, getattr(m, name), (x,))
    for name in ("log", "log1p", "sqrt"):
        yield Row(name, getattr(m, name), (x,), near=2.5)
    yield Row("erf", m.erf, (x,), False)
    for name in ("relu", "abs", "sign"):
        yield Row(name, getattr(m, name), (x,), False, 1.5)
        yield Row(name, getattr(m, name), (x,), False, -1.5)
    for name in ("maximum", "minimum"):
        yield Row(name, getattr(m, name), (x, column), False)
        yield Row(name, lambda a, name=name: getattr(m, name)(a, 0.125), (x,), False)
    for low, high in ((-0.5, 0.5), (None, 0.25), (0.0, None), (np.array([-0.5, 0.0, 0.2]), 0.5)):
        yield Row("clip", lambda a, low=low, high=high: m.clip(a, low, high), (x,), False)
    mask = np.array([[True, False, True], [False, False, True]])
    yield Row("where", lambda a, b: m.where(mask, a, b), (x, row))
    yield Row("where", lambda a: m.where(mask[0], a, 1.5) + m.where(mask, 0.5, a), (x,))
    for name in ("sum", "mean", "logsumexp", "norm"):
        for axis in (None, 0, -1, (0, 2), (), [1]):
            keep = axis in (0, (0, 2))
            yield Row(
                name, lambda a, n=name, i=axis, k=keep: getattr(m, n)(a, axis=i, keepdims=k), ((2, 3, 2),), near=1.5
            )
    for name in ("max", "min"):
        for axis in (None, 1, (0, -1)):
            yield Row(name, lambda a, n=name, i=axis: getattr(m, n)(a, axis=i, keepdims=i == 1), ((2, 3, 2),), False)
    for name in ("softmax", "log_softmax"):
        for axis in (0, -1):
            yield Row(name, lambda a, n=name, i=axis: getattr(m, n)(a, axis=i), ((3, 4),))
    labels = np.array([1, 0, 3])
    for reduction in ("mean", "sum", "none"):
        yield Row("cross_entropy", lambda a, r=reduction: m.cross_entropy(a, labels, r), ((3, 4),))
    yield Row("cross_entropy", lambda a: m.cross_entropy(a, labels.reshape(3, 1), "none"), ((3, 1, 4),))
    yield Row("reshape", lambda a: m.reshape(a, 3, -1) * a.reshape((3, 2)), (x,))
    yield Row("transpose", lambda a: m.transpose(a, (2, 0, -2)) * m.transpose(a).reshape(2, 2, 3), ((2, 3, 2),))
    yield Row("swapaxes", lambda a: m.swapaxes(a, 0, -1) ** 2, ((2, 1, 3),))
    yield Row("broadcast_to", lambda a: m.broadcast_to(a, (2, 2, 3)) ** 2, ((2, 1),))
    yield Row("pad", lambda a: m.pad(a, ((1, 0), (0, 2)), 0.5) ** 2 + m.pad(a, ((0, 1), (2, 0))), (x,))
    yield Row("cumsum", lambda a: m.cumsum(a, 0) ** 2 + m.cumsum(a, -1) + m.cumsum(a).reshape(2, 3), (x,))
    yield Row("getitem", lambda a: m.getitem(a, (1, slice(None, None, -2))) ** 2, (x,))
    yield Row("getitem", lambda a: a[np.array([0, 1, 0])] * a[[1, 1, 1]], (x,))
    yield Row("getitem", lambda a: a[mask] ** 2, (x,))
    yield Row("getitem", lambda a: a[None, ..., [0, 2, 2]] * a[0, -1], (x,))
    yield Row("scatter", lambda a: m.scatter(a, np.array([3, 1, 3]), (5,)) ** 2, ((3,),))
    yield Row("scatter", lambda a: m.scatter(a, (slice(0, 2), 1), (3, 2)) ** 2, ((2,),))
    yield Row("concatenate", lambda a, b: m.concatenate([a, b, a], axis=-1) ** 2, (x, column))
    yield Row("stack", lambda a, b: m.stack([a, b, a], axis=1) ** 2, (x, x))
    for shapes in (
        ((2, 3), (3, 2)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2,), (2, 3)),
        ((2, 1, 2, 3), (2, 3, 1)),
        ((2, 2, 3), (3,)),
    ):
        yield Row("matmul", m.matmul, shapes)
    yield Row("linear", m.linear, ((2, 3), (3, 2), (2,)))
    yield Row("linear", m.linear, ((2, 2, 3), (3, 1), (1,)))
    for subscripts, *shapes in (
        ("ij,jk", (2, 3), (3, 2)), ("ii", (3, 3)), ("ii->i", (2, 2)), ("iji->j", (2, 3, 2)), ("iii", (2, 2, 2)),
        ("ij->", (2, 3)), ("ij,kl->jl", (2, 3), (2, 2)), ("i,j,ij->", (2,), (3,), (2, 3)), ("...i,i...->...", (2, 3), (3, 2)),
        ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("...i,...i->...", (2, 1, 3), (1, 2, 3)), ("ij,ij->ji", (2, 3), (2, 3)),
        ("b...,b", (2, 3), (2,)), ("...", (2, 2)), ("i,i,i->i", (3,), (3,), (3,)),
    ):  # fmt: skip
        yield Row("einsum", lambda *a, s=subscripts: m.einsum(s, *a), tuple(shapes))
    for stride, padding in ((1, 0), (1, 1), (2, 1), ((3, 1), (0, 2))):
        yield Row("conv2d", lambda a, w, s=stride, p=padding: m.conv2d(a, w, s, p), (image, (1, 2, 3, 2)))
        yield Row("avg_pool2d", lambda a, s=stride: m.avg_pool2d(a, 2, s, 1) ** 2, ((1, 2, 3, 4),))
        yield Row("max_pool2d", lambda a, s=stride: m.max_pool2d(a, (3, 2), s, 1), ((1, 2, 3, 4),), False)
    yield Row("conv1d", lambda a, w: m.conv1d(a, w, 2, 1), ((2, 2, 5), (2, 2, 3)))
    yield Row("max_pool2d", lambda a: m.max_pool2d(a, 2), ((1, 1, 4, 5),), False)


TABLE = [pytest.param(row, id=f"{row.name}-{i}") for i, row in enumerate(_rows())]


def points(row, dtype=np.float64, seed=0):
    """Distinct multiples of 1/64 up to 1 around `near`, never nearer to 0 or each other than that."""
    sizes = [math.prod(shape) for shape in row.shapes]
    grid = (
        np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(-62, 63, 2), [0]))[: sum(sizes)] / 64 + 1 / 256
    )
    parts = np.split(row.near + grid, np.cumsum(sizes))
    return [part.reshape(shape).astype(dtype) for part, shape in zip(parts, row.shapes, strict=False)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("row", TABLE)
def test_primitive(row, order, dtype):
    args = points(row, dtype)
    assert check_gradients(row.f, *args, order=order).checks == order * sum(a.size for a in args)
    if row.analytic:
        check_gradients(row.f, *args, order=order, method="complex")


def test_the_table_has_every_public_primitive_and_the_checks_run():
    named = {param.values[0].name for param in TABLE}
    assert named == set(m.__all__) - NO_PRIMITIVES
    checks = sum(check_gradients(row.f, *points(row, seed=1)).checks for (row,) in (p.values for p in TABLE))
    assert checks == sum(math.prod(shape) for (row,) in (p.values for p in TABLE) for shape in row.shapes)
    assert checks > 1000


@pytest.mark.parametrize("row", TABLE)
def test_arrays_in_arrays_out_and_the_same_values_as_with_tensors(row):
    for dtype in (np.float64, np.float32):
        args = points(row, dtype)
        plain = row.f(*args)
        taped = row.f(*(Tensor(a, requires_grad=True) for a in args))
        assert isinstance(plain, np.ndarray | np.generic)
        assert plain.dtype == taped.dtype
        np.testing.assert_array_equal(plain, taped.data)


# --- shapes from Hypothesis ----------------------------------------------------------------------------------------------
def drawn(draw, shape, near=0.0, dtype=np.float64):
    size = math.prod(shape)
    numbers = draw(st.lists(st.integers(-63, 62), min_size=size, max_size=size, unique=size <= 126))
    return (near + (np.array(numbers, dtype=np.float64) + 0.5) / 64).reshape(shape).astype(dtype)


@given(st.data(), st.sampled_from(["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "where"]))
def test_broadcasting(data, name):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0)).input_shapes
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    a, b = (drawn(data.draw, shape, near, dtype) for shape, near in zip(shapes, (2.0, 2.0 + 1 / 256), strict=True))
    smooth = name not in ("maximum", "minimum")
    f = getattr(m, name) if name != "where" else lambda a, b: m.where(a_mask, a, b)
    a_mask = np.arange(a.size).reshape(a.shape) % 2 == 0
    check_gradients(f, a, b, order=data.draw(st.sampled_from([1, 2])), method="complex" if smooth else "central")


@given(st.data())
def test_matmul_of_any_shapes(data):
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", max_dims=2, max_side=3)
    ).input_shapes
    a, b = (drawn(data.draw, shape) for shape in shapes)
    np.testing.assert_array_equal(m.matmul(a, b), a @ b)
    check_gradients(m.matmul, a, b, order=data.draw(st.sampled_from([1, 2])), method="complex")


@given(st.data(), st.sampled_from(["sum", "mean", "max", "min", "logsumexp", "norm"]))
def test_reductions_over_any_axes(data, name):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))
    axis = data.draw(
        st.none()
        | hnp.valid_tuple_axes(len(shape))
        | (st.integers(-len(shape), len(shape) - 1) if shape else st.none())
    )
    x = drawn(data.draw, shape, 2.0)
    keep = data.draw(st.booleans())
    method = "central" if name in ("max", "min") else "complex"
    check_gradients(lambda a: getattr(m, name)(a, axis, keep), x, method=method)
    if name in ("sum", "mean", "max", "min"):
        expected = getattr(np, name)(x, axis=axis, keepdims=keep)
        np.testing.assert_allclose(getattr(m, name)(x, axis, keep), expected, rtol=1e-15)


def scattered(shape, index, u):
    """The gradient of <u, x[index]>, by way of an array of positions: entry by entry, in Python."""
    positions = np.arange(math.prod(shape)).reshape(shape)[index]
    flat = np.zeros(math.prod(shape))
    for position, value in zip(np.ravel(positions), np.ravel(u), strict=True):
        flat[position] += value
    return flat.reshape(shape)


@given(st.data())
def test_indices_of_any_kind(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    index = data.draw(
        hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
        | hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=5))
        | hnp.arrays(bool, shape)
        | hnp.arrays(bool, shape[:1])
        | st.lists(st.integers(-shape[0], shape[0] - 1), min_size=1, max_size=6)
        | st.tuples(st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=4).map(tuple))
        | st.tuples(st.none(), hnp.arrays(np.int64, 3, elements=st.integers(0, shape[0] - 1)), st.just(Ellipsis))
    )
    x = np.arange(math.prod(shape), dtype=float).reshape(shape)
    y, pull = vjp(lambda a: a[index], x)
    np.testing.assert_array_equal(y, x[index])
    u = np.arange(1.0, y.size + 1).reshape(y.shape)
    np.testing.assert_array_equal(pull(u)[0], scattered(shape, index, u))
    np.testing.assert_array_equal(m.scatter(u, index, shape), scattered(shape, index, u))
    # the second derivative of a square picks and scatters once more
    twice = m.hvp(lambda a: (a[index] ** 2).sum(), x, x + 1)
    np.testing.assert_array_equal(twice, scattered(shape, index, 2 * (x + 1)[index]))


@given(st.data())
def test_einsum_of_any_subscripts(data):
    sizes = dict(zip("abcd", data.draw(st.tuples(*[st.integers(1, 3)] * 4)), strict=True))
    inputs = data.draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(inputs)))
    output = "".join(data.draw(st.lists(st.sampled_from(used), unique=True)) if used else [])
    subscripts = ",".join(inputs) + data.draw(st.sampled_from(["->" + output, "->" + output, ""]))
    operands = [drawn(data.draw, tuple(sizes[c] for c in s)) for s in inputs]
    np.testing.assert_allclose(
        m.einsum(subscripts, *operands), np.einsum(subscripts, *operands), rtol=1e-13, atol=1e-15
    )
    check_gradients(
        lambda *a: m.einsum(subscripts, *a), *operands, order=data.draw(st.sampled_from([1, 2])), method="complex"
    )


@given(st.data())
def test_conv2d_of_any_geometry(data):
    kernel, stride, padding = (data.draw(st.tuples(st.integers(low, 3), st.integers(low, 3))) for low in (1, 1, 0))
    size = tuple(data.draw(st.integers(max(1, k - 2 * p), 5)) for k, p in zip(kernel, padding, strict=True))
    n, c, f = (data.draw(st.integers(1, 2)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x, w = rng.standard_normal((n, c, *size)), rng.standard_normal((f, c, *kernel))
    order = data.draw(st.sampled_from([1, 2]))
    check_gradients(lambda a, b: m.conv2d(a, b, stride, padding), x, w, order=order, method="complex")
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, (2, 3))[:, :, :: stride[0], :: stride[1]]
    error = np.abs(m.conv2d(x, w, stride, padding) - np.einsum("ncijab,fcab->nfij", windows, w))
    terms = np.einsum("ncijab,fcab->nfij", np.abs(windows), np.abs(w))
    assert np.all(error <= 18 * np.finfo(float).eps * terms)  # two sums of at most 18 products, each off by 18 eps / 2


# --- dtypes and memory layouts -------------------------------------------------------------------------------------------
def test_mixed_precision_promotes_as_numpy_does_and_gradients_keep_their_leafs_dtype():
    x, w = Tensor(np.ones(3, np.float32), requires_grad=True), Tensor(np.ones(3), requires_grad=True)
    y = (
        m.concatenate([x * 2, w, x]).sum()
        + (x * np.arange(3)).sum()
        + m.linear(x.reshape(1, 3), np.ones((3, 2)), np.ones(2)).sum()
    )
    assert y.dtype == np.float64
    y.backward()
    assert (x.grad.dtype, w.grad.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(x.grad.data, [5, 6, 7])


@pytest.mark.parametrize("row", TABLE)
def test_float32_stays_float32_through_the_whole_pass(row):
    """No rule makes a float64 adjoint on the way: seen by watching what arrives at a node in the middle."""
    seen = []

    def watch(g, y, a):
        seen.append(g.dtype)
        return g

    middle = m.custom_gradient(lambda a: a * 1, watch)
    y, pull = vjp(lambda *a: row.f(*(middle(x) for x in a)), *points(row, np.float32))
    if y.dtype == np.float32:  # a float64 constant in the row makes float64 of it, as in NumPy
        pull(np.ones_like(y))
        assert set(seen) == {np.dtype(np.float32)}


def test_layouts_and_scalars_of_all_kinds():
    base = np.arange(1.0, 25.0).reshape(4, 6)
    f = lambda a: m.log(a * a).sum(axis=0)  # noqa: E731
    for view in (base[::2, ::-3], base.T, np.asfortranarray(base), np.broadcast_to(base[0], (3, 6)), base[1:1]):
        check_gradients(f, view, method="complex")
    for scalar in (2.0, np.float64(2), np.array(2.0)):
        assert m.grad(lambda a: a**3)(scalar) == 12
    assert m.grad(lambda a: a**3)(np.float32(2)).dtype == np.float32
    x = Tensor(2.0, requires_grad=True)
    for y in (
        np.float64(3) * x,
        np.array(3.0) * x,
        3 * x,
        x * np.float32(3),
        Tensor(3) * x,
        [3.0] * x,
        np.int64(3) * x,
    ):
        assert type(y) is Tensor
        assert y.sum().item() == 6
    assert (1 - x).item() == -1
    assert (1 / x).item() == 0.5
    assert (2**x).item() == 4
    assert (np.ones((1, 2)) @ (x * np.ones((2, 1)))).shape == (1, 1)
    assert sum([x, x]).item() == 4


def test_integers_and_conditions_are_constants():
    x = Tensor([1.0, -2.0, 3.0], requires_grad=True)
    n = Tensor([1, 2, 3])
    assert not n.requires_grad
    (x * n).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 2, 3])
    condition = Tensor(np.array([True, False, True]))
    assert type(x > 0) is np.ndarray
    y = m.where(condition, x, 0.0) + m.where(x > 0, x, -x) + x[condition].sum() + x[Tensor([0, 0])].sum()
    np.testing.assert_array_equal(m.gradients(y.sum(), [x])[0].data, [11, -1, 5])
    half = m.relu(Tensor(3)) + Tensor(True)
    assert half.item() == 4
    assert not (x.astype(np.int64) * 1.0).requires_grad
    assert x.astype(np.float32).sum().dtype == np.float32


def test_empty_arrays():
    for f, shape in (
        (m.exp, (0,)),
        (m.sum, (0, 3)),
        (lambda a: a @ np.ones((0, 2)), (3, 0)),
        (m.softplus, (2, 0)),
        (m.erf, (0,)),
    ):
        y, pull = vjp(f, np.zeros(shape))
        assert pull(np.ones(y.shape))[0].shape == shape
    y, pull = vjp(lambda a, w: m.conv2d(a, w, 1, 1), np.zeros((0, 2, 4, 4)), np.ones((3, 2, 3, 3)))
    assert y.shape == (0, 3, 4, 4)
    da, dw = pull(y)
    assert da.shape == (0, 2, 4, 4)
    np.testing.assert_array_equal(dw, np.zeros((3, 2, 3, 3)))
