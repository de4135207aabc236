"""The laws of diagonal nets at one point: predictor, loss, velocity, invariant, tangent kernel, edge of stability."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Contract, Golden, agree, holds, identical, law
from minidl.laws.kernel_rich import nets as net
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.diagonal_cases import WORKED, nets, still
from minidl.laws.kernel_rich.oracle import long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH

NETS = nets(signs=True)
POSITIVE = nets(signs=False)
PREDICTED = nets(signs=True, fill=lambda rng, case: {"beta": rng.normal(size=case["x"].shape[1]).round(3)})


def _arguments(case):
    return tuple(case[name] for name in ("x", "y", "u", "v", "depth"))


def _width(*arrays):
    return np.result_type(*arrays)


# --- predictor and loss ----------------------------------------------------------------------------------------------------
@law(cases=NETS, needs=("predictor",), grade="numerical", equation=r"\beta = u^D - v^D", source=WOODWORTH)
def difference_of_powers(impl, case):
    """The predictor is the difference of D-th powers, with their signs, entry by entry."""
    u, v, depth = case["u"], case["v"], case["depth"]
    expected = net.power(long(u), depth) - net.power(long(v), depth)
    scale = np.abs(u).astype(float) ** depth + np.abs(v).astype(float) ** depth
    got = impl.predictor(u, v, depth)
    holds(np.asarray(got).dtype == u.dtype, why="the dtype of the parameters is kept", got=np.asarray(got).dtype)
    agree(got, expected.astype(u.dtype), why="the predictor", ulps=depth + 2, scale=scale)


@law(cases=NETS, needs=("predictor",), grade="exact", equation=r"\beta(v, u) = -\beta(u, v), \quad \beta(u, u) = 0")
def sides_cancel(impl, case):
    """Exchanging both sides flips the predictor, and equal sides predict nothing."""
    u, v, depth = case["u"], case["v"], case["depth"]
    identical(impl.predictor(v, u, depth), -np.asarray(impl.predictor(u, v, depth)), why="sides exchanged")
    identical(impl.predictor(u, u.copy(), depth), np.zeros_like(u), why="equal sides")


def exact_loss(x, y, beta):
    """The sum of squares in rational arithmetic."""
    rows = [[Fraction(float(value)) for value in row] for row in x]
    beta, y = ([Fraction(float(value)) for value in values] for values in (beta, y))
    return sum((sum(a * b for a, b in zip(row, beta, strict=True)) - t) ** 2 for row, t in zip(rows, y, strict=True))


@law(cases=PREDICTED, needs=("squared_loss",), grade="numerical", equation=r"L = \|X \beta - y\|^2", source=WOODWORTH)
def sum_of_squares(impl, case):
    """The loss is the sum of squared residuals, without 1/2 and without a mean: rational arithmetic says what it is."""
    x, y, beta = case["x"], case["y"], case["beta"]
    eps = float(np.finfo(_width(x, y, beta)).eps)
    residual = (np.abs(x).astype(float) @ np.abs(beta) + np.abs(y)).astype(float)
    here = np.abs(x.astype(float) @ beta - y)
    off = eps * (x.shape[1] + 2) * residual
    allowed = (off * (2 * here + off)).sum() + eps * (len(y) + 2) * (here**2).sum()
    compare(float(impl.squared_loss(x, y, beta)), float(exact_loss(x, y, beta)), float(allowed), why="the loss")


@law(cases=PREDICTED, needs=("squared_loss",), grade="numerical", equation=r"L(c y, c \beta) = c^2 L(y, \beta)")
def units_of_the_loss(impl, case):
    """Residuals in other units change the loss as their square; examples add up, in any order."""
    x, y, beta = case["x"], case["y"], case["beta"]
    whole = float(impl.squared_loss(x, y, beta))
    agree(float(impl.squared_loss(x, 4 * y, 4 * beta)), 16 * whole, why="c = 4", ulps=4)
    # a residual is the same number wherever its row stands, up to the order of its sum
    eps = float(np.finfo(_width(x, y, beta)).eps)
    size = ((np.abs(x).astype(float) @ np.abs(beta) + np.abs(y)) ** 2).sum()
    alone = sum(float(impl.squared_loss(x[i : i + 1], y[i : i + 1], beta)) for i in range(len(y)))
    compare(whole, alone, 4 * eps * (len(y) + x.shape[1]) * float(size), why="examples one by one")


# --- velocity --------------------------------------------------------------------------------------------------------------
@law(
    cases=NETS, needs=("flow_velocity",), grade="numerical", equation=r"(\dot u, \dot v) = -\nabla L", source=WOODWORTH
)
def minus_the_gradient(impl, case):
    """The velocity is minus the gradient of the loss, as complex steps find it."""
    expected = -net.gradient(case).reshape(2, -1)
    _, scale = net.sizes(case)
    width = _width(case["x"], case["u"])
    for name, got, want, size in zip(("du", "dv"), impl.flow_velocity(*_arguments(case)), expected, scale, strict=True):
        holds(np.asarray(got).dtype == width, why=f"{name}: the dtype is kept", got=np.asarray(got).dtype)
        agree(got, want.astype(width), why=name, ulps=net.roundings(case), scale=size)


@law(
    cases=POSITIVE,
    needs=("flow_velocity",),
    grade="numerical",
    equation=r"u^{1-D} \dot u + v^{1-D} \dot v = 0",
    source=WOODWORTH,
)
def invariant_does_not_move(impl, case):
    """Both parameters of an entry move so that u v (depth 2) or u^{2-D} + v^{2-D} stays what it is."""
    u, v, depth = case["u"], case["v"], case["depth"]
    du, dv = (np.asarray(part, float) for part in impl.flow_velocity(*_arguments(case)))
    rate = du / u.astype(float) ** (depth - 1) + dv / v.astype(float) ** (depth - 1)
    eps = float(np.finfo(_width(case["x"], u)).eps)
    scale = np.abs(du) / u.astype(float) ** (depth - 1)
    # the same slope times two powers: what rounds is the powers and the products
    compare(rate, np.zeros_like(rate), eps * (2 * depth + 4) * scale, why="the rate of the invariant")


@law(cases=NETS, needs=("flow_velocity",), grade="exact", equation=r"X \beta = y \Rightarrow \dot u = \dot v = 0")
def interpolants_rest(impl, case):
    """Where the predictions are the targets nothing moves."""
    case = still(case)
    for name, got in zip(("du", "dv"), impl.flow_velocity(*_arguments(case)), strict=True):
        identical(np.asarray(got), np.zeros(case["u"].shape), why=name)


@law(
    cases=NETS,
    needs=("flow_velocity",),
    grade="numerical",
    equation=r"x_i \to -x_i,\ u_i \leftrightarrow v_i \Rightarrow \dot u_i \leftrightarrow \dot v_i",
)
def mirrored_features_exchange_sides(impl, case):
    """If some features change their sign and their u and v places, the velocities change places too."""
    x, y, u, v, depth = _arguments(case)
    flip = np.arange(len(u)) % 2 == 0
    du, dv = (np.asarray(part) for part in impl.flow_velocity(x, y, u, v, depth))
    swapped = (np.where(flip, v, u), np.where(flip, u, v))
    got = impl.flow_velocity(np.where(flip, -x, x), y, *swapped, depth)
    _, scale = net.sizes(case)
    scale = np.where(flip, scale[::-1], scale)
    for name, part, want, size in zip("uv", got, (np.where(flip, dv, du), np.where(flip, du, dv)), scale, strict=True):
        agree(part, want, why=f"d{name}", ulps=4, scale=size)


# --- invariant -------------------------------------------------------------------------------------------------------------
@law(
    cases=POSITIVE,
    needs=("conserved",),
    grade="numerical",
    equation=r"u v \ (D = 2), \quad u^{2-D} + v^{2-D} \ (D \ge 3)",
    source=WOODWORTH,
)
def invariant_by_multiplication(impl, case):
    """The invariant is u v at depth 2, and the sum of inverse powers beyond."""
    u, v, depth = case["u"], case["v"], case["depth"]
    wide = long(u) * long(v) if depth == 2 else 1 / net.power(long(u), depth - 2) + 1 / net.power(long(v), depth - 2)
    agree(
        impl.conserved(u, v, depth), wide.astype(u.dtype), why="the invariant", ulps=depth + 2, scale=wide.astype(float)
    )


@law(cases=POSITIVE, needs=("conserved",), grade="exact", equation="c(u, v) = c(v, u)")
def invariant_is_symmetric(impl, case):
    """Both sides count alike, and so does each entry."""
    u, v, depth = case["u"], case["v"], case["depth"]
    there = np.asarray(impl.conserved(u, v, depth))
    identical(impl.conserved(v, u, depth), there, why="sides exchanged")
    back = np.asarray(impl.conserved(u[::-1].copy(), v[::-1].copy(), depth))
    agree(back[::-1], there, why="entries in reverse order", ulps=2, scale=np.abs(there).astype(float))


# --- tangent kernel --------------------------------------------------------------------------------------------------------
def _kernel(case):
    j = net.jacobian(case["x"], case["u"], case["v"], case["depth"])
    return j.T @ j, np.abs(j).T @ np.abs(j)


@law(
    cases=NETS,
    needs=("tangent_kernel",),
    grade="numerical",
    equation=r"K = J J^\top,\ J = \partial X\beta / \partial (u, v)",
)
def inner_products_of_gradients(impl, case):
    """The tangent kernel holds the inner products of the predictions' gradients, which complex steps find."""
    exact, scale = _kernel(case)
    x, depth = case["x"], case["depth"]
    width = _width(x, case["u"])
    got = impl.tangent_kernel(x, case["u"], case["v"], depth)
    holds(np.asarray(got).dtype == width, why="the dtype is kept", got=np.asarray(got).dtype)
    ulps = x.shape[1] + 4 * depth + 8
    agree(got, exact.astype(width), why="the kernel", ulps=ulps, scale=scale.astype(float))


