"""The laws of interpolants of least penalty over a range of scales."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, holds, law
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.interpolation import PRINTED
from minidl.laws.kernel_rich.optimality import fits, minimiser, stationary
from minidl.laws.kernel_rich.oracle import long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH


def _paths() -> Cases:
    def fill(rng, case):
        return {
            "alphas": rng.permutation(np.array([0.03, 0.3, 1.0, 5.0]))[: int(rng.integers(1, 3))],
            "depth": int(rng.choice([2, 3, 4])),
        }

    three = known.data(np.random.default_rng(1), 3, 6)
    wide = np.array([1e-3, 10.0, 0.1])
    more = {f"depth_{depth}": three | {"alphas": wide, "depth": depth} for depth in (2, 3, 4)}
    more["ascending"] = three | {"alphas": np.array([0.01, 0.1, 1.0]), "depth": 2}
    more["one_scale"] = three | {"alphas": np.array([0.5]), "depth": 3}
    more["twice"] = known.WORKED | {"alphas": np.array([0.1, 1.0, 0.1]), "depth": 2}
    return known.regressions(fill, more)


PATHS = _paths()


@law(
    cases=PATHS,
    needs=("potential_path", "min_potential"),
    grade="numerical",
    equation=r"\beta_k = \beta_{\alpha_k}",
    source=WOODWORTH,
)
def every_scale_on_its_own(impl, case):
    """A sweep gives the minimiser of every scale, in the order in which the scales were told."""
    x, y, depth = case["x"], case["y"], case["depth"]
    beta, nu, steps = (np.asarray(part) for part in impl.potential_path(x, y, case["alphas"], depth))
    shapes = (len(case["alphas"]), x.shape[1]), (len(case["alphas"]), len(x)), (len(case["alphas"]),)
    holds((beta.shape, nu.shape, steps.shape) == shapes, why="a row for every scale", got=beta.shape, expected=shapes)
    for k, alpha in enumerate(case["alphas"]):
        want = minimiser(impl, x, y, float(alpha), depth)
        compare(beta[k], want, 2 * known.wiggle(x, y, want, float(alpha), depth), why=f"alpha = {alpha}")


@law(
    cases=PATHS,
    needs=("potential_path",),
    grade="numerical",
    equation=r"X \beta_k = y,\ h_D^{-1}(\beta_k / \alpha_k^D) = X^\top \nu_k",
)
def every_scale_is_optimal(impl, case):
    """Every row fits the targets, and its dual values are X^T nu."""
    x, depth = case["x"], case["depth"]
    beta, nu, _ = (np.asarray(part) for part in impl.potential_path(x, case["y"], case["alphas"], depth))
    for k, alpha in enumerate(case["alphas"]):
        fits(x, case["y"], beta[k], f"X beta at alpha = {alpha}")
        t = oracle.place(long(beta[k]) / long(alpha) ** depth, depth)
        s = oracle.dual(t, depth)
        stationary(x, s, nu[k], (32 + 4 * depth * np.abs(t)) * np.abs(s), f"X^T nu at alpha = {alpha}")


# --- contract --------------------------------------------------------------------------------------------------------------
_OF_PATH = [(alpha, beta) for depth, alpha, beta in PRINTED if depth == 2]

PATH_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "potential_path",
        ("x", "y", "alphas", "depth"),
        ("beta", "dual", "steps"),
        PATHS,
        "The interpolants of least penalty over a range of scales.",
        laws=(
            every_scale_on_its_own,
            every_scale_is_optimal,
            two_layers_by_default("potential_path", PATHS, ("x", "y", "alphas", "depth")),
        ),
        planted=bugs_of("potential_path"),
        free=("steps",),
        golden=(
            Golden(
                "potential_path",
                known.WORKED | {"alphas": np.array([alpha for alpha, _ in _OF_PATH]), "depth": 2},
                {"beta": np.array([beta for _, beta in _OF_PATH])},
                10,
                "x = (1, 0.4), y = 1 at depth 2, from the kernel to the rich regime",
            ),
        ),
    ),
)
