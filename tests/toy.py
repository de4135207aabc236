"""A small method of its own, to test the machinery of laws on: a reference, contracts, planted bugs, golden values."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, identical, law, planted, within

EPS = 1e-3


# --- the reference -------------------------------------------------------------------------------------------------------
class Normalised(NamedTuple):
    y: np.ndarray
    mean: np.ndarray
    order: np.ndarray


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def normalise(x, scale):
    """(N, D) -> each column with mean 0 and variance near 1, its means, and the columns by rising mean."""
    mean = x.mean(axis=0)  # (D,)
    centred = x - mean  # (N, D)
    y = scale * centred / np.sqrt((centred**2).mean(axis=0) + EPS)
    return Normalised(y, mean, np.argsort(mean, kind="stable"))


def dropout(x, u, p):
    """Inverted dropout with its uniforms as an input: keep where u >= p."""
    if not 0 <= p < 1:
        raise ValueError(f"p must lie in [0, 1), got {p}")
    return np.where(u >= p, x / (1 - p), 0.0)


REFERENCE = SimpleNamespace(softplus=softplus, normalise=normalise, dropout=dropout, __name__="toy")


# --- cases ---------------------------------------------------------------------------------------------------------------
def _matrix(draw, rows, columns, bound):
    from hypothesis import strategies as st

    size = rows * columns
    entries = draw(st.lists(st.floats(-bound, bound, width=32), min_size=size, max_size=size))
    return np.array(entries, dtype=float).reshape(rows, columns)


def vectors():
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        return {"x": _matrix(draw, 1, draw(st.integers(1, 4)), 700)[0]}

    return build()


def matrices():
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        rows, columns = draw(st.integers(2, 5)), draw(st.integers(1, 3))
        return {"x": _matrix(draw, rows, columns, 8), "scale": draw(st.sampled_from([0.5, 1.0, 3.0]))}

    return build()


def noisy():
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        n = draw(st.integers(1, 6))
        u = _matrix(draw, 1, n, 1)[0] ** 2 * 0.999
        return {"x": _matrix(draw, 1, n, 8)[0], "u": u, "p": draw(st.sampled_from([0.0, 0.25, 0.5]))}

    return build()


SOFTPLUS = Cases(
    named={"borders": {"x": np.array([-745.0, -30.0, 0.0, 30.0, 800.0])}},
    generated=vectors,
    notes={"borders": "overflow of exp above 709, and lost digits below -37"},
)
NORMALISE = Cases(
    named={
        "three_by_two": {"x": np.array([[1.0, 2.0], [3.0, -1.0], [2.5, 0.5]]), "scale": 2.0},
        "far_from_zero": {"x": np.array([[1e6 + 1], [1e6 - 1.5], [1e6]]), "scale": 1.0},
        "column_major": {"x": np.array([[1.0, 2.0], [3.0, -1.0], [2.5, 0.5]], order="F"), "scale": 1.0},
    },
    generated=matrices,
    notes={"far_from_zero": "the one-pass variance, which cancels"},
)
DROPOUT = Cases(
    named={"border": {"x": np.array([1.0, 2.0, -3.0]), "u": np.array([0.0, 0.5, 0.75]), "p": 0.5}},
    generated=noisy,
    notes={"border": "u == p, which is kept"},
)


# --- laws ----------------------------------------------------------------------------------------------------------------
@law(cases=SOFTPLUS, needs=("softplus",), grade="numerical", equation=r"s(x) - s(-x) = x", source="algebra")
def reflection(impl, case):
    """Softplus minus its mirror image is the identity."""
    x = case["x"]
    s, mirrored = impl.softplus(x), impl.softplus(-x)
    # s(x) <= |x| + ln 2: both terms carry 2 ulps of that, and the difference rounds once more
    agree(s - mirrored, x, why="s(x) - s(-x)", ulps=6, scale=2 * (np.abs(x) + np.log(2)))


@law(cases=SOFTPLUS, needs=("softplus",), grade="exact")
def positive(impl, case):
    """Softplus is never negative."""
    s = impl.softplus(case["x"])
    holds(bool((s >= 0).all()), why="the sign of softplus", got=s)


@law(cases=NORMALISE, needs=("normalise",), grade="numerical", equation=r"\sum_n y_{nd} = 0")
def centred(impl, case):
    """Every normalised column sums to zero."""
    x, scale = case["x"], case["scale"]
    y = impl.normalise(x, scale).y
    # n terms, each off by an ulp of |x| before the division by at least sqrt(eps)
    terms = np.abs(x).max(axis=0) * scale / np.sqrt(x.var(axis=0) + EPS) + np.abs(y).max(axis=0)
    agree(y.sum(axis=0), np.zeros(x.shape[1]), why="the sum of a column", ulps=4 * len(x), scale=len(x) * terms)


@law(cases=NORMALISE, needs=("normalise",), grade="exact")
def ordered(impl, case):
    """The order of the columns sorts their means."""
    _, mean, order = impl.normalise(case["x"], case["scale"])
    holds(bool((np.diff(mean[order]) >= 0).all()), why="the means in that order", got=mean[order])


@law(cases=DROPOUT, needs=("dropout",), grade="exact")
def kept_or_zero(impl, case):
    """With p = 0 nothing changes."""
    identical(impl.dropout(case["x"], case["u"], 0.0), case["x"], why="dropout with p = 0")


@law(cases=Cases(named={"seed_3": {"seed": 3}}), needs=("dropout",), grade="statistical")
def unbiased(impl, case):
    """The mean over the noise is the input."""
    n, p = 20_000, 0.5
    u = np.random.default_rng(case["seed"]).random(n)
    # terms lie in [0, 2]: P(|mean - 1| > t) <= 2 exp(-2 n t^2 / 4) = 1e-9 at t = sqrt(2 ln(2e9) / n)
    halfwidth = float(np.sqrt(2 * np.log(2e9) / n))
    within(impl.dropout(np.ones(n), u, p).mean(), 1.0, halfwidth, why="the mean", bound="Hoeffding, n = 20000")


@law(cases=DROPOUT, needs=("dropout",), grade="exact")
def refuses_certain_loss(impl, case):
    """p = 1 would divide by zero, and is refused."""
    try:
        impl.dropout(case["x"], case["u"], 1.0)
    except ValueError:
        refused = True
    else:
        refused = False
    holds(refused, why="dropout with p = 1 raises ValueError")


# --- planted bugs --------------------------------------------------------------------------------------------------------
@planted("softplus")
def overflowing(ref):
    """log(1 + exp(x)) as it is written, which overflows."""
    return lambda x: np.log(1 + np.exp(x))


@planted("softplus")
def half(ref):
    """The sigmoid-weighted half of it."""
    return lambda x: ref.softplus(x) / 2


@planted("normalise")
def wrong_axis(ref):
    """Means over the features instead of the batch."""
    return lambda x, scale: Normalised(ref.normalise(x.T, scale).y.T, x.mean(axis=0), np.argsort(x.mean(axis=0)))


@planted("normalise")
def unbiased_variance(ref):
    """Divides by N - 1, as statisticians do."""

    def normalise(x, scale):
        _, mean, order = ref.normalise(x, scale)
        return Normalised(scale * (x - mean) / np.sqrt(x.var(axis=0, ddof=1) + EPS), mean, order)

    return normalise


@planted("normalise")
def falling_order(ref):
    """Columns by falling mean."""

    def normalise(x, scale):
        y, mean, order = ref.normalise(x, scale)
        return Normalised(y, mean, order[::-1].copy())

    return normalise


@planted("dropout")
def not_inverted(ref):
    """Forgets to divide by 1 - p."""
    return lambda x, u, p: ref.dropout(x, u, p) * (1 - p)


@planted("dropout")
def strict_border(ref):
    """Drops the entry with u == p."""
    return lambda x, u, p: np.where(u > p, x / (1 - p), 0.0)


CONTRACTS = (
    Contract(
        function="softplus",
        inputs=("x",),
        outputs=("s",),
        cases=SOFTPLUS,
        statement="A smooth relu.",
        laws=(reflection, positive),
        planted=(overflowing, half),
        golden=(Golden("softplus", {"x": np.array([0.0, 1.0])}, {"s": np.array([0.6931, 1.3133])}, 4, "ln 2 at zero"),),
    ),
    Contract(
        function="normalise",
        inputs=("x", "scale"),
        outputs=("y", "mean", "order"),
        cases=NORMALISE,
        statement="Columns with mean 0 and variance near 1.",
        laws=(centred, ordered),
        planted=(wrong_axis, unbiased_variance, falling_order),
    ),
    Contract(
        function="dropout",
        inputs=("x", "u", "p"),
        outputs=("y",),
        cases=DROPOUT,
        statement="Inverted dropout.",
        laws=(kept_or_zero, unbiased, refuses_certain_loss),
        planted=(not_inverted, strict_border),
    ),
)
