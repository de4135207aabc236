"""The laws of batch normalisation and of the fully connected block: closed forms for batches of two, and invariances.

Tolerances follow the conditioning of the case, which batch normalisation can make bad: see `conditioned`.
"""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Contract, Golden, agree, holds, identical, law
from minidl.laws.gated_residual.cases import (
    BLOCK,
    EPS,
    LAYER,
    NORM,
    PAPER,
    WORKED,
    conditioned,
    finite,
    normalise,
    opened,
    preactivations,
    relu,
)
from minidl.laws.gated_residual.planted_blocks import bugs_of

NORM_PAPER = "Ioffe, Szegedy, 'Batch Normalization', 2015, algorithm 1"
PARAMETERS = ("W1", "gamma1", "beta1", "W2", "gamma2", "beta2")
INPUTS = ("x", *PARAMETERS)


def arguments(case, **changed):
    """The block's inputs but for the gate, in order."""
    return [(case | changed)[name] for name in INPUTS]


# --- batch normalisation -----------------------------------------------------------------------------------------------
@law(
    cases=NORM,
    needs=("batch_norm",),
    grade="numerical",
    equation=r"\mathrm{mean}(\hat z) = 0, \quad \mathrm{mean}(\hat z^2) = \frac{\sigma^2}{\sigma^2 + \epsilon}",
    source=NORM_PAPER,
)
def standardised(impl, case):
    """With gamma 1 and beta 0 each feature has mean 0, and mean square var / (var + eps) with the biased variance."""
    z = case["z"]
    one, features, n = z.dtype.type, z.shape[1], z.size // z.shape[1]
    y = np.asarray(impl.batch_norm(z, np.ones(features, z.dtype), np.zeros(features, z.dtype)))
    holds(y.shape == z.shape, why="the shape", got=y.shape, expected=z.shape)
    columns = np.moveaxis(z, 1, 0).reshape(features, -1).astype(np.float64)
    for j, (got, column) in enumerate(zip(np.moveaxis(y, 1, 0).reshape(features, -1), columns, strict=True)):
        mean = math.fsum(column) / n
        variance = math.fsum((value - mean) ** 2 for value in column) / n
        # z - mean rounds at 2n max|z|, then is divided by the deviation; a square doubles it; |zhat| <= sqrt(n)
        error = 2 * n * np.abs(column).max() / math.sqrt(variance + EPS) + math.sqrt(n)
        agree(one(np.mean(got, dtype=np.float64)), one(0), why=f"mean of feature {j}", ulps=4, scale=error)
        square, wanted = np.mean(np.asarray(got, np.float64) ** 2), variance / (variance + EPS)
        agree(one(square), one(wanted), why=f"mean square of feature {j}", ulps=8, scale=2 * math.sqrt(n) * error)


@law(cases=NORM, needs=("batch_norm",), grade="numerical", equation=r"y = \gamma \hat z + \beta", source=NORM_PAPER)
def scale_and_shift(impl, case):
    """Gamma scales and beta shifts each feature of the normalised batch."""
    z, gamma, beta = case["z"], case["gamma"], case["beta"]
    shape = (-1,) + (1,) * (z.ndim - 2)
    plain = np.asarray(impl.batch_norm(z, np.ones_like(gamma), np.zeros_like(beta)))
    expected = gamma.reshape(shape) * plain + beta.reshape(shape)
    scale = np.abs(gamma.reshape(shape) * plain) + np.abs(beta.reshape(shape))  # one product, one sum
    agree(impl.batch_norm(z, gamma, beta), expected, why="the output", ulps=4, scale=scale)


# --- fully connected layers and blocks ---------------------------------------------------------------------------------
def _two_rows(z, gamma, beta):
    """Batch normalisation of two rows: +- d / sqrt(d^2 + eps) with d half their difference. z: (2, features)."""
    d = (z[0] - z[1]) / 2
    t = gamma * d / np.hypot(d, math.sqrt(EPS))
    return np.stack([t + beta, -t + beta])


def _pair(x):
    """Two rows of a batch; of a batch of one, the row and its double."""
    return np.stack([x[0], x[-1] if len(x) > 1 else 2 * x[0]])


