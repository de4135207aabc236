"""The laws of gradient flow in log time, held to ten digits: what any good integrator of the equation reaches."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, NotProvided, agree, holds, law
from minidl.laws.margin_convergence.cases import (
    DATA,
    ONE,
    PAIR,
    SINGLE,
    SOUDRY,
    TRIPLE,
    WORKED,
    left_to_itself,
    rotation,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG, after, log_slope
from minidl.laws.margin_convergence.cone import separable
from minidl.laws.margin_convergence.extrapolation import long_flow
from minidl.laws.margin_convergence.flow_cases import ACCURACY, BEYOND, FLOWING, INPUTS, ULPS, flowing, reaches, run
from minidl.laws.margin_convergence.flow_limits import (
    both_losses_come_together,
    deep_flow_along_one_row,
    deep_flow_ends_at_the_same_margin,
    same_limit_for_both_losses,
)
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.tables import FLOWS

# --- closed forms ------------------------------------------------------------------------------------------------------
_DECADES = (-8.0, 0.0, 3.0, 230.0)
_ACROSS, _FAR = (-3.0, 1.0, 5.0), (2.0, 30.0)
_ORTHOGONAL = {
    "pair": flowing(PAIR, [0.0, 0.0], _DECADES),
    "one_point": flowing(ONE, [-0.3, 0.2], _DECADES[:3]),
    "triple": flowing(TRIPLE / 9, [0.1, -0.2, 0.3], _DECADES[:3]),
    "line": flowing([[2.0]], [-1.0], _DECADES[:3]),
    "pair_logistic": flowing(PAIR, [-0.5, 0.25], _DECADES, ("logistic", 1.0)),
    "one_row_of_three": flowing([[1.0, 2.0, 2.0]], [0.5, 0.5, -1.0], _DECADES[:3], ("logistic", 1.0)),
    "across_poly_exponential": flowing(PAIR, [0.0, -0.25], _ACROSS, ("poly_exponential", 2.0)),
    "across_polynomial": flowing(PAIR, [0.0, -0.25], _ACROSS, ("polynomial", 2.0)),
    "across_sub_polynomial": flowing(PAIR, [0.0, -0.25], _ACROSS, ("sub_polynomial", 1.0)),
    "far_poly_exponential": flowing(PAIR, BEYOND, _FAR, ("poly_exponential", 0.5)),
    "far_polynomial": flowing(PAIR, BEYOND, (230.0,), ("polynomial", 1.0)),
    "far_sub_polynomial": flowing(PAIR, BEYOND, _FAR, ("sub_polynomial", 1.0)),
}


@law(
    cases=Cases(
        named=_ORTHOGONAL,
        notes={
            "across_polynomial": "margins that go from the straight line of the loss to its tail",
            "pair": "e^230 steps of time: exponentials of their own overflow",
        },
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"z_m \cdot z_n = 0 \Rightarrow T(u_n(t)) = T(u_n(0)) + \|z_n\|^2 t, \quad T' = 1 / (-\ell'); "
    r"\quad e^{u} = e^{u_0} + \|z\|^2 t,\ u^{p+2} = u_0^{p+2} + p (p + 2) \|z\|^2 t",
    source="separation of variables",
)
def orthogonal_rows_run_by_their_clocks(impl, case):
    """Margins of orthogonal rows flow by themselves, by a clock in closed form; what is orthogonal to all rows stays."""
    z, w = case["z"].astype(LONG), case["w"].astype(LONG)
    squares = (z**2).sum(axis=1)
    u = z @ w
    rest = w - (u / squares) @ z
    elapsed = np.exp(case["log_times"].astype(LONG))[:, None] * squares
    margins = after(u, elapsed, case["tail"], case["power"])
    reaches(run(impl, case), (margins / squares) @ z + rest, "w at each time")


@law(
    cases=Cases(
        named={
            "worked": flowing(WORKED, [0.0, 0.0], [-3.0, 0.0, 2.0, 8.0]),
            "worked_logistic": flowing(WORKED, [0.0, 0.0], [-3.0, 0.0, 2.0, 8.0], ("logistic", 1.0)),
            "elsewhere": flowing(WORKED, [0.5, -0.75], [-6.0, -1.0, 6.0]),
            "single_support": flowing(SINGLE, [-0.25, 0.0], [0.0, 6.0], ("logistic", 1.0)),
            "space": flowing(DATA["crowd"]["z"][:6] / 4, [0.0, 0.1, 0.2], [0.0, 5.0]),
        }
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"\dot w = \sum_n -\ell'(z_n \cdot w)\, z_n",
    source=SOUDRY,
)
def flow_by_another_integrator(impl, case):
    """The same equation by extrapolated midpoint steps in long double."""
    expected = long_flow(case["z"], case["w"], tuple(case["log_times"].tolist()), case["tail"])
    reaches(run(impl, case), expected, "w at each time")


@law(
    cases=Cases(
        named={
            f"{name}_{kind[0]}": flowing(z, np.zeros(z.shape[1]), [-40.0, -28.0], kind)
            for name, z in {"worked": WORKED, "small_rows": WORKED / 1024, "triple": TRIPLE}.items()
            for kind in (("exponential", 1.0), ("logistic", 1.0), ("polynomial", 2.0), ("sub_polynomial", 1.0))
        }
        | {
            f"elsewhere_{tail}": flowing(WORKED, [0.5, -0.75], [-40.0, -28.0], (tail, 1.0))
            for tail in ("exponential", "logistic")
        },
        notes={"elsewhere_exponential": "the way is added to the start"},
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w(t) = w_0 - t \nabla L(w_0) + O(t^2)",
    source="definition",
)
def straight_at_first(impl, case):
    """At times of e^-28 and e^-40 the flow has gone along its first gradient; from 0, a tiny way, to ten digits of itself."""
    z = case["z"].astype(LONG)
    force = np.exp(log_slope(z @ case["w"], case["tail"], case["power"])) @ z
    expected = case["w"] + np.exp(case["log_times"].astype(LONG))[:, None] * force
    # the second order is below the sum of the weights times |z|^2 t, relatively
    weights = float(np.exp(log_slope(z @ case["w"], case["tail"], case["power"])).max())
    curved = weights * float((z**2).sum()) * float(np.exp(case["log_times"].max()))
    reaches(run(impl, case), expected, "w", times=1 + curved / ACCURACY)


# --- invariances -------------------------------------------------------------------------------------------------------
_GENERAL = Cases(
    named={
        "worked": flowing(WORKED, [0.25, -0.5], [-2.0, 1.0, 12.0]),
        "single_support": flowing(SINGLE, [0.0, 0.0], [0.0, 20.0], ("logistic", 1.0)),
        "polynomial": flowing(WORKED, BEYOND, [0.0, 9.0], ("polynomial", 1.0)),
        "deep": flowing(WORKED, [0.25, 0.1], [-1.0, 2.0], layers=3),
    }
)
_SHALLOW = Cases(named={name: case for name, case in _GENERAL.named.items() if case["layers"] == 1})


@law(
    cases=_GENERAL,
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w(t; Z Q^\top, Q w_0) = Q w(t; Z, w_0), \quad w(t; Z, Z) = w(2 t; Z), \quad w(t; \pi Z) = w(t; Z)",
    source="invariance",
)
def flow_on_turned_and_repeated_rows(impl, case):
    """Rows and start turned turn the flow; all rows twice are as good as twice the time; their order does not count."""
    z, w = case["z"], case["w"]
    got = run(impl, case)
    q = rotation(6, len(w))
    reaches(run(impl, case, z=z @ q.T, w=q @ w), got @ q.T, "w in other coordinates", 2)
    twice = np.concatenate([z, z[::-1]])
    reaches(
        run(impl, case, z=twice, log_times=case["log_times"] - np.log(2)), got, "w of all rows twice, half the time", 2
    )


@law(
    cases=_SHALLOW,
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w(t; c Z, w_0 / c) = w(c^2 t; Z, w_0) / c",
    source="invariance",
)
def flow_in_another_unit(impl, case):
    """Rows times c, the start over c: the same way over c, c squared times as fast."""
    got = run(impl, case)
    for c in (8.0, 2.0**-20):
        other = run(impl, case, z=c * case["z"], w=case["w"] / c, log_times=case["log_times"] - 2 * np.log(c))
        reaches(c * other, got, f"w at rows times {c:g}", 2)


@law(
    cases=_GENERAL,
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w(s + t; w_0) = w(t; w(s; w_0))",
    source="uniqueness of solutions",
)
def flow_goes_on_from_anywhere(impl, case):
    """A flow from a point on the way, for the time that is left, ends where the whole flow does; times may be asked alone."""
    times = case["log_times"]
    got = run(impl, case)
    left = float(np.log(np.exp(LONG(times[-1])) - np.exp(LONG(times[0]))))
    reaches(run(impl, case, w=got[0], log_times=np.array([left])), got[-1:], "w from the first time on", 2)
    reaches(run(impl, case, log_times=times[-1:]), got[-1:], "w at the last time alone", 2)


@law(
    cases=_SHALLOW,
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"Z = \mathrm{diag}(Z_1, Z_2) \Rightarrow w(t) = (w^1(t), w^2(t))",
    source="separation",
)
def flows_side_by_side(impl, case):
    """Two sets of rows that share no feature are two flows side by side."""
    z, w = case["z"], case["w"]
    both = np.zeros((len(z) + 2, 4))
    both[:-2, :2], both[-2:, 2:] = z, PAIR[::-1, ::-1]
    got = run(impl, case, z=both, w=np.append(w, w))
    alone, other = run(impl, case), run(impl, case, z=PAIR[::-1, ::-1])
    reaches(got, np.concatenate([alone, other], axis=1), "both", 2)


@law(
    cases=Cases(
        named={
            "opposite": flowing([[1.0, 2.0], [-1.0, -2.0]], [0.0, 0.0], [0.0]),
            "triangle": flowing([[1.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]], [1.0, 0.0], [0.0]),
            "separable": flowing(WORKED, [0.0, 0.0], [0.0]),
        }
    ),
    needs=("log_time_flow",),
    grade="exact",
    source="convention",
)
def flows_without_a_direction_are_refused(impl, case):
    """Data that nothing separates are refused: their flow ends at a minimum, and has no limit direction to ask for."""
    expected = separable(case["z"])
    try:
        got = run(impl, case)
    except NotProvided:
        raise
    except Exception as error:
        holds(not expected, why="separable data flow", expected="w", got=repr(error))
        return
    holds(expected and bool(np.isfinite(got).all()), why="data that are not separable are refused", got=got)


@law(
    cases=Cases(named={"worked": FLOWING.named["worked"]}), needs=("log_time_flow",), grade="exact", source="convention"
)
def flow_by_default(impl, case):
    """Left out, the tail is exponential, the power 1, and there is one layer."""
    given = case["z"], np.array([1.5, 1.5]), case["log_times"]
    flow = impl.log_time_flow
    right = np.asarray(flow(*given, "exponential", 1.0, 1))
    agree(np.asarray(left_to_itself(flow, *given)), right, why="no tail", ulps=0)
    right = np.asarray(flow(*given, "polynomial", 1.0, 1))
    agree(np.asarray(left_to_itself(flow, *given, "polynomial")), right, why="no power", ulps=0)


# --- contracts ---------------------------------------------------------------------------------------------------------
_ONE_SECOND = [[1.0573796395, 0.5369203945]]
_LOGISTIC = {
    "0": (0.9900224441, 0.4979806902),
    "1e3": (3.9180704335, 2.3423649173),
    "1e12": (12.7998158489, 8.2629004940),
}


def _at(z, note, times, w, tail="exponential"):
    log_times = [0.0 if time == "0" else float(np.log(float(time))) for time in times]
    return worked("log_time_flow", flowing(z, np.zeros(2), log_times, (tail, 1.0)), 10, note, w=w)


def _table(data, z):
    rows = [row for row in FLOWS if row.data == data]
    return _at(z, f"{data}: times up to 1e100", [row.time for row in rows], [row.printed for row in rows])


FLOW_CONTRACTS = (
    Contract(
        "log_time_flow",
        INPUTS,
        ("w",),
        FLOWING,
        "w (K, d) of gradient flow, or of a balanced deep linear network's, at times whose logarithms (K,) are given.",
        laws=(
            straight_at_first,
            flows_without_a_direction_are_refused,
            deep_flow_along_one_row,
            orthogonal_rows_run_by_their_clocks,
            flow_by_another_integrator,
            flow_in_another_unit,
            flow_on_turned_and_repeated_rows,
            flow_goes_on_from_anywhere,
            flows_side_by_side,
            same_limit_for_both_losses,
            both_losses_come_together,
            flow_by_default,
            deep_flow_ends_at_the_same_margin,
        ),
        planted=bugs_of("log_time_flow"),
        golden=(
            _at(WORKED, "t = 1", ["0"], _ONE_SECOND),
            _table("worked", WORKED),
            _table("pair", PAIR),
            _at(WORKED, "logistic loss", list(_LOGISTIC), list(_LOGISTIC.values()), "logistic"),
        ),
        # an integrator's own error, in the units in which agreement adds it
        terms=lambda case: ULPS / 8 * float(np.abs(case["w"]).max() + max(1.0, float(case["log_times"][-1]))),
    ),
)
