"""The laws of descent with normalised steps."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, law
from minidl.laws.margin_convergence.cases import EPS, NACSON, ONE, PAIR, WORKED, left_to_itself, worked
from minidl.laws.margin_convergence.clocks import LONG, log_total
from minidl.laws.margin_convergence.descents import HEADLINE, gaps
from minidl.laws.margin_convergence.normalised_bounds import (
    gap_stays_below_its_bound,
    logarithm_falls_in_every_step,
    smallest_margin_by_the_loss,
)
from minidl.laws.margin_convergence.normalised_runs import (
    EXPONENTIAL,
    INPUTS,
    growing_steps_in_another_unit,
    growing_steps_on_repeated_rows,
    growing_steps_on_thousands_of_rows,
    growing_steps_turn_with_the_data,
    roots,
    rows_of,
    run,
    the_same_added_to_all_margins,
)
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.steps import (
    NORMALISED,
    OPPOSITE,
    gradient_of,
    near_a_corner,
    normalised,
    only,
    rows_match,
    some_steps,
    terms_of,
    told_loss_is_that_of_the_weights,
)


# --- one step ----------------------------------------------------------------------------------------------------------
@law(
    cases=only(NORMALISED, lambda case: np.abs(case["w"]).max() < 100),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_{t+1} = w_t - \frac{\eta_0}{\sqrt{t+1}} \nabla \log L(w_t) \text{ or } "
    r"w_t - \frac{\eta_0}{\sqrt{t+1}} \frac{\nabla L}{\|\nabla L\|}",
    source=NACSON,
)
def steps_down_the_logarithm(impl, case):
    """Every step is along the gradient of log L, found by difference quotients: as it is, or of length 1."""
    rows = rows_of(impl, case)
    z = case["z"].astype(LONG)
    if near_a_corner(case, rows):
        rows = rows[:1]
    for t in some_steps(rows):
        before, after = rows[t], rows[t + 1]
        g = gradient_of(lambda w: log_total(z, w, case["tail"], case["power"]), before.astype(LONG))
        sharp = 1.0
        if case["update"] == "unit":
            norm = np.sqrt((g**2).sum())
            sharp = float(np.abs(z).max() * max(1.0, case["power"]) / norm)  # how much of its terms cancels in g
            if sharp > 1e4:
                continue
            g = g / norm
        move = LONG(case["scale"]) / np.sqrt(LONG(t + 1)) * g
        u = float(np.abs(z).sum() * np.abs(before).max())
        steep = (
            (1 + case["power"]) * max(1.0, u) ** max(case["power"] - 1, 0)
            if case["tail"] == "poly_exponential"
            else 4.0
        )
        size = np.abs(before).max() + case["scale"] * max(1.0, case["power"]) * (1 + u) * steep * sharp
        expected = (before.astype(LONG) - move).astype(np.float64)
        agree(after, expected, why=f"w after step {t + 1}", ulps=16 * sum(z.shape), scale=float(size))
    agree(rows[:1], case["w"][None].astype(np.float64), why="w before the first step", ulps=0)


@law(cases=NORMALISED, needs=("normalised_descent",), grade="numerical", equation=r"\log L(w_t)", source=NACSON)
def told_loss_of_growing_steps(impl, case):
    """The loss that is told is the sum of the losses at the w beside it, one for each of the times asked for."""
    found = run(impl, case)
    holds(found[0].shape == (len(case["times"]), len(case["w"])), why="a w for each time", got=found[0].shape)
    told_loss_is_that_of_the_weights(case, found)


@law(cases=NORMALISED, needs=("normalised_descent",), grade="numerical", source="definition")
def times_asked_for(impl, case):
    """Fewer times asked for, the same w at each."""
    rows = rows_of(impl, case)
    last = len(rows) - 1
    some = np.unique([last // 3, last])
    rows_match(case, run(impl, case, times=some)[0], rows[some], rows, "w at some of the times")


@law(
    cases=only(NORMALISED, lambda case: case["update"] == "unit" and case["times"][-1] > 0),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"\|w_{t+1} - w_t\| = \eta_0 / \sqrt{t + 1}",
    source=NACSON,
)
def lengths_of_unit_steps(impl, case):
    """Steps by the gradient's norm have lengths that nothing but the clock decides."""
    rows = rows_of(impl, case)
    lengths = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    expected = case["scale"] / np.sqrt(np.arange(1.0, len(rows)))
    agree(lengths, expected, why="lengths of steps", ulps=16, scale=expected + np.abs(rows).max())