@law(
    cases=NETS,
    needs=("tangent_kernel",),
    grade="numerical",
    equation=r"u = v = \alpha \mathbf{1} \Rightarrow K = 2 D^2 \alpha^{2D-2} X X^\top",
    source=WOODWORTH,
)
def kernel_of_a_flat_start(impl, case):
    """From a flat start the kernel is the linear one, times 2 D^2 alpha^{2D-2}: 8 alpha^2 at depth 2."""
    x, depth = case["x"], case["depth"]
    alpha = np.exp2(np.arange(-2.0, 3.0))  # powers of 2 do not round
    linear = (long(x) @ long(x).T).astype(x.dtype)
    scale = np.abs(x).astype(float) @ np.abs(x).T
    for a in alpha:
        flat = np.full(x.shape[1], a, x.dtype)
        factor = 2.0 * depth**2 * a ** (2 * depth - 2)
        got = impl.tangent_kernel(x, flat, flat.copy(), depth)
        agree(got, (factor * linear).astype(x.dtype), why=f"alpha = {a}", ulps=x.shape[1] + 8, scale=factor * scale)


@law(
    cases=NETS,
    needs=("stability_edge",),
    grade="numerical",
    equation=r"1 / \lambda_{max}(K)",
    source="Gelfand's formula",
)
def inverse_of_the_largest_eigenvalue(impl, case):
    """The edge of stability is 1 over the kernel's spectral radius, as the growth of its powers shows."""
    exact, scale = _kernel(case)
    largest = net.largest_eigenvalue(exact)
    x, depth = case["x"], case["depth"]
    got = float(impl.stability_edge(x, case["u"], case["v"], depth))
    eps = float(np.finfo(_width(x, case["u"])).eps)
    # entries of the kernel are off by a few roundings, its eigenvalues by no more than its norm is
    off = eps * (x.shape[1] + 4 * depth + 8 + 4 * len(x)) * float(np.linalg.norm(scale.astype(float)))
    compare(got, 1 / largest, 2 * off / largest**2, why="the edge")


