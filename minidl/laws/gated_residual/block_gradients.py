"""The laws of the fully connected block's gradients: complex steps, Euler's identity, what shifts of all rows must do."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Contract, Golden, agree, identical, law
from minidl.laws.gated_residual.blocks import INPUTS, PARAMETERS, arguments, block_model, block_scale
from minidl.laws.gated_residual.cases import (
    BLOCK,
    EPS,
    GRADIENTS,
    PAPER,
    WORKED,
    conditioned,
    finite,
    number,
    opened,
    preactivations,
    relu,
)
from minidl.laws.gated_residual.planted_blocks import bugs_of

STEP = 1e-30  # of the complex step: no difference is taken, so it may be as small as one likes


def _complex_step(k, name):
    """d<dy, y> / d name by complex steps: Im f(a + ih) / h has no cancellation, and relu goes by the real part."""

    def derivative(a):
        value = a[name]
        steps = 1j * STEP * np.eye(value.size).reshape(-1, *value.shape)
        y = block_model(k)(a | {name: value + steps})
        return ((a["dy"] * y).sum(axis=(-2, -1)).imag / STEP).reshape(value.shape)

    return derivative


def _terms(case, k):
    """What each gradient is the sum of, in magnitude: the scale of the rounding where terms cancel.

    Backward through a normalisation no entry grows by more than (2 + sqrt(n)) |gamma| / deviation, since |zhat| <= sqrt(n).
    """
    a = {name: np.abs(np.asarray(case[name], np.float64)) for name in (*INPUTS, "dy")}
    hidden = relu(preactivations(*(np.asarray(case[name], np.float64) for name in INPUTS))[0])
    z1, z2 = case["x"].astype(np.float64) @ case["W1"], hidden @ case["W2"]
    n = len(hidden)
    root = math.sqrt(n)
    du2 = k * a["dy"].max(axis=0)  # (width,): the largest entry of each feature, here and below
    dz2 = (2 + root) * a["gamma2"] / np.sqrt(z2.var(axis=0) + EPS) * du2  # (width,)
    du1 = a["W2"] @ dz2  # (hidden,)
    dz1 = (2 + root) * a["gamma1"] / np.sqrt(z1.var(axis=0) + EPS) * du1  # (hidden,)
    return {
        "x": (a["W1"] @ dz1 + a["dy"].max(axis=0)).max(),
        "W1": n * a["x"].max() * dz1.max(),
        "gamma1": n * root * du1.max(),
        "beta1": n * du1.max(),
        "W2": n * hidden.max() * dz2.max(),
        "gamma2": n * root * du2.max(),
        "beta2": n * du2.max(),
    }


@law(
    cases=BLOCK,
    needs=("dense_block_backward",),
    grade="exact",
    equation=r"k < 0 \Rightarrow \bar x = \bar y, \bar\theta = 0",
    source=PAPER,
)
def dead_block_passes_the_gradient(impl, case):
    """Below 0 the gradient goes through bit by bit, and every parameter gets exactly 0, also with infinite weights."""
    inputs = arguments(case, W2=np.full_like(case["W2"], np.inf))
    dx, *rest = impl.dense_block_backward(case["dy"], *inputs, -opened(case["k"]))
    identical(dx, case["dy"], why="dx")
    for name, got in zip((*PARAMETERS, "k"), rest, strict=True):
        expected = np.zeros_like(case[name]) if name != "k" else case["dy"].dtype.type(0)
        identical(got, expected, why=f"d{name}")


@law(
    cases=BLOCK,
    needs=("dense_block_backward",),
    grade="exact",
    equation="g'(0) = 0",
    source="convention",
    policy="kink",
)
def block_gate_at_the_border_rests(impl, case):
    """At k = 0 the gate's gradient is 0."""
    dk = impl.dense_block_backward(case["dy"], *arguments(case), 0.0)[-1]
    identical(dk, case["dy"].dtype.type(0), why="dk at 0")


@law(
    cases=finite(BLOCK),
    needs=("dense_block_backward",),
    grade="numerical",
    equation=r"\bar\theta = \mathrm{Im}\,\langle \bar y, y(\theta + ih) \rangle / h",
    source="Squire, Trapp, 'Using Complex Variables to Estimate Derivatives of Real Functions', 1998",
)
def gradients_are_derivatives(impl, case):
    """Every gradient is the derivative of <dy, y>, taken entry by entry with complex steps."""
    k, dtype = opened(case["k"]), case["x"].dtype
    grads = impl.dense_block_backward(case["dy"], *arguments(case), k)
    inputs = {name: case[name] for name in (*INPUTS, "dy")}
    terms = _terms(case, k)
    for name, got in zip(INPUTS, grads, strict=False):
        expected, scale = conditioned(_complex_step(k, name), inputs, dtype)
        agree(got, expected, why=f"d{name}", ulps=64, scale=scale + terms[name])


