"""The exercises of lesson 10, judged by what must hold of any right answer."""

import math
from fractions import Fraction

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps

# --- 1: the potential --------------------------------------------------------------------------------------------------
SMALL = (1e-150, 1e-9, -1e-7, 3e-4)
LARGE = (1e6, -1e9, 1e15)
MIDDLE = (0.05, 0.5, -1.0, 3.0, 40.0)


def quadrature(z):
    nodes, weights = np.polynomial.legendre.leggauss(100)
    half = abs(z) / 2
    return half * float(weights @ np.arcsinh((nodes + 1) * half / 2))


def judge_1(answer):
    cases = [(z, z * z / 4 - z**4 / 192) for z in SMALL] + [(z, quadrature(z)) for z in MIDDLE] + [(0.0, 0.0)]
    cases += [(z, abs(z) * math.log(abs(z)) - abs(z) + 2 - 1 / abs(z)) for z in LARGE]
    for z, expected in cases:
        with np.errstate(all="ignore"):
            got = float(answer(z))
        assert abs(got - expected) <= 1e-12 * expected, f"z = {z:g}: expected {expected:.15g}, got {got:.15g}"


def naive(z):
    return 2 - math.sqrt(4 + z * z) + z * math.asinh(z / 2)


def stable(z, inverse=math.asinh, half=2.0, constant=2.0):
    return z * (inverse(z / half) - z / (constant + math.hypot(constant, z)))


def by_logarithm(z):
    """arcsinh as log(t + sqrt(t^2 + 1)): cancels for large negative t."""
    t = z / 2
    inside = t + math.sqrt(t * t + 1)
    return z * ((math.log(inside) if inside > 0 else -math.inf) - z / (2 + math.hypot(2, z)))


# --- 2: a step of descent ----------------------------------------------------------------------------------------------
STEPS = (  # x, y, u, v, step size, depth: all in quarters or so, that fractions are exact
    ([[1.0, 2.0]], [1.0], [0.5, 1.0], [1.0, 0.25], 0.125, 2),
    ([[1.0, 0.5], [-1.0, 2.0]], [2.0, -1.0], [0.5, 1.5], [1.0, 0.5], 0.0625, 3),
    ([[0.5, -1.0, 2.0], [1.0, 0.0, 1.0]], [1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 1.0, 1.0], 0.25, 4),
)


def exact_step(x, y, u, v, step_size, depth):
    F = Fraction
    beta = [F(a) ** depth - F(b) ** depth for a, b in zip(u, v, strict=True)]
    residual = [sum(F(a) * b for a, b in zip(row, beta, strict=True)) - F(t) for row, t in zip(x, y, strict=True)]
    g = [2 * sum(F(row[i]) * r for row, r in zip(x, residual, strict=True)) for i in range(len(u))]
    eta = F(step_size)
    return (
        [float(F(a) - eta * depth * F(a) ** (depth - 1) * s) for a, s in zip(u, g, strict=True)],
        [float(F(a) + eta * depth * F(a) ** (depth - 1) * s) for a, s in zip(v, g, strict=True)],
    )


def judge_2(answer):
    for x, y, u, v, step_size, depth in STEPS:
        given = [np.array(a) for a in (x, y, u, v)]
        got = answer(*given, step_size, depth)
        assert isinstance(got, tuple | list), f"return two arrays, the new u and v; got {type(got).__name__}"
        assert len(got) == 2, f"return two arrays, the new u and v; got {len(got)}"
        for name, new, expected in zip("uv", got, exact_step(x, y, u, v, step_size, depth), strict=True):
            error = np.max(np.abs(np.asarray(new, float) - expected))
            assert error <= 64 * EPS * np.max(np.abs(expected)), (
                f"depth {depth}, x = {x}, y = {y}, u = {u}, v = {v}, step size {step_size}: {name} becomes {expected}, "
                f"got {np.asarray(new).tolist()}"
            )
        for name, before, after in zip(("u", "v"), (u, v), given[2:], strict=True):
            assert (after == before).all(), f"{name}, which was given, has changed: return new arrays"


def gradient(x, y, u, v, depth):
    return 2 * x.T @ (x @ (u**depth - v**depth) - y)


def moved(x, y, u, v, step_size, depth, of_u=1.0, of_v=1.0, factor=None, power=None):
    g, factor, power = gradient(x, y, u, v, depth), factor or depth, depth - 1 if power is None else power
    return u - of_u * step_size * factor * u**power * g, v + of_v * step_size * factor * v**power * g


