"""The laws of the sparse regression on which the regimes are compared."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, holds, identical, law
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH


def _problems() -> Cases:
    def build(seed: int, n: int, d: int, sparsity: int, width: type = np.float64) -> dict:
        rng = np.random.default_rng(seed)
        x, noise = rng.normal(size=(n, d)), 0.1 * rng.normal(size=n)
        return {"x": x.astype(width), "noise": noise.astype(width), "sparsity": min(sparsity, d)}

    named = {
        "five": build(0, 3, 8, 5),
        "all": build(1, 2, 3, 3),
        "one": build(2, 1, 1, 1),
        "single": build(3, 3, 4, 2, np.float32),
    }
    named["no_noise"] = build(4, 3, 6, 2) | {"noise": np.zeros(3)}

    def generated():
        from hypothesis import strategies as st

        few = st.integers(1, 6)
        return st.builds(build, st.integers(0, 9999), few, few, few)

    return Cases(named=named, generated=generated)


PROBLEMS = _problems()


@law(
    cases=PROBLEMS,
    needs=("sparse_regression",),
    grade="numerical",
    equation=r"\|\beta^*\|_2 = 1, \|\beta^*\|_0 = s",
    source=WOODWORTH,
)
def signal_of_norm_1(impl, case):
    """The first entries of beta are equal and positive, their squares add up to 1, and the others are 0."""
    x, _, beta = (np.asarray(part) for part in impl.sparse_regression(case["x"], case["noise"], case["sparsity"]))
    s, eps = case["sparsity"], float(np.finfo(case["x"].dtype).eps)
    identical(x, case["x"], why="x")
    holds(beta.dtype == case["x"].dtype, why="the dtype is kept", got=beta.dtype)
    identical(beta[s:], np.zeros(len(beta) - s, beta.dtype), why="entries beyond the first")
    identical(beta[:s], np.full(s, beta[0]), why="the first entries")
    compare(float(s * Fraction(float(beta[0])) ** 2), 1.0, 4 * eps, why="the squared norm")
    holds(bool(beta[0] > 0), why="they are positive", got=beta[0])


@law(
    cases=PROBLEMS,
    needs=("sparse_regression",),
    grade="numerical",
    equation=r"y = X \beta^* + \varepsilon",
    source=WOODWORTH,
)
def targets_with_noise(impl, case):
    """Targets are the predictions of beta and the noise: rational arithmetic says what they are."""
    x, y, beta = (np.asarray(part) for part in impl.sparse_regression(case["x"], case["noise"], case["sparsity"]))
    eps = float(np.finfo(case["x"].dtype).eps)
    want = [
        float(sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, beta, strict=True)) + Fraction(float(e)))
        for row, e in zip(x, case["noise"], strict=True)
    ]
    size = np.abs(x).astype(float) @ np.abs(beta) + np.abs(case["noise"])
    compare(y, np.array(want).astype(x.dtype), eps * (x.shape[1] + 3) * size.astype(float), why="y")


@law(
    cases=PROBLEMS,
    needs=("sparse_regression", "draw_sparse_regression"),
    grade="exact",
    equation=r"x \sim N(0, I), \quad \varepsilon \sim N(0, \sigma^2)",
    source=WOODWORTH,
)
def drawn_problems(impl, case):
    """A drawn problem is that of the generator's standard normals: inputs first, then noise times its deviation."""
    (n, d), s = case["x"].shape, case["sparsity"]
    for variance in (0.25, 0.0):
        noise = np.random.default_rng(7)
        x = noise.standard_normal((n, d))
        want = impl.sparse_regression(x, np.sqrt(variance) * noise.standard_normal(n), s)
        got = impl.draw_sparse_regression(n, d, s, variance, rng=np.random.default_rng(7))
        for name, part, expected in zip(("x", "y", "beta"), got, want, strict=True):
            identical(np.asarray(part), np.asarray(expected), why=f"{name} at variance {variance}")


@law(
    cases=Cases(named={"one": PROBLEMS.named["one"]}),
    needs=("sparse_regression", "draw_sparse_regression"),
    grade="exact",
    equation=r"n = 100, d = 1000, s = 5, \sigma^2 = 0.01",
    source=WOODWORTH,
)
def problem_of_the_paper(impl, case):
    """What is drawn by default is the paper's problem: 100 examples, 1000 features, 5 of use, and noise of variance 0.01."""
    noise = np.random.default_rng(7)
    x = noise.standard_normal((100, 1000))
    want = impl.sparse_regression(x, np.sqrt(0.01) * noise.standard_normal(100))
    got = impl.draw_sparse_regression(rng=np.random.default_rng(7))
    for name, part, expected in zip(("x", "y", "beta"), got, want, strict=True):
        identical(np.asarray(part), np.asarray(expected), why=name)
    holds(int((np.asarray(got[2]) != 0).sum()) == 5, why="five entries", got=np.asarray(got[2])[:8])


SPARSE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "sparse_regression",
        ("x", "noise", "sparsity"),
        ("x", "y", "beta"),
        PROBLEMS,
        "A regression whose signal is sparse and of norm 1.",
        laws=(signal_of_norm_1, targets_with_noise, drawn_problems, problem_of_the_paper),
        planted=bugs_of("sparse_regression"),
        golden=(
            Golden(
                "sparse_regression",
                {"x": np.array([[2.0, 4.0, 1.0, 0.0, 6.0]]), "noise": np.array([0.125]), "sparsity": 4},
                {"y": np.array([3.625]), "beta": np.array([0.5, 0.5, 0.5, 0.5, 0.0])},
                15,
                "entries of 1/sqrt(4)",
            ),
        ),
    ),
)
