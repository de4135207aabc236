"""Mutants of `minidl.theory.margin` that compute the same on all that is legal: their name -> why."""

from mutant_reasons import COMMUTES, REFUSED, SIGN

_ULP = "terms below an ulp of the sum"
_EITHER = "there the series and the fraction are both exact to rounding"
_UNREAD = "what the other formula gives there is not read"
_WAY = "only the way of Newton's steps to the one minimum changes"
_NOWHERE = "no number lies exactly there"
_THRESHOLD = "which differences count as rounding"
_START = "only where Newton's steps begin changes: a convex function has one minimum"
_UNIT = "the unit of the rows divides out"
_WEIGHTS = "weights are divided by their sum afterwards"
_ROUTE = "the way from one set of columns to the next; the end is judged by the conditions of the optimum"
_GUARD = "a guard against gains that are rounding: a column that enters lowers the residual by theory"
MARGIN: dict[str, str] = {
    (
        "deep_linear._checked: constant off by one: len(first) if first.ndim == 2 else 0 -> len(fir"
        "st) if first.ndim == 2 else 1"
    ): REFUSED,
    ("deep_linear.balanced_layers: constant off by one: norm or 1.0 -> norm or 2.0"): "zero, whatever it is divided by",
    "deep_linear.velocity: operands swapped: v @ gradient -> gradient @ v": COMMUTES,
    "gaps.angle: operands swapped: a - cosine[..., None] * b -> cosine[..., None] * b - a": SIGN,
    (
        "gaps.direction_gap: operands swapped: unit(w) - unit(_one('w_hat', w_hat, w.shape[-1])) ->"
        " unit(_one('w_hat', w_hat, w.shape[-1])) - unit(w)"
    ): SIGN,
    "incomplete_gamma._series: border moved: term > _EPS * total / 4 -> term >= _EPS * total / 4": _ULP,
    "incomplete_gamma._series: constant off by one: _EPS * total / 4 -> _EPS * total / 5": _ULP,
    "incomplete_gamma._series: product and quotient exchanged: _EPS * total -> _EPS / total": _ULP,
    "incomplete_gamma._series: product and quotient exchanged: _EPS * total / 4 -> _EPS * total * 4": _ULP,
    "incomplete_gamma._series: right term dropped: _EPS * total -> _EPS": _ULP,
    "incomplete_gamma._series: right term dropped: _EPS * total / 4 -> _EPS * total": _ULP,
    "incomplete_gamma.log_upper_gamma: border moved: a > 1 -> a >= 1": _EITHER,
    "incomplete_gamma.log_upper_gamma: border moved: x < a + 1 -> x <= a + 1": _EITHER,
    "incomplete_gamma.log_upper_gamma: constant off by one: -1.0 -> -2.0": _UNREAD,
    "incomplete_gamma.log_upper_gamma: constant off by one: a + 1 -> a + 2": _EITHER,
    "incomplete_gamma.log_upper_gamma: constant off by one: a + 2 -> a + 3": _UNREAD,
    (
        "incomplete_gamma.log_upper_gamma: constant off by one: np.where(series, x, 1.0) -> np.where(series, x, 2.0)"
    ): _UNREAD,
    "incomplete_gamma.log_upper_gamma: left term dropped: a + 2 -> 2": _UNREAD,
    "incomplete_gamma.log_upper_gamma: minus dropped: -1.0 -> 1.0": _UNREAD,
    "incomplete_gamma.log_upper_gamma: right term dropped: a + 1 -> a": _EITHER,
    "incomplete_gamma.log_upper_gamma: right term dropped: a + 2 -> a": _UNREAD,
    "incomplete_gamma.log_upper_gamma: sign flipped: a + 2 -> a - 2": _UNREAD,
    (
        "limits._newton: constant off by one: (-np.linalg.solve(hessian, gradient), 1.0) -> (-np.li"
        "nalg.solve(hessian, gradient), 2.0)"
    ): _WAY,
    (
        "limits._offset: border moved: np.ptp(inside @ x) > -np.log(LEAST_WEIGHT) -> np.ptp(inside "
        "@ x) >= -np.log(LEAST_WEIGHT)"
    ): _NOWHERE,
    (
        "limits._offset: border moved: sizes > len(z) * np.finfo(float).eps * sizes[0] -> sizes >= "
        "len(z) * np.finfo(float).eps * sizes[0]"
    ): _THRESHOLD,
    "limits._offset: border moved: z @ hard.w <= 1 + ON_MARGIN -> z @ hard.w < 1 + ON_MARGIN": _NOWHERE,
    "limits._offset: left term dropped: len(z) * np.finfo(float).eps -> np.finfo(float).eps": _THRESHOLD,
    (
        "limits._offset: product and quotient exchanged: hard.dual.sum() / len(support) -> hard.dua"
        "l.sum() * len(support)"
    ): _START,
    "limits._offset: right term dropped: hard.dual.sum() / len(support) -> hard.dual.sum()": _START,
    "limits._power_direction: border moved: u.min() <= 0 -> u.min() < 0": _NOWHERE,
    (
        "limits._power_direction: float32 result: return (v - mean, hessian) -> return _minidl_floa"
        "t32((v - mean, hessian))"
    ): _WAY,
    "limits._power_direction: left term dropped: centred.T * q -> q": _WAY,
    "limits._power_direction: left term dropped: p * (centred.T * q) -> centred.T * q": _WAY,
    "limits._power_direction: operands swapped: pull - mean -> mean - pull": "it stands twice in a product",
    (
        "limits._power_direction: product and quotient exchanged: border.inputs('z', z) / hard.marg"
        "in -> border.inputs('z', z) * hard.margin"
    ): _UNIT,
    "limits._power_direction: product and quotient exchanged: u / u.min() -> u * u.min()": _WEIGHTS,
    "limits._power_direction: right term dropped: border.inputs('z', z) / hard.margin -> border.inputs('z', z)": _UNIT,
    (
        "limits._power_direction: right term dropped: np.eye(len(v)) + pull.T * q @ pull + p * (cen"
        "tred.T * q) @ centred -> np.eye(len(v)) + pull.T * q @ pull"
    ): _WAY,
    "limits._power_direction: right term dropped: np.eye(len(v)) + pull.T * q @ pull -> np.eye(len(v))": _WAY,
    "limits._power_direction: right term dropped: u / u.min() -> u": _WEIGHTS,
    "limits.angle_constant: operands swapped: offset - offset @ v * v -> offset @ v * v - offset": SIGN,
    "limits.angle_constant: operands swapped: offset @ v -> v @ offset": COMMUTES,
    "limits.gap_constant: operands swapped: hard.w @ offset -> offset @ hard.w": COMMUTES,
    (
        "flow.log_time_flow: border moved: times <= begin -> times < begin"
    ): "there the straight line and the solution agree",
    (
        "flow.log_time_flow: constant off by one: max(begin, 0.0) -> max(begin, 1.0)"
    ): "any time may be where the equation is written anew",
    "non_negative._enter: border moved: goal <= 0 -> goal < 0": _ROUTE,
    "non_negative._enter: border moved: x > 0 -> x >= 0": _ROUTE,
    "non_negative._enter: border moved: x[below] == goal[below] -> x[below] != goal[below]": _ROUTE,
    (
        "non_negative._enter: constant off by one: np.where(passive, x + reach.min() * (goal - x), 0.0) -> "
        "np.where(passive, x + reach.min() * (goal - x), 1.0)"
    ): _ROUTE,
    "non_negative._enter: constant off by one: np.where(passive, x, 0.0) -> np.where(passive, x, 1.0)": _ROUTE,
    "non_negative._enter: right term dropped: goal - x -> goal": _ROUTE,
    "non_negative._enter: right term dropped: reach.min() * (goal - x) -> reach.min()": _ROUTE,
    (
        "non_negative._enter: right term dropped: x[below] - goal[below] + (x[below] == goal[below]) -> x[below] - goal[below]"
    ): _ROUTE,
    "non_negative._enter: sign flipped: goal - x -> goal + x": _ROUTE,
    (
        "non_negative._enter: sign flipped: x[below] - goal[below] + (x[below] == goal[below]) -> x[below] "
        "- goal[below] - (x[below] == goal[below])"
    ): _ROUTE,
    "non_negative.nnls: border moved: fall > 0 -> fall >= 0": _GUARD,
    (
        "non_negative.nnls: border moved: gradient > rounding -> gradient >= rounding"
    ): "no number lies exactly there, but 0, which lowers nothing",
    (
        "non_negative.nnls: constant off by one: np.where(size > 0, size, 1) -> np.where(size > 0, size, 2)"
    ): "a column of zeros is zero, whatever it is divided by",
    "non_negative.nnls: left term dropped: len(a) * np.finfo(float).eps -> np.finfo(float).eps": _THRESHOLD,
    (
        "non_negative.nnls: operands swapped: a @ (tried - x) @ (rest + tried_rest) -> (rest + tried_rest) @ (a @ (tried - x))"
    ): COMMUTES,
    "non_negative.nnls: right term dropped: rest + tried_rest -> rest": _GUARD,
    "non_negative.nnls: right term dropped: tried - x -> tried": _GUARD,
    "non_negative.nnls: sign flipped: rest + tried_rest -> rest - tried_rest": _GUARD,
    "non_negative.nnls: sign flipped: tried - x -> tried + x": _GUARD,
    "tails.log_loss: border moved: u > _FAR -> u >= _FAR": "there both forms agree to rounding",
    (
        "tails.signed_inputs: product and quotient exchanged: x * border.labels(labels, len(x))[:, "
        "None] -> x / border.labels(labels, len(x))[:, None]"
    ): "a label is its own inverse",
}
