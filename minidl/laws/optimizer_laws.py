"""Laws that every optimizer of a family obeys, made for one trajectory function each: symmetries, what the learning rate
does, what weight decay does. All of them compare runs of the implementation with each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minidl.laws.core import Case, Cases, Law, agree, identical, law
from minidl.laws.optimizer_cases import Trajectory, way, wide


def symmetries(run: Trajectory, cases: Cases) -> tuple[Law, ...]:
    """What holds for every optimizer that only adds, multiplies and takes roots."""

    @law(cases=cases, needs=(run.function,), grade="exact", equation=r"w_{1:k}(g_{1:T}) = w_{1:k}(g_{1:k})")
    def the_past_is_settled(impl, case):
        """The first steps do not depend on later gradients, nor on how many follow."""
        steps = (len(case["gradients"]) + 1) // 2
        whole = run(impl, case)
        part = run(impl, case, gradients=case["gradients"][:steps], lr=case["lr"][:steps])
        identical(part, whole[:steps], why="the first half of the run")

    @law(cases=cases, needs=(run.function,), grade="exact", equation=r"w_t(\sigma w_0, \sigma g) = \sigma w_t(w_0, g)")
    def signs_flip(impl, case):
        """Flipping the signs of the start and of all gradients of some coordinates flips those coordinates."""
        signs = np.where(np.arange(len(case["w"])) % 2, 1, -1).astype(case["w"].dtype)
        flipped = run(impl, case, w=case["w"] * signs, gradients=case["gradients"] * signs)
        identical(flipped, run(impl, case) * signs, why="the run with flipped signs")

    return the_past_is_settled, signs_flip


def coordinates_alone(run: Trajectory, cases: Cases) -> Law:
    """For optimizers without anything that is shared between coordinates."""

    @law(
        cases=cases, needs=(run.function,), grade="numerical", equation=r"(w_t)_i \text{ depends on } (w_0)_i, (g_t)_i"
    )
    def coordinates_run_alone(impl, case):
        """Each coordinate moves as if it were the only one, whatever its place."""
        w, gradients = case["w"], case["gradients"]
        whole = run(impl, case)
        last = run(impl, case, w=w[-1:].copy(), gradients=gradients[:, -1:].copy())
        back = run(impl, case, w=w[::-1].copy(), gradients=gradients[:, ::-1].copy())
        # the same operations, but for a multiply-add that rounds once or twice
        scale, ulps = way(w, whole), 4 * len(gradients)
        agree(last, whole[:, -1:], why="the last coordinate alone", ulps=ulps, scale=scale[:, -1:])
        agree(back, whole[:, ::-1], why="the coordinates in reverse order", ulps=ulps, scale=scale[:, ::-1])

    return coordinates_run_alone


def learning_rate(run: Trajectory, cases: Cases, **numbers: float) -> tuple[Law, ...]:
    """For optimizers whose directions do not depend on learning rates. numbers: switch off what depends on w."""

    @law(cases=cases, needs=(run.function,), grade="exact", equation=r"\eta = 0 \Rightarrow w_t = w_0")
    def no_rate_no_move(impl, case):
        """With learning rates of 0 nothing moves, decay included, and the dtype stays."""
        still = run(impl, case, lr=np.zeros_like(case["lr"]))
        identical(still, np.tile(case["w"], (len(case["lr"]), 1)), why="the run at learning rate 0")

    @law(
        cases=cases,
        needs=(run.function,),
        grade="numerical",
        equation=r"w_t(w_0, \eta + \eta') = w_0 + w_t(0, \eta) + w_t(0, \eta')",
    )
    def moves_add_up(impl, case):
        """Without decay a run is its start plus a sum of moves, each the step's own learning rate times a direction."""
        case = case | numbers
        odd = np.arange(len(case["lr"])) % 2 == 1
        nowhere = np.zeros_like(case["w"])
        parts = [run(impl, case, w=nowhere, lr=np.where(steps, case["lr"], 0)) for steps in (odd, ~odd)]
        scale = np.abs(case["w"]) + sum(way(nowhere, part) for part in parts)
        # the directions are the same numbers: each move rounds in its product and in two sums
        agree(run(impl, case), case["w"] + parts[0] + parts[1], why="the run", ulps=4 * len(odd), scale=scale)

    return no_rate_no_move, moves_add_up


