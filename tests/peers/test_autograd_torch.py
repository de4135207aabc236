# ruff: noqa: E501 (a table with a line per function)
"""The engine beside PyTorch: values and gradients of the same functions on the same random arrays."""

import numpy as np
import pytest

import minidl.autograd as m
from minidl.autograd import vjp

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install 'minidl[peers]')")
F = torch.nn.functional

LABELS = np.array([2, 0, 1, 2])
INDEX = np.array([1, 0, 1, 1])
IMAGE, KERNEL = (2, 3, 7, 6), (4, 3, 3, 2)

# name: minidl's function, torch's, shapes of the operands; "positive" in the name asks for positive entries
TABLE = {
    "add broadcast": (lambda a, b: a + b, lambda a, b: a + b, (3, 4), (4,)),
    "multiply broadcast": (lambda a, b: a * b, lambda a, b: a * b, (3, 1), (2, 1, 4)),
    "divide positive": (lambda a, b: a / b, lambda a, b: a / b, (3, 4), (3, 1)),
    "power positive": (lambda a, b: a**b, lambda a, b: a**b, (3, 4), (4,)),
    "exp": (m.exp, torch.exp, (3, 4)),
    "log positive": (m.log, torch.log, (3, 4)),
    "log1p positive": (m.log1p, torch.log1p, (3, 4)),
    "sqrt positive": (m.sqrt, torch.sqrt, (3, 4)),
    "abs": (m.abs, torch.abs, (3, 4)),
    "sin": (m.sin, torch.sin, (3, 4)),
    "cos": (m.cos, torch.cos, (3, 4)),
    "tanh": (m.tanh, torch.tanh, (3, 4)),
    "sigmoid": (m.sigmoid, torch.sigmoid, (3, 4)),
    "softplus": (m.softplus, F.softplus, (3, 4)),
    "relu": (m.relu, torch.relu, (3, 4)),
    "erf": (m.erf, torch.erf, (3, 4)),
    "clip": (lambda a: m.clip(a, -0.5, 0.7), lambda a: torch.clamp(a, -0.5, 0.7), (3, 4)),
    "maximum": (m.maximum, torch.maximum, (3, 4), (3, 1)),
    "minimum": (m.minimum, torch.minimum, (3, 4), (4,)),
    "where": (lambda a, b: m.where(a > 0, a, b), lambda a, b: torch.where(a > 0, a, b), (3, 4), (4,)),
    "sum": (lambda a: m.sum(a, axis=(0, 2)), lambda a: a.sum(dim=(0, 2)), (2, 3, 4)),
    "mean": (lambda a: m.mean(a, axis=1, keepdims=True), lambda a: a.mean(dim=1, keepdim=True), (2, 3, 4)),
    "max": (lambda a: m.max(a, axis=(0, 1)), lambda a: a.amax(dim=(0, 1)), (2, 3, 4)),
    "min": (lambda a: m.min(a), lambda a: a.min(), (3, 4)),
    "logsumexp": (lambda a: m.logsumexp(a, axis=(0, 1)), lambda a: torch.logsumexp(a, dim=(0, 1)), (2, 3, 4)),
    "norm": (lambda a: m.norm(a, axis=-1), lambda a: torch.linalg.vector_norm(a, dim=-1), (3, 4)),
    "softmax": (lambda a: m.softmax(a, 0), lambda a: torch.softmax(a, 0), (3, 4)),
    "log_softmax": (m.log_softmax, lambda a: torch.log_softmax(a, -1), (3, 4)),
    "cumsum": (lambda a: m.cumsum(a, 1), lambda a: torch.cumsum(a, 1), (3, 4)),
    "matmul": (m.matmul, torch.matmul, (3, 4), (4, 2)),
    "matmul batch": (m.matmul, torch.matmul, (2, 1, 3, 4), (5, 4, 2)),
    "matmul vector": (m.matmul, torch.matmul, (2, 3, 4), (4,)),
    "linear": (m.linear, lambda x, w, b: F.linear(x, w.T, b), (5, 3), (3, 4), (4,)),
    "einsum": (lambda *a: m.einsum("bij,bjk,k->bi", *a), lambda *a: torch.einsum("bij,bjk,k->bi", *a), (2, 3, 4), (2, 4, 5), (5,)),
    "einsum diagonal": (lambda a: m.einsum("iij->j", a), lambda a: torch.einsum("iij->j", a), (3, 3, 2)),
    "getitem": (lambda a: a[INDEX, ..., 1], lambda a: a[INDEX, ..., 1], (3, 2, 4)),
    "getitem mask": (lambda a: a[a > 0], lambda a: a[a > 0], (3, 4)),
    "getitem slices": (lambda a: a[1:, None, ::2], lambda a: a[1:, None, ::2], (3, 4)),
    "concatenate": (lambda a, b: m.concatenate([a, b, a], 1), lambda a, b: torch.cat([a, b, a], 1), (3, 4), (3, 1)),
    "stack": (lambda a, b: m.stack([a, b], 1), lambda a, b: torch.stack([a, b], 1), (3, 4), (3, 4)),
    "transpose": (lambda a: m.transpose(a, (2, 0, 1)) ** 2, lambda a: a.permute(2, 0, 1) ** 2, (2, 3, 4)),
    "reshape": (lambda a: a.reshape(4, 3) ** 2, lambda a: a.reshape(4, 3) ** 2, (3, 4)),
    "pad": (lambda a: m.pad(a, ((0, 1), (2, 0)), 1.5) ** 2, lambda a: F.pad(a, (2, 0, 0, 1), value=1.5) ** 2, (3, 4)),
    "cross_entropy": (lambda a: m.cross_entropy(a, LABELS), lambda a: F.cross_entropy(a, torch.tensor(LABELS)), (4, 3)),
    "cross_entropy none": (lambda a: m.cross_entropy(a, LABELS, "none"), lambda a: F.cross_entropy(a, torch.tensor(LABELS), reduction="none"), (4, 3)),
    "conv2d": (m.conv2d, F.conv2d, IMAGE, KERNEL),
    "conv2d same": (lambda x, w: m.conv2d(x, w, 1, (1, 1)), lambda x, w: F.conv2d(x, w, padding=(1, 1)), IMAGE, KERNEL),
    "conv2d strided": (lambda x, w: m.conv2d(x, w, (3, 2), (2, 1)), lambda x, w: F.conv2d(x, w, stride=(3, 2), padding=(2, 1)), IMAGE, KERNEL),
    "conv1d": (lambda x, w: m.conv1d(x, w, 2, 1), lambda x, w: F.conv1d(x, w, stride=2, padding=1), (2, 3, 8), (4, 3, 3)),
    "max_pool2d": (lambda x: m.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 2), IMAGE),
    "max_pool2d padded": (lambda x: m.max_pool2d(x, 3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
    "avg_pool2d": (lambda x: m.avg_pool2d(x, (2, 3)), lambda x: F.avg_pool2d(x, (2, 3)), IMAGE),
    "avg_pool2d padded": (lambda x: m.avg_pool2d(x, 3, 1, 1), lambda x: F.avg_pool2d(x, 3, 1, 1), IMAGE),
}  # fmt: skip


def close(got, expected, dtype):
    """Both are sums of at most a few hundred products of numbers near 1; each rounds its own way."""
    assert got.shape == tuple(expected.shape)
    assert got.dtype == dtype
    scale = float(np.max(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(got, expected, rtol=0, atol=64 * float(np.finfo(dtype).eps) * scale)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TABLE)
def test_beside_torch(name, dtype):
    ours, theirs, *shapes = TABLE[name]
    rng = np.random.default_rng(20130919)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    arrays = [(np.abs(a) + 0.5 if "positive" in name else a).astype(dtype) for a in arrays]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, pull = vjp(ours, *arrays)
    expected = theirs(*tensors)
    close(y, expected.detach().numpy(), dtype)
    u = rng.standard_normal(y.shape).astype(dtype)
    expected.backward(torch.tensor(u))
    for got, tensor in zip(pull(u), tensors, strict=True):
        close(got, tensor.grad.numpy(), dtype)


@pytest.mark.parametrize("seed", range(20))
def test_networks_of_random_shapes_beside_torch(seed):
    """Convolution, pooling, dense layers and cross-entropy in one graph; shapes, strides and padding drawn."""
    rng = np.random.default_rng(seed)
    n, c, f, k, s, p = (int(rng.integers(low, high)) for low, high in ((1, 5), (1, 4), (1, 5), (1, 4), (1, 3), (0, 3)))
    height, width = (int(rng.integers(6, 10)) for _ in range(2))
    images, kernel = rng.standard_normal((n, c, height, width)), rng.standard_normal((f, c, k, k)) / k
    labels = rng.integers(0, 3, n)
    features = m.max_pool2d(m.conv2d(images, kernel, s, p), 2).reshape(n, -1).shape[1]
    dense, bias = rng.standard_normal((features, 3)) / features**0.5, rng.standard_normal(3)

    def ours(x, w, d, b):
        h = m.tanh(m.max_pool2d(m.conv2d(x, w, s, p), 2))
        return m.cross_entropy(h.reshape(n, -1) @ d + b, labels)

    def theirs(x, w, d, b):
        h = torch.tanh(F.max_pool2d(F.conv2d(x, w, stride=s, padding=p), 2))
        return F.cross_entropy(h.reshape(n, -1) @ d + b, torch.tensor(labels))

    arrays = (images, kernel, dense, bias)
    loss, gradients = m.value_and_grad(ours, argnums=(0, 1, 2, 3))(*arrays)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = theirs(*tensors)
    expected.backward()
    close(np.float64(loss), expected.detach().numpy(), np.float64)
    for got, tensor in zip(gradients, tensors, strict=True):
        close(got, tensor.grad.numpy(), np.float64)


def test_second_order_beside_torch():
    rng = np.random.default_rng(3)
    x, v = rng.standard_normal((2, 2, 3, 5, 4))
    w = rng.standard_normal((4, 3, 2, 2))

    def f(lib, conv, softmax):
        return lambda z: (softmax(conv(lib.tanh(z), w if lib is m else torch.tensor(w))) ** 3).sum()

    ours = m.hvp(f(m, m.conv2d, lambda a: m.softmax(a, 1)), x, v)
    theirs = torch.autograd.functional.hvp(
        f(torch, F.conv2d, lambda a: torch.softmax(a, 1)), torch.tensor(x), torch.tensor(v)
    )[1]
    close(ours, theirs.numpy(), np.float64)
