"""Planted bugs of weight decay: the objective, its gradient, its optimum."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the objective -----------------------------------------------------------------------------------------------------
def _objective(loss=lambda e: e @ e / len(e), penalty=lambda w, b, v, b0: (w @ w + v @ v) / 2):
    def build(ref):
        def objective(x, y, w, b, v, b0, decay):
            error = ref.network(x, w, b, v, b0) - y
            return float(loss(error) + decay * penalty(w, b, v, b0))

        return objective

    return build


@planted("objective")
def sum_of_squares(ref):
    """The sum of squared errors, not their mean."""
    return _objective(loss=lambda e: e @ e)(ref)


@planted("objective")
def half_a_mean(ref):
    """Half the mean."""
    return _objective(loss=lambda e: e @ e / len(e) / 2)(ref)


@planted("objective")
def magnitudes_of_errors(ref):
    """The mean of the errors' magnitudes."""
    return _objective(loss=lambda e: np.abs(e).mean())(ref)


@planted("objective")
def squared_mean(ref):
    """The square of the mean error."""
    return _objective(loss=lambda e: e.mean() ** 2)(ref)


@planted("objective")
def whole_squares_in_the_penalty(ref):
    """The penalty without its half."""
    return _objective(penalty=lambda w, b, v, b0: w @ w + v @ v)(ref)


@planted("objective")
def hidden_biases_decay(ref):
    """Hidden biases are charged as well."""
    return _objective(penalty=lambda w, b, v, b0: (w @ w + v @ v + b @ b) / 2)(ref)


@planted("objective")
def output_bias_decays(ref):
    """The output's bias is charged as well."""
    return _objective(penalty=lambda w, b, v, b0: (w @ w + v @ v + b0 * b0) / 2)(ref)


@planted("objective")
def path_norm_for_penalty(ref):
    """The path norm is the penalty: right at the optimum alone."""
    return _objective(penalty=lambda w, b, v, b0: np.abs(w) @ np.abs(v))(ref)


@planted("objective")
def outgoing_layer_decays_alone(ref):
    """Only the outgoing weights are charged."""
    return _objective(penalty=lambda w, b, v, b0: v @ v / 2)(ref)


@planted("objective")
def penalty_averaged(ref):
    """The penalty is divided by the number of points, too: a parenthesis."""

    def objective(x, y, w, b, v, b0, decay):
        error = ref.network(x, w, b, v, b0) - y
        return float((error @ error + decay * ref.weight_cost(w, v)) / len(x))

    return objective


# --- its gradient ------------------------------------------------------------------------------------------------------
def _gradient(
    factor=lambda N: 2 / N,
    on=lambda z: z > 0,
    shares=lambda w, v: (w, v),
    through=lambda error, v, on: np.outer(error, v) * on,
    inputs=lambda x, back: x @ back,
    more_b=lambda b: 0.0,
    more_b0=lambda b0: 0.0,
    decay_factor=1.0,
):
    def build(ref):
        def objective_gradient(x, y, w, b, v, b0, decay):
            z = np.outer(x, w) + b
            hidden = np.maximum(z, 0)
            error = factor(len(x)) * (hidden @ v + b0 - y)
            back = through(error, v, on(z))
            charged = [decay_factor * decay * part for part in shares(w, v)]
            db, db0 = back.sum(axis=0) + decay * more_b(b), float(error.sum() + decay * more_b0(b0))
            return inputs(x, back) + charged[0], db, error @ hidden + charged[1], db0

        return objective_gradient

    return build


@planted("objective_gradient")
def factor_2_forgotten(ref):
    """The 2 of the square is forgotten."""
    return _gradient(factor=lambda N: 1 / N)(ref)


@planted("objective_gradient")
def summed_not_averaged(ref):
    """The sum over points instead of the mean."""
    return _gradient(factor=lambda N: 2.0)(ref)


@planted("objective_gradient")
def decay_doubled(ref):
    """2 decay w: the half of the cost is forgotten."""
    return _gradient(decay_factor=2.0)(ref)


@planted("objective_gradient")
def decay_of_the_wrong_sign(ref):
    """The decay grows weights."""
    return _gradient(decay_factor=-1.0)(ref)


@planted("objective_gradient")
def decay_on_the_other_layer(ref):
    """Each layer decays by the other one's weights."""
    return _gradient(shares=lambda w, v: (v, w))(ref)


@planted("objective_gradient")
def decay_on_hidden_biases(ref):
    """Hidden biases decay, as they do where one decay is given for all parameters."""
    return _gradient(more_b=lambda b: b)(ref)


@planted("objective_gradient")
def decay_on_the_output_bias(ref):
    """The output's bias decays."""
    return _gradient(more_b0=lambda b0: b0)(ref)


@planted("objective_gradient")
def gate_left_open(ref):
    """The nonlinearity's derivative is forgotten: all units pass gradients."""
    return _gradient(on=lambda z: np.ones_like(z))(ref)


@planted("objective_gradient")
def open_at_the_kink(ref):
    """A unit at its kink passes gradients."""
    return _gradient(on=lambda z: z >= 0)(ref)


