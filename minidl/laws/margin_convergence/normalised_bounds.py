"""The laws of what is known of runs with growing steps at every time: bounds of gap, margin and loss."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case, Cases, agree, holds, law
from minidl.laws.margin_convergence.cases import DATA, EPS, NACSON, scaled
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer, plane_margin
from minidl.laws.margin_convergence.descents import gaps
from minidl.laws.margin_convergence.normalised_runs import EXPONENTIAL, roots, run
from minidl.laws.margin_convergence.steps import every_step, normalised, only


# --- bounds ------------------------------------------------------------------------------------------------------------
def _bounded() -> dict[str, Case]:
    return {
        f"{name}_{update}": normalised(
            scaled(DATA[name]["z"]), EXPONENTIAL, update, 1.0, None, (1, 2, 3, 5, 10, 40, 150)
        )
        | {"margin": float(answer(DATA[name]).margin / np.sqrt((DATA[name]["z"] ** 2).sum(axis=1).max()))}
        for name in ("worked", "pair", "single_support", "triple", "narrow", "crowd", "wide")
        for update in ("loss", "unit")
    }


_OPPOSING = scaled(np.array([[1000.0, 1.0], [-880.0, 1.0]]))
_OPPOSED = {
    f"opposing_{update}": normalised(_OPPOSING, EXPONENTIAL, update, 1.0, None, (1, 2, 3, 5, 10, 25, 60))
    | {"margin": float(plane_margin(_OPPOSING)[0])}
    for update in ("loss", "unit")
}


def _drawn_bounded():
    from hypothesis import strategies as st

    from minidl.laws.margin_convergence.cases import planted_cases

    def one(case: Case, update: str, scale: float) -> Case:
        z = case["z"]
        margin = float(answer(case).margin / np.sqrt((z**2).sum(axis=1).max()))
        return normalised(scaled(z), EXPONENTIAL, update, scale, None, (1, 2, 4, 10, 40)) | {"margin": margin}

    return st.builds(one, planted_cases(), st.sampled_from(["loss", "unit"]), st.sampled_from([1.0, 1.0, 0.5, 2.0]))


BOUNDED = Cases(
    named=_bounded() | _OPPOSED,
    generated=_drawn_bounded,
    notes={
        "narrow_loss": "a margin twenty times below the rows",
        "opposing_unit": "w goes to and fro: it is far shorter than the sum of its steps, and a row is on the wrong side",
    },
)


@law(
    cases=BOUNDED,
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"\gamma - \frac{\min_n z_n \cdot w_T}{\|w_T\|} "
    r"\le \frac{\tfrac12 \sum_t \eta_t^2 + \log N}{\gamma \sum_t \eta_t} \text{ or } "
    r"\frac{\tfrac12 \sum_t \eta_t^2 + \log N}{\sum_t \eta_t}",
    source="log L is 1-smooth where no row is longer than 1; " + NACSON,
)
def gap_stays_below_its_bound(impl, case):
    """From w = 0 the margin gap lies below its bound at every time; by the norm, where that bound is below the margin."""
    w, _ = run(impl, case)
    got, scale, margin = gaps(case["z"], w, case["margin"]), case["scale"], case["margin"]
    for gap, t in zip(got, case["times"].tolist(), strict=True):
        squares = float((1 / np.arange(1, t + 1, dtype=LONG)).sum())
        bound = (scale**2 * squares / 2 + np.log(len(case["z"]))) / (scale * float(roots(t)))
        if case["update"] == "loss":
            bound = bound / margin
        elif bound > margin:  # |w| may be less than the sum of its steps then, but not than gamma times it
            bound = margin - 1 + bound / margin
        holds(bool(gap <= bound + 64 * EPS), why=f"the gap after {t} steps", expected=bound, got=float(gap))


@law(
    cases=BOUNDED,
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"-\log L \le \min_n z_n \cdot w \le \log N - \log L",
    source="bounds of a sum by its terms",
)
def smallest_margin_by_the_loss(impl, case):
    """The smallest margin lies between -log L and log N more than that."""
    w, told = run(impl, case)
    smallest = (w @ case["z"].T).min(axis=1)
    nearest = np.clip(smallest, -told, np.log(len(case["z"])) - told)  # itself, inside the bounds
    scale = float(np.abs(w).max() * np.abs(case["z"]).sum(axis=1).max() + 1)
    agree(smallest, nearest, why="the smallest margin", ulps=8 * sum(case["z"].shape), scale=scale)


@law(
    cases=only(BOUNDED, lambda case: case["update"] == "loss"),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"\eta_t \le 2,\ \max_n \|z_n\| \le 1 \Rightarrow "
    r"\log L(w_{t+1}) \le \log L(w_t) - (\eta_t - \eta_t^2 / 2) \gamma^2",
    source="log L is 1-smooth where no row is longer than 1; " + NACSON,
)
def logarithm_falls_in_every_step(impl, case):
    """With steps of 2 at most, log L falls in every step, by what its smoothness and the margin leave it at least."""
    told = run(impl, every_step(case, 60))[1]
    steps = case["scale"] / np.sqrt(np.arange(1.0, len(told)))
    above = told[1:] - told[:-1] + (steps - steps**2 / 2) * case["margin"] ** 2
    slack = 16 * sum(case["z"].shape) * EPS * (1 + float(np.abs(told).max()))
    holds(bool((above <= slack).all()), why="log L falls enough", expected="at most 0", got=above)
