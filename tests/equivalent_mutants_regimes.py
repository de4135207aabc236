"""Mutants of `minidl.theory.kernel_rich` that compute the same on all that is legal: their name -> why."""

from mutant_reasons import NEGATIVE, REFUSED, ROUNDING, SIGN

_BOUND = "a residual that is exactly the bound"
_ONES = "ones: dividing by 1, or broadcasting, gives the same"
_COMMUTE = "only whether the products differ, which is refused, is read"
_WHEN = "when Newton's method stops, or begins to mend its dual: within the roundings that the laws allow"
_STEPS = "how long steps are: the errors of all are held to rtol, or to twice that"
KERNEL_RICH: dict[str, str] = {
    (
        "constraints.orthonormal_rows: constant off by one: np.where(largest > 0, largest, 1) -> np"
        ".where(largest > 0, largest, 2)"
    ): "the unit of a row of zeros",
    "constraints.orthonormal_rows: operands swapped: x @ shortest - y -> y - x @ shortest": SIGN,
    (
        "constraints.orthonormal_rows: right term dropped: np.linalg.norm(x, axis=1) * np.linalg.no"
        "rm(shortest) + np.linalg.norm(y) -> np.linalg.norm(x, axis=1) * np.linalg.norm(shortest)"
    ): REFUSED,
    (
        "constraints.orthonormal_rows: left term dropped: np.linalg.norm(x, axis=1) * np.linalg.nor"
        "m(shortest) + np.linalg.norm(y) -> np.linalg.norm(y)"
    ): REFUSED,
    (
        "constraints.orthonormal_rows: product and quotient exchanged: np.linalg.norm(x, axis=1) * "
        "np.linalg.norm(shortest) -> np.linalg.norm(x, axis=1) / np.linalg.norm(shortest)"
    ): REFUSED,
    (
        "constraints.orthonormal_rows: right term dropped: np.linalg.norm(x, axis=1) * np.linalg.no"
        "rm(shortest) -> np.linalg.norm(x, axis=1)"
    ): REFUSED,
    (
        "constraints.orthonormal_rows: left term dropped: np.linalg.norm(x, axis=1) * np.linalg.nor"
        "m(shortest) -> np.linalg.norm(shortest)"
    ): REFUSED,
    "constraints.orthonormal_rows: left term dropped: 16 * max(x.shape) * EPS * size -> size": REFUSED,
    (
        "constraints.orthonormal_rows: product and quotient exchanged: 16 * max(x.shape) * EPS -> 1"
        "6 * max(x.shape) / EPS"
    ): REFUSED,
    "constraints.orthonormal_rows: right term dropped: 16 * max(x.shape) * EPS -> 16 * max(x.shape)": REFUSED,
    "constraints.orthonormal_rows: right term dropped: 16 * max(x.shape) -> 16": REFUSED,
    "constraints.orthonormal_rows: constant off by one: 16 * max(x.shape) -> 17 * max(x.shape)": REFUSED,
    "diagonal.squared_loss: operands swapped: x @ beta - y -> y - x @ beta": SIGN,
    (
        "diagonal.gradient_descent: operands swapped: x @ (u ** depth - v ** depth) - y -> y - x @ "
        "(u ** depth - v ** depth)"
    ): SIGN,
    (
        "diagonal.gradient_flow: constant off by one: border.number('rtol', rtol, 0, 1) -> border.n"
        "umber('rtol', rtol, 0, 2)"
    ): REFUSED,
    (
        "diagonal.gradient_flow: operands swapped: (u ** depth - v ** depth) @ x.T - y -> y - (u **"
        " depth - v ** depth) @ x.T"
    ): SIGN,
    (
        "diagonal.flow_limit: border moved: np.abs(x @ (state[0] ** depth - state[1] ** depth) - y)"
        ".max() <= residual -> np.abs(x @ (state[0] ** depth - state[1] ** depth) - y).max() < resi"
        "dual"
    ): _BOUND,
    (
        "diagonal.flow_limit: operands swapped: x @ (state[0] ** depth - state[1] ** depth) - y -> "
        "y - x @ (state[0] ** depth - state[1] ** depth)"
    ): SIGN,
    (
        "diagonal.flow_limit: constant off by one: border.number('rtol', rtol, 0, 1) -> border.numb"
        "er('rtol', rtol, 0, 2)"
    ): REFUSED,
    (
        "interpolation.sufficient_scales: constant off by one: border.number('eps', eps, 0, 1) -> b"
        "order.number('eps', eps, 0, 2)"
    ): REFUSED,
    "interpolation._flat: product and quotient exchanged: scale * ones -> scale / ones": _ONES,
    "interpolation._flat: right term dropped: scale * ones -> scale": _ONES,
    "interpolation._flat: product and quotient exchanged: 0 * ones -> 0 / ones": _ONES,
    "interpolation._flat: right term dropped: 0 * ones -> 0": _ONES,
    (
        "factorisation.factor_flow: constant off by one: border.number('rtol', rtol, 0, 1) -> borde"
        "r.number('rtol', rtol, 0, 2)"
    ): REFUSED,
    (
        "factorisation.factor_limit: border moved: np.abs(_residual(a, y, at[:p], at[p:])).max() <="
        " residual -> np.abs(_residual(a, y, at[:p], at[p:])).max() < residual"
    ): _BOUND,
    (
        "factorisation.factor_limit: constant off by one: border.number('rtol', rtol, 0, 1) -> bord"
        "er.number('rtol', rtol, 0, 2)"
    ): REFUSED,
    "factorisation.factor_kernel: constant off by one: -1 -> -2": NEGATIVE,
    "factorisation._residual: constant off by one: -1 -> -2": NEGATIVE,
    "factorisation._velocity: constant off by one: -1 -> -2": NEGATIVE,
    (
        "factorisation._common_basis: operands swapped: matrix @ other - other @ matrix -> other @ "
        "matrix - matrix @ other"
    ): _COMMUTE,
    "factorisation._common_basis: operands swapped: matrix @ other -> other @ matrix": _COMMUTE,
    "factorisation._common_basis: operands swapped: other @ matrix -> matrix @ other": _COMMUTE,
    "factorisation._common_basis: constant off by one: a.shape[1] -> a.shape[2]": "the matrices are square",
    (
        "ode.integrate: constant off by one: ([], 0.0, first_size(velocity, state), 0) -> ([], 0.0,"
        " first_size(velocity, state), 1)"
    ): "one step fewer before it gives up",
    (
        "ode.integrate: border moved: target - t <= size -> target - t < size"
    ): "the step that just reaches the time is the same",
    (
        "dual_newton.minimise: left term dropped: np.abs(rows.x) @ np.abs(beta) + np.abs(rows.y) -> np.abs(rows.y)"
    ): _WHEN,
    "dual_newton.minimise: border moved: excess <= ROUNDINGS -> excess < ROUNDINGS": _WHEN,
    "dual_newton.minimise: border moved: excess >= previous / 2 -> excess > previous / 2": _WHEN,
    "dual_newton.minimise: left term dropped: 4 * rounding -> rounding": _WHEN,
    "dual_newton.minimise: comparison reversed: reach < 0.1 -> reach > 0.1": _WHEN,
    (
        "constraints.orthonormal_rows: right term dropped: max(x.shape) * EPS * singular[0] -> max(x.shape) * EPS"
    ): ROUNDING,
    (
        "dual_newton.minimise: right term dropped: np.abs(rows.x) @ np.abs(beta) + np.abs(rows.y) -> "
        "np.abs(rows.x) @ np.abs(beta)"
    ): _WHEN,
    "dual_newton.minimise: border moved: excess <= 1 -> excess < 1": _WHEN,
    "dual_newton.minimise: constant off by one: excess <= 1 -> excess <= 2": _WHEN,
    "dual_newton.minimise: constant off by one: previous / 2 -> previous / 3": _WHEN,
    "dual_newton.minimise: constant off by one: 4 * rounding -> 5 * rounding": _WHEN,
    "dual_newton.minimise: border moved: reach < 0.1 -> reach <= 0.1": _WHEN,
    "dual_newton.minimise: constant off by one: reach < 0.1 -> reach < 1.1": _WHEN,
    (
        "ode.integrate_until: constant off by one: (0.0, first_size(velocity, state), 0) -> (0.0, "
        "first_size(velocity, state), 1)"
    ): _STEPS,
    "ode.first_size: border moved: fastest > 0 -> fastest >= 0": _STEPS,
    "ode.first_size: comparison reversed: fastest > 0 -> fastest < 0": _STEPS,
    "ode.first_size: constant off by one: fastest > 0 -> fastest > 1": _STEPS,
    (
        "ode.first_size: product and quotient exchanged: 0.1 * np.abs(state).max() / fastest -> 0.1 * "
        "np.abs(state).max() * fastest"
    ): _STEPS,
    ("ode.first_size: right term dropped: 0.1 * np.abs(state).max() / fastest -> 0.1 * np.abs(state).max()"): _STEPS,
    (
        "ode.first_size: operands swapped: 0.1 * np.abs(state).max() / fastest -> fastest / (0.1 * np.abs(state).max())"
    ): _STEPS,
    ("ode.first_size: product and quotient exchanged: 0.1 * np.abs(state).max() -> 0.1 / np.abs(state).max()"): _STEPS,
    "ode.first_size: right term dropped: 0.1 * np.abs(state).max() -> 0.1": _STEPS,
    "ode.first_size: left term dropped: 0.1 * np.abs(state).max() -> np.abs(state).max()": _STEPS,
    "ode.first_size: constant off by one: 0.1 * np.abs(state).max() -> 1.1 * np.abs(state).max()": _STEPS,
    (
        "ode.first_size: constant off by one: float(0.1 * np.abs(state).max() / fastest) if fastest > 0 else "
        "1.0 -> float(0.1 * np.abs(state).max() / fastest) if fastest > 0 else 2.0"
    ): _STEPS,
    "ode.advance: border moved: errors[-1] <= 1 -> errors[-1] < 1": _STEPS,
    "ode.advance: constant off by one: errors[-1] <= 1 -> errors[-1] <= 2": _STEPS,
    "ode.advance: right term dropped: size * _growth(errors) -> size": _STEPS,
    (
        "ode.advance: constant off by one: max(0.1, _factor(errors[-1], len(errors) + 1)) -> max(1.1, "
        "_factor(errors[-1], len(errors) + 1))"
    ): _STEPS,
    "ode.advance: sign flipped: len(errors) + 1 -> len(errors) - 1": _STEPS,
    "ode.advance: right term dropped: len(errors) + 1 -> len(errors)": _STEPS,
    "ode.advance: left term dropped: len(errors) + 1 -> 1": _STEPS,
    "ode.advance: constant off by one: len(errors) + 1 -> len(errors) + 2": _STEPS,
    "ode._extrapolated: sign flipped: COLUMNS + 1 -> COLUMNS - 1": _STEPS,
    "ode._extrapolated: right term dropped: COLUMNS + 1 -> COLUMNS": _STEPS,
    "ode._extrapolated: constant off by one: COLUMNS + 1 -> COLUMNS + 2": _STEPS,
}