# --- closed forms ------------------------------------------------------------------------------------------------------
def _one_row() -> dict[str, Case]:
    cases = {}
    for update in ("loss", "unit"):
        cases[f"one_{update}"] = normalised(ONE / 5, EXPONENTIAL, update, 1.0, [-0.3, 0.2], (0, 1, 2, 50, 400))
        cases[f"short_{update}"] = normalised(ONE / 8, EXPONENTIAL, update, 2.0, [1.0, 0.0], (3, 40))
    for tail, power in (("logistic", 1.0), ("polynomial", 2.0), ("sub_polynomial", 1.0), ("poly_exponential", 0.5)):
        cases[f"unit_{tail}"] = normalised(ONE / 8, (tail, power), "unit", 1.0, [0.5, 0.5], (1, 7, 40))
    return cases


@law(
    cases=Cases(named=_one_row()),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_T = w_0 + \eta_0 \sum_{t<T} \frac{1}{\sqrt{t+1}} z \text{ (loss)}, \quad "
    r"w_0 + \eta_0 \sum_{t<T} \frac{1}{\sqrt{t+1}} \frac{z}{\|z\|} \text{ (unit)}",
    source="closed form",
)
def one_row_alone(impl, case):
    """One row, exponential loss: every step is the row over sqrt(t + 1); by the norm, a row of length 1, whatever the loss."""
    z = case["z"][0].astype(LONG)
    along = z / np.sqrt((z**2).sum()) if case["update"] == "unit" else z
    expected = np.array(
        [case["w"] + LONG(case["scale"]) * roots(t) * along for t in case["times"].tolist()], np.float64
    )
    rows_match(case, run(impl, case)[0], expected, expected, "w")


def _equal_margins() -> dict[str, Case]:
    fans = {
        "pair": PAIR @ np.array([[1.0, 0.0], [0.0, 0.5]]),
        "fan": np.array([[2.0, 1.0], [2.0, -1.0]]) / 4,
        "tripod": np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]) / 2,
    }
    return {
        f"{name}_{kind[0]}_{update}": normalised(z, kind, update, 1.0, None, (0, 1, 9, 60))
        for name, z in fans.items()
        for kind in (EXPONENTIAL, ("logistic", 1.0), ("polynomial", 2.0))
        for update in ("loss", "unit")
        if kind == EXPONENTIAL or update == "unit"
    }


@law(
    cases=Cases(named=_equal_margins()),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_T = \eta_0 \sum_{t<T} \frac{1}{\sqrt{t+1}} \bar z \text{ or } \ldots \frac{\bar z}{\|\bar z\|}",
    source="symmetry",
)
def rows_that_stay_equal(impl, case):
    """Rows that a symmetry exchanges keep equal margins from w = 0 on, hence equal weights: steps go along their mean."""
    mean = case["z"].astype(LONG).mean(axis=0)
    along = mean / np.sqrt((mean**2).sum()) if case["update"] == "unit" else mean
    expected = np.array([LONG(case["scale"]) * roots(t) * along for t in case["times"].tolist()], np.float64)
    rows_match(case, run(impl, case)[0], expected, expected, "w")


@law(
    cases=Cases(
        named={
            f"{kind[0]}_{update}": normalised(OPPOSITE / 4, kind, update, 1.0, None, (0, 1, 5))
            for kind in (EXPONENTIAL, ("logistic", 1.0), ("polynomial", 2.0))
            for update in ("loss", "unit")
        }
    ),
    needs=("normalised_descent",),
    grade="exact",
    source="convention",
)
def no_gradient_no_step(impl, case):
    """Where the gradient is exactly 0, as between two opposite rows, nothing moves: it has no direction."""
    w, told = run(impl, case)
    agree(w, np.zeros((3, 2)), why="w", ulps=0)
    expected = float(log_total(case["z"], np.zeros(2), case["tail"], case["power"]))
    agree(told, np.full(3, expected), why="log L", ulps=8, scale=1 + abs(expected))