@law(
    cases=LAYER,
    needs=("dense_layer",),
    grade="numerical",
    equation=r"y_\pm = \mathrm{relu}\left(\beta \pm \gamma\, d / \sqrt{d^2 + \epsilon}\right), \quad d = (x_1 - x_2) W / 2",
    source="batch normalisation of two rows in closed form",
)
def layer_on_two_rows(impl, case):
    """On a batch of two, a layer depends on the difference of its rows alone, by a formula without mean and variance."""

    def model(a):
        return np.maximum(_two_rows(a["x"] @ a["W"], a["gamma"], a["beta"]), 0)

    inputs = case | {"x": _pair(case["x"])}
    expected, scale = conditioned(model, inputs, case["x"].dtype)
    got = impl.dense_layer(*(inputs[name] for name in ("x", "W", "gamma", "beta")))
    agree(got, expected, why="the layer's output", ulps=64, scale=scale)


@law(
    cases=LAYER, needs=("dense_layer",), grade="numerical", equation=r"f(x \cup x) = f(x) \cup f(x)", source=NORM_PAPER
)
def layer_on_a_doubled_batch(impl, case):
    """A batch with every row twice has the same mean and variance, hence the same outputs, twice."""
    x, rest = case["x"], [case[name] for name in ("W", "gamma", "beta")]
    once = np.asarray(impl.dense_layer(x, *rest))

    def model(a):
        return relu(normalise(a["x"] @ a["W"], a["gamma"], a["beta"]))

    doubled = np.concatenate([x, x])
    scale = conditioned(model, case | {"x": doubled}, x.dtype)[
        1
    ]  # of the doubled batch: equal rows may round differently
    agree(impl.dense_layer(doubled, *rest), np.concatenate([once, once]), why="outputs", ulps=64, scale=scale)


def block_model(k):
    """The block as a function of its inputs, in real or complex numbers."""
    return lambda a: a["x"] + k * relu(preactivations(*(a[name] for name in INPUTS))[1])


def block_scale(case, k):
    return conditioned(block_model(k), {name: case[name] for name in INPUTS}, case["x"].dtype)[1]


@law(cases=BLOCK, needs=("dense_block",), grade="exact", equation=r"k \le 0 \Rightarrow y = x", source=PAPER)
def closed_block_is_the_identity(impl, case):
    """A block whose gate is closed gives its input bit by bit, also with infinite weights."""
    x = case["x"]
    for k in (-opened(case["k"]), 0.0):
        for W2 in (case["W2"], np.full_like(case["W2"], np.inf)):
            identical(impl.dense_block(*arguments(case, W2=W2), k), x, why=f"the output at k = {k}")


@law(
    cases=finite(BLOCK),
    needs=("dense_block",),
    grade="numerical",
    equation=r"y(k) = (1 - k)\, x + k\, y(1), \quad k \ge 0",
    source="section 2.2 of the paper",
)
def block_is_affine_in_k(impl, case):
    """The block's output is affine in its gate."""
    x, k = case["x"], opened(case["k"])
    one = np.asarray(impl.dense_block(*arguments(case), 1.0), np.float64)
    line = (x + k * (one - x)).astype(x.dtype)
    agree(impl.dense_block(*arguments(case), k), line, why="y(k)", ulps=64, scale=(1 + k) * block_scale(case, 1 + k))


@law(cases=finite(BLOCK), needs=("dense_block",), grade="exact", equation=r"k \ge 0 \Rightarrow y \ge x", source=PAPER)
def nothing_shrinks(impl, case):
    """The branch ends in relu, so the stream can only grow: no entry of the output lies below the input's."""
    x = case["x"]
    y = np.asarray(impl.dense_block(*arguments(case), opened(case["k"])))
    holds(bool((y >= x).all()), why="y >= x, entry by entry", got=y, expected=x)


