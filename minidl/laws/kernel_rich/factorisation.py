"""The laws of matrix factorisation at one point, and of its descent."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, agree, holds, identical, law
from minidl.laws.kernel_rich import factors as fac
from minidl.laws.kernel_rich.oracle import long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import ARORA, CALCULUS, WOODWORTH

POINTS, RUNS = fac.factorisations(), fac.factorisations(steps=True)


def _eps(case):
    return float(np.finfo(case["a"].dtype).eps)


# --- velocity --------------------------------------------------------------------------------------------------------------
def _velocity(impl, case, **changed):
    case = case | changed
    return tuple(np.asarray(part) for part in impl.factor_velocity(*(case[name] for name in ("a", "y", "u", "v"))))


@law(
    cases=POINTS,
    needs=("factor_velocity",),
    grade="numerical",
    equation=r"(\dot U, \dot V) = -\nabla L",
    source=WOODWORTH,
)
def minus_the_gradient_in_the_factors(impl, case):
    """The velocity is minus the gradient of the loss, as complex steps find it."""
    _, *scales = fac.sizes(case)
    for name, got, want, scale in zip(("du", "dv"), _velocity(impl, case), fac.gradient(case), scales, strict=True):
        holds(got.dtype == case["a"].dtype, why=f"{name}: the dtype is kept", got=got.dtype)
        agree(got, (-want).astype(case["a"].dtype), why=name, ulps=fac.roundings(case), scale=scale)


@law(
    cases=POINTS,
    needs=("factor_velocity",),
    grade="numerical",
    equation=r"\tfrac{d}{dt} (U^\top U - V^\top V) = 0",
    source=ARORA,
)
def balance_does_not_move(impl, case):
    """What U^T U has more than V^T V does not change."""
    u, v = case["u"].astype(float), case["v"].astype(float)
    du, dv = (part.astype(float) for part in _velocity(impl, case))
    _, size_u, size_v = fac.sizes(case)
    rate = u.T @ du + du.T @ u - v.T @ dv - dv.T @ v
    scale = 2 * (np.abs(u).T @ size_u + np.abs(v).T @ size_v)
    compare(
        rate,
        np.zeros_like(rate),
        2 * _eps(case) * fac.roundings(case) * (scale + scale.T),
        why="the rate of the balance",
    )


@law(
    cases=POINTS,
    needs=("factor_velocity",),
    grade="numerical",
    equation=r"(U R, V R) \to (\dot U R, \dot V R); \quad (A^\top, V, U) \to (\dot V, \dot U)",
)
def turned_columns_and_exchanged_sides(impl, case):
    """Columns may be turned by an orthogonal matrix, and the sides exchanged, if measurements are transposed."""
    du, dv = _velocity(impl, case)
    _, size_u, size_v = fac.sizes(case)
    width = case["a"].dtype
    turn = fac.turn(case["u"].shape[1], 0).astype(width)
    ulps = 4 * fac.roundings(case)
    got = _velocity(impl, case, u=case["u"] @ turn, v=case["v"] @ turn)
    wide = float(max(np.linalg.norm(size_u), np.linalg.norm(size_v)))
    for name, part, want in zip(("du", "dv"), got, (du @ turn, dv @ turn), strict=True):
        agree(part, want, why=f"{name} turned", ulps=ulps, scale=case["u"].shape[1] * wide)
    got = _velocity(impl, case, a=np.swapaxes(case["a"], 1, 2).copy(), u=case["v"], v=case["u"])
    for name, part, want, scale in zip(("du", "dv"), got, (dv, du), (size_v, size_u), strict=True):
        agree(part, want, why=f"{name} of the transposed problem", ulps=ulps, scale=scale)


# --- kernel ----------------------------------------------------------------------------------------------------------------
@law(cases=POINTS, needs=("factor_kernel",), grade="numerical", equation=r"K = J J^\top", source=WOODWORTH)
def inner_products_of_the_measurements_gradients(impl, case):
    """The tangent kernel holds the inner products of the measurements' gradients in U and V."""
    j = fac.jacobian(case)
    scale = (np.abs(j).T @ np.abs(j)).astype(float)
    got = impl.factor_kernel(case["a"], case["u"], case["v"])
    holds(np.asarray(got).dtype == case["a"].dtype, why="the dtype is kept", got=np.asarray(got).dtype)
    # entries of A V and A^T U are sums themselves
    size = np.abs(case["a"]).astype(float)
    sums = [
        (size @ np.abs(case["v"])).reshape(len(size), -1),
        (np.swapaxes(size, 1, 2) @ np.abs(case["u"])).reshape(len(size), -1),
    ]
    scale = scale + sum(part @ part.T for part in sums)
    agree(got, (j.T @ j).astype(case["a"].dtype), why="the kernel", ulps=2 * fac.roundings(case), scale=scale)