@law(
    cases=only(NORMALISED, lambda case: case["times"][-1] > 0),
    needs=("normalised_descent",),
    grade="exact",
    source="convention",
)
def growing_steps_by_default(impl, case):
    """Left out, the scale is 1, the update by the loss, the tail exponential and the power 1."""
    z, w, times = (case[name] for name in INPUTS[:3])
    times = np.arange(3)
    chosen = (1.0, "loss", "exponential", 1.0)
    right = np.asarray(impl.normalised_descent(z, w, times, *chosen)[0])
    for given in range(3):
        got = left_to_itself(impl.normalised_descent, z, w, times, *chosen[:given])[0]
        agree(np.asarray(got), right, why=f"w with {given} of four given", ulps=0)
    right = np.asarray(impl.normalised_descent(z, w, times, 1.0, "loss", "polynomial", 1.0)[0])
    got = left_to_itself(impl.normalised_descent, z, w, times, 1.0, "loss", "polynomial")[0]
    agree(np.asarray(got), right, why="w without a power", ulps=0)


# --- the headline ------------------------------------------------------------------------------------------------------
_ROWS = WORKED / np.sqrt(18.0)
_LATER = normalised(_ROWS, EXPONENTIAL, "loss", 1.0, None, (100, 10_000))


@law(
    cases=Cases(named={"long": HEADLINE | {"times": np.array([203, 2154, 100_000]), "scale": 1.0, "update": "loss"}}),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"\gamma - \min_n z_n \cdot w_t / \|w_t\| = O(\log t / \sqrt t)",
    source=NACSON,
)
def gap_closes_like_one_over_the_root(impl, case):
    """The gap after 203, 2154 and 100,000 steps, to printed digits: constant steps are at 0.01628 then, 139 times as far."""
    got = gaps(case["z"], run(impl, case)[0], 0.5**0.5)
    for gap, printed, unit in zip(got, (0.01233, 2.416e-3, 1.170e-4), (1e-5, 1e-6, 1e-7), strict=True):
        agree(np.float64(gap), np.float64(printed), why="the gap", ulps=0.5 * unit / EPS, scale=1.0)


NORMALISED_CONTRACTS = (
    Contract(
        "normalised_descent",
        INPUTS,
        ("w", "log_loss"),
        NORMALISED,
        "w (K, d) and the log of the loss (K,) after given numbers of steps of scale / sqrt(t + 1) along -grad L / L or "
        "-grad L / |grad L|.",
        laws=(
            one_row_alone,
            rows_that_stay_equal,
            no_gradient_no_step,
            the_same_added_to_all_margins,
            growing_steps_by_default,
            told_loss_of_growing_steps,
            smallest_margin_by_the_loss,
            logarithm_falls_in_every_step,
            gap_stays_below_its_bound,
            lengths_of_unit_steps,
            times_asked_for,
            growing_steps_turn_with_the_data,
            growing_steps_in_another_unit,
            growing_steps_on_repeated_rows,
            growing_steps_on_thousands_of_rows,
            steps_down_the_logarithm,
            gap_closes_like_one_over_the_root,
        ),
        planted=bugs_of("normalised_descent"),
        golden=(
            worked(
                "normalised_descent",
                normalised(_ROWS, EXPONENTIAL, "loss", 1.0, None, (1, 2, 3)),
                10,
                "three steps on three rows",
                w=[[0.5499719409, 0.3142696805], [0.9256018021, 0.5123884193], [1.2250499988, 0.6641614786]],
                log_loss=[0.7081031023, 0.4571895863, 0.2643058874],
            ),
            worked(
                "normalised_descent",
                _LATER,
                10,
                "a hundred and ten thousand steps",
                w=[[8.2347011848, 4.4602919725], [76.8156398971, 50.0635980881]],
            ),
        ),
        terms=terms_of,
    ),
)