@law(
    cases=POSITIVE,
    needs=("stability_edge", "gradient_descent"),
    grade="numerical",
    equation=r"|1 - 2 \eta \lambda_{max}| < 1 \iff \eta < 1 / \lambda_{max}",
)
def descent_stays_below_the_edge(impl, case):
    """Beside an interpolant a deviation along the steepest direction shrinks at 9/10 of the edge and grows at 11/10."""
    x, _, u, v, depth = _arguments(case)
    x, u, v = (part.astype(float) for part in (x, u, v))
    y = net.outputs(x, u, v, depth).astype(float)
    j = net.jacobian(x, u, v, depth).astype(float)  # (2 d, n)
    left = np.linalg.svd(j)[0][:, 0] * 1e-7 * min(u.min(), v.min())
    edge = float(impl.stability_edge(x, u, v, depth))
    times = np.array([0, 8])
    for part, grows in ((0.9, False), (1.1, True)):
        start = u + left[: len(u)], v + left[len(u) :]
        _, _, losses = impl.gradient_descent(x, y, *start, times, part * edge, depth)
        factor = (1 - 2 * part) ** 16
        # the deviation is 1e-7 of the parameters, and so are what bends and what the steepest direction loses
        compare(losses[1] / losses[0], factor, 1e-3 * factor, why=f"the loss after 8 steps at {part} of the edge")
        holds(bool((losses[1] > losses[0]) == grows), why=f"whether it grows at {part} of the edge")


