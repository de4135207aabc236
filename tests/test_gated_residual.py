"""Residual gates at the border and on the tape: bad input, closed gates, gradients by two ways, the worked example, kernels."""

from types import SimpleNamespace

import numpy as np
import pytest
from minidl_kernels import gated as kernels

from minidl.autograd import Tensor, grad, hessian, relu, value_and_grad
from minidl.laws.core import Broken
from minidl.laws.gated_residual.cases import BLOCK, IMAGES, REMOVALS, preactivations
from minidl.laws.gated_residual.stacks import removed_branches_are_not_called
from minidl.residual import gated

X = np.array([[1.0, -2.0], [0.5, 3.0]])
F = np.array([[0.05, 0.0], [0.45, 0.6]])
DY = np.array([[1.0, 2.0], [-1.0, 0.5]])
INPUTS = ("x", "W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "k")
EPS = np.finfo(float).eps


def close(got, expected, multiple=100):
    """Entries agree to a multiple of eps times the largest: for sums of at most some dozen terms of that size."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    scale = max(np.abs(expected).max(initial=0.0), 1.0)
    assert np.abs(got - expected).max(initial=0.0) <= multiple * np.finfo(expected.dtype).eps * scale


def leaves(*arrays):
    return [Tensor(a, requires_grad=True) for a in arrays]


# --- bad input ---------------------------------------------------------------------------------------------------------
LAYERS = {
    "plain": lambda module, a, b, k: module.gated_plain(a, b, k),
    "residual": lambda module, a, b, k: module.gated_residual(a, b, k),
    "plain_backward": lambda module, a, b, k: module.gated_plain_backward(a, a, b, k),
    "residual_backward": lambda module, a, b, k: module.gated_residual_backward(a, b, k),
}


@pytest.mark.parametrize("module", [gated, kernels], ids=["reference", "kernels"])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
class TestLayerBorder:
    @pytest.mark.parametrize("k", [np.nan, np.inf, -np.inf, np.array([np.nan])])
    def test_gate_not_finite(self, module, layer, k):
        with pytest.raises(ValueError, match=r"must be finite.*did training diverge"):
            layer(module, X, F, k)

    @pytest.mark.parametrize("k", [np.ones(2), np.ones((1, 1)), []])
    def test_gate_not_scalar(self, module, layer, k):
        with pytest.raises(ValueError, match=r"gate must be a scalar.*\(1,\)"):
            layer(module, X, F, k)

    @pytest.mark.parametrize("k", ["0.5", 1j, True])
    def test_gate_not_a_number(self, module, layer, k):
        with pytest.raises(TypeError, match="real number"):
            layer(module, X, F, k)

    @pytest.mark.parametrize("k", [0.5, -0.5])
    def test_shapes_that_differ(self, module, layer, k):
        with pytest.raises(ValueError, match=r"must be equal.*\(2, 2\).*\(2, 1\).*project"):
            layer(module, X, F[:, :1], k)

    def test_empty_batch(self, module, layer):
        with pytest.raises(ValueError, match=r"is empty \(shape \(0, 2\)\): a batch needs at least one sample"):
            layer(module, X[:0], F[:0], 0.5)

    def test_complex(self, module, layer):
        with pytest.raises(TypeError, match="complex128"):
            layer(module, X + 1j, F + 1j, 0.5)


WRONG_BLOCKS = {
    "x": (np.ones((3, 2)), r"W1 must have shape \(2, |x must be|W1 \(width"),
    "W1": (np.ones((5, 4)), "W1"),
    "gamma1": (np.ones(1), r"gamma1 must have shape \(4,\).*got \(1,\)"),
    "beta1": (np.ones((1, 4)), r"beta1 must have shape \(4,\).*got \(1, 4\)"),
    "W2": (np.ones((4, 2)), r"W2 must have shape \(4, 3\).*got \(4, 2\)"),
    "gamma2": (np.ones(4), r"gamma2 must have shape \(3,\)"),
    "beta2": (np.ones(()), r"beta2 must have shape \(3,\)"),
}


@pytest.mark.parametrize("module", [gated, kernels], ids=["reference", "kernels"])
@pytest.mark.parametrize("k", [0.6, -0.6])
@pytest.mark.parametrize("name", WRONG_BLOCKS)
def test_block_shapes(module, k, name):
    value, message = WRONG_BLOCKS[name]
    case = BLOCK.named["typical"] | {"k": k, name: value}
    with pytest.raises(ValueError, match=message):
        module.dense_block(*(case[n] for n in INPUTS))
    with pytest.raises(ValueError, match=message):
        module.dense_block_backward(case["dy"], *(case[n] for n in INPUTS))


@pytest.mark.parametrize("module", [gated, kernels], ids=["reference", "kernels"])
def test_block_cotangent_and_empty_batch(module):
    case = BLOCK.named["typical"]
    inputs = [case[name] for name in INPUTS]
    with pytest.raises(ValueError, match=r"dy must have shape \(5, 3\)"):
        module.dense_block_backward(case["dy"][:4], *inputs)
    with pytest.raises(ValueError, match="a batch needs at least one sample"):
        module.dense_block(case["x"][:0], *inputs[1:])


def test_convolutional_border():
    case = IMAGES.named["changes_shape"]
    inputs = [case[name] for name in ("x", "gamma1", "beta1", "W1", "gamma2", "beta2", "W2", "k")]
    with pytest.raises(ValueError, match=r"2 to 3 channels, stride 1.*weights of shape \(3, 2, 1, 1\)"):
        gated.convolutional_block(*inputs)
    with pytest.raises(ValueError, match=r"projection must have shape \(3, 2, 1, 1\)"):
        gated.convolutional_block(*inputs, np.ones((2, 3, 1, 1)), 2)
    inputs[3] = inputs[3][..., :2]
    with pytest.raises(ValueError, match=r"windows must be odd.*\(3, 2\)"):
        gated.convolutional_block(*inputs, case["projection"], 2)
    with pytest.raises(ValueError, match=r"x must have shape \(batch, channels, height, width\)"):
        gated.convolutional_block(X, *inputs[1:], case["projection"])


def test_norm_border():
    with pytest.raises(ValueError, match=r"z must be \(batch, features\) or .*got shape \(3,\)"):
        gated.batch_norm(np.ones(3), np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match=r"W must have shape \(2, features\).*got \(3, 2\)"):
        gated.dense_layer(X, np.ones((3, 2)), np.ones(2), np.ones(2))


@pytest.mark.parametrize(
    ("depth", "error", "message"),
    [
        (3, ValueError, "even number"),
        (0, ValueError, "positive"),
        (-2, ValueError, "positive"),
        (2.0, TypeError, "integer"),
    ],
)
def test_depth(depth, error, message):
    with pytest.raises(error, match=message):
        gated.initial_gates(depth)
    assert gated.initial_gates(3, layers_per_gate=1).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("removed", "error", "message"),
    [
        ([1, 1], ValueError, "only once"),
        ([3], ValueError, r"blocks are 0 to 2, so \[3\]"),
        ([-1], ValueError, r"\[-1\] cannot be removed"),
        ([0.0], TypeError, "integers"),
        ([True, False, True], TypeError, "flatnonzero"),
    ],
)
def test_removal_border(removed, error, message):
    with pytest.raises(error, match=message):
        gated.remove([0.5, 1.0, 2.0], removed)


def test_removal():
    k = np.array([0.5, 1.0, 2.0])
    assert gated.remove(k, [2, 0]).tolist() == [0.0, 1.0, 0.0]
    assert k.tolist() == [0.5, 1.0, 2.0]
    assert gated.remove(Tensor(k, requires_grad=True), [1]).tolist() == [0.5, 0.0, 2.0]
    assert gated.remove(leaves([0.5], [1.5]), [0]).tolist() == [0.0, 1.5]
    assert gated.remove([], []).shape == (0,)
    with pytest.raises(ValueError, match="one per block"):
        gated.removal_order(np.ones((2, 2)))
    with pytest.raises(ValueError, match="finite"):
        gated.removal_order([0.5, np.nan])


def test_random_removal():
    rng = np.random.default_rng(0)
    u = np.random.default_rng(0).random(10)
    assert gated.random_removal(10, 5, rng=rng).tolist() == gated.removal_subset(u, 5).tolist()
    assert gated.random_removal(4, 4, rng=rng).tolist() == [0, 1, 2, 3]
    for count in (-1, 5):
        with pytest.raises(ValueError, match=f"cannot choose {count} of the blocks"):
            gated.random_removal(4, count, rng=rng)


# --- the worked example ------------------------------------------------------------------------------------------------
def test_worked_layer_through_the_tape():
    """The printed gradients of weights, bias and input of f = relu(xW + b), which no single function returns."""
    x, W, b, k = leaves(X, [[0.2, -0.4], [0.1, 0.3]], [0.05, -0.1], [0.6])
    loss = (gated.gated_residual(x, relu(x @ W + b), k) * DY).sum()
    loss.backward()
    close(loss.item(), -2.06)
    close(k.grad.data, [-0.1])
    close(W.grad.data, [[0.3, 0.15], [-3.0, 0.9]])
    close(b.grad.data, [0.0, 0.3])
    close(x.grad.data, [[1.12, 2.06], [-1.24, 0.53]])
    for leaf in (x, W, b, k):
        leaf.grad = None
    loss = (gated.gated_plain(x, relu(x @ W + b), k) * DY).sum()
    loss.backward()
    close(loss.item(), -0.86)
    close(k.grad.data, [1.9])
    close(x.grad.data, [[0.52, 0.86], [-0.64, 0.23]])


# --- two ways to a gradient --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("k", [0.6, 1.0, 2.5, 0.0, -0.7])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_layers_on_the_tape(k, dtype):
    dy, a, b = DY.astype(dtype), X.astype(dtype), F.astype(dtype)
    x, f, gate = leaves(a, b, np.array([k], dtype))
    gated.gated_plain(x, f, gate).backward(dy)
    for leaf, expected in zip((x, f, gate), gated.gated_plain_backward(dy, a, b, gate.data), strict=True):
        close(leaf.grad.data, expected, 8)
    s, f, gate = leaves(a, b, np.array([k], dtype))
    gated.gated_residual(s, f, gate).backward(dy)
    for leaf, expected in zip((s, f, gate), gated.gated_residual_backward(dy, b, gate.data), strict=True):
        close(leaf.grad.data, expected, 8)


@pytest.mark.parametrize("name", BLOCK.named)
def test_block_on_the_tape(name):
    case = BLOCK.named[name]
    inputs = [case[n] for n in INPUTS[:-1]] + [np.asarray(case["k"], case["x"].dtype)]
    tensors = leaves(*inputs)
    y = gated.dense_block(*tensors)
    close(y.data, gated.dense_block(*inputs), 0)
    y.backward(case["dy"])
    for leaf, expected in zip(tensors, gated.dense_block_backward(case["dy"], *inputs), strict=True):
        close(leaf.grad.data, expected, 2000)  # normalisation divides by deviations down to sqrt(0.001)


def test_second_derivatives():
    """In k: 0, since y is affine. In two gates of a chain: d2 x_L / dg1 dg2 = x0 w^2."""
    case = BLOCK.named["typical"]
    inputs = [case[n] for n in INPUTS[:-1]]
    curvature = hessian(lambda k: (gated.dense_block(*inputs, k) * case["dy"]).sum(), np.array([0.6]))
    assert curvature.tolist() == [[0.0]]
    mixed = hessian(lambda k: gated.chain(2.0, 0.3, k), np.array([0.5, 1.0]))
    close(mixed, [[0.0, 2 * 0.3**2], [2 * 0.3**2, 0.0]])


def test_chain_on_the_tape():
    gates = np.array([0.5, -1.0, 2.0, 0.0, 0.25])
    x0, w, k = leaves(2.0, 0.3, gates)
    gated.chain(x0, w, k).backward()
    for leaf, expected in zip((x0, w, k), gated.chain_backward(1.0, 2.0, 0.3, gates), strict=True):
        close(leaf.grad.data, expected)


def test_convolutional_block_on_the_tape():
    """Euler's identities: the branch has degree 1 in k, in W2, and in gamma2 and beta2 together; P x has degree 1 in P."""
    case = IMAGES.named["changes_shape"]
    names = ("x", "gamma1", "beta1", "W1", "gamma2", "beta2", "W2", "k", "projection")
    weights = np.cos(np.arange(2 * 3 * 3 * 3)).reshape(2, 3, 3, 3)

    def loss(p):
        return (gated.convolutional_block(*(p[name] for name in names), case["stride"]) * weights).sum()

    parameters = {name: case[name] for name in names} | {"k": np.array([1.5])}
    value, gradient = value_and_grad(loss)(parameters)
    pull = {name: (parameters[name] * gradient[name]).sum() for name in names}
    close(pull["W2"], pull["k"], 1000)
    close(pull["gamma2"] + pull["beta2"], pull["k"], 1000)
    close(pull["k"] + pull["projection"], np.float64(value), 1000)
    assert {name: g.shape for name, g in gradient.items()} == {name: a.shape for name, a in parameters.items()}


# --- closed gates on the tape ------------------------------------------------------------------------------------------
def test_closed_gate_gives_exact_zeros_and_leaks_nothing():
    """Gradients are 0, not None and not NaN, although the branch is infinite: its graph gets zeros only."""
    s, f, k = leaves(X, np.full((2, 2), np.inf), [-0.5])
    y = gated.gated_residual(s, f, k)
    assert (y.data == X).all()
    y.backward(DY)
    assert (s.grad.data == DY).all()
    assert f.grad.data.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert k.grad.data.tolist() == [0.0]


@pytest.mark.parametrize("k", [-0.5, 0.0])
def test_closed_block_does_not_touch_its_branch(k):
    case = BLOCK.named["negative_with_infinity"]
    tensors = leaves(*(case[name] for name in INPUTS[:-1]), np.array([k]))
    gated.dense_block(*tensors).backward(case["dy"])
    assert (tensors[0].grad.data == case["dy"]).all()
    assert all((leaf.grad.data == 0).all() for leaf in tensors[1:])


def test_closed_convolutional_block_keeps_its_projection():
    case = IMAGES.named["changes_shape"]
    names = ("x", "gamma1", "beta1", "W1", "gamma2", "beta2", "W2")
    tensors = leaves(*(case[name] for name in names), [-1.0], case["projection"])
    gated.convolutional_block(*tensors, case["stride"]).sum().backward()
    assert all((leaf.grad.data == 0).all() for leaf in tensors[1:8])
    assert (tensors[0].grad.data[:, :, ::2, ::2] == case["projection"].sum(axis=0).reshape(1, 2, 1, 1)).all()
    assert (tensors[0].grad.data[:, :, 1::2] == 0).all()


def test_closed_gate_of_constants():
    constant = gated.gated_residual(X, F, Tensor([-1.0]))
    assert isinstance(constant, Tensor)
    assert not constant.requires_grad
    assert grad(lambda k: gated.gated_residual(X, F, k).sum())(np.array([-1.0])).tolist() == [0.0]


def test_gates_of_another_dtype_leave_the_dtype_alone():
    x, f = X.astype(np.float32), F.astype(np.float32)
    for k in (0.6, np.float64(0.6), np.array([0.6]), Tensor([0.6], requires_grad=True), -0.6, np.array([-0.6]), 1):
        assert gated.gated_residual(x, f, k).dtype == np.float32
        assert gated.gated_plain(x, f, k).dtype == np.float32
        if not isinstance(k, Tensor):
            assert kernels.gated_residual(x, f, k).dtype == np.float32
            assert kernels.gated_plain(x, f, k).dtype == np.float32
    k = Tensor([0.6], requires_grad=True)
    gated.gated_residual(x, f, k).sum().backward()
    assert k.grad.dtype == np.float64


def test_results_own_their_memory():
    x = X.copy()
    for y in (
        gated.gated_residual(x, F, -1.0),
        gated.gated_forward(x, [0.0, -1.0], [np.tanh, np.tanh]),
        kernels.gated_plain(x, F, 0.0),
        gated.gated_residual_backward(x, F, -1.0).dshortcut,
        gated.gated_residual_backward(x, F, 1.0).dshortcut,
    ):
        assert not np.shares_memory(x, y)


# --- stacks ------------------------------------------------------------------------------------------------------------
def test_stack_of_blocks():
    y = gated.gated_forward(X, [0.5, -1.0, 2.0], [np.tanh, None, np.sin])
    once = X + 0.5 * np.tanh(X)
    close(y, once + 2.0 * np.sin(once), 8)
    projected = gated.gated_forward(X, [0.0], [None], [lambda h: h[:, :1]])
    assert projected.tolist() == X[:, :1].tolist()
    with pytest.raises(ValueError, match="1 gates, 2 branches and 1 shortcuts"):
        gated.gated_forward(X, [1.0], [np.tanh, np.tanh])
    with pytest.raises(ValueError, match=r"pass \[k\]"):
        gated.gated_forward(X, 1.0, [np.tanh])


def test_stack_on_the_tape():
    x, k = leaves(X, [0.5, -1.0])
    gated.gated_forward(x, k, [lambda h: h * h, None]).sum().backward()
    close(k.grad.data, [(X * X).sum(), 0.0])
    close(x.grad.data, 1 + X)
    one, two = leaves([0.5], [-1.0])
    gated.gated_forward(X, [one, two], [np.tanh, None]).sum().backward()
    assert two.grad.data.tolist() == [0.0]
    alone = gated.gated_forward(Tensor(X), [-1.0], [None])
    assert (alone.data == X).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x, gates, branches: gated.gated_forward(x, gates[::-1], branches),
        lambda x, gates, branches: gated.gated_forward(x, gates, branches[::-1]),
        lambda x, gates, branches: gated.gated_forward(x, np.minimum(gates, 1), branches),
        lambda x, gates, branches: [gated.gated_forward(x, np.abs(gates) + 0.1, branches), x][1],
    ],
    ids=["gates_reversed", "branches_reversed", "clipped", "runs_closed_branches"],
)
def test_wrong_stacks_break_the_law(wrong):
    broken = 0
    for case in REMOVALS.named.values():
        try:
            removed_branches_are_not_called.check(SimpleNamespace(gated_forward=wrong), case)
        except Broken:
            broken += 1
    assert broken > 0


