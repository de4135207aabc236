"""The laws of AdaBound, AMSBound and AdaBoundW as their released code has them: clipped rates in a closing band."""

from __future__ import annotations

from functools import partial

import numpy as np

from minidl.laws.adabound.cases import (
    BOUNDED,
    INPUTS,
    LUO,
    SAVARESE,
    UNROLLED,
    Method,
    average,
    before,
    clipped,
    final_rates,
    path,
    reach,
    stretch,
    ulps,
)
from minidl.laws.adabound.shared import shared
from minidl.laws.core import agree
from minidl.laws.optimizer_cases import Trajectory, geometric_gradients, geometric_sums


def _scale(case, rows, decoupled=False):
    """The natural scale of a trajectory, with the decay that enters its gradients."""
    if decoupled:
        return reach(case, case["gradients"])
    start, g = before(case["w"], rows), np.asarray(case["gradients"], np.float64)
    decay = case["weight_decay"]
    return reach(case, g + decay * start, np.abs(g) + decay * np.abs(start))


def _units(carried_by_decay):
    """Gradients, and parameters: rates are parameters per gradient, coupled decay is gradients per parameter."""
    return (
        ({"gradients": 1, "eps": 1, "final_lr": -1, "weight_decay": carried_by_decay}, 0),
        ({"w": 1, "lr": 1, "final_lr": 1, "weight_decay": -carried_by_decay}, 1),
    )


ADABOUND, AMSBOUND, ADABOUNDW = (
    Method(
        Trajectory(function, INPUTS),
        BOUNDED,
        partial(_scale, decoupled=decoupled),
        _units(0 if decoupled else 1),
        still={"weight_decay": 0.0},
        largest=largest,
        decoupled=decoupled,
    )
    for function, largest, decoupled in (
        ("adabound", False, False),
        ("amsbound", True, False),
        ("adaboundw", False, True),
    )
)


def _given(method, case):
    """The case with gradients that do not depend on the parameters: coupled decay would make them."""
    return case if method.decoupled else case | {"weight_decay": 0.0}


@shared(
    equation=r"m_t = (1-\beta_1) g_1 \frac{\beta_1^t - \rho^t}{\beta_1 - \rho},\quad "
    r"v_t = (1-\beta_2) g_1^2 \frac{\beta_2^t - \rho^{2t}}{\beta_2 - \rho^2}",
    source=UNROLLED,
)
def geometric_gradients_in_closed_form(method, impl, case):
    """Gradients g rho^(t-1) (constant, one impulse, alternating, growing) have averages in closed form, hence all of the
    trajectory."""
    case = _given(method, case)
    gradients, ratio, steps = geometric_gradients(case), case["ratio"], len(case["gradients"])
    g = np.asarray(gradients[0], np.float64)
    m = np.outer((1 - case["beta1"]) * geometric_sums(ratio, case["beta1"], steps), g)
    v = np.outer((1 - case["beta2"]) * geometric_sums(ratio * ratio, case["beta2"], steps), g * g)
    if method.largest:
        v = np.maximum.accumulate(v, axis=0)
    expected = path(method, case, clipped(case, v) * m)
    got, scale = method.run(impl, case, gradients=gradients), reach(case, gradients)
    agree(got, expected.astype(gradients.dtype), why="the trajectory", ulps=ulps(case), scale=scale)


@shared(equation=r"\eta_l(t)\,|m_t| \le |w_t - w_{t-1}| \le \eta_u(t)\,|m_t|", source=LUO)
def rates_stay_in_the_band(method, impl, case):
    """Every coordinate moves against its momentum, at a rate that lies in the band of its step."""
    rows = np.asarray(method.run(impl, case))
    start, g, decay = before(case["w"], rows), np.asarray(case["gradients"], np.float64), case["weight_decay"]
    kept, pull = (start * (1 - decay), 0.0) if method.decoupled else (start, decay)
    m = average(g + pull * start, case["beta1"])
    size = average(np.abs(g) + pull * np.abs(start), case["beta1"])
    final, q = final_rates(case), stretch(case)
    ends = np.stack([kept - final / q * m, kept - final * q * m])
    expected = np.clip(np.asarray(rows, np.float64), ends.min(axis=0), ends.max(axis=0))
    scale = np.abs(start) + final * q * size
    agree(rows, expected.astype(rows.dtype), why="parameters within reach of the band", ulps=ulps(case), scale=scale)


