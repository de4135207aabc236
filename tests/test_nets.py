"""Gated nets: sizes, what k = 1 and k <= 0 mean, removal of blocks, skipped branches, float32, saving."""

import numpy as np
import pytest
from toy_nets import IMAGES, LABELS, X, both, conv, dense, rng, seasoned

from minidl.autograd import Tensor, cross_entropy
from minidl.laws.core import holds, identical
from minidl.nn import BatchNorm, Linear, Module
from minidl.residual.gated import removal_order
from minidl.residual.nets import KINDS, Block, DenseNet

GATED = ("gated_plain", "gated_residual")


def gradients(net, x, labels):
    net.zero_grad()
    cross_entropy(net(x, training=True, rng=rng()), labels).backward()
    return {name: None if p.grad is None else p.grad.data for name, p in net.parameters().items()}


# --- sizes ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [2, 10])
def test_dense_net_sizes(kind, depth):
    net = dense(kind, depth=depth)
    blocks = depth // 2 if kind.endswith("residual") else depth
    assert len(net.blocks) == blocks
    for n in (1, 7):
        assert net(X[:n]).shape == (n, 3)
        assert net(X[:n], training=True).shape == (n, 3)
    # two linear layers with bias; in between a matrix without one, gamma and beta per layer; a gate per block
    gates = blocks if kind in GATED else 0
    assert net.parameter_count() == 5 * 4 + 4 + depth * (4 * 4 + 2 * 4) + 4 * 3 + 3 + gates


@pytest.mark.parametrize("kind", ["residual", "gated_residual"])
@pytest.mark.parametrize(("n", "wide"), [(1, 1), (5, 1), (4, 2)])
def test_conv_net_sizes(kind, n, wide):
    net = conv(kind, n=n, wide=wide, dtype=np.float32)
    expected, width = 2 * 16 * 9, 16
    for size in (16 * wide, 32 * wide, 64 * wide):
        for i in range(n):
            expected += 2 * width + 9 * width * size + 2 * size + 9 * size * size
            expected += width * size if i == 0 and (width, size) != (16, 16) else 0  # the projection
            width = size
    expected += 2 * width + width * 3 + 3
    assert net.parameter_count() == expected + (3 * n if kind == "gated_residual" else 0)
    assert len(net.blocks) == 3 * n


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (4, 5), (1, 1)])
def test_conv_net_takes_any_image_size(size):
    images = rng().standard_normal((2, 2, *size))
    for training in (False, True):
        assert conv(n=1, dropout=0.3)(images, training=training, rng=rng()).shape == (2, 3)


def test_stages_halve_the_image():
    net, h = conv(n=2, wide=2), np.ones((1, 16, 12, 8))
    shapes = [(h := block(h)).shape for block in net.blocks]
    assert shapes == [(1, 32, 12, 8)] * 2 + [(1, 64, 6, 4)] * 2 + [(1, 128, 3, 2)] * 2
    assert DenseNet(3, 2, depth=2, rng=rng()).first.weight.shape == (3, 50)


def test_where_blocks_change_the_shape():
    """The first block of each stage, and with wide > 1 also the very first, as in the paper's Wide ResNet (1, 5, 9)."""
    assert [i for i, b in enumerate(conv(n=5).blocks) if b.projection] == [5, 10]
    assert [i for i, b in enumerate(conv(n=4, wide=2).blocks) if b.projection] == [0, 4, 8]


@pytest.mark.parametrize(
    ("extra", "gates"),
    [
        (lambda kind: dense(kind, depth=100), 50),
        (lambda kind: conv(kind, n=5), 15),
        (lambda kind: conv(kind, n=4, wide=2), 12),
    ],
    ids=["mnist d=100", "resnet n=5", "wide n=4"],
)
def test_gates_add_one_parameter_per_block(extra, gates):
    assert extra("gated_residual").parameter_count() - extra("residual").parameter_count() == gates


def test_the_batch_norm_of_the_dense_net_is_keras():
    norms = [layer for block in dense().blocks for layer in block.branch.layers if isinstance(layer, BatchNorm)]
    assert len(norms) == 6
    assert all((norm.momentum, norm.eps) == (0.01, 1e-3) for norm in norms)


# --- gates at 1 and at 0 -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("gated", GATED)
def test_gates_of_one_give_the_ungated_net(gated):
    """Exactly: outputs, running statistics, and the gradients of everything but the gates."""
    cases = [(dense, X, LABELS)] + ([(conv, IMAGES, LABELS[:3])] if gated == "gated_residual" else [])
    for make, x, labels in cases:
        one, other = make(gated), make(gated.removeprefix("gated_"))
        identical(one.gates(), np.ones(len(one.blocks)), why="gates start at 1")
        got, expected = gradients(one, x, labels), gradients(other, x, labels)
        assert got.keys() - expected.keys() == {f"blocks.{i}.gate" for i in range(len(one.blocks))}
        for name in expected:
            identical(got[name], expected[name], why=f"gradient of {name}")
        identical(one(x).data, other(x).data, why="outputs")
        assert any(got[name].any() for name in got if name.endswith("gate"))


