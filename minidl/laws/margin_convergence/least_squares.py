"""The laws of non-negative least squares."""

from __future__ import annotations

import itertools

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, law
from minidl.laws.margin_convergence.cases import LAWSON, worked
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.planted import bugs_of

ULPS = 32  # per row and column: one least-squares solution and the products that check it


# --- cases -------------------------------------------------------------------------------------------------------------
def _planted(seed: int, n: int, more: int, idle: int) -> Case:
    """x with `idle` zeros and a residual: r is orthogonal to the columns of the others, and the idle ones lean against it."""
    rng = np.random.default_rng(seed)
    m = n + more
    while True:
        r = rng.integers(-2, 3, m)
        a = rng.integers(-3, 4, (m, n))
        if r.any() and np.linalg.matrix_rank(a) == n:
            lean = a.T @ r
            a = a * int(r @ r) - np.outer(r, lean)  # columns orthogonal to r
            a[:, :idle] -= np.outer(r, rng.integers(1, 4, idle))
            if np.linalg.matrix_rank(a) == n:
                break
    x = rng.integers(1, 6, n).astype(np.float64)
    x[:idle] = 0
    order = rng.permutation(n)
    a, x = a[:, order].astype(np.float64), x[order]
    return {"a": a, "b": a @ x + r, "x": x, "residual": float(np.sqrt(LONG(int(r @ r))))}


def _random(seed: int, m: int, n: int) -> Case:
    rng = np.random.default_rng(seed)
    return {"a": np.round(rng.normal(size=(m, n)), 2), "b": np.round(rng.normal(size=m), 2)}


def _drawn_planted():
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, n, more, idle: _planted(seed, n, more, min(idle, n)),
        st.integers(0, 9999),
        st.integers(1, 4),
        st.integers(1, 4),
        st.integers(0, 3),
    )


def _drawn():
    from hypothesis import strategies as st

    return st.builds(_random, st.integers(0, 9999), st.integers(1, 6), st.integers(1, 5))


# Columns that enter and have to leave again: each leans on the residual at first, and together they do not fit.
_LEAVING = {
    "a": np.array([[1.0, 1.0, 2.0], [10.0, 11.0, -9.0], [-1.0, 0.0, 0.0], [-5.0, 6.0, -7.0]]),
    "b": np.array([-1.0, 11.0, 0.0, 1.0]),
}
_ROWS = [
    *([0.1, -0.6, 1.3, 2.5, 1.5, 0.9], [-0.1, -2.0, 2.3, 1.5, 1.3, -0.1], [0.5, -0.9, 2.4, 2.5, 1.4, 2.4]),
    *([-0.8, -0.9, 2.9, 4.4, 1.8, -0.8], [0.1, -0.6, 1.0, 1.3, 2.0, -1.2], [0.8, 0.9, 1.1, 3.6, 1.7, -0.1]),
    *([-0.1, -1.4, 2.5, 2.7, 3.9, 1.0], [-0.7, -0.2, 1.9, 2.0, 1.6, -0.9], [1.7, -0.4, 2.8, 3.7, 1.3, 1.3]),
]
_DISTANCE = {
    "a": np.vstack([np.array(_ROWS).T, np.ones(9)]),
    "b": np.eye(7)[6],
}  # of 0 from nine rows in six dimensions
NAMED = {
    "identity": {"a": np.eye(3), "b": np.array([2.0, -1.0, 0.5]), "x": np.array([2.0, 0, 0.5]), "residual": 1.0},
    "nothing_helps": {"a": np.eye(2), "b": np.array([-3.0, -4.0]), "x": np.zeros(2), "residual": 5.0},
    "all_positive": _planted(1, 3, 2, 0),
    "some_idle": _planted(2, 4, 3, 2),
    "one_column": _planted(3, 1, 2, 0),
    "exact": {
        "a": np.array([[2.0, 1.0], [1.0, 3.0]]),
        "b": np.array([4.0, 7.0]),
        "x": np.array([1.0, 2.0]),
        "residual": 0.0,
    },
    "no_right_side": {"a": np.array([[2.0, 1.0], [1.0, 3.0]]), "b": np.zeros(2), "x": np.zeros(2), "residual": 0.0},
    "small_units": {
        key: value * 2.0**-40 if key in ("b", "x", "residual") else value for key, value in _planted(4, 3, 2, 1).items()
    },
}
PLANTED = Cases(
    named=NAMED,
    generated=_drawn_planted,
    notes={"nothing_helps": "the solution is 0", "small_units": "thresholds that are not relative to the data"},
)
ANY = Cases(
    named={name: {"a": case["a"], "b": case["b"]} for name, case in NAMED.items()}
    | {
        "leaving": _LEAVING,
        "distance": _DISTANCE,
        "fat": _random(5, 2, 5),
        "repeated_columns": {"a": np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 1.0]]), "b": np.array([3.0, 1.0])},
        "zero_column": {"a": np.array([[0.0, 1.0], [0.0, 2.0]]), "b": np.array([1.0, 1.0])},
    },
    generated=_drawn,
    notes={
        "leaving": "columns enter that have to leave again",
        "distance": "where the way back ends is what the next step begins with",
        "repeated_columns": "x is not unique, the residual is",
    },
)


def _sizes(case: Case) -> tuple[float, int]:
    """What products of A and x are rounded at, and how many terms there are."""
    return float(np.linalg.norm(case["b"])), ULPS * sum(case["a"].shape)