def _momentum_sgd(method, impl, case, rate, why, **changed):
    """The trajectory is momentum SGD's at these rates (T, 1)."""
    case = _given(method, case) | changed
    g = np.asarray(case["gradients"], np.float64)
    expected = path(method, case, rate * average(g, case["beta1"]))
    size = np.abs(case["w"]) + np.cumsum(rate * average(np.abs(g), case["beta1"]), axis=0)
    agree(method.run(impl, case), expected.astype(case["w"].dtype), why=why, ulps=ulps(case), scale=size)


def _corrected(case):
    r"""What bias correction multiplies the raw rate by lies between $1 - \beta_2$ and $1 / (1 - \beta_1)$."""
    return 1 - case["beta2"], 1 / (1 - case["beta1"])


@shared(equation=r"\alpha_t c_t / \epsilon \le \eta_l(t) \Rightarrow w_t = w_{t-1} - \eta_l(t)\, m_t", source=SAVARESE)
def clipped_from_below_it_is_momentum_sgd(method, impl, case):
    """Where eps keeps every raw rate under the band, AdaBound is momentum SGD on the lower bound; no bias correction is
    left."""
    final, q = final_rates(case), stretch(case)
    eps = 2 * float(case["lr"][0]) * _corrected(case)[1] * q.max() / case["final_lr"]
    _momentum_sgd(method, impl, case, final / q, "on the lower bound", eps=float(eps))


@shared(
    equation=r"\alpha_t c_t / \sqrt{v_t} \ge \eta_u(t) \Rightarrow w_t = w_{t-1} - \eta_u(t)\, m_t", source=SAVARESE
)
def clipped_from_above_it_is_momentum_sgd(method, impl, case):
    """Where final_lr is so small that every raw rate lies above the band, AdaBound is momentum SGD on the upper bound."""
    largest = float(np.max(np.abs(case["gradients"]))) + case["eps"]
    final = 0.5 * float(case["lr"][0]) * _corrected(case)[0] / (largest * float(stretch(case).max()))
    case = case | {"final_lr": final}
    _momentum_sgd(method, impl, case, final_rates(case) * stretch(case), "on the upper bound")


@shared(
    equation=r"\lvert w_t - w^{\mathrm{SGD}}_t \rvert \le \sum_i \frac{\alpha^*\,|m_i|}{\gamma i} \to 0,\ \gamma \to \infty",
    source=SAVARESE,
)
def a_closed_band_is_momentum_sgd(method, impl, case):
    """As gamma grows the band closes, and the trajectory converges to momentum SGD's with rate final_lr."""
    case = _given(method, case)
    g = np.asarray(case["gradients"], np.float64)
    final, m = final_rates(case), average(g, case["beta1"])
    for gamma in (1e2, 1e4, 1e8):
        limit = path(method, case, final * m)
        apart = np.cumsum(final * (stretch(case | {"gamma": gamma}) - 1) * np.abs(m), axis=0)
        rows = np.asarray(method.run(impl, case, gamma=gamma))
        expected = np.clip(np.asarray(rows, np.float64), limit - apart, limit + apart)
        scale = np.abs(case["w"]) + np.cumsum(2 * final * average(np.abs(g), case["beta1"]), axis=0)
        agree(rows, expected.astype(rows.dtype), why=f"near SGD at gamma = {gamma}", ulps=ulps(case), scale=scale)


def _open(case):
    """The case with a band so wide that it clips nothing, eps = 0, and gradients of which none vanishes."""
    g = case["gradients"]
    return case | dict(gamma=2.0**-60, eps=0.0, gradients=np.where(g == 0, g.dtype.type(1), g))


@shared(equation=r"\gamma \to 0,\ \epsilon = 0: w_t(c g) = w_t(g),\ c > 0", source="homogeneity of degree 0")
def in_an_open_band_the_gradients_scale_is_lost(method, impl, case):
    """Where nothing is clipped the step does not depend on the scale of a coordinate's gradients, as in Adam."""
    case = _open(_given(method, case))
    g = case["gradients"]
    rows, scale = np.asarray(method.run(impl, case)), reach(case, g)
    factor = 2.0 ** np.array([3, -2, 5, -4, 1])[np.arange(g.shape[1]) % 5]  # powers of two, so that nothing rounds
    got = method.run(impl, case, gradients=(g * factor).astype(g.dtype))
    agree(got, rows, why="with other gradient scales", ulps=ulps(case), scale=scale)