@planted("objective_gradient")
def outgoing_weight_forgotten(ref):
    """The chain rule without the outgoing weights."""
    return _gradient(through=lambda error, v, on: error[:, None] * on)(ref)


@planted("objective_gradient")
def input_forgotten(ref):
    """The derivative by w without the input: that of the bias."""
    return _gradient(inputs=lambda x, back: back.sum(axis=0))(ref)


# --- the optimum -------------------------------------------------------------------------------------------------------
@planted("decay_optimum")
def decay_of_half_the_sum(ref):
    """The decay is that of half the sum of squares, not of their mean: N / 2 times off."""

    def decay_optimum(x, y, decay):
        return ref.decay_optimum(x, y, 2 * decay / len(x))

    return decay_optimum


@planted("decay_optimum")
def decay_halved(ref):
    """Half the decay: the cost without its half, or the square without its 2."""
    return lambda x, y, decay: ref.decay_optimum(x, y, decay / 2)


@planted("decay_optimum")
def interpolation(ref):
    """The decay is ignored where an interpolant exists."""

    def decay_optimum(x, y, decay):
        if len(np.unique(x)) < len(x):
            return ref.decay_optimum(x, y, decay)
        norm = ref.minimum_norm(x, y).norm
        return y.copy(), norm, decay * norm

    return decay_optimum


@planted("decay_optimum")
def objective_without_error(ref):
    """The objective is the penalty alone."""

    def decay_optimum(x, y, decay):
        fitted, norm, _ = ref.decay_optimum(x, y, decay)
        return fitted, norm, decay * norm

    return decay_optimum


@planted("decay_optimum")
def norm_of_the_data(ref):
    """The norm is that of interpolating the data, not the fitted values."""

    def decay_optimum(x, y, decay):
        fitted, _, best = ref.decay_optimum(x, y, decay)
        at, first = np.unique(x, return_index=True)
        return fitted, ref.minimum_norm(at, y[first]).norm, best

    return decay_optimum


def _projected(sides, centre=True, rounds=4000):
    """The residual by cyclic coordinate descent on the lasso over units that face these sides."""

    def build(ref):
        def decay_optimum(x, y, decay):
            at, first = np.unique(x, return_index=True)
            parts = [np.maximum(x[:, None] - at[:-1], 0), np.maximum(at[1:] - x[:, None], 0)]
            columns = np.concatenate([part for part, there in zip(parts, sides, strict=True) if there], axis=1)
            if centre:
                columns = columns - columns.mean(axis=0)
            r, a = y - y.mean() * centre, np.zeros(columns.shape[1])
            for _ in range(rounds if columns.size else 0):
                before = a.copy()
                for j, column in enumerate(columns.T):
                    if size := column @ column:
                        z = column @ r / size + a[j]
                        new = np.sign(z) * max(0.0, abs(z) - decay * len(x) / 2 / size)
                        r = r + (a[j] - new) * column
                        a[j] = new
                if np.array_equal(a, before):
                    break
            fitted = y - r
            norm = ref.minimum_norm(at, fitted[first]).norm
            return fitted, norm, float(r @ r / len(x) + decay * norm)

        return decay_optimum

    return build


@planted("decay_optimum")
def one_facing_side(ref):
    """Only units that face right: a line in their place costs twice as much."""
    return _projected((True, False))(ref)


@planted("decay_optimum")
def no_free_bias(ref):
    """The output has no bias of its own."""
    return _projected((True, True), centre=False)(ref)


@planted("decay_optimum")
def residual_returned(ref):
    """The residual in the place of the fitted values."""

    def decay_optimum(x, y, decay):
        fitted, norm, best = ref.decay_optimum(x, y, decay)
        return y - fitted, norm, best

    return decay_optimum


@planted("decay_optimum")
def slopes_soft_thresholded(ref):
    """Values are drawn towards their mean by the decay, whatever the neighbours."""

    def decay_optimum(x, y, decay):
        r = np.clip(y - y.mean(), -decay, decay)
        at, first = np.unique(x, return_index=True)
        norm = ref.minimum_norm(at, (y - r)[first]).norm
        return y - r, norm, float(r @ r / len(x) + decay * norm)

    return decay_optimum


@planted("decay_optimum")
def ridge_in_place_of_lasso(ref):
    """The coefficients are charged by their squares, as if only the outgoing layer were trained."""

    def decay_optimum(x, y, decay):
        at, first = np.unique(x, return_index=True)
        columns = np.concatenate([np.maximum(x[:, None] - at, 0), np.maximum(at - x[:, None], 0)], axis=1)
        columns, target = columns - columns.mean(axis=0), y - y.mean()
        gram = columns.T @ columns + decay * len(x) / 2 * np.eye(columns.shape[1])
        r = target - columns @ np.linalg.solve(gram, columns.T @ target)
        norm = ref.minimum_norm(at, (y - r)[first]).norm
        return y - r, norm, float(r @ r / len(x) + decay * norm)

    return decay_optimum