# --- laws --------------------------------------------------------------------------------------------------------------
@law(
    cases=ANY,
    needs=("nnls",),
    grade="numerical",
    equation=r"x \ge 0,\ A^\top (b - A x) \le 0,\ x_j (A^\top (b - A x))_j = 0",
    source=LAWSON,
)
def conditions_of_least_squares(impl, case):
    """No entry is negative, no column leans on what is left of b, and those that are used are orthogonal to it."""
    a, b = case["a"], case["b"]
    x, residual = impl.nnls(a, b)
    size, terms = _sizes(case)
    holds(bool((x >= 0).all()), why="no entry is negative", got=x)
    rest = b.astype(LONG) - a.astype(LONG) @ x.astype(LONG)
    # x is exact for data that are off by a few ulps: A moves by eps |A|, times x, which may be larger than b
    moved = size + np.linalg.norm(a, 2) * float(np.linalg.norm(x))
    lean = (a.astype(LONG).T @ rest).astype(np.float64)
    norms = np.linalg.norm(a, axis=0)
    agree(np.maximum(lean, 0), np.zeros(len(x)), why="columns lean on the rest", ulps=terms, scale=moved * norms)
    used = np.where(x > 0, lean, 0)
    agree(used, np.zeros(len(x)), why="columns in use and the rest", ulps=terms, scale=moved * norms)
    agree(residual, float(np.sqrt((rest**2).sum())), why="the residual", ulps=terms, scale=moved)


@law(cases=PLANTED, needs=("nnls",), grade="numerical", equation=r"b = A x + r", source="construction")
def planted_least_squares(impl, case):
    """A right side made of x and of a residual that the conditions allow: both are found again."""
    x, residual = impl.nnls(case["a"], case["b"])
    size, terms = _sizes(case)
    values = np.linalg.svd(case["a"], compute_uv=False)
    spread = float(values[0] / values[-1])
    scale = spread**2 * (size / values[0] + float(np.abs(case["x"]).max(initial=0)))
    agree(x, case["x"], why="x", ulps=terms, scale=scale)
    agree(residual, case["residual"], why="the residual", ulps=terms, scale=size)


@law(
    cases=ANY,
    needs=("nnls",),
    grade="numerical",
    equation=r"\|A x - b\| = \min_S \|A_S x_S - b\|,\ x_S \ge 0",
    source="enumeration",
)
def best_of_all_sets_of_columns(impl, case):
    """The residual is the least of those of all sets of columns whose own least-squares solution is not negative."""
    a, b = case["a"], case["b"]
    best = float(np.linalg.norm(b))
    for size in range(1, min(a.shape) + 1):
        for chosen in itertools.combinations(range(a.shape[1]), size):
            part = a[:, list(chosen)]
            x = np.linalg.lstsq(part, b, rcond=None)[0]
            if (x >= 0).all():
                best = min(best, float(np.linalg.norm(part @ x - b)))
    size, terms = _sizes(case)
    agree(impl.nnls(a, b)[1], best, why="the residual", ulps=4 * terms, scale=size)


@law(
    cases=ANY,
    needs=("nnls",),
    grade="numerical",
    equation=r"x(A D, c b) = c D^{-1} x(A, b),\ D > 0 \text{ diagonal}",
    source="invariance",
)
def units_of_columns_and_right_side(impl, case):
    """Columns in other units and a right side times a factor: the same combination of columns, the residual times it."""
    a, b = case["a"], case["b"]
    x, residual = impl.nnls(a, b)
    size, terms = _sizes(case)
    moved = size + np.linalg.norm(a, 2) * float(np.linalg.norm(x))
    for c, apart in ((2.0**-30, 1), (2.0**20, 15)):
        units = 2.0 ** (apart * (np.arange(a.shape[1]) % 5 - 2))
        other, distance = impl.nnls(a * units, c * b)
        agree(a @ (units * other) / c, a @ x, why=f"A x at {c:g} b", ulps=4 * terms, scale=moved * _spread(a))
        agree(distance / c, residual, why=f"the residual at {c:g} b", ulps=terms, scale=moved)


def _spread(a: np.ndarray) -> float:
    """Least-squares fits move by this times the relative change of the columns: the worst of all sets of columns."""
    sets = (s for k in range(1, min(a.shape) + 1) for s in itertools.combinations(range(a.shape[1]), k))
    worst = 1.0
    for chosen in sets:
        values = np.linalg.svd(a[:, list(chosen)], compute_uv=False)
        if values[-1] > 1e-10 * values[0]:
            worst = max(worst, float(values[0] / values[-1]))
    return worst


LEAST_SQUARES_CONTRACTS = (
    Contract(
        "nnls",
        ("a", "b"),
        ("x", "residual"),
        PLANTED,
        "The x >= 0 (n,) of least |A x - b| for A (m, n) and b (m,), and that distance.",
        laws=(
            conditions_of_least_squares,
            planted_least_squares,
            best_of_all_sets_of_columns,
            units_of_columns_and_right_side,
        ),
        planted=bugs_of("nnls"),
        golden=(
            worked(
                "nnls",
                {"a": np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]), "b": np.array([3.0, 2.0, 1.0])},
                14,
                "a falling line fitted with a slope that may not fall: the mean is left",
                x=[2.0, 0.0],
                residual=2**0.5,
            ),
        ),
    ),
)
