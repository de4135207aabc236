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
_CAP = "only which sizes are refused"
_FEWER = "the same solution comes from fewer rows"
_DEPENDENT = "more rows than dimensions depend on each other, and are passed over"
_CERTIFICATE = "another error, without a certificate, counts as not provided; that there is one, tests hold"
_VARIABLES = "the same equation in other variables"
_SADDLE = "which starts are refused for the saddle, which tests hold"
_UNITS = "only the unit in which support vectors are looked for"
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
    (
        "enumeration.hard_margin_by_enumeration: constant off by one: range(1, min(n, d + 1) + 1) -> "
        "range(2, min(n, d + 1) + 1)"
    ): _CAP,
    "enumeration.hard_margin_by_enumeration: sign flipped: min(n, d + 1) + 1 -> min(n, d + 1) - 1": _CAP,
    "enumeration.hard_margin_by_enumeration: right term dropped: min(n, d + 1) + 1 -> min(n, d + 1)": _CAP,
    "enumeration.hard_margin_by_enumeration: left term dropped: min(n, d + 1) + 1 -> 1": _CAP,
    "enumeration.hard_margin_by_enumeration: sign flipped: d + 1 -> d - 1": _CERTIFICATE,
    "enumeration.hard_margin_by_enumeration: right term dropped: d + 1 -> d": _CERTIFICATE,
    "enumeration.hard_margin_by_enumeration: left term dropped: d + 1 -> 1": _CERTIFICATE,
    "enumeration.hard_margin_by_enumeration: constant off by one: d + 1 -> d + 2": _CERTIFICATE,
    ("enumeration.hard_margin_by_enumeration: constant off by one: min(n, d + 1) + 1 -> min(n, d + 1) + 2"): _CAP,
    "enumeration.hard_margin_by_enumeration: border moved: min(a) < 0 -> min(a) <= 0": _FEWER,
    (
        "enumeration.hard_margin_by_enumeration: sign flipped: [Fraction(0)] * d + [Fraction(1)] -> "
        "[Fraction(0)] * d - [Fraction(1)]"
    ): _CERTIFICATE,
    (
        "enumeration.hard_margin_by_enumeration: right term dropped: [Fraction(0)] * d + [Fraction(1)] -> "
        "[Fraction(0)] * d"
    ): _CERTIFICATE,
    (
        "enumeration.hard_margin_by_enumeration: left term dropped: [Fraction(0)] * d + [Fraction(1)] -> [Fraction(1)]"
    ): _CERTIFICATE,
    (
        "enumeration.hard_margin_by_enumeration: product and quotient exchanged: [Fraction(0)] * d -> [Fraction(0)] / d"
    ): _CERTIFICATE,
    "enumeration.hard_margin_by_enumeration: right term dropped: [Fraction(0)] * d -> [Fraction(0)]": _CERTIFICATE,
    "enumeration.hard_margin_by_enumeration: left term dropped: [Fraction(0)] * d -> d": _CERTIFICATE,
    "enumeration._subsets: constant off by one: largest + 1 -> largest + 2": _DEPENDENT,
    "enumeration._solve: operands swapped: value - factor * other -> factor * other - value": "an equation times -1",
    "steps.normalised_bound: border moved: bound <= margin -> bound < margin": _NOWHERE,
    "steps._sums: constant off by one: _SUMMED + 1 -> _SUMMED + 2": "both sums are exact to rounding there",
    (
        "steps._sums: right term dropped: 2 * np.sqrt(T) + _ZETA + T ** (-0.5) / 2 - T ** (-1.5) / 24 + T ** "
        "(-3.5) / 384 -> 2 * np.sqrt(T) + _ZETA + T ** (-0.5) / 2 - T ** (-1.5) / 24"
    ): _ULP,
    "steps._sums: constant off by one: -3.5 -> -4.5": _ULP,
    "steps._sums: constant off by one: T ** (-3.5) / 384 -> T ** (-3.5) / 385": _ULP,
    (
        "steps._sums: sign flipped: np.log(T) + _EULER + 1 / (2 * T) - 1 / (12 * T ** 2) + 1 / (120 * T ** "
        "4) -> np.log(T) + _EULER + 1 / (2 * T) - 1 / (12 * T ** 2) - 1 / (120 * T ** 4)"
    ): _ULP,
    (
        "steps._sums: right term dropped: np.log(T) + _EULER + 1 / (2 * T) - 1 / (12 * T ** 2) + 1 / (120 * "
        "T ** 4) -> np.log(T) + _EULER + 1 / (2 * T) - 1 / (12 * T ** 2)"
    ): _ULP,
    "steps._sums: constant off by one: 1 / (120 * T ** 4) -> 2 / (120 * T ** 4)": _ULP,
    "steps._sums: constant off by one: 120 * T ** 4 -> 121 * T ** 4": _ULP,
    "steps._sums: operands swapped: T ** 4 -> 4 ** T": _ULP,
    "steps._sums: constant off by one: T ** 4 -> T ** 5": _ULP,
    "steps._sums: border moved: times <= _SUMMED -> times < _SUMMED": "both sums are exact to rounding there",
    "flow.log_time_flow: border moved: times[-1] > turn -> times[-1] >= turn": _VARIABLES,
    "flow.log_time_flow: comparison reversed: times[-1] > turn -> times[-1] < turn": _VARIABLES,
    "flow.log_time_flow: border moved: times <= turn -> times < turn": _VARIABLES,
    (
        "flow._not_at_the_saddle: border moved: before @ after <= -(1 - NEAR_SADDLE) * "
        "np.linalg.norm(before) * size -> before @ after < -(1 - NEAR_SADDLE) * np.linalg.norm(before) * size"
    ): _SADDLE,
    "flow._not_at_the_saddle: operands swapped: before @ after -> after @ before": _SADDLE,
    (
        "flow._not_at_the_saddle: product and quotient exchanged: -(1 - NEAR_SADDLE) * "
        "np.linalg.norm(before) * size -> -(1 - NEAR_SADDLE) * np.linalg.norm(before) / size"
    ): _SADDLE,
    (
        "flow._not_at_the_saddle: right term dropped: -(1 - NEAR_SADDLE) * np.linalg.norm(before) * size -> "
        "-(1 - NEAR_SADDLE) * np.linalg.norm(before)"
    ): _SADDLE,
    (
        "flow._not_at_the_saddle: product and quotient exchanged: -(1 - NEAR_SADDLE) * "
        "np.linalg.norm(before) -> -(1 - NEAR_SADDLE) / np.linalg.norm(before)"
    ): _SADDLE,
    (
        "flow._not_at_the_saddle: right term dropped: -(1 - NEAR_SADDLE) * np.linalg.norm(before) -> -(1 - NEAR_SADDLE)"
    ): _SADDLE,
    "flow._not_at_the_saddle: sign flipped: 1 - NEAR_SADDLE -> 1 + NEAR_SADDLE": _SADDLE,
    "flow._not_at_the_saddle: right term dropped: 1 - NEAR_SADDLE -> 1": _SADDLE,
    "flow._not_at_the_saddle: constant off by one: 1 - NEAR_SADDLE -> 2 - NEAR_SADDLE": _SADDLE,
    "limits._newton: constant off by one: size / 4 -> size / 5": _WAY,
    "limits._newton: constant off by one: size /= 2 -> size /= 3": _WAY,
    "limits._newton: border moved: size < 1e-09 -> size <= 1e-09": _WAY,
    "limits._newton: float32 result: return x -> return _minidl_float32(x)": "what follows refuses the data",
    ("solver.hard_margin: product and quotient exchanged: norms.min() * margin -> norms.min() / margin"): _UNITS,
    "solver.hard_margin: right term dropped: norms.min() * margin -> norms.min()": _UNITS,
    (
        "solver._least_distance: constant off by one: np.append(np.zeros(z.shape[1]), 1.0) -> "
        "np.append(np.zeros(z.shape[1]), 2.0)"
    ): "u doubles, and its sum",
}
