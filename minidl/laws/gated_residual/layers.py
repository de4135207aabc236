"""The laws of gated layers and of their gradients."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Contract, Golden, agree, identical, law
from minidl.laws.gated_residual.cases import INF, NAN, PAPER, PLAIN, RESIDUAL, finite, number, opened
from minidl.laws.gated_residual.planted import bugs_of


def _poisoned(a):
    """The same array with NaN and infinities in it."""
    a = a.copy()
    a.ravel()[:: max(a.size - 1, 1)] = INF
    a.ravel()[a.size // 2] = NAN
    return a


# --- gated residual layers ---------------------------------------------------------------------------------------------
@law(cases=RESIDUAL, needs=("gated_residual",), grade="exact", equation=r"k \le 0 \Rightarrow y = s", source=PAPER)
def closed_gate_is_the_shortcut(impl, case):
    """A closed gate gives the shortcut bit by bit, whatever the branch holds: 0 times infinity does not leak."""
    s, k = case["shortcut"], case["k"]
    for closed in (-opened(k), 0.0, -1e-300):
        y = impl.gated_residual(s, _poisoned(case["branch"]), closed)
        identical(y, s, why=f"the output at k = {closed}")


@law(
    cases=finite(RESIDUAL),
    needs=("gated_residual",),
    grade="exact",
    equation=r"k = 1 \Rightarrow y = f_r + s",
    source=PAPER,
)
def gate_one_is_the_ordinary_block(impl, case):
    """At k = 1 a gated residual layer is an ordinary one, in every bit."""
    s, f = case["shortcut"], case["branch"]
    identical(impl.gated_residual(s, f, 1.0), s + f, why="the output at k = 1")


@law(
    cases=finite(RESIDUAL),
    needs=("gated_residual",),
    grade="exact",
    equation="f_r = 0 \\Rightarrow y = s",
    source=PAPER,
)
def shortcut_is_never_scaled(impl, case):
    """With a branch of zeros the output is the shortcut for every gate, closed or open."""
    s = case["shortcut"]
    for k in (opened(case["k"]), 2.5):
        identical(impl.gated_residual(s, np.zeros_like(s), k), s, why=f"the output of an empty branch at k = {k}")


@law(
    cases=finite(RESIDUAL),
    needs=("gated_residual",),
    grade="numerical",
    equation=r"y(k) = (1 - k)\, y(0) + k\, y(1), \quad k \ge 0",
    source=PAPER,
)
def affine_in_k(impl, case):
    """The output is affine in the gate wherever it is open, also beyond 1."""
    s, f, k = case["shortcut"], case["branch"], opened(case["k"])
    y0, y1 = impl.gated_residual(s, f, 0.0), impl.gated_residual(s, f, 1.0)
    # y(1) rounds at |s| + |f| and is multiplied by k; y(0) is exact; the rest are three roundings of the terms below
    scale = (1 + k) * (np.abs(s) + np.abs(f))
    agree(
        impl.gated_residual(s, f, k), s.dtype.type(1 - k) * y0 + s.dtype.type(k) * y1, why="y(k)", ulps=6, scale=scale
    )


@law(
    cases=finite(RESIDUAL),
    needs=("gated_residual",),
    grade="numerical",
    equation=r"\|y - s\| = g(k)\,\|f_r\|, \quad \|y(k) - y(k')\| = |g(k) - g(k')|\,\|f_r\|",
    source=PAPER,
)
def distance_to_the_identity(impl, case):
    """The gate alone says how far a block is from its shortcut, and how far a change of the gate moves its output."""
    s, f, k = case["shortcut"], case["branch"], number(case["k"])
    y = impl.gated_residual(s, f, case["k"])
    size = math.hypot(*f.ravel().tolist())
    # each entry of y rounds at |s| + |k f| and subtraction reveals it: the norm of these roundings, twice where two y meet
    rounding = math.hypot(*(np.abs(s) + (abs(k) + 1) * np.abs(f)).ravel().tolist())
    one = s.dtype.type
    for other in (0.0, abs(k) / 2, abs(k) + 1):
        moved = math.dist(y.ravel().tolist(), impl.gated_residual(s, f, other).ravel().tolist())
        agree(
            one(moved), one(abs(max(k, 0.0) - other) * size), why=f"|y(k) - y({other})|", ulps=4, scale=rounding + size
        )


# --- gated plain layers ------------------------------------------------------------------------------------------------
@law(cases=PLAIN, needs=("gated_plain",), grade="exact", equation=r"k \le 0 \Rightarrow y = x", source=PAPER)
def closed_gate_is_the_identity(impl, case):
    """A closed gate gives the input bit by bit, whatever the layer computes."""
    x = case["x"]
    for closed in (-opened(case["k"]), 0.0, -1e-300):
        identical(impl.gated_plain(x, _poisoned(case["fx"]), closed), x, why=f"the output at k = {closed}")


@law(
    cases=finite(PLAIN), needs=("gated_plain",), grade="numerical", equation=r"k = 1 \Rightarrow y = f(x)", source=PAPER
)
def gate_one_is_the_ordinary_layer(impl, case):
    """At k = 1 a gated plain layer is the layer."""
    x, fx = case["x"], case["fx"]
    # exact as g f + (1 - g) x; the form x + g (f - x) rounds twice
    agree(impl.gated_plain(x, fx, 1.0), fx, why="the output at k = 1", ulps=2, scale=np.abs(x) + np.abs(fx))


@law(
    cases=finite(PLAIN),
    needs=("gated_plain",),
    grade="numerical",
    equation=r"y(k) = (1 - k)\, x + k\, f(x), \quad k \ge 0",
    source=PAPER,
)
def between_input_and_layer(impl, case):
    """Output and gate lie on the line through the input (k = 0) and the layer (k = 1), beyond the layer for k > 1."""
    x, fx, k = case["x"], case["fx"], opened(case["k"])
    wide, wide_f = x.astype(np.longdouble), fx.astype(np.longdouble)
    line = (wide + k * (wide_f - wide)).astype(x.dtype)
    # two products and a sum, and k itself rounded to the dtype
    agree(impl.gated_plain(x, fx, k), line, why="y(k)", ulps=5, scale=(1 + k) * (np.abs(x) + np.abs(fx)))


@law(
    cases=finite(PLAIN), needs=("gated_plain",), grade="numerical", equation="f(x) = x \\Rightarrow y = x", source=PAPER
)
def layer_that_is_the_identity(impl, case):
    """If the layer is the identity, so is the gated layer, for every gate."""
    x, k = case["x"], case["k"]
    # g x and (1 - g) x round at (1 + g) |x| each
    agree(impl.gated_plain(x, x.copy(), k), x, why="the output", ulps=4, scale=(1 + abs(number(k))) * np.abs(x))


# --- gradients of gated layers -----------------------------------------------------------------------------------------
def _inner(a, b):
    return np.sum(np.asarray(a, np.float64) * np.asarray(b, np.float64))


def _slope_in_k(layer, a, b, dy, dk, k):
    """dk against the slope of <dy, y> between k/2 and 3k/2: y is affine there, so no step is too large."""
    one = dy.dtype.type
    slope = _inner(dy, np.asarray(layer(a, b, 1.5 * k), np.float64) - layer(a, b, 0.5 * k)) / k
    # y at 3k/2 rounds at |a| + 2k(|a| + |b|), which the quotient divides by k; n terms are added
    scale = _inner(np.abs(dy), np.abs(a) / k + 4 * (np.abs(a) + np.abs(b)))
    agree(one(np.asarray(dk).reshape(())), one(slope), why=f"dk at k = {k}", ulps=8 + dy.size, scale=scale)


def _pairing(layer, a, b, dy, da, db, k):
    """<dy, y(a + u, b + v) - y(a, b)> = <da, u> + <db, v> with u = b, v = a: y is linear in its two inputs."""
    one, g = dy.dtype.type, 1 + abs(number(k))
    moved = np.asarray(layer(a + b, a + b, k), np.float64) - layer(a, b, k)
    scale = 4 * g * _inner(np.abs(dy), np.abs(a) + np.abs(b))  # every product below lies under it; n terms are added
    agree(
        one(_inner(da, b) + _inner(db, a)),
        one(_inner(dy, moved)),
        why="<da, u> + <db, v>",
        ulps=8 + dy.size,
        scale=scale,
    )


CLOSED = r"k < 0 \Rightarrow \bar s = \bar y,\ \bar f = 0,\ \bar k = 0"
SLOPE = r"\bar k = \langle \bar y, y(3k/2) - y(k/2) \rangle / k, \quad k > 0"
PAIRING = r"\langle \bar y, y(a + u, b + v) - y(a, b) \rangle = \langle \bar a, u \rangle + \langle \bar b, v \rangle"


@law(cases=RESIDUAL, needs=("gated_residual_backward",), grade="exact", equation=CLOSED, source=PAPER)
def dead_gate_passes_the_gradient(impl, case):
    """Below 0 the gradient goes through the shortcut bit by bit; branch and gate get exactly 0, also from infinities."""
    dy = case["dy"]
    dshortcut, dbranch, dk = impl.gated_residual_backward(dy, _poisoned(case["branch"]), -opened(case["k"]))
    identical(dshortcut, dy, why="the shortcut's gradient")
    identical(dbranch, np.zeros_like(dy), why="the branch's gradient")
    identical(dk, dy.dtype.type(0), why="the gate's gradient")


@law(
    cases=RESIDUAL,
    needs=("gated_residual_backward",),
    grade="exact",
    equation=r"g'(0) = 0",
    source="convention",
    policy="kink",
)
def gate_at_the_border_rests(impl, case):
    """At k = 0 the gate's gradient is 0 (its left derivative; the right one is <dy, f>)."""
    dy = case["dy"]
    identical(impl.gated_residual_backward(dy, _poisoned(case["branch"]), 0.0)[2], dy.dtype.type(0), why="dk at 0")


