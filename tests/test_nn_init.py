"""Initialisers: shape, dtype, mean, variance and bounds, by inequalities that name their false-alarm probability."""

import math

import numpy as np
import pytest

from minidl.laws.core import within
from minidl.nn import Conv2d, Embedding, Linear, glorot_normal, glorot_uniform, he_normal, he_uniform, zeros

CERTAIN = math.log(2e9)  # two-sided bounds that exclude the truth with probability at most 1e-9
INITIALISERS = {  # the variance by fan_in and fan_out
    glorot_uniform: lambda i, o: 2 / (i + o),
    glorot_normal: lambda i, o: 2 / (i + o),
    he_uniform: lambda i, o: 2 / i,
    he_normal: lambda i, o: 2 / i,
}


def judge(w, variance, uniform):
    """Mean and second moment of independent entries with mean 0 and this variance."""
    n, limit = w.size, math.sqrt(3 * variance)
    if uniform:
        assert np.abs(w).max() <= limit
        deviation = limit * math.sqrt(2 * CERTAIN / n)  # entries in [-limit, limit], their squares in [0, limit^2]
        spread, bound = limit**2 * math.sqrt(CERTAIN / (2 * n)), f"Hoeffding, n={n}, P <= 1e-9"
    else:
        deviation = math.sqrt(2 * CERTAIN * variance / n)  # P(|N(0, 1)| > z) <= 2 exp(-z^2 / 2)
        spread = variance * (2 * math.sqrt(CERTAIN / n) + 2 * CERTAIN / n)
        bound = f"chi-square tail of Laurent and Massart (2000), n={n}, P <= 1e-9"
    within(w.mean(), 0, deviation, why="mean", bound="Hoeffding for the mean, P <= 1e-9")
    within((w * w).mean(), variance, spread, why="variance", bound=bound)


@pytest.mark.parametrize("init", INITIALISERS, ids=lambda init: init.__name__)
def test_moments(init):
    w = init((200, 300), 200, 300, rng=np.random.default_rng(5))
    judge(w, INITIALISERS[init](200, 300), "uniform" in init.__name__)


@pytest.mark.parametrize("init", INITIALISERS, ids=lambda init: init.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_seed(init, dtype):
    one, same, other = (init((3, 4), 3, 4, rng=np.random.default_rng(seed), dtype=dtype) for seed in (1, 1, 2))
    assert one.shape == (3, 4)
    assert one.dtype == dtype
    assert (one == same).all()
    assert (one != other).any()
    with pytest.raises(TypeError, match="must be a NumPy generator, got 0"):
        init((3, 4), 3, 4, rng=0)


def test_zeros():
    assert zeros((2, 3), dtype=np.float32).dtype == np.float32
    assert not zeros((2, 3)).any()


def test_layers_pass_their_fans():
    """With distinct fans, so that a swap shows: Glorot for Linear, He with fan_in = channels x window for Conv2d."""
    rng = np.random.default_rng(6)
    judge(Linear(300, 100, rng=rng).weight.data, 2 / 400, uniform=True)
    judge(Linear(300, 100, rng=rng, init=he_normal).weight.data, 2 / 300, uniform=False)
    judge(Conv2d(30, 80, 5, rng=rng).weight.data, 2 / (30 * 25), uniform=False)
    judge(Conv2d(30, 80, 5, rng=rng, init=glorot_uniform).weight.data, 2 / (110 * 25), uniform=True)
    judge(Embedding(200, 100, rng=rng).weight.data, 1.0, uniform=False)
    judge(Embedding(200, 100, rng=rng, scale=0.5).weight.data, 0.25, uniform=False)
    for layer in (Linear(3, 2, rng=rng), Conv2d(3, 2, rng=rng)):
        assert not layer.bias.data.any()
