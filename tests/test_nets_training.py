"""Training gated nets: weight decay without the gates, gates that come back, small sets that are learned."""

import numpy as np
from toy_nets import LABELS, X, both, dense, rng, seasoned

from minidl.autograd import Tensor
from minidl.laws.core import agree
from minidl.nn import fit
from minidl.optim import SGD, Nadam
from minidl.residual.nets import ConvNet, DenseNet


@both
def test_weight_decay_leaves_gates_alone(make, x):
    """With zero gradients decay is all that moves: w (1 - lr lambda), and gates as they were."""
    net = seasoned(make(), x)
    before = {name: p.numpy() for name, p in net.parameters().items()}
    optimizer = SGD(net.decay_groups(0.5), lr=0.5)
    for p in net.parameters().values():
        p.grad = Tensor(np.zeros(p.shape))
    optimizer.step()
    for name, p in net.parameters().items():
        factor = 1.0 if name.endswith(".gate") else 0.75
        agree(p.data, before[name] * factor, ulps=2, why=name)
    assert sum(hyper.weight_decay == 0 for _, hyper in optimizer.groups) == 1


def test_decay_groups_without_gates():
    net = dense("residual")
    (group,) = net.decay_groups(0.1)
    assert group["weight_decay"] == 0.1
    assert len(group["params"]) == len(net.parameters())


def test_a_closed_gate_can_come_back_through_momentum():
    """The first step pulls the gate up; closed by hand, it gets gradient 0 and reopens by what momentum remembers."""
    net = dense(depth=2)
    gate = net.blocks[0].gate
    optimizer = SGD(net.parameters(), lr=0.1, momentum=0.9)

    def loss(logits, y):  # falls as the blocks' output grows: the branch is not negative
        return -(logits.sum() * 0 + net.blocks[0](net.first(X)).mean())

    fit(net, optimizer, X, LABELS, steps=1, batch_size=7, rng=rng(), loss=loss)
    moved = gate.item() - 1
    assert moved > 0
    gate.assign([-0.5 * 0.9 * moved])
    fit(net, optimizer, X, LABELS, steps=1, batch_size=7, rng=rng(), loss=loss)
    agree(gate.data, np.array([0.45 * moved]), ulps=16, scale=1.0, why="k + momentum x last move")


def test_a_dense_net_learns_a_small_set():
    net = DenseNet(5, 3, depth=6, width=16, rng=rng(), dtype=np.float32)
    x = rng(3).standard_normal((60, 5)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 2] > 1)
    history = fit(net, Nadam(net.parameters(), lr=0.01), x, y, steps=120, batch_size=30, rng=rng())
    assert np.mean(history.losses[-5:]) < 0.25 * np.log(3)  # chance is log 3
    assert (net.gates() != 1).all()


def test_a_conv_net_learns_a_small_set():
    """Four classes by the place of a bright spot: the loss falls far below chance, log 4."""
    draws = rng(4)
    y = np.arange(32) % 4
    x = draws.standard_normal((32, 1, 8, 8)).astype(np.float32) * 0.3
    for image, label in zip(x, y, strict=True):
        image[0, 4 * (label // 2) : 4 * (label // 2) + 3, 4 * (label % 2) : 4 * (label % 2) + 3] += 2
    net = ConvNet(1, 4, n=1, dropout=0.1, rng=rng(), dtype=np.float32)
    optimizer = SGD(net.decay_groups(1e-4), lr=0.1, momentum=0.9, nesterov=True)
    history = fit(net, optimizer, x, y, steps=25, batch_size=16, rng=draws)
    assert np.mean(history.losses[-5:]) < 0.25 * np.log(4)
    assert {p.dtype for p in net.parameters().values()} == {np.dtype(np.float32)}