# --- batches of one, and what the cases promise ------------------------------------------------------------------------
@pytest.mark.parametrize("module", [gated, kernels], ids=["reference", "kernels"])
def test_batch_of_one_gives_beta(module):
    case = BLOCK.named["one_row"]
    y = module.dense_block(*(case[name] for name in INPUTS))
    close(y, case["x"] + case["k"] * np.maximum(case["beta2"], 0), 4)
    gradients = module.dense_block_backward(case["dy"], *(case[name] for name in INPUTS))
    assert (gradients.dW1 == 0).all()
    assert (gradients.dW2 == 0).all()


def test_cases_stay_away_from_kinks():
    for name, case in BLOCK.named.items():
        if not name.endswith("with_infinity"):
            inputs = {n: case[n].astype(np.float64) for n in INPUTS[:-1]}
            assert min(np.abs(u).min() for u in preactivations(**inputs)) > 0.02, name


# --- kernels -----------------------------------------------------------------------------------------------------------
def test_kernels_pass_nan_on():
    """A relu that is written as u > 0 turns NaN into 0 and hides that training diverged."""
    case = BLOCK.named["typical"]
    x = case["x"].copy()
    x[0, 0] = np.nan
    for module in (gated, kernels):
        inputs = (x, *(case[name] for name in INPUTS[1:]))
        assert np.isnan(module.dense_block(*inputs)).all()
        assert np.isnan(module.dense_block_backward(case["dy"], *inputs).dk)