@law(
    cases=finite(BLOCK),
    needs=("dense_block", "dense_block_backward"),
    grade="numerical",
    equation=r"\bar k = \langle \bar y, y(3k/2) - y(k/2) \rangle / k, \quad k > 0",
    source="calculus: y is affine in k",
)
def block_gate_gradient_is_the_slope(impl, case):
    """The gate's gradient is the slope of <dy, y> in k, summed over batch and features."""
    k, dy = opened(case["k"]), case["dy"].astype(np.float64)
    dk = np.asarray(impl.dense_block_backward(case["dy"], *arguments(case), k)[-1]).reshape(())
    high, low = (np.asarray(impl.dense_block(*arguments(case), factor * k), np.float64) for factor in (1.5, 0.5))
    slope = ((high - low) * dy).sum() / k
    # both outputs round at the block's scale, which the quotient divides by k
    scale = np.abs(dy).sum() * block_scale(case, 1.5 * k) * (1 + 1 / k)
    one = case["dy"].dtype.type
    agree(one(dk), one(slope), why="dk", ulps=64, scale=scale)


@law(
    cases=finite(BLOCK),
    needs=("dense_block_backward",),
    grade="numerical",
    equation=r"k \bar k = \langle \gamma_2, \bar\gamma_2 \rangle + \langle \beta_2, \bar\beta_2 \rangle, \quad k > 0",
    source="Euler's theorem: the branch is homogeneous of degree 1 in gamma2 and beta2",
)
def euler_identity(impl, case):
    """Gate, last scale and last shift pull the same way: only their product reaches the output."""
    k, dy = opened(case["k"]), case["dy"]
    grads = [np.asarray(a, np.float64) for a in impl.dense_block_backward(dy, *arguments(case), k)]
    one = dy.dtype.type
    pull = (case["gamma2"] * grads[5]).sum() + (case["beta2"] * grads[6]).sum()
    scale = np.abs(dy).sum() * (
        block_scale(case, k) + k * (np.abs(case["gamma2"]).max() * math.sqrt(len(dy)) + np.abs(case["beta2"]).max())
    )
    agree(one(k * grads[7].reshape(())), one(pull), why="k dk", ulps=64, scale=scale)


@law(
    cases=finite(BLOCK),
    needs=("dense_block_backward",),
    grade="numerical",
    equation=r"\sum_n \bar x_n = \sum_n \bar y_n",
    source="y(x + 1c) = y(x) + 1c, since batch normalisation removes what all rows share",
)
def common_shifts_pass_through(impl, case):
    """A shift of all rows goes through the shortcut alone, so the gradients of input and output have equal column sums."""
    k, dy = opened(case["k"]), case["dy"]
    dx = np.asarray(impl.dense_block_backward(dy, *arguments(case), k)[0], np.float64)
    inputs = {name: case[name] for name in (*INPUTS, "dy")}
    scale = conditioned(_complex_step(k, "x"), inputs, dy.dtype)[1] + _terms(case, k)["x"]
    expected = dy.sum(axis=0, dtype=np.float64).astype(dy.dtype)
    agree(dx.sum(axis=0).astype(dy.dtype), expected, why="column sums of dx", ulps=64, scale=len(dy) * scale)


def _at_border(case):
    return number(case["k"]) == 0


GRADIENT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "dense_block_backward",
        ("dy", *INPUTS, "k"),
        tuple(f"d{name}" for name in (*INPUTS, "k")),
        GRADIENTS,
        "All gradients of the fully connected block.",
        laws=(
            dead_block_passes_the_gradient,
            block_gate_at_the_border_rests,
            gradients_are_derivatives,
            block_gate_gradient_is_the_slope,
            euler_identity,
            common_shifts_pass_through,
        ),
        planted=bugs_of("dense_block_backward"),
        golden=(
            Golden(
                "dense_block_backward",
                WORKED | {"k": 0.75, "dy": np.ones((3, 2))},
                {"dk": np.float64(2.5618509588)},
                10,
                "the worked block, with the sum of its outputs as loss",
            ),
        ),
        kink=_at_border,
    ),
)
