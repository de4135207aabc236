"""The laws of losses by their tails: the loss, its logarithm, the slope, the class."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, identical, law
from minidl.laws.margin_convergence.cases import NACSON, SOUDRY
from minidl.laws.margin_convergence.clocks import LONG, SWITCH, log_loss, log_slope
from minidl.laws.margin_convergence.margins import FAR, MARGINS, ULPS, at, by_default, rounding, take
from minidl.laws.margin_convergence.planted import bugs_of

CLASSES = {"polynomial": "polynomial", "sub_polynomial": "sub_polynomial"}


# --- signed inputs -----------------------------------------------------------------------------------------------------
def _inputs(seed, n, d, gaps=False) -> Case:
    rng = np.random.default_rng(seed)
    x, labels = np.round(rng.normal(size=(n, d)) * 3, 2) + 0.001, rng.choice([-1, 1], n)
    return {"x": np.asfortranarray(x) if gaps else x, "labels": labels}


def _drawn_inputs():
    from hypothesis import strategies as st

    return st.builds(_inputs, st.integers(0, 9999), st.integers(1, 5), st.integers(1, 4), st.booleans())


INPUTS = Cases(
    named={
        "square": _inputs(1, 3, 3) | {"labels": np.array([1, -1, -1])},
        "one": _inputs(2, 1, 2) | {"labels": np.array([-1])},
        "floats": _inputs(3, 4, 2, True) | {"labels": np.array([1.0, -1.0, 1.0, -1.0])},
    },
    generated=_drawn_inputs,
    notes={"square": "as many examples as features: labels along the wrong axis fit"},
)


@law(cases=INPUTS, needs=("signed_inputs",), grade="exact", equation="z_n = y_n x_n", source=SOUDRY)
def rows_with_their_signs(impl, case):
    """Rows of label 1 stay, rows of label -1 are negated, entry by entry and to the bit."""
    x, labels = case["x"], case["labels"]
    expected = np.array([[v if y > 0 else -v for v in row] for row, y in zip(x.tolist(), labels, strict=True)])
    identical(impl.signed_inputs(x, labels), expected, why="the signed inputs")


@law(cases=INPUTS, needs=("signed_inputs",), grade="exact", equation=r"y_n (z_n \cdot w) = x_n \cdot w", source=SOUDRY)
def a_positive_margin_is_the_right_side(impl, case):
    """Where x.w has the sign of the label, and there only, z.w is positive; and labels taken twice give x back."""
    x, labels = case["x"], case["labels"]
    z = np.asarray(impl.signed_inputs(x, labels))
    w = np.arange(1.0, x.shape[1] + 1)
    right = np.sign([math.fsum(row * w) for row in x]) == labels
    identical(np.array([math.fsum(row * w) > 0 for row in z]), right, why="which examples are on the right side")
    identical(impl.signed_inputs(z, labels), np.ascontiguousarray(x), why="signs taken twice")


# --- the loss ----------------------------------------------------------------------------------------------------------
@law(cases=MARGINS, needs=("loss",), grade="numerical", equation=r"\ell(u) = \int_u^\infty -\ell'(x) dx", source=NACSON)
def area_under_the_slope(impl, case):
    """The loss in long double: closed forms, and for the poly-exponential tail the integral of its slope by quadrature."""
    log_l = log_loss(case["u"], case["tail"], case["power"])
    expected = np.exp(log_l).astype(np.float64)
    agree(take(impl.loss, case), expected[()], why="l(u)", ulps=ULPS, scale=expected * rounding(log_l))


_SPECIAL = {  # the poly-exponential loss for u >= 1, where its integral is elementary
    1.0: lambda u: math.exp(-u),
    0.5: lambda u: 2 * (1 + math.sqrt(u)) * math.exp(-math.sqrt(u)),
    2.0: lambda u: math.sqrt(math.pi) / 2 * math.erfc(u),
    1 / 3: lambda u: 3 * (u ** (2 / 3) + 2 * u ** (1 / 3) + 2) * math.exp(-(u ** (1 / 3))),
}


@law(
    cases=MARGINS,
    needs=("loss",),
    grade="numerical",
    equation=r"\nu = 1: e^{-u}, \quad \nu = 1/2: 2 (1 + \sqrt u) e^{-\sqrt u}, \quad \nu = 2: \sqrt\pi / 2\ \mathrm{erfc}(u)",
    source="integration by parts",
)
def elementary_exponents(impl, case):
    """For powers 1, 1/2, 1/3 and 2 the poly-exponential loss is elementary, from u = 1 on."""
    u = 1 + np.abs(np.atleast_1d(case["u"]).ravel())
    for power, formula in _SPECIAL.items():
        expected = np.array([formula(x) for x in u])
        scale = expected * rounding(u**power)
        agree(impl.loss(u, "poly_exponential", power), expected, why=f"power {power:.3g}", ulps=ULPS, scale=scale)


@law(
    cases=MARGINS,
    needs=("loss",),
    grade="numerical",
    equation=r"\log(1 + e^u) - \log(1 + e^{-u}) = u",
    source="closed form",
)
def the_two_sides_of_the_logistic_loss(impl, case):
    """A margin and its negative differ by the margin in their logistic losses."""
    u = case["u"]
    one, other = (np.asarray(impl.loss(side, "logistic")) for side in (u, -u))
    agree(other - one, u, why="l(-u) - l(u)", ulps=8, scale=1 + np.abs(u))


# --- its logarithm -----------------------------------------------------------------------------------------------------
@law(cases=FAR, needs=("log_loss",), grade="numerical", equation=r"\log \ell(u)", source=NACSON)
def logarithm_of_the_loss(impl, case):
    """The logarithm of the loss in long double, also where the loss underflows or overflows."""
    expected = log_loss(case["u"], case["tail"], case["power"])
    got = take(impl.log_loss, case)
    agree(got, expected.astype(np.float64)[()], why="log l(u)", ulps=ULPS, scale=rounding(expected))


@law(
    cases=FAR,
    needs=("log_loss", "tail_class"),
    grade="numerical",
    equation=r"\ell(2 u) / \ell(u) \to 0,\ 2^{-p},\ 1",
    source=NACSON,
)
def class_by_doubling_the_margin(impl, case):
    """Twice a large margin: the loss is nothing beside what it was, a fixed part 2^-p of it, or the same in the limit."""
    tail, power = case["tail"], case["power"]
    expected = CLASSES.get(tail, "super_polynomial")
    holds(
        str(impl.tail_class(tail)) == expected,
        why="the class of the tail",
        expected=expected,
        got=impl.tail_class(tail),
    )
    u = 2.0**60
    at, doubled = (float(take(impl.log_loss, case, u=np.float64(x))) for x in (u, 2 * u))
    fell = at - doubled
    if expected == "polynomial":  # both logarithms are rounded at their size
        agree(
            np.float64(fell), np.float64(power * math.log(2)), why="log l(u) - log l(2 u)", ulps=8, scale=abs(doubled)
        )
    elif expected == "sub_polynomial":
        holds(0 < fell < 2 / 60, why="a doubling takes 1 / log2(u) of such a loss", expected=1 / 60, got=fell)
    else:
        holds(fell > 1e4, why="a doubling leaves nothing of it", expected=np.inf, got=fell)


# --- its slope ---------------------------------------------------------------------------------------------------------
_X, _WEIGHTS = (np.asarray(part, LONG) for part in np.polynomial.legendre.leggauss(16))


@law(
    cases=MARGINS,
    needs=("log_loss_slope",),
    grade="numerical",
    equation=r"\int_u^{u+h} -\ell'(x) dx = \ell(u) - \ell(u + h)",
    source="fundamental theorem",
)
def slope_integrates_to_the_loss(impl, case):
    """By quadrature over a short piece, the slope adds up to what the loss loses there."""
    tail, power = case["tail"], case["power"]
    u = np.atleast_1d(np.asarray(case["u"], np.float64)).ravel()
    switch = float(SWITCH.get(tail, -np.inf))
    steep = 1 + power * np.maximum(np.abs(u), 1) ** (power - 1) if tail == "poly_exponential" else 2.0 * np.ones(len(u))
    h = 1 / steep  # the slope changes by a factor of about e at most
    h = np.where((u < switch) & (u + h > switch), np.maximum(switch - u, 1e-3), h)  # not across the corner
    u = np.where((u < switch) & (u + h > switch), u - 1e-3, u)
    x = (u[:, None] + h[:, None] * (1 + _X) / 2).astype(np.float64)  # (n, 16)
    slopes = np.exp(np.asarray(impl.log_loss_slope(x, tail, power), LONG))
    got = (slopes * _WEIGHTS).sum(axis=1) * h / 2
    start, end = log_loss(u, tail, power), log_loss(LONG(1) * u + h, tail, power)
    expected = np.exp(start) - np.exp(end)
    # nodes are rounded to doubles, which moves an exponent by eps times its size, as rounding it does
    scale = (expected * rounding(log_slope(u + h, tail, power)) * (1 + np.abs(u) * steep)).astype(np.float64)
    agree(got.astype(np.float64), expected.astype(np.float64), why="the integral of -l'", ulps=ULPS, scale=scale)


@law(
    cases=FAR,
    needs=("log_loss_slope",),
    grade="numerical",
    equation=r"\log \frac{-\ell'(u)}{-\ell'(2 u)} = u,\ (2^\nu - 1) u^\nu,\ (p + 1) \log 2,\ "
    r"\log 2 + 2 \log \frac{\log 2 u}{\log u}",
    source=NACSON,
)
def slopes_at_twice_the_margin(impl, case):
    """What doubling a margin takes from its weight: the logistic e^-u, the others as their power says; below, nothing."""
    tail, power = case["tail"], case["power"]
    u = np.abs(np.atleast_1d(case["u"]).ravel()) + 3.0  # beyond every switch point
    fell = take(impl.log_loss_slope, case, u=u) - take(impl.log_loss_slope, case, u=2 * u)
    log_two = math.log(2)
    expected = {
        "exponential": u,
        "logistic": u + np.log1p(np.exp(-2 * u)) - np.log1p(np.exp(-u)),
        "poly_exponential": (2**power - 1) * u**power,
        "polynomial": (power + 1) * log_two * np.ones(len(u)),
        "sub_polynomial": log_two + 2 * np.log1p(log_two / np.log(u)),
    }[tail]
    scale = rounding(log_slope(2 * u, tail, power))
    agree(fell, expected, why="log of the ratio of slopes", ulps=ULPS, scale=scale)
    if tail in SWITCH:
        flat = np.minimum(-u, float(SWITCH[tail]))
        got = take(impl.log_loss_slope, case, u=np.append(flat, -1e300))
        at_switch = np.full(len(flat) + 1, float(log_slope(SWITCH[tail], tail, power)))
        agree(got, at_switch, why="the straight line below", ulps=4, scale=1.0)


# --- contracts ---------------------------------------------------------------------------------------------------------
_U = [-1.0, 0.0, 1.0, 2.0, 4.0]
_EXPONENTIAL = [2.7182818285, 1.0, 0.3678794412, 0.1353352832, 0.0183156389]
_LOGISTIC = [1.3132616875, 0.6931471806, 0.3132616875, 0.1269280110, 0.0181499279]
_LINE = [5.0, 3.0, 1.0, 0.25, 0.0625]
_TWO = math.log(2)
_ELEMENTWISE = ("u", "tail", "power")
TAIL_CONTRACTS = (
    Contract(
        "signed_inputs",
        ("x", "labels"),
        ("z",),
        INPUTS,
        "Signed inputs z_n = y_n x_n (N, d) of inputs x (N, d) and labels (N,) of -1 and +1.",
        laws=(rows_with_their_signs, a_positive_margin_is_the_right_side),
        planted=bugs_of("signed_inputs"),
    ),
    Contract(
        "loss",
        _ELEMENTWISE,
        ("value",),
        MARGINS,
        "The loss of margins u, elementwise, by its tail.",
        laws=(area_under_the_slope, elementary_exponents, the_two_sides_of_the_logistic_loss, by_default("loss")),
        planted=bugs_of("loss"),
        golden=(
            at("loss", "exponential", 1.0, _U, 10, value=_EXPONENTIAL),
            at("loss", "logistic", 1.0, _U, 10, value=_LOGISTIC),
            at("loss", "polynomial", 2.0, _U, 15, "a straight line of slope -2 below 1", value=_LINE),
        ),
    ),
    Contract(
        "log_loss",
        _ELEMENTWISE,
        ("value",),
        FAR,
        "The logarithm of the loss of margins u, elementwise.",
        laws=(logarithm_of_the_loss, class_by_doubling_the_margin, by_default("log_loss")),
        planted=bugs_of("log_loss"),
        golden=(at("log_loss", "logistic", 1.0, [800.0], 12, "e^-800 underflows", value=[-800.0]),),
    ),
    Contract(
        "log_loss_slope",
        _ELEMENTWISE,
        ("value",),
        FAR,
        "The logarithm of -l'(u), elementwise.",
        laws=(slope_integrates_to_the_loss, slopes_at_twice_the_margin, by_default("log_loss_slope")),
        planted=bugs_of("log_loss_slope"),
        golden=(
            at("log_loss_slope", "polynomial", 1.0, _U, 14, value=[0.0, 0.0, 0.0, -2 * _TWO, -4 * _TWO]),
            at("log_loss_slope", "sub_polynomial", 1.0, [1.0, math.e**2], 14, value=[-1.0, -2 - 2 * _TWO]),
        ),
    ),
)