def test_kernels_take_integers_lists_and_mixed_widths():
    assert kernels.gated_residual([[1, 2]], [[3, 4]], 2).tolist() == [[7.0, 10.0]]
    assert kernels.gated_plain(np.float64(1.0), np.float64(3.0), 0.5).tolist() == 2.0
    assert kernels.gated_residual(X.astype(np.float32), F, 0.5).dtype == np.float64
    with pytest.raises(TypeError, match="float16"):
        kernels.gated_residual(X.astype(np.float16), F.astype(np.float16), 0.5)


def test_kernels_take_read_only_inputs():
    case = BLOCK.named["typical"]
    inputs = [case["dy"], *(case[name] for name in INPUTS)]
    locked = [np.array(a) for a in inputs]
    for a in locked:
        a.setflags(write=False)
    for got, expected in zip(kernels.dense_block_backward(*locked), kernels.dense_block_backward(*inputs), strict=True):
        assert (got == expected).all()


def test_kernels_on_a_long_batch():
    """128 rows of width 50, the size of the paper's nets; sums of 128 terms in another order."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 128, 50))
    W1, W2 = rng.uniform(-0.24, 0.24, (2, 50, 50))
    inputs = (x, W1, rng.normal(size=50), rng.normal(size=50), W2, rng.normal(size=50), rng.normal(size=50), 0.8)
    close(kernels.dense_block(*inputs), gated.dense_block(*inputs), 1000)
    pairs = zip(kernels.dense_block_backward(dy, *inputs), gated.dense_block_backward(dy, *inputs), strict=True)
    for got, expected in pairs:
        close(got, expected, 1000)
