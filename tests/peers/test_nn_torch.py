"""Layers and losses beside torch.nn: values, gradients of inputs and parameters, running statistics."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from minidl.autograd import Tensor  # noqa: E402
from minidl.laws.core import agree  # noqa: E402
from minidl.nn import (  # noqa: E402
    BatchNorm,
    Conv2d,
    Embedding,
    LayerNorm,
    Linear,
    binary_cross_entropy,
    cross_entropy,
    mean_absolute_error,
    mean_squared_error,
)

F = torch.nn.functional
# Each value is a sum of at most 200 products of numbers of size 1; both sides round each term once or twice.
ULPS = 400


def rng(seed=0):
    return np.random.default_rng(seed)


def copy_into(module, **arrays):
    with torch.no_grad():
        for name, a in arrays.items():
            getattr(module, name).copy_(torch.tensor(a))
    return module


def both(ours, theirs, x, pairs, dtype=np.float64):
    """Forward and backward with a random cotangent: outputs, the input's gradient and (ours, theirs, transposed) pairs."""
    a = Tensor(x, requires_grad=True) if x.dtype.kind == "f" else x
    b = torch.tensor(x, requires_grad=x.dtype.kind == "f")
    y, z = ours(a), theirs(b)
    g = rng(9).standard_normal(y.shape).astype(dtype)
    y.backward(g)
    z.backward(torch.tensor(g))
    agree(y.data, z.detach().numpy(), ulps=ULPS, why="value")
    if x.dtype.kind == "f":
        agree(a.grad.data, b.grad.numpy(), ulps=ULPS, scale=largest(b.grad), why="gradient of x")
    for p, q in pairs:
        expected = q.grad.numpy()
        expected = expected.T if isinstance(ours, Linear) else expected
        agree(p.grad.data, expected, ulps=ULPS, scale=largest(q.grad), why="gradient of a parameter")


def largest(tensor):
    """The scale of a gradient: at least 1, the size of the terms that may cancel in it."""
    return max(1.0, float(tensor.abs().max()))


@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear(shape, dtype):
    layer = Linear(5, 4, rng=rng(), dtype=dtype)
    layer.bias.assign(rng(1).standard_normal(4))
    peer = torch.nn.Linear(5, 4, dtype=torch.float32 if dtype == np.float32 else torch.float64)
    copy_into(peer, weight=layer.weight.data.T, bias=layer.bias.data)
    x = rng(2).standard_normal(shape).astype(dtype)
    both(layer, peer, x, [(layer.weight, peer.weight), (layer.bias, peer.bias)], dtype)


@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, None), (3, 2, None), (1, 2, 0), (5, 2, 1), (2, 1, 0)])
def test_conv(size, stride, padding):
    layer = Conv2d(3, 4, size, stride=stride, padding=padding, rng=rng())
    layer.bias.assign(rng(1).standard_normal(4))
    padding = size // 2 if padding is None else padding
    peer = torch.nn.Conv2d(3, 4, size, stride=stride, padding=padding, dtype=torch.float64)
    copy_into(peer, weight=layer.weight.data, bias=layer.bias.data)
    x = rng(2).standard_normal((2, 3, 7, 6))
    both(layer, peer, x, [(layer.weight, peer.weight), (layer.bias, peer.bias)])


@pytest.mark.parametrize("momentum", [0.1, 0.01])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5, 2)], ids=["dense", "images"])
def test_batch_norm(shape, momentum):
    layer = BatchNorm(3, momentum=momentum, eps=1e-3)
    make = torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d
    peer = make(3, momentum=momentum, eps=1e-3, dtype=torch.float64)
    layer.gamma.assign(rng(1).standard_normal(3))
    layer.beta.assign(rng(2).standard_normal(3))
    copy_into(peer, weight=layer.gamma.data, bias=layer.beta.data)
    for seed in range(5):
        x = rng(seed).standard_normal(shape) * 3 + 1
        layer.gamma.grad = layer.beta.grad = None
        peer.zero_grad()
        both(lambda a: layer(a, training=True), peer, x, [(layer.gamma, peer.weight), (layer.beta, peer.bias)])
        agree(layer.running_mean, peer.running_mean.numpy(), ulps=ULPS, why="running mean")
        agree(layer.running_variance, peer.running_var.numpy(), ulps=ULPS, why="running variance")
    peer.eval()
    layer.gamma.grad = layer.beta.grad = None
    peer.zero_grad()
    both(layer, peer, x, [(layer.gamma, peer.weight), (layer.beta, peer.bias)])


@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 5)])
def test_layer_norm(shape):
    layer, peer = LayerNorm(5, eps=1e-3), torch.nn.LayerNorm(5, eps=1e-3, dtype=torch.float64)
    layer.gamma.assign(rng(1).standard_normal(5))
    layer.beta.assign(rng(2).standard_normal(5))
    copy_into(peer, weight=layer.gamma.data, bias=layer.beta.data)
    both(layer, peer, rng(3).standard_normal(shape), [(layer.gamma, peer.weight), (layer.beta, peer.bias)])


def test_embedding():
    layer, peer = Embedding(6, 3, rng=rng()), torch.nn.Embedding(6, 3, dtype=torch.float64)
    copy_into(peer, weight=layer.weight.data)
    both(layer, peer, np.array([[5, 0, 5], [5, 2, 2]]), [(layer.weight, peer.weight)])


LOSSES = {
    "squared": (mean_squared_error, F.mse_loss),
    "absolute": (mean_absolute_error, F.l1_loss),
    "binary": (binary_cross_entropy, F.binary_cross_entropy_with_logits),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_losses(name, scale):
    ours, theirs = LOSSES[name]
    p, t = rng().standard_normal((6, 4)) * scale, rng(1).uniform(0, 1, (6, 4))
    a, b = Tensor(p, requires_grad=True), torch.tensor(p, requires_grad=True)
    one, other = ours(a, t), theirs(b, torch.tensor(t))
    one.backward()
    other.backward()
    agree(one.data, other.detach().numpy(), ulps=ULPS, why="loss")
    agree(a.grad.data, b.grad.numpy(), ulps=ULPS, why="gradient")


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_cross_entropy(reduction, scale):
    z, labels = rng().standard_normal((6, 4)) * scale, rng(1).integers(0, 4, 6)
    a, b = Tensor(z, requires_grad=True), torch.tensor(z, requires_grad=True)
    one, other = cross_entropy(a, labels, reduction), F.cross_entropy(b, torch.tensor(labels), reduction=reduction)
    g = rng(2).standard_normal(one.shape)
    one.backward(g)
    other.backward(torch.tensor(g))
    agree(one.data, other.detach().numpy(), ulps=ULPS, scale=scale * 24, why="loss")
    agree(a.grad.data, b.grad.numpy(), ulps=ULPS, scale=1.0, why="gradient")