@shared(needs=("adam",), equation=r"\gamma \to 0,\ \epsilon = 0: w_t = w^{\mathrm{Adam}}_t", source=LUO)
def in_an_open_band_it_is_adam(method, impl, case):
    """Where nothing is clipped AdaBound is Adam; they differ only in what eps is added to, so eps is 0 here."""
    case = _open(case | {"weight_decay": 0.0})
    names = ("w", "gradients", "lr", "beta1", "beta2", "eps", "weight_decay")
    if method.largest:  # AMSBound divides by a maximum: sorted gradients make it the latest value
        case = case | {"gradients": _growing(case["gradients"])}
    expected = np.asarray(impl.adam(*(case[name] for name in names))).astype(case["w"].dtype)
    got = method.run(impl, case)
    agree(got, expected, why="the trajectory", ulps=2 * ulps(case), scale=reach(case, case["gradients"]))


def _growing(gradients):
    """The gradients by rising magnitude in every coordinate, so that the second moment never falls."""
    return np.take_along_axis(gradients, np.argsort(np.abs(gradients), axis=0, kind="stable"), axis=0)


@shared(
    needs=("momentum_sgd",),
    equation=r"g \ge 0: w^{\eta_u}_t \le w_t \le w^{\eta_l}_t",
    source=SAVARESE,
)
def between_two_momentum_sgds(method, impl, case):
    """With gradients of one sign the trajectory runs between momentum SGD on the lower and on the upper bound."""
    case = case | {"weight_decay": 0.0, "gradients": np.abs(case["gradients"])}
    rows = np.asarray(method.run(impl, case))
    names = ("w", "gradients", "lr", "final_lr", "beta1", "gamma")
    slow, fast = (
        np.asarray(impl.momentum_sgd(*(case[name] for name in names), schedule)) for schedule in ("lower", "upper")
    )
    g = np.asarray(case["gradients"], np.float64)
    sizes = final_rates(case) * stretch(case) * average(g, case["beta1"])
    scale = np.abs(case["w"]) + np.cumsum(sizes, axis=0)
    agree(rows, np.clip(rows, fast, slow), why="between the two", ulps=ulps(case), scale=scale)


SHARED = (
    geometric_gradients_in_closed_form,
    rates_stay_in_the_band,
    clipped_from_below_it_is_momentum_sgd,
    clipped_from_above_it_is_momentum_sgd,
    a_closed_band_is_momentum_sgd,
    in_an_open_band_the_gradients_scale_is_lost,
    in_an_open_band_it_is_adam,
    between_two_momentum_sgds,
)


# --- what tells the three apart -----------------------------------------------------------------------------------------
@shared(equation=r"w_t(g, \lambda) = w_t(g + \lambda w_{t-1}, 0)", source=LUO)
def decay_is_part_of_the_gradient(method, impl, case):
    """Coupled weight decay is nothing but a term of the gradient, in both moments."""
    case = case | {"weight_decay": case["weight_decay"] or 0.1}
    rows = np.asarray(method.run(impl, case))
    start = before(case["w"], rows).astype(rows.dtype)
    fed = case["gradients"] + rows.dtype.type(case["weight_decay"]) * start
    got = method.run(impl, case, gradients=fed, weight_decay=0.0)
    # an ulp of the sum g + lambda w moves the average by an ulp of its terms and the root by that of theirs; |m| is at
    # most C sqrt(v) by Cauchy and Schwarz, and the rate at most the upper bound
    lag = np.arange(len(fed))
    first, second = ((1 - case[beta]) * case[beta] ** lag for beta in ("beta1", "beta2"))
    cauchy = np.sqrt(np.sum(first[first > 0] ** 2 / second[first > 0]))
    sizes = np.abs(case["gradients"]) + case["weight_decay"] * np.abs(start)
    moved = (final_rates(case) * stretch(case)) * (1 + cauchy) * np.maximum.accumulate(sizes, axis=0)
    scale = np.abs(case["w"]) + np.cumsum(moved, axis=0)
    agree(got, rows, why="fed with the decay as gradient", ulps=ulps(case), scale=scale)