@both
@pytest.mark.parametrize("k", [0.0, -0.0, -2.0])
def test_removal_is_the_gate_off(make, x, k):
    net = seasoned(make(), x)
    for removed in ([1], [0, 2], [2, 0, 1], []):
        closed = make()
        closed.load_state(net.state())
        for i in removed:
            closed.blocks[i].gate.assign([k])
        identical(net.without(removed)(x).data, closed(x).data, why=f"blocks {removed}")


@both
def test_removal_does_not_depend_on_order_or_grouping(make, x):
    """Blocks keep their numbers when others go."""
    net = seasoned(make(), x)
    expected = net.without([0, 2])(x).data
    for smaller in (
        net.without([2, 0]),
        net.without([0]).without([2]),
        net.without([2]).without([0]),
        net.without([0]).without([]).without(np.array([2])),
        net.without({0, 2}),
    ):
        identical(smaller(x).data, expected, why="in another order")
    assert (net.without([0])(x).data != expected).any()


def test_removing_everything():
    net = seasoned(dense(), X)
    bare = net.without(range(3))
    identical(bare(X).data, net.last(net.first(X)).data, why="first and last layer")
    identical(bare.gates(), np.zeros(3), why="gates")
    net = seasoned(conv(n=1), IMAGES)
    h = net.first(IMAGES)
    for block in net.blocks[1:]:
        h = block.projection(h)
    h = net.norm(h)
    expected = net.last((h * (h.data > 0)).mean(axis=(2, 3)))
    identical(net.without([0, 1, 2])(IMAGES).data, expected.data, why="the projections stay")


def test_removal_keeps_what_it_does_not_remove():
    net = seasoned(conv(), IMAGES)
    before = net.state()
    smaller = net.without([1, 2])  # 2 changes the shape
    gone = {name for name in before if name.startswith(("blocks.1.", "blocks.2.")) and "projection" not in name}
    assert gone
    assert list(smaller.state()) == [name for name in before if name not in gone]
    assert all(smaller.parameters()[name] is net.parameters()[name] for name in smaller.parameters())
    for name, value in net.state().items():
        identical(value, before[name], why=f"{name} of the whole net")
    identical(smaller.gates(), net.gates() * [1, 0, 0, 1, 1, 1], why="gates by block number, 0 where removed")
    expected = net.parameter_count() - sum(before[name].size for name in gone if "running" not in name)
    assert smaller.parameter_count() == expected


def test_greedy_removal_one_by_one_and_at_once():
    net = seasoned(dense(depth=10), X)
    order = removal_order(net.gates())
    smaller = net
    for i in order[:3]:
        smaller = smaller.without([i])
    identical(smaller(X).data, net.without(order[:3])(X).data, why="three blocks")


def test_removal_errors():
    net = dense()
    for removed in ([3], [-1], [0, 7]):
        with pytest.raises(ValueError, match="blocks are 0 to 2"):
            net.without(removed)
    with pytest.raises(ValueError, match="removed only once"):
        net.without([1, 1])
    with pytest.raises(ValueError, match=r"blocks \[1\] are removed already: blocks keep their numbers"):
        net.without([1]).without([0, 1])
    with pytest.raises(ValueError, match=r"blocks \[2\] are removed already"):
        conv().without([2]).without([2])  # what is left of it is a projection
    for mask in ([True, False, True], np.array([False, True, False]), [0.0, 1.0]):
        with pytest.raises(TypeError, match=r"block numbers \(integers\), got .*flatnonzero"):
            net.without(mask)
    with pytest.raises(ValueError, match="plain layer has no shortcut"):
        dense("plain").without([0])
    for kind in ("plain", "residual"):
        with pytest.raises(ValueError, match='this net has no gates: build it with kind="gated_residual"'):
            dense(kind).gates()


def test_other_kinds_lose_blocks_too():
    net = seasoned(dense("residual"), X)
    smaller = net.without([0, 1])
    h = net.first(X)
    identical(smaller(X).data, net.last(net.blocks[2](h)).data, why="a residual net without gates")
    net = seasoned(dense("gated_plain"), X)
    assert net.without([0, 1, 2, 3, 4, 5])(X).shape == (7, 3)


# --- blocks --------------------------------------------------------------------------------------------------------------
class Never(Module):
    def __call__(self, x, *, training=False, rng=None):
        raise AssertionError("a closed gate called its branch")


@pytest.mark.parametrize("kind", GATED)
@pytest.mark.parametrize("k", [0.0, -1.0])
def test_a_closed_gate_does_not_call_its_branch(kind, k):
    projection = Linear(4, 3, rng=rng())
    for project, expected in ((None, X[:, :4]), (projection, projection(X[:, :4]).data)):
        block = Block(Never(), kind, projection=project)
        block.gate.assign([k])
        for training in (False, True):
            y = block(Tensor(X[:, :4]), training=training)
            identical(y.data, expected, why="the shortcut")
        block.gate.assign([1e-9])
        with pytest.raises(AssertionError, match="called its branch"):
            block(X[:, :4])