def one_after_the_other(x, y, u, v, step_size, depth):
    u = u - step_size * depth * u ** (depth - 1) * gradient(x, y, u, v, depth)
    return u, v + step_size * depth * v ** (depth - 1) * gradient(x, y, u, v, depth)


def in_place(x, y, u, v, step_size, depth):
    new = moved(x, y, u, v, step_size, depth)
    u[:], v[:] = new
    return u, v


# --- 3: the end of flow ------------------------------------------------------------------------------------------------
SINGLE = (
    ((1.0, 0.4), 1.0),
    ((1.0, 0.4), -2.0),
    ((-0.5, 2.0, 1.0), 0.3),
    ((1.0, 1.0, 1.0), 6.0),
    ((0.0, 3.0), 1.5),
)
ALPHAS = (10.0, 1.0, 0.1, 0.001)


def judge_3(answer):
    for x, y in SINGLE:
        for alpha in ALPHAS:
            text = f"x = {x}, y = {y}, alpha = {alpha:g}"
            with np.errstate(all="ignore"):
                beta = np.asarray(answer(np.array(x), y, alpha), float)
            assert beta.shape == (len(x),), f"{text}: expected the shape {(len(x),)}, got {beta.shape}"
            assert np.isfinite(beta).all(), f"{text}: got {beta.tolist()}: keep nu where sinh does not overflow"
            assert abs(beta @ x - y) <= 1e-9 * abs(y), f"{text}: x . beta must be {y}, got {beta @ x:.12g}"
            # the slope of the potential must be a multiple of x
            slope = np.arcsinh(beta / (2 * alpha**2))
            nu = slope @ x / np.dot(x, x)
            off = np.max(np.abs(slope - nu * np.array(x)))
            assert off <= 1e-8 * (1 + np.max(np.abs(slope))), (
                f"{text}: arcsinh(beta / (2 alpha^2)) must be a multiple of x, and is {slope.tolist()} for "
                f"beta = {beta.tolist()}"
            )


def bisected(x, y, scale):
    """scale sinh(x nu) with x . beta = y."""
    x = np.asarray(x, float)
    high = np.arcsinh(abs(y) / scale / np.max(np.abs(x))) / np.max(np.abs(x)) * (1 + 1e-12) + 1e-300
    low = 0.0
    for _ in range(200):
        nu = (low + high) / 2
        low, high = (nu, high) if scale * np.sinh(x * nu) @ x < abs(y) else (low, nu)
    return np.sign(y) * scale * np.sinh(x * (low + high) / 2)


def shortest(x, y, alpha):
    return y * x / (x @ x)


def sparsest(x, y, alpha):
    k = np.argmax(np.abs(x))
    return np.where(np.arange(len(x)) == k, y / x[k], 0.0)


# --- 4: the certificate ------------------------------------------------------------------------------------------------
BOUNDS = (
    ([[1.0, 0.5]], [1.0], [1.0], 1.0),
    ([[1.0, 0.5]], [1.0], [0.25], 1.0),  # a quarter of the best dual is as good
    ([[1.0, 0.5]], [1.0], [-3.0], 1.0),  # and so is its negative
    ([[2.0, 0.0, 1.0], [0.0, 4.0, 1.0]], [2.0, 4.0], [0.5, 0.25], 2.0),
    ([[2.0, 0.0, 1.0], [0.0, 4.0, 1.0]], [2.0, 4.0], [0.5, 0.5], 1.5),  # 3 / 2: a poorer bound, but a bound
    ([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0], [0.5, 0.5], 2.0),  # 2 and 1 add up to 3, which needs another dual
    ([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0], [1.0, 0.0], 3.0),
)


def judge_4(answer):
    for x, y, dual, expected in BOUNDS:
        got = float(answer(np.array(x), np.array(y), np.array(dual)))
        assert abs(got - expected) <= 16 * EPS * expected, (
            f"x = {x}, y = {y}, dual = {dual}: every interpolant has an L1 norm of at least {expected:g}, got {got:g}"
        )