@law(
    cases=finite(RESIDUAL),
    needs=("gated_residual", "gated_residual_backward"),
    grade="numerical",
    equation=SLOPE,
    source="calculus",
)
def gate_gradient_is_the_slope(impl, case):
    """An open gate's gradient is the slope of <dy, y> in k, summed over batch and features."""
    s, f, dy, k = case["shortcut"], case["branch"], case["dy"], opened(case["k"])
    _slope_in_k(impl.gated_residual, s, f, dy, impl.gated_residual_backward(dy, f, k)[2], k)


@law(
    cases=finite(RESIDUAL),
    needs=("gated_residual", "gated_residual_backward"),
    grade="numerical",
    equation=PAIRING,
    source="calculus",
)
def gradients_pair_with_inputs(impl, case):
    """The layer is linear in shortcut and branch, and its gradients are the transposed map."""
    s, f, dy, k = case["shortcut"], case["branch"], case["dy"], case["k"]
    _pairing(impl.gated_residual, s, f, dy, *impl.gated_residual_backward(dy, f, k)[:2], k)


@law(cases=PLAIN, needs=("gated_plain_backward",), grade="exact", equation=CLOSED, source=PAPER)
def dead_layer_passes_the_gradient(impl, case):
    """Below 0 the gradient goes to the input bit by bit; layer and gate get exactly 0."""
    dy = case["dy"]
    dx, dfx, dk = impl.gated_plain_backward(dy, case["x"], _poisoned(case["fx"]), -opened(case["k"]))
    identical(dx, dy, why="the input's gradient")
    identical(dfx, np.zeros_like(dy), why="the layer's gradient")
    identical(dk, dy.dtype.type(0), why="the gate's gradient")