def test_a_closed_gate_leaves_statistics_alone_and_gives_gradients_of_zero():
    net = dense()
    net.blocks[1].gate.assign([0.0])
    before = net.state()
    found = gradients(net, X, LABELS)
    after = net.state()
    for name in before:
        if "running" in name:
            holds(bool((after[name] == before[name]).all()) == name.startswith("blocks.1."), why=name)
    for name, g in found.items():
        assert g is not None, name
        if name.startswith("blocks.1."):  # exactly 0, so that momentum still moves what is behind the gate
            assert not np.any(np.asarray(g)), name


def test_branches_of_inf_and_nan_do_not_leak_through_a_closed_gate():
    net = seasoned(dense(), X)
    expected = net.without([1])(X).data
    net.blocks[1].branch.layers[0].weight.assign(np.full((4, 4), np.nan))
    net.blocks[1].gate.assign([-0.5])
    identical(net(X).data, expected, why="as removed")


@pytest.mark.parametrize("k", [np.nan, np.inf])
def test_a_gate_that_diverged_is_an_error(k):
    net = dense()
    net.blocks[1].gate.assign([k])
    with pytest.raises(ValueError, match=r"gates must be finite.*did training diverge\?"):
        net(X)


def test_post_activation_blocks_never_shrink_an_entry():
    """relu comes last in the branch, so with k >= 0 the stream can only grow."""
    net = seasoned(dense(depth=8), X)
    h = net.first(X)
    for training in (True, False):
        for block in net.blocks:
            y = block(h, training=training)
            holds(bool((y.data >= h.data).all()), why="y >= x")
            holds(bool((y.data > h.data).any()), why="the branch does something")
            h = y


@pytest.mark.parametrize("kind", ["residual", "gated_residual", "gated_plain"])
def test_a_branch_that_only_broadcasts_is_an_error(kind):
    with pytest.raises(ValueError, match=r"shapes must be equal.*\(7, 5\).*\(7, 1\).*project"):
        Block(Linear(5, 1, rng=rng()), kind)(X)


def test_kinds_and_sizes_are_checked():
    for make in (dense, conv, lambda kind: Block(Never(), kind)):
        for kind in ("gated", "", "GATED_RESIDUAL"):
            with pytest.raises(ValueError, match=f"kind must be one of plain, gated_plain, .*, got {kind!r}"):
                make(kind)
    for kind in ("plain", "gated_plain"):
        with pytest.raises(ValueError, match=r"kind must be \"residual\" or \"gated_residual\", got"):
            conv(kind)
    for kind in ("residual", "gated_residual"):
        with pytest.raises(ValueError, match=f"a {kind} net has two layers per block, so depth must be even, got 5"):
            dense(kind, depth=5)
    assert len(dense("plain", depth=5).blocks) == 5
    for depth in (0, -2, 2.0, "4"):
        with pytest.raises(ValueError, match="depth must be a positive integer"):
            dense(depth=depth)
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\)"):
        conv(dropout=1.5)


# --- input at the border -------------------------------------------------------------------------------------------------
def test_dense_net_input():
    net = dense()
    for x in (IMAGES, X[0], X[:0], 3.0, []):
        with pytest.raises(ValueError, match=r"takes \(N, inputs\), flat: use x\.reshape\(len\(x\), -1\).*got shape"):
            net(x)
    with pytest.raises(ValueError, match="takes inputs of width 5, got shape"):
        net(X[:, :4])
    identical(net(X.tolist()).data, net(X).data, why="lists")
    identical(net(Tensor(X)).data, net(X).data, why="tensors")
    assert np.isnan(net(X * np.nan).data).all()


def test_conv_net_input():
    net = conv(n=1)
    for x in (IMAGES[:, 0], IMAGES[0, 0], IMAGES[:0]):
        with pytest.raises(ValueError, match=r"takes \(N, channels, H, W\), with N >= 1, got shape"):
            net(x)
    with pytest.raises(ValueError, match=r"images \(N, 2, H, W\), got shape \(3, 1, 8, 8\)"):
        net(IMAGES[:, :1])


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(make, x, dtype):
    net = make(dtype=dtype)
    x, labels = x.astype(dtype), LABELS[: len(x)]
    found = gradients(net, x, labels)
    arrays = [net(x), net.without([1])(x), *found.values(), *net.state().values()]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}
    net.blocks[0].gate.assign([-1.0])
    assert net(x).dtype == dtype


@both
def test_save_and_load(make, x, tmp_path):
    net, other = seasoned(make(), x), make(seed=9)
    net.save(tmp_path / "net")
    other.load(tmp_path / "net")
    identical(other(x).data, net(x).data, why="outputs")
    identical(other.gates(), net.gates(), why="gates")
    smaller = net.without([1])
    path = smaller.save(tmp_path / "smaller")
    again = make(seed=9).without([1])  # a smaller net is loaded into one that lost the same blocks
    again.load(path)
    identical(again(x).data, smaller(x).data, why="smaller")
    with pytest.raises(ValueError, match=r"missing \['blocks\.1\."):
        make().load(path)
