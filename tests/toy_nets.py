"""The small gated nets that the tests of nets share, and data for them."""

import numpy as np
import pytest

from minidl.residual.nets import ConvNet, DenseNet


def rng(seed=0):
    return np.random.default_rng(seed)


def dense(kind="gated_residual", *, depth=6, seed=0, **settings):
    return DenseNet(5, 3, depth=depth, kind=kind, width=4, rng=rng(seed), **settings)


def conv(kind="gated_residual", *, n=2, seed=0, **settings):
    return ConvNet(2, 3, n=n, kind=kind, rng=rng(seed), **settings)


X, LABELS = rng(1).standard_normal((7, 5)), np.array([0, 1, 2, 0, 1, 2, 0])
IMAGES = rng(2).standard_normal((3, 2, 8, 8))
NETS = {"dense": (dense, X), "conv": (conv, IMAGES)}
both = pytest.mark.parametrize(("make", "x"), NETS.values(), ids=NETS)


def seasoned(net, x, seed=5):
    """The net with gates, scales and running statistics that all differ from where they start."""
    draws = rng(seed)
    for name, p in net.parameters().items():
        if name.endswith(("gate", "gamma", "beta")):
            p.assign(draws.uniform(0.5, 1.5, p.shape).astype(p.dtype))
    net(x, training=True, rng=draws)
    return net