@law(
    cases=POINTS,
    needs=("factor_kernel",),
    grade="numerical",
    equation=r"U U^\top = \mu I_p,\ V V^\top = \mu I_r \Rightarrow K = 2 \mu \langle A_i, A_j \rangle",
    source=WOODWORTH,
)
def linear_kernel_of_orthogonal_rows(impl, case):
    """For orthogonal rows of length root mu, as of infinitely wide factors, the kernel is 2 mu <A_i, A_j>."""
    a, mu = case["a"], 0.25
    p, r = a.shape[1:]
    wide = fac.turn(p + r, 0) * np.sqrt(mu)
    got = impl.factor_kernel(a, wide[:p].astype(a.dtype), wide[p:].astype(a.dtype))
    flat = long(a).reshape(len(a), -1)
    scale = 2 * mu * (p + r) * np.linalg.norm(flat.astype(float), axis=1)
    agree(
        got,
        (2 * mu * flat @ flat.T).astype(a.dtype),
        why="the kernel",
        ulps=4 * (p + r) ** 2,
        scale=np.sqrt(np.outer(scale, scale)),
    )


# --- factors ---------------------------------------------------------------------------------------------------------------
def _noises() -> Cases:
    rng = np.random.default_rng(0)
    named = {
        "wide": {"noise_u": rng.normal(size=(2, 7)), "noise_v": rng.normal(size=(3, 7)), "mu": 0.5},
        "one": {"noise_u": np.ones((1, 1)), "noise_v": -np.ones((1, 1)), "mu": 4.0},
        "single": {"noise_u": np.ones((2, 3), np.float32), "noise_v": np.full((1, 3), -0.3, np.float32), "mu": 0.1},
    }

    def generated():
        from hypothesis import strategies as st

        def one(seed: int, p: int, r: int, k: int, mu: float) -> dict:
            rng = np.random.default_rng(seed)
            return {"noise_u": rng.normal(size=(p, k)), "noise_v": rng.normal(size=(r, k)), "mu": mu}

        few = st.integers(1, 4)
        return st.builds(one, st.integers(0, 9999), few, few, few, st.sampled_from([1e-3, 0.7, 30.0]))

    return Cases(named=named, generated=generated)


NOISES = _noises()


@law(
    cases=NOISES,
    needs=("scaled_factors",),
    grade="numerical",
    equation=r"U_{ij}^2 = \tfrac{\mu}{k} N_{ij}^2",
    source=WOODWORTH,
)
def variance_mu_over_k(impl, case):
    """Entries have the noise's signs, and squares of mu/k times the noise's."""
    mu, k = case["mu"], case["noise_u"].shape[1]
    for name, got in zip(("u", "v"), impl.scaled_factors(case["noise_u"], case["noise_v"], mu), strict=True):
        noise, got = case[f"noise_{name}"], np.asarray(got)
        holds(got.dtype == noise.dtype, why=f"{name}: the dtype is kept", got=got.dtype)
        identical(np.sign(got), np.sign(noise), why=f"signs of {name}")
        squares = (long(mu) / k * long(noise) ** 2).astype(noise.dtype)
        # the square of a root, a quotient and a product
        agree(
            (long(got) ** 2).astype(noise.dtype), squares, why=f"squares of {name}", ulps=8, scale=squares.astype(float)
        )