@law(
    cases=PLAIN,
    needs=("gated_plain_backward",),
    grade="exact",
    equation=r"g'(0) = 0",
    source="convention",
    policy="kink",
)
def plain_gate_at_the_border_rests(impl, case):
    """At k = 0 the gate's gradient is 0 (its left derivative)."""
    dy = case["dy"]
    dk = impl.gated_plain_backward(dy, case["x"], _poisoned(case["fx"]), 0.0)[2]
    identical(dk, dy.dtype.type(0), why="dk at 0")


@law(
    cases=finite(PLAIN),
    needs=("gated_plain", "gated_plain_backward"),
    grade="numerical",
    equation=SLOPE,
    source="calculus",
)
def plain_gate_gradient_is_the_slope(impl, case):
    """An open gate's gradient is the slope of <dy, y> in k: it weighs the layer against the input."""
    x, fx, dy, k = case["x"], case["fx"], case["dy"], opened(case["k"])
    _slope_in_k(impl.gated_plain, x, fx, dy, impl.gated_plain_backward(dy, x, fx, k)[2], k)


@law(
    cases=finite(PLAIN),
    needs=("gated_plain", "gated_plain_backward"),
    grade="numerical",
    equation=PAIRING,
    source="calculus",
)
def plain_gradients_pair_with_inputs(impl, case):
    """The gated layer is linear in input and layer output, and its gradients are the transposed map."""
    x, fx, dy, k = case["x"], case["fx"], case["dy"], case["k"]
    _pairing(impl.gated_plain, x, fx, dy, *impl.gated_plain_backward(dy, x, fx, k)[:2], k)


