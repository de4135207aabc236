"""The laws of both ends: the interpolants of least L2 and L1 norm, and the scales from which on they are near."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, agree, holds, law
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.optimality import fits, minimiser
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH


# --- cases -----------------------------------------------------------------------------------------------------------------
def _plain() -> Cases:
    three = known.data(np.random.default_rng(4), 3, 6)
    more = {"three": three, "one": known.WORKED, "square": known.data(np.random.default_rng(5), 3, 3)}
    more["no_target"] = three | {"y": np.zeros(3)}
    more["small_rows"] = {"x": three["x"] * np.array([[1e-3], [1.0], [1e3]]), "y": three["y"]}
    return known.regressions(lambda rng, case: {}, more)


def _tied() -> Cases:
    """Integers, where several interpolants may have the least L1 norm, and vertices more zeros than they must."""
    cube = np.array([[1.0, 1.0, 0.0, 2.0], [0.0, 1.0, -1.0, 1.0]])
    named = {
        "equal_features": {"x": np.array([[1.0, 1.0, -1.0]]), "y": np.array([2.0])},
        "too_many_zeros": {"x": cube, "y": np.array([2.0, 1.0])},
        "all_signs": {"x": np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0]]), "y": np.array([1.0, 0.0])},
    }

    def generated():
        from hypothesis import strategies as st

        def one(seed: int) -> dict:
            rng = np.random.default_rng(seed)
            while True:
                n = int(rng.integers(1, 4))
                x = rng.integers(-2, 3, (n, int(rng.integers(n, 7)))).astype(float)
                if np.linalg.matrix_rank(x) == n:
                    return {"x": x, "y": rng.integers(-3, 4, n).astype(float)}

        return st.builds(one, st.integers(0, 9999))

    return Cases(named=named, generated=generated, notes={"too_many_zeros": "one feature alone fits both examples"})


PLAIN, TIED = _plain(), _tied()


# --- least L2 norm ---------------------------------------------------------------------------------------------------------
def _off_l2(x, y):
    """By what rounding may carry it: the condition of x, relatively."""
    return EPS * known.slack(x) * float(np.linalg.norm(np.abs(known.least_l2(x, y)).astype(float)))


@law(cases=PLAIN, needs=("min_l2",), grade="numerical", equation=r"\beta = X^\top (X X^\top)^{-1} y")
def by_elimination(impl, case):
    """The interpolant of least L2 norm is X^T (X X^T)^{-1} y, which elimination in long double finds."""
    x, y = case["x"], case["y"]
    compare(np.asarray(impl.min_l2(x, y)), known.least_l2(x, y).astype(float), _off_l2(x, y), why="beta")


@law(
    cases=PLAIN,
    needs=("min_l2",),
    grade="numerical",
    equation=r"\beta(X R) = R^\top \beta(X), \quad \beta(M X, M y) = \beta(X, y)",
)
def turned_with_the_features(impl, case):
    """Turning the features turns it, mixing the examples does not change it, nor does telling one twice."""
    x, y = case["x"], case["y"]
    plain, off = np.asarray(impl.min_l2(x, y)), 4 * _off_l2(x, y)
    normal = np.arange(1.0, x.shape[1] + 1) / np.linalg.norm(np.arange(1.0, x.shape[1] + 1))
    mirror = np.eye(x.shape[1]) - 2 * np.outer(normal, normal)
    compare(np.asarray(impl.min_l2(x @ mirror, y)), mirror @ plain, off, why="mirrored")
    compare(np.asarray(impl.min_l2(np.vstack([x, 4 * x[:1]]), np.append(y, 4 * y[0]))), plain, off, why="told twice")
    fits(x, y, plain)


# --- least L1 norm ---------------------------------------------------------------------------------------------------------
def _check_l1(impl, case):
    x, y = case["x"], case["y"]
    beta, dual, gap = impl.min_l1(x, y)
    beta, dual = np.asarray(beta), np.asarray(dual)
    fits(x, y, beta)
    least = float(np.abs(known.least_l1(x, y)).sum())
    off = EPS * known.slack(x) * max(least, float(np.abs(y) @ np.abs(dual)))
    compare(float(np.abs(beta).sum()), least, off, why="the norm")
    size = float((np.abs(x).T @ np.abs(dual)).max())
    holds(
        bool(np.abs(long(x).T @ dual).max() <= 1 + EPS * known.slack(x) * size), why="||X^T dual|| <= 1", got=dual @ x
    )
    compare(float(y @ dual), least, off, why="y . dual certifies the norm")
    compare(float(gap), 0.0, 2 * off, why="the gap")
    # entries of a vertex that are 0 but for rounding count as 0
    count = int((np.abs(beta) > EPS * known.slack(x) * max(least, EPS)).sum())
    holds(count <= len(x), why="at most as many non-zeros as examples", got=beta)


@law(
    cases=PLAIN,
    needs=("min_l1",),
    grade="numerical",
    equation=r"\|\beta\|_1 = \min_{X b = y} \|b\|_1 = \max_{\|X^\top \lambda\|_\infty \le 1} y \lambda",
)
def by_enumeration_of_supports(impl, case):
    """No set of n features has a solution of smaller L1 norm, and the dual proves it without looking at any."""
    _check_l1(impl, case)


@law(cases=TIED, needs=("min_l1",), grade="numerical", equation=r"\|\beta\|_1 = \min_{X b = y} \|b\|_1")
def ties_and_zeros(impl, case):
    """Where several interpolants have the least norm, or a vertex has entries of 0, one of them comes, with its certificate."""
    _check_l1(impl, case)


@law(cases=PLAIN, needs=("min_l1",), grade="numerical", equation=r"\|\beta(c y)\|_1 = |c|\, \|\beta(y)\|_1")
def units_and_signs_of_the_norm(impl, case):
    """The least norm scales with the targets; signs and order of the features do not matter."""
    x, y = case["x"], case["y"]
    beta, dual, _ = impl.min_l1(x, y)
    norm = float(np.abs(beta).sum())
    scale = max(norm, float(np.abs(y) @ np.abs(np.asarray(dual))))
    signs = np.where(np.arange(x.shape[1]) % 2 == 0, -1.0, 1.0)
    for why, factor, changed in (
        ("mirrored", 1, (x * signs, y)),
        ("in reverse order", 1, (x[:, ::-1].copy(), y)),
        ("targets times -8", 8, (x, -8 * y)),
        ("features times 4", 0.25, (4 * x, y)),
    ):
        got = float(np.abs(np.asarray(impl.min_l1(*changed)[0])).sum())
        agree(got, factor * norm, why=why, ulps=2 * known.slack(x), scale=factor * scale)


# --- sufficient scales -----------------------------------------------------------------------------------------------------
def _both_ends() -> Cases:
    def fill(rng, case):
        b1, b2 = (part(case["x"], case["y"]).astype(float) for part in (known.least_l1, known.least_l2))
        return {"b1": b1, "b2": b2, "eps": float(rng.choice([0.1, 0.25, 0.5, 0.9]))}

    rng = np.random.default_rng(6)
    worked = known.WORKED | fill(rng, known.WORKED)
    big = {"x": known.WORKED["x"], "y": np.array([20.0])}
    more = {"worked": worked | {"eps": 0.5}, "large_targets": big | fill(rng, big) | {"eps": 0.5}}
    more["large_and_loose"] = more["large_targets"] | {"eps": 0.9}
    return known.regressions(fill, more)


ENDS = _both_ends()


@law(
    cases=ENDS,
    needs=("sufficient_scales", "min_potential"),
    grade="numerical",
    equation=r"\|\beta_\alpha\|_1 \le (1 + \epsilon) \|b_1\|_1, \quad \|\beta_\alpha\|_2^2 \le (1 + \epsilon) \|b_2\|_2^2",
    source=WOODWORTH,
)
def scales_suffice(impl, case):
    """At the rich scale the L1 norm is within its factor, at the kernel scale the squared L2 norm."""
    x, y, eps = case["x"], case["y"], case["eps"]
    rich, kernel = (float(scale) for scale in impl.sufficient_scales(case["b1"], case["b2"], eps))
    holds(0 <= rich < kernel, why="the rich regime is below the kernel regime", got=(rich, kernel))
    slack = 1 + EPS * known.slack(x)
    if rich > 1e-30:  # below, alpha^2 leaves no digits between the entries of beta
        norm = float(np.abs(minimiser(impl, x, y, rich, 2)).sum())
        most = (1 + eps) * float(np.abs(known.least_l1(x, y)).sum()) * slack
        holds(norm <= most, why="the L1 norm", got=norm, expected=most)
    beta, b2 = minimiser(impl, x, y, kernel, 2), known.least_l2(x, y)
    holds(
        float(beta @ beta) <= (1 + eps) * float(b2 @ b2) * slack,
        why="the L2 norm",
        got=float(beta @ beta),
        expected=float(b2 @ b2),
    )


@law(
    cases=ENDS,
    needs=("sufficient_scales",),
    grade="numerical",
    equation=r"\kappa(c b_2) = \sqrt{c}\, \kappa(b_2), \quad \log \rho = \min(\ldots, -d / (\epsilon \|b_1\|_1))",
    source=WOODWORTH,
)
def how_the_scales_scale(impl, case):
    """The kernel scale grows as the root of b_2; the rich one falls with the dimension exponentially, or as a power of b_1."""
    b1, b2, eps = case["b1"], case["b2"], case["eps"]
    kernel = float(impl.sufficient_scales(b1, b2, eps)[1])
    agree(float(impl.sufficient_scales(b1, 4 * b2, eps)[1]), 2 * kernel, why="4 b_2", ulps=16)
    # whichever bound holds, features of no use make it the exponential one, which falls by 1/(eps ||b_1||) for each
    unit = b1 / np.abs(b1).sum()
    wide = np.concatenate([unit, np.zeros(40)])
    wider = np.concatenate([wide, np.zeros(20)])
    there, beyond = (np.log(float(impl.sufficient_scales(b, np.ones(len(b)), 0.5)[0])) for b in (wide, wider))
    agree(beyond - there, -40.0, why="twenty features more", ulps=64, scale=len(wider) / 0.5)
    # for large b_1 it is the power -(2 + eps)/(2 eps)
    far, farther = (np.log(float(impl.sufficient_scales(c * unit, b2, eps)[0])) for c in (2.0**20, 2.0**21))
    power = (2 + eps) / (2 * eps)
    agree(farther - far, -power * np.log(2), why="b_1 twice as large", ulps=64, scale=power * 21)
    agree(far, -power * np.log(2 * (1 + eps) * 2.0**20), why="the power's bound", ulps=64)
    agree(
        kernel**2,
        2 * (1 + eps) * (1 + 2 / eps) * float(np.sqrt((b2**2).sum())),
        why="the square of the kernel scale",
        ulps=32,
    )
    agree(there, -2.0 * len(wide), why="the exponential bound", ulps=64)


# --- contracts -------------------------------------------------------------------------------------------------------------
_E4, _30 = 0.018315638888734179, 30.0**-2.5

NORM_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "min_l2",
        ("x", "y"),
        ("beta",),
        PLAIN,
        "The interpolant of least L2 norm, where the kernel regime ends.",
        laws=(by_elimination, turned_with_the_features),
        planted=bugs_of("min_l2"),
        golden=(
            Golden("min_l2", known.WORKED, {"beta": np.array([0.8620689655, 0.3448275862])}, 10, "(1, 0.4) / 1.16"),
        ),
    ),
    Contract(
        "min_l1",
        ("x", "y"),
        ("beta", "dual", "gap"),
        PLAIN,
        "An interpolant of least L1 norm, where the rich regime ends, with its certificate.",
        laws=(by_enumeration_of_supports, ties_and_zeros, units_and_signs_of_the_norm),
        planted=bugs_of("min_l1"),
        free=("gap",),
        golden=(
            Golden(
                "min_l1",
                known.WORKED,
                {"beta": np.array([1.0, 0.0]), "dual": np.ones(1)},
                15,
                "the larger feature alone",
            ),
        ),
        terms=lambda case: float(np.abs(known.least_l1(case["x"], case["y"])).sum()),
    ),
    Contract(
        "sufficient_scales",
        ("b1", "b2", "eps"),
        ("rich", "kernel"),
        ENDS,
        "The scales below and above which theory promises either norm.",
        laws=(scales_suffice, how_the_scales_scale),
        planted=bugs_of("sufficient_scales"),
        golden=(
            Golden(
                "sufficient_scales",
                {"b1": np.array([1.0, 0.0]), "b2": np.array([0.6, 0.8]), "eps": 0.5},
                {"rich": _E4, "kernel": np.sqrt(15.0)},
                14,
                "e^{-4} is below 3^{-2.5}; 2 (3/2) 5 = 15",
            ),
            Golden(
                "sufficient_scales",
                {"b1": np.array([-10.0, 0.0]), "b2": np.array([4.0, 0.0]), "eps": 0.5},
                {"rich": _30, "kernel": np.sqrt(60.0)},
                14,
                "30^{-2.5} is below e^{-0.4}",
            ),
        ),
    ),
)