@law(
    cases=NOISES,
    needs=("scaled_factors", "draw_factors"),
    grade="exact",
    equation=r"U, V \sim N(0, \mu / k)",
    source=WOODWORTH,
)
def drawn_from_the_generator(impl, case):
    """Drawn factors are scaled standard normals of the generator, U before V."""
    (p, k), r, mu = case["noise_u"].shape, len(case["noise_v"]), case["mu"]
    noise = np.random.default_rng(5)
    want = impl.scaled_factors(noise.standard_normal((p, k)), noise.standard_normal((r, k)), mu)
    got = impl.draw_factors(p, r, k, mu, rng=np.random.default_rng(5))
    for name, part, expected in zip("uv", got, want, strict=True):
        identical(np.asarray(part), np.asarray(expected), why=name)


# --- descent ---------------------------------------------------------------------------------------------------------------
def _run(impl, case, **changed):
    case = case | changed
    return tuple(
        np.asarray(part)
        for part in impl.factor_descent(*(case[name] for name in ("a", "y", "u", "v", "times", "step_size")))
    )


@law(
    cases=RUNS,
    needs=("factor_descent",),
    grade="numerical",
    equation=r"(U, V)_{t+1} = (U, V)_t - \eta \nabla L",
    source=WOODWORTH,
)
def factors_step_along_the_gradient(impl, case):
    """Each step goes along the gradient of the loss, found by complex steps, in both factors at once."""
    width = case["a"].dtype
    u, v, value, off, loose = fac.descended(case, _eps(case))
    got = _run(impl, case)
    holds(all(part.dtype == width for part in got), why="the dtype is kept", got=[part.dtype for part in got])
    for name, part, want in zip("uv", got, (u, v), strict=False):
        compare(part, want.astype(width), 2 * off[:, None, None], why=name)
    compare(got[2], value.astype(width), 2 * loose, why="the losses")


@law(
    cases=RUNS,
    needs=("factor_descent",),
    grade="exact",
    equation=r"(U, V)_{s+t} = (U, V)_t \circ (U, V)_s",
    source=CALCULUS,
)
def factor_runs_continue(impl, case):
    """A run goes on from a recorded row as if it had not stopped there; at time 0 the start is recorded."""
    end = int(case["times"][-1])
    every = _run(impl, case, times=np.arange(end + 1))
    identical(every[0][0], case["u"], why="U at time 0")
    identical(every[1][0], case["v"], why="V at time 0")
    for part, whole in zip(_run(impl, case), every, strict=True):
        identical(part, whole[case["times"]], why="rows recorded alone")
    half = end // 2
    rest = _run(impl, case, u=every[0][half].copy(), v=every[1][half].copy(), times=np.arange(end - half + 1))
    for part, whole in zip(rest, every, strict=True):
        identical(part, whole[half:], why=f"from step {half} on")