@law(
    cases=finite(BLOCK),
    needs=("dense_block",),
    grade="numerical",
    equation=r"y = x_\pm + g\,\mathrm{relu}(\beta_2 \pm \gamma_2\, d_2 / \sqrt{d_2^2 + \epsilon})",
    source="batch normalisation of two rows in closed form",
)
def block_on_two_rows(impl, case):
    """On a batch of two, both normalisations have a closed form in half the difference of two rows."""
    k = opened(case["k"])

    def model(a):
        hidden = np.maximum(_two_rows(a["x"] @ a["W1"], a["gamma1"], a["beta1"]), 0)
        return a["x"] + k * np.maximum(_two_rows(hidden @ a["W2"], a["gamma2"], a["beta2"]), 0)

    inputs = {name: case[name] for name in PARAMETERS} | {"x": _pair(case["x"])}
    expected, scale = conditioned(model, inputs, case["x"].dtype)
    agree(impl.dense_block(*arguments(inputs), k), expected, why="the block's output", ulps=64, scale=scale)


@law(
    cases=finite(BLOCK),
    needs=("dense_block",),
    grade="numerical",
    equation=r"y(k, \gamma_2, \beta_2) = y(1, k \gamma_2, k \beta_2), \quad k > 0",
    source="relu is positively homogeneous",
)
def gate_moves_into_gamma_and_beta(impl, case):
    """An open gate adds no expressive power: it can be absorbed by the last scale and shift."""
    k = case["x"].dtype.type(opened(case["k"]))
    absorbed = arguments(case, gamma2=k * case["gamma2"], beta2=k * case["beta2"])
    expected = impl.dense_block(*absorbed, 1.0)
    agree(
        impl.dense_block(*arguments(case), float(k)),
        expected,
        why="the output",
        ulps=64,
        scale=block_scale(case, float(k)),
    )


@law(
    cases=finite(BLOCK),
    needs=("dense_block",),
    grade="numerical",
    equation=r"y(x \cup x) = y(x) \cup y(x)",
    source=NORM_PAPER,
)
def block_on_a_doubled_batch(impl, case):
    """A batch with every row twice has the same mean and variance, hence the same outputs, twice."""
    k, x = opened(case["k"]), case["x"]
    once = np.asarray(impl.dense_block(*arguments(case), k))
    doubled = case | {"x": np.concatenate([x, x])}
    twice = impl.dense_block(*arguments(doubled), k)
    agree(twice, np.concatenate([once, once]), why="the outputs", ulps=64, scale=block_scale(doubled, k))


# --- contracts ---------------------------------------------------------------------------------------------------------
_A1 = np.array([[0.0, 0.0], [0.0, 1.2246428221], [1.2210870886, 0.0]])
_FR = np.array([[0.0, 0.0], [0.0, 0.1184547823], [1.2871631457, 1.1562330308]])
_Y = np.array([[1.0, 0.0], [0.0, 1.0888410867], [2.9653723593, -0.1328252269]])
_FIRST = {"x": WORKED["x"], "W": WORKED["W1"], "gamma": WORKED["gamma1"], "beta": WORKED["beta1"]}
_HIDDEN = {"x": _A1, "W": WORKED["W2"], "gamma": WORKED["gamma2"], "beta": WORKED["beta2"]}


BLOCK_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "batch_norm",
        ("z", "gamma", "beta"),
        ("y",),
        NORM,
        "Batch normalisation with the statistics of the batch.",
        laws=(standardised, scale_and_shift),
        planted=bugs_of("batch_norm"),
    ),
    Contract(
        "dense_layer",
        ("x", "W", "gamma", "beta"),
        ("y",),
        LAYER,
        "A fully connected layer: product, batch normalisation, relu.",
        laws=(layer_on_two_rows, layer_on_a_doubled_batch),
        planted=bugs_of("dense_layer"),
        golden=(
            Golden("dense_layer", _FIRST, {"y": _A1}, 10, "first layer of the worked block"),
            Golden("dense_layer", _HIDDEN, {"y": _FR}, 9, "second layer of the worked block, from ten printed digits"),
        ),
    ),
    Contract(
        "dense_block",
        (*INPUTS, "k"),
        ("y",),
        BLOCK,
        "A gated residual block of two fully connected layers.",
        laws=(
            closed_block_is_the_identity,
            block_is_affine_in_k,
            nothing_shrinks,
            block_on_two_rows,
            gate_moves_into_gamma_and_beta,
            block_on_a_doubled_batch,
        ),
        planted=bugs_of("dense_block"),
        golden=(Golden("dense_block", WORKED | {"k": 0.75}, {"y": _Y}, 10, "the worked block"),),
    ),
)