# --- contracts -------------------------------------------------------------------------------------------------------------
_FLAT = {"u": np.full(2, 0.5), "v": np.full(2, 0.5), "depth": 2}

DIAGONAL_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "predictor",
        ("u", "v", "depth"),
        ("beta",),
        NETS,
        "The linear predictor that a diagonal net stands for.",
        laws=(
            difference_of_powers,
            sides_cancel,
            two_layers_by_default("predictor", NETS, ("u", "v", "depth")),
        ),
        planted=bugs_of("predictor"),
        terms=lambda case: float(max(np.abs(case["u"]).max(), np.abs(case["v"]).max())) ** case["depth"],
    ),
    Contract(
        "squared_loss",
        ("x", "y", "beta"),
        ("loss",),
        PREDICTED,
        "The sum of squared residuals.",
        laws=(sum_of_squares, units_of_the_loss),
        planted=bugs_of("squared_loss"),
    ),
    Contract(
        "flow_velocity",
        ("x", "y", "u", "v", "depth"),
        ("du", "dv"),
        NETS,
        "The velocity of gradient flow.",
        laws=(
            minus_the_gradient,
            invariant_does_not_move,
            interpolants_rest,
            mirrored_features_exchange_sides,
            two_layers_by_default("flow_velocity", NETS, ("x", "y", "u", "v", "depth")),
        ),
        planted=bugs_of("flow_velocity"),
        golden=(
            Golden(
                "flow_velocity",
                WORKED | _FLAT,
                {"du": np.array([2.0, 0.8]), "dv": np.array([-2.0, -0.8])},
                15,
                "at beta = 0 the slope is -2 X^T y = (-2, -0.8), times 2 u = 1",
            ),
        ),
        terms=lambda case: float(net.sizes(case)[1].max()),
    ),
    Contract(
        "conserved",
        ("u", "v", "depth"),
        ("invariant",),
        POSITIVE,
        "What gradient flow leaves as it is.",
        laws=(
            invariant_by_multiplication,
            invariant_is_symmetric,
            two_layers_by_default("conserved", POSITIVE, ("u", "v", "depth")),
        ),
        planted=bugs_of("conserved"),
    ),
    Contract(
        "tangent_kernel",
        ("x", "u", "v", "depth"),
        ("kernel",),
        NETS,
        "Inner products of the predictions' gradients.",
        laws=(
            inner_products_of_gradients,
            kernel_of_a_flat_start,
            two_layers_by_default("tangent_kernel", NETS, ("x", "u", "v", "depth")),
        ),
        planted=bugs_of("tangent_kernel"),
        golden=(
            Golden(
                "tangent_kernel",
                {"x": WORKED["x"]} | _FLAT,
                {"kernel": np.array([[2.32]])},
                15,
                "8 alpha^2 <x, x> at alpha = 1/2: 2 (1 + 0.16)",
            ),
        ),
    ),
    Contract(
        "stability_edge",
        ("x", "u", "v", "depth"),
        ("step_size",),
        NETS,
        "The step size below which descent stays near an interpolant.",
        laws=(
            inverse_of_the_largest_eigenvalue,
            descent_stays_below_the_edge,
            two_layers_by_default("stability_edge", NETS, ("x", "u", "v", "depth")),
        ),
        planted=bugs_of("stability_edge"),
    ),
)