@shared(
    equation=r"g_1 = g_T = g,\ g_t = 0 \text{ else}: \max_i v_i = (1-\beta_2) g^2 \cdot (1, \dots, 1, 1 + \beta_2^{T-1})",
    source=UNROLLED,
)
def maximum_of_two_pulses(method, impl, case):
    """Between two equal gradients the maximum stands still while the average falls; the second one adds to what is left of
    the average, not to the maximum."""
    case, steps = case | {"weight_decay": 0.0}, len(case["gradients"])
    gradients = np.zeros_like(case["gradients"])
    gradients[0] = gradients[-1] = case["gradients"][0]
    g, t = np.asarray(gradients[0], np.float64), np.arange(steps)
    last = (t == steps - 1) * (steps > 1)
    m = np.outer((1 - case["beta1"]) * (case["beta1"] ** t + last), g)
    v = np.outer((1 - case["beta2"]) * (1 + last * case["beta2"] ** t), g * g)
    expected = path(method, case, clipped(case, v) * m)
    got, scale = method.run(impl, case, gradients=gradients), reach(case, gradients)
    agree(got, expected.astype(gradients.dtype), why="the trajectory", ulps=ulps(case), scale=scale)


@shared(needs=("adabound",), equation=r"v_1 \le v_2 \le \dots \Rightarrow \max_i v_i = v_t", source="the definition")
def while_the_moment_grows_it_is_adabound(method, impl, case):
    """With gradients of rising magnitude the largest second moment is the latest, and AMSBound is AdaBound."""
    case = case | {"weight_decay": 0.0, "gradients": _growing(case["gradients"])}
    got, expected = method.run(impl, case), np.asarray(ADABOUND.run(impl, case))
    agree(got, expected, why="the trajectory", ulps=2 * ulps(case), scale=reach(case, case["gradients"]))


@shared(
    needs=("adabound",), equation=r"|w_t - w_{t-1}| \le |w_t - w_{t-1}|_{\mathrm{AdaBound}}", source="the definition"
)
def steps_are_never_longer_than_adabounds(method, impl, case):
    """The largest second moment gives the smaller rate: no step is longer than AdaBound's, and none goes elsewhere."""
    case = case | {"weight_decay": 0.0}
    ours, theirs = (np.asarray(one.run(impl, case)) for one in (method, ADABOUND))
    step, longest = (np.diff(np.vstack([case["w"], rows]), axis=0) for rows in (ours, theirs))
    expected = np.clip(step, np.minimum(longest, 0), np.maximum(longest, 0))
    scale = 2 * reach(case, case["gradients"])
    agree(step, expected, why="the step beside AdaBound's", ulps=ulps(case), scale=scale)


@shared(equation=r"g_t = 0 \Rightarrow w_t = (1-\lambda)^t w_0", source="the released code of AdaBoundW")
def decay_alone_is_geometric(method, impl, case):
    """Without gradients AdaBoundW shrinks the parameters by its decay per step; neither learning rate nor band enters."""
    decay = case["weight_decay"] or 0.25
    got = method.run(impl, case, gradients=np.zeros_like(case["gradients"]), weight_decay=decay)
    t = np.arange(1.0, len(case["gradients"]) + 1)[:, None]
    expected = ((1 - decay) ** t * case["w"].astype(np.float64)).astype(case["w"].dtype)
    agree(got, expected, why="the parameters", ulps=ulps(case), scale=np.abs(case["w"]).astype(np.float64))


@shared(needs=("adabound",), equation=r"\lambda = 0: w_t = w^{\mathrm{AdaBound}}_t", source="the definition")
def without_decay_it_is_adabound(method, impl, case):
    """AdaBoundW without weight decay is AdaBound."""
    case = case | {"weight_decay": 0.0}
    got, expected = method.run(impl, case), np.asarray(ADABOUND.run(impl, case))
    agree(got, expected, why="the trajectory", ulps=2 * ulps(case), scale=reach(case, case["gradients"]))


@shared(equation=r"w_t = (1-\lambda)^t w_0 - \sum_{i \le t} (1-\lambda)^{t-i} s_i", source=UNROLLED)
def decay_bypasses_the_moments(method, impl, case):
    """Each step is that of the run without decay, and shrinks by the decay of the steps that follow it."""
    case = case | {"weight_decay": case["weight_decay"] or 0.1}
    bare = np.asarray(method.run(impl, case, weight_decay=0.0), np.float64)
    steps = before(case["w"], bare) - bare
    expected = path(method, case, steps)
    got, scale = method.run(impl, case), reach(case, case["gradients"])
    agree(got, expected.astype(case["w"].dtype), why="the trajectory", ulps=ulps(case), scale=scale)
