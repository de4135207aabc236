"""The laws of where gradient flow ends, and of deep networks on their way there."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, agree, holds, law
from minidl.laws.margin_convergence.cases import DATA, ONE, SOUDRY, WORKED
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer, answer_of, plane_margin, planted_data
from minidl.laws.margin_convergence.flow_cases import ULPS, flowing, run

# --- the limit ---------------------------------------------------------------------------------------------------------
LATE = 230.0  # e^-230 of anything is nothing


@law(
    cases=Cases(
        named={
            f"{name}_{tail}": flowing(data["z"], np.full(data["z"].shape[1], 0.125), [LATE], (tail, 1.0))
            | answer_of(data)
            for name, tail, data in (
                ("space", "exponential", planted_data(39, 3, 2)),
                ("triple", "exponential", DATA["triple"]),
                ("worked", "exponential", DATA["worked"]),
                ("worked", "logistic", DATA["worked"]),
            )
        }
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w(t) - \hat w \log t \to \tilde w, \quad e^{-z_n \cdot \tilde w} = \alpha_n \text{ for support vectors}",
    source=SOUDRY + ", theorem 4",
)
def same_limit_for_both_losses(impl, case):
    """At t = e^230, both flows are where the multipliers say, at w-hat log t + w-tilde, whatever the start.

    The slowest mode, the least eigenvalue of the sum of alpha z z^T, is at least 0.7 in these data: e^-160 is left of it.
    """
    known = answer(case)
    rows = np.asarray(case["z"], LONG)[known.support]
    # the rows of support are a basis: margins there say all
    u = rows @ known.w * LATE - np.log(known.dual[known.support])
    got = run(impl, case)[0]
    margins = (rows @ got.astype(LONG)).astype(np.float64)
    size = float(np.abs(rows).sum(axis=1).max() * np.abs(got).max())
    agree(margins, u.astype(np.float64), why="margins of the support vectors", ulps=ULPS, scale=size)
    inside = np.linalg.lstsq(rows.astype(np.float64), u.astype(np.float64), rcond=None)[0]
    values = np.linalg.svd(rows.astype(np.float64), compute_uv=False)
    agree(got, inside, why="w", ulps=ULPS * values[0] / values[-1], scale=float(np.abs(inside).max()))


@law(
    cases=Cases(
        named={
            "worked": flowing(WORKED, [0.0, 0.0], [10.0, 16.0]) | answer_of(DATA["worked"]),
            "one_point": flowing(ONE / 5, [0.0, 0.0], [8.0, 14.0]) | answer_of(DATA["one_point"]),
        }
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"\|w_{\exp}(t) - w_{\log}(t)\| = O(t^{-\mu} \log t), \quad "
    r"\mu = \min(1, \lambda_{\min}(\sum_n \alpha_n z_n z_n^\top))",
    source="linearisation around the limit",
)
def both_losses_come_together(impl, case):
    """The exponential and the logistic flow come together like 1 / t times log t, or as slowly as the slowest mode decays."""
    apart = [run(impl, case, tail=tail) for tail in ("exponential", "logistic")]
    distance = np.linalg.norm(apart[0] - apart[1], axis=1)
    rate = 1.0
    if len(case["z"]) > 1:
        z = case["z"]
        alpha = np.asarray(answer(case).dual, np.float64)
        rate = min(1.0, float(np.linalg.eigvalsh((z.T * alpha) @ z)[0]))
    begin, end = case["log_times"]
    expected = distance[0] * np.exp(-rate * (end - begin))
    holds(
        bool(expected / 8 < distance[1] < 2 * expected * end / begin),
        why="how far the flows are apart, by the rate",
        expected=expected,
        got=float(distance[1]),
    )


# --- deep --------------------------------------------------------------------------------------------------------------
@law(
    cases=Cases(
        named={
            f"{kind[0]}_{layers}": flowing(z, 0.25 * z[0], [-2.0, 1.0, 6.0], kind, layers)
            for z, kind, layers in (
                (ONE / 5, ("exponential", 1.0), 2),
                (ONE / 2, ("logistic", 1.0), 3),
                (np.array([[1.0, 2.0, 2.0]]), ("exponential", 1.0), 5),
            )
        }
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w = v z / \|z\| \Rightarrow \dot v = L v^{2 - 2/L} \|z\| (-\ell'(\|z\| v))",
    source="reduction to one number",
)
def deep_flow_along_one_row(impl, case):
    """One row, from a start along it: the length of w has a clock of its own, an integral that quadrature gives."""
    z = case["z"][0].astype(LONG)
    length = np.sqrt((z**2).sum())
    got = run(impl, case).astype(LONG)
    v = got @ z / length
    agree(got.astype(np.float64), np.outer(v, z / length).astype(np.float64), why="w stays along z", ulps=ULPS)
    start, layers = case["w"].astype(LONG) @ z / length, case["layers"]
    nodes, weights = (np.asarray(part, LONG) for part in np.polynomial.legendre.leggauss(20))
    for end, s in zip(v, case["log_times"].tolist(), strict=True):
        edges = np.linspace(start, end, 33)
        x = edges[:-1, None] + np.diff(edges)[:, None] * (1 + nodes) / 2
        slow = np.exp(length * x) + (1 if case["tail"] == "logistic" else 0)  # 1 / (-l')
        took = (slow * x ** (LONG(2) / layers - 2) * weights).sum(axis=1) @ np.diff(edges) / (2 * layers * length)
        # an error of w is one of log t, length times as large, or relative to w while that is short
        scale = float(length * end + 4) * max(1.0, float(np.exp(s) / took))
        growth = float(end / (end - start)) if end > start else np.inf
        holds(bool(end > start), why="w grows", expected=float(start), got=float(end))
        agree(np.float64(took / np.exp(LONG(s))), np.float64(1.0), why="time passed", ulps=ULPS * growth, scale=scale)


@law(
    cases=Cases(
        named={
            f"{name}_{layers}": flowing(DATA[name]["z"], start, [30.0, LATE], layers=layers)
            for name, start, layers in (("worked", [0.5, -0.25], 2),)
        }
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"w(t) / \|w(t)\| \to \hat w / \|\hat w\|",
    source="Ji, Telgarsky, Gradient descent aligns the layers of deep linear networks, 2019",
)
def deep_flow_ends_at_the_same_margin(impl, case):
    """With more layers the direction has the same limit: log t times what is missing to the margin stays bounded."""
    margin, _ = plane_margin(case["z"])
    w = run(impl, case)
    got = float(margin) - (w @ case["z"].T).min(axis=1) / np.linalg.norm(w, axis=1)
    steady = got * case["log_times"]
    holds(bool((got > 0).all() and 0.5 < steady[1] / steady[0] < 2), why="gap times log t", got=steady)