def ratio(x, y, dual, norm=np.inf, absolute=True):
    value = y @ dual / np.linalg.norm(x.T @ dual, norm)
    return abs(value) if absolute else value


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(z): q_2(z) = 2 - sqrt(4 + z^2) + z arcsinh(z / 2) of a float, to 12 digits for all z",
        judge_1,
        wrong={
            "as it is written": (
                naive,
                "2 - sqrt(4 + z^2) cancels: it is -z^2 / (2 + sqrt(4 + z^2)), and near 0 each half is of size z^2",
            ),
            "arcsinh(z)": (lambda z: stable(z, half=1.0), "the slope is arcsinh(z / 2)"),
            "1 for 2": (lambda z: stable(z, constant=1.0), "it is sqrt(4 + z^2), and 2 in front"),
            "odd": (lambda z: math.copysign(stable(z), z), "the potential is even: q(-z) = q(z)"),
            "series only": (lambda z: z * z / 4 - z**4 / 192, "that is right for small z only"),
            "a logarithm": (
                by_logarithm,
                "log(t + sqrt(t^2 + 1)) cancels for negative t, and for small ones: use math.asinh, or |t|",
            ),
        },
        probe=calls(*((z,) for z in (*SMALL, *MIDDLE, *LARGE))),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(x, y, u, v, step_size, depth): u and v after one step of gradient descent on ||X (u^D - v^D) - y||^2",
        judge_2,
        wrong={
            "one after the other": (
                one_after_the_other,
                "both gradients are taken at the old parameters: compute them before you move anything",
            ),
            "same sign": (
                lambda *given: moved(*given, of_v=-1.0),
                "beta falls when v rises: the gradient in v has the other sign",
            ),
            "uphill": (lambda *given: moved(*given, of_u=-1.0, of_v=-1.0), "descent goes against the gradient"),
            "no 2": (
                lambda *given: moved(*given, of_u=0.5, of_v=0.5),
                "the loss is a sum of squares: the gradient has a 2",
            ),
            "no D": (lambda *given: moved(*given, factor=1), "u^D has the derivative D u^(D-1)"),
            "power D": (
                lambda x, y, u, v, step_size, depth: moved(x, y, u, v, step_size, depth, power=depth),
                "u^D has the derivative D u^(D-1), not D u^D",
            ),
            "mean": (
                lambda x, y, *rest: moved(x, y, *rest, of_u=1 / len(y), of_v=1 / len(y)),
                "the loss is a sum over examples, not their mean",
            ),
            "in place": (in_place, "do not write into u and v: return new arrays"),
        },
        probe=calls(*((*(np.array(a) for a in step[:4]), *step[4:]) for step in STEPS)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(x, y, alpha): where flow from u = v = alpha ends at depth 2 for one example x (d,), y a number",
        judge_3,
        wrong={
            "least L2": (
                shortest,
                "that is the limit of large alpha; the slope of the potential is a multiple of x, not beta",
            ),
            "least L1": (sparsest, "that is the limit of small alpha"),
            "alpha for alpha^2": (
                lambda x, y, alpha: bisected(x, y, 2 * alpha),
                "u and v start at alpha, so their squares at alpha^2: beta = 2 alpha^2 sinh(x nu)",
            ),
            "no 2": (lambda x, y, alpha: bisected(x, y, alpha**2), "e^s - e^-s is 2 sinh(s)"),
            "not fitted": (
                lambda x, y, alpha: 2 * alpha**2 * np.sinh(x * np.arcsinh(y / (2 * alpha**2))),
                "nu must make x . beta = y: each entry of x has a part in the sum",
            ),
        },
        probe=calls(*((np.array(x), y, alpha) for x, y in SINGLE for alpha in ALPHAS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(x, y, dual): the best bound that a vector dual (n,) gives on the L1 norm of every interpolant",
        judge_4,
        wrong={
            "not scaled": (
                lambda x, y, dual: abs(y @ dual),
                "beta . a is at most ||beta||_1 times the largest |entry| of a = X^T dual: divide by it",
            ),
            "shrunk only": (
                lambda x, y, dual: abs(y @ dual) / max(1.0, np.abs(x.T @ dual).max()),
                "a dual that is too short can be lengthened too: divide by the largest entry even if it is below 1",
            ),
            "signed": (
                lambda x, y, dual: ratio(x, y, dual, absolute=False),
                "minus the dual is a dual as well: take the absolute value",
            ),
            "L2": (
                lambda x, y, dual: ratio(x, y, dual, norm=2),
                "the norm that belongs to L1 is the largest absolute entry; with the L2 norm you get the bound on ||beta||_2",
            ),
            "L1": (
                lambda x, y, dual: ratio(x, y, dual, norm=1),
                "beta . a is at most ||beta||_1 times the LARGEST |entry| of a, not times their sum",
            ),
        },
        probe=calls(*((np.array(x), np.array(y), np.array(dual)) for x, y, dual, _ in BOUNDS)),
    ),
)