def homogeneity(run: Trajectory, cases: Cases, degree: int, **powers: int) -> Law:
    """For runs without decay. powers: by which power of the factor further inputs are multiplied."""
    scaled = ", ".join(["c g", *(rf"c^{power} {name}" for name, power in powers.items())])
    plain = ", ".join(["g", *powers])

    @law(
        cases=cases,
        needs=(run.function,),
        grade="numerical",
        equation=rf"(w_t - w_0)({scaled}) = c^{degree} (w_t - w_0)({plain})",
        source="dimensional analysis",
    )
    def gradients_change_units(impl, case):
        """In other units of the loss, with what is measured in them converted, the run is the same up to its unit."""
        case = case | {"w": np.zeros_like(case["w"]), "weight_decay": 0.0}
        right = run(impl, case)
        for c in (0.25, 8.0):  # powers of 2, which round nothing themselves
            scaled = {name: case[name] * c**power for name, power in powers.items()}
            got = run(impl, case, gradients=case["gradients"] * case["w"].dtype.type(c), **scaled)
            # only functions such as pow may round the scaled numbers differently
            scale = c**degree * way(case["w"], right)
            agree(got, right * case["w"].dtype.type(c**degree), why=f"times {c}", ulps=4 * len(right), scale=scale)

    return gradients_change_units


def coupled_decay(run: Trajectory, cases: Cases, *, gain: Callable[[Case], float]) -> Law:
    """Weight decay as an L2 penalty: part of the gradient before anything else.

    gain(case): by how many times as much one step's direction moves, at most, when gradients with 1 <= |g| < 2 move a little.
    """
    decay, most = 2.0**-7, 6  # weak and short: what w is off by comes back with the decay, and must not grow

    @law(
        cases=cases,
        needs=(run.function,),
        grade="numerical",
        equation=r"w_t(g_t - \lambda w_{t-1}; \lambda) = w_t(g_t; 0)",
        source="the gradient of lambda |w|^2 / 2",
    )
    def decay_is_part_of_the_gradient(impl, case):
        """Decay does what adding lambda w to each gradient does, so that taking it off the gradients undoes it."""
        g, lr, one = case["gradients"][:most], case["lr"][:most], case["w"].dtype.type(1)
        # gradients well away from 0: where decay and gradient cancel, a sign would hang on a rounding
        g = np.where(g < 0, -one, one) * (one + np.abs(g) / (one + np.abs(g)))
        plain = run(impl, case, gradients=g, lr=lr, weight_decay=0.0)
        before = np.vstack([case["w"], plain[:-1]])
        got = run(impl, case, gradients=g - case["w"].dtype.type(decay) * before, lr=lr, weight_decay=decay)
        # g - lambda w + lambda w is off by three ulps of |g| + lambda |w|, in each of the steps
        loss = 2 + decay * np.abs(before).max()
        feedback = np.prod(1 + decay * lr.astype(np.float64) * gain(case))
        scale = loss * gain(case) * feedback * way(case["w"], plain)
        agree(got, plain, why="the run", ulps=4 * len(plain), scale=scale)

    return decay_is_part_of_the_gradient


def decoupled_decay(
    run: Trajectory, cases: Cases, *, moves_at_once: Callable[[Case], bool] | None = None
) -> tuple[Law, ...]:
    """Weight decay beside the gradient: w shrinks by lr lambda before each move. moves_at_once(case): whether step 1 moves."""

    def factors(case):
        shrink = 1 - wide(case)["lr"] * case["weight_decay"]
        if moves_at_once is not None and not moves_at_once(case):
            shrink[0] = 1.0
        return shrink

    @law(
        cases=cases,
        needs=(run.function,),
        grade="numerical",
        equation=r"g = 0 \Rightarrow w_t = \prod (1 - \eta_i \lambda) w_0",
    )
    def silence_decays(impl, case):
        """With gradients of 0 only decay is left: each step that may move shrinks w by its learning rate times lambda."""
        case = case | {"weight_decay": case["weight_decay"] or 0.125}
        still = run(impl, case, gradients=np.zeros_like(case["gradients"]))
        expected = np.outer(np.cumprod(factors(case)), wide(case)["w"])
        agree(still, expected.astype(case["w"].dtype), why="w", ulps=4 * len(still), scale=np.abs(case["w"]))

    @law(
        cases=cases, needs=(run.function,), grade="numerical", equation=r"w_t = (1 - \eta_t \lambda) w_{t-1} + \Delta_t"
    )
    def decay_leaves_the_moves_alone(impl, case):
        """The moves are those of the run without decay; before each, w shrinks."""
        case = case | {"weight_decay": case["weight_decay"] or 0.125}
        nowhere = np.zeros_like(case["w"])
        free = run(impl, case, w=nowhere, weight_decay=0.0).astype(np.float64)
        w, rows = wide(case)["w"], []
        for shrink, move in zip(factors(case), np.diff(np.vstack([nowhere, free]), axis=0), strict=True):
            w = shrink * w + move
            rows.append(w)
        # each step rounds w, the product and the difference of two rows of the free run
        scale = np.abs(case["w"]) + way(nowhere, free)
        agree(run(impl, case), np.array(rows).astype(case["w"].dtype), why="w", ulps=6 * len(rows), scale=scale)

    return silence_decays, decay_leaves_the_moves_alone