@law(
    cases=RUNS,
    needs=("factor_descent", "gradient_descent"),
    grade="numerical",
    equation=r"U = [\mathrm{diag}\, u, \mathrm{diag}\, v],\ V = [\mathrm{diag}\, u, -\mathrm{diag}\, v]:"
    r"\ M = \mathrm{diag}(u^2 - v^2)",
    source=WOODWORTH,
)
def diagonal_nets_are_factorisations(impl, case):
    """With diagonal measurements and paired columns a factorisation is the diagonal net of depth 2, twice as slow."""
    p = case["a"].shape[1]
    x = case["a"][:, :, 0].astype(float)
    u, v = 0.3 + np.abs(case["u"][:, 0].astype(float)), 0.2 + np.abs(case["u"][::-1, 0].astype(float))
    pair = np.hstack([np.diag(u), np.diag(v)]), np.hstack([np.diag(u), -np.diag(v)])
    one = {"a": np.stack([np.diag(row) for row in x]), "y": case["y"].astype(float), "u": pair[0], "v": pair[1]}
    one |= {"times": case["times"], "step_size": case["step_size"] / 4}
    got = _run(impl, one)
    want = impl.gradient_descent(x, one["y"], u, v, one["times"], one["step_size"] / 2, 2)
    _, _, _, off, loose = fac.descended(one, float(np.finfo(float).eps))
    for k in range(len(case["times"])):
        for name, part in (("u", np.diag(want[0][k])), ("v", np.diag(want[1][k]))):
            columns = slice(0, p) if name == "u" else slice(p, None)
            compare(got[0][k][:, columns], part, 4 * off[k], why=f"{name} after {case['times'][k]} steps")
    compare(got[2], np.asarray(want[2]), 4 * loose, why="the losses")


# --- contracts -------------------------------------------------------------------------------------------------------------
_ONE = {"a": np.ones((1, 1, 1)), "y": np.full(1, 2.0), "u": np.ones((1, 1)), "v": np.full((1, 1), 0.5)}

FACTOR_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "factor_velocity",
        ("a", "y", "u", "v"),
        ("du", "dv"),
        POINTS,
        "The velocity of gradient flow on a matrix factorisation.",
        laws=(minus_the_gradient_in_the_factors, balance_does_not_move, turned_columns_and_exchanged_sides),
        planted=bugs_of("factor_velocity"),
        golden=(
            Golden(
                "factor_velocity",
                _ONE,
                {"du": np.array([[1.5]]), "dv": np.array([[3.0]])},
                15,
                "M = 1/2, target 2: G = 2 (1/2 - 2) = -3",
            ),
        ),
        terms=lambda case: float(max(part.max() for part in fac.sizes(case)[1:])),
    ),
    Contract(
        "factor_kernel",
        ("a", "u", "v"),
        ("kernel",),
        POINTS,
        "Inner products of the measurements' gradients.",
        laws=(inner_products_of_the_measurements_gradients, linear_kernel_of_orthogonal_rows),
        planted=bugs_of("factor_kernel"),
        terms=lambda case: float(
            np.square(np.abs(case["a"]).sum()) * np.square(np.abs(case["u"]).max() + np.abs(case["v"]).max())
        ),
    ),
    Contract(
        "scaled_factors",
        ("noise_u", "noise_v", "mu"),
        ("u", "v"),
        NOISES,
        "Random factors at a scale that does not depend on their width.",
        laws=(variance_mu_over_k, drawn_from_the_generator),
        planted=bugs_of("scaled_factors"),
        golden=(
            Golden(
                "scaled_factors",
                {"noise_u": np.ones((1, 4)), "noise_v": np.full((1, 4), -2.0), "mu": 1.0},
                {"u": np.full((1, 4), 0.5), "v": np.full((1, 4), -1.0)},
                15,
                "sqrt(1/4)",
            ),
        ),
    ),
    Contract(
        "factor_descent",
        ("a", "y", "u", "v", "times", "step_size"),
        ("u", "v", "loss"),
        RUNS,
        "Gradient descent on a matrix factorisation, recorded at some steps.",
        laws=(factors_step_along_the_gradient, factor_runs_continue, diagonal_nets_are_factorisations),
        planted=bugs_of("factor_descent"),
        golden=(
            Golden(
                "factor_descent",
                _ONE | {"times": np.array([0, 1]), "step_size": 0.125},
                {
                    "u": np.array([[[1.0]], [[1.1875]]]),
                    "v": np.array([[[0.5]], [[0.875]]]),
                    "loss": np.array([2.25, (2 - 1.1875 * 0.875) ** 2]),
                },
                15,
                "one step by hand",
            ),
        ),
    ),
)