# --- contracts ---------------------------------------------------------------------------------------------------------
_A = dict(
    x=np.array([[1.0, -2.0], [0.5, 3.0]]),
    f=np.array([[0.05, 0.0], [0.45, 0.6]]),
    dy=np.array([[1.0, 2.0], [-1.0, 0.5]]),
)
_KX = {  # gate: (residual, plain)
    0.6: ([[1.03, -2.0], [0.77, 3.36]], [[0.43, -0.8], [0.47, 1.56]]),
    -0.5: ([[1.0, -2.0], [0.5, 3.0]], [[1.0, -2.0], [0.5, 3.0]]),
    0.0: ([[1.0, -2.0], [0.5, 3.0]], [[1.0, -2.0], [0.5, 3.0]]),
    1.0: ([[1.05, -2.0], [0.95, 3.6]], [[0.05, 0.0], [0.45, 0.6]]),
    2.0: ([[1.1, -2.0], [1.4, 4.2]], [[-0.9, 2.0], [0.4, -1.8]]),
}


def _printed(function, inputs, digits=15, note="the worked layer", **outputs):
    return Golden(function, inputs, {name: np.array(value)[()] for name, value in outputs.items()}, digits, note)


def _at_border(case):
    return number(case["k"]) == 0


LAYER_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "gated_plain",
        ("x", "fx", "k"),
        ("y",),
        PLAIN,
        "A gated plain layer: from the identity (k <= 0) over the layer (k = 1) to its amplification.",
        laws=(
            closed_gate_is_the_identity,
            gate_one_is_the_ordinary_layer,
            between_input_and_layer,
            layer_that_is_the_identity,
        ),
        planted=bugs_of("gated_plain"),
        golden=tuple(_printed("gated_plain", {"x": _A["x"], "fx": _A["f"], "k": k}, y=y) for k, (_, y) in _KX.items()),
    ),
    Contract(
        "gated_residual",
        ("shortcut", "branch", "k"),
        ("y",),
        RESIDUAL,
        "A gated residual layer: the branch is scaled, the shortcut never.",
        laws=(
            closed_gate_is_the_shortcut,
            gate_one_is_the_ordinary_block,
            shortcut_is_never_scaled,
            affine_in_k,
            distance_to_the_identity,
        ),
        planted=bugs_of("gated_residual"),
        golden=tuple(
            _printed("gated_residual", {"shortcut": _A["x"], "branch": _A["f"], "k": k}, y=y)
            for k, (y, _) in _KX.items()
        ),
    ),
    Contract(
        "gated_plain_backward",
        ("dy", "x", "fx", "k"),
        ("dx", "dfx", "dk"),
        PLAIN,
        "Gradients of a gated plain layer; dx is the part through the shortcut.",
        laws=(
            dead_layer_passes_the_gradient,
            plain_gate_at_the_border_rests,
            plain_gate_gradient_is_the_slope,
            plain_gradients_pair_with_inputs,
        ),
        planted=bugs_of("gated_plain_backward"),
        golden=(_printed("gated_plain_backward", {"dy": _A["dy"], "x": _A["x"], "fx": _A["f"], "k": 0.6}, dk=1.9),),
        kink=_at_border,
    ),
    Contract(
        "gated_residual_backward",
        ("dy", "branch", "k"),
        ("dshortcut", "dbranch", "dk"),
        RESIDUAL,
        "Gradients of a gated residual layer.",
        laws=(
            dead_gate_passes_the_gradient,
            gate_at_the_border_rests,
            gate_gradient_is_the_slope,
            gradients_pair_with_inputs,
        ),
        planted=bugs_of("gated_residual_backward"),
        golden=(_printed("gated_residual_backward", {"dy": _A["dy"], "branch": _A["f"], "k": 0.6}, dk=-0.1),),
        kink=_at_border,
    ),
)
