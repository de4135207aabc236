"""Laws of the net of two linear layers: its objective, the slopes of it, and what decay leaves in the end."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, law
from minidl.laws.spectral_dynamics.cases import FACTORED, MODES, THRESHOLD, drawn, one_of, size, worked
from minidl.laws.spectral_dynamics.oracle import built, fractions, objective, orthogonal, slope, values
from minidl.laws.spectral_dynamics.planted import bugs_of


# --- the soft threshold ------------------------------------------------------------------------------------------------
def target(seed: int, m: int, n: int, decay: float, s: tuple[float, ...] = (), dtype=np.float64):
    """A target (m, n) from its vectors u, v and values s, and a decay."""
    rng, R = np.random.default_rng(seed), min(m, n)
    s = np.array(s) if s else values("steps", R)
    u, v = orthogonal(rng, m, R), orthogonal(rng, n, R)
    return {"target": built(u, s, v).astype(dtype), "decay": decay, "u": u, "s": s, "v": v}


TARGETS = Cases(
    named={
        "worked": target(0, 3, 3, 0.5, (3, 1, 0.2)),
        "no_decay": target(1, 4, 3, 0.0),
        "one_left": target(2, 3, 5, 2.5),
        "none_left": target(3, 3, 3, 4.0),
        "wide": target(4, 2, 6, 0.7),
        "equal_values": target(5, 4, 4, 0.5, (2, 2, 1, 1)),
        "at_the_threshold": target(6, 3, 3, 2.0),
        "single_precision": target(7, 4, 3, 0.75, dtype=np.float32),
        "row": target(8, 1, 4, 0.25),
    },
    generated=drawn(target, m=size(1, 5), n=size(1, 5), decay=one_of(0.5, 0.0, 1.5, 2.25, 10.0)),
    notes={"worked": "3, 1, 0.2 become 2.5, 0.5, 0", "none_left": "no mode is above the decay"},
)


def _soft(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.soft_threshold(case["target"], case["decay"]))


def _shrinkage(case):
    """A backward stable SVD of a matrix of size s_1, and shrinking, which does not magnify: it is a projection's relative."""
    return {"ulps": 64 * max(case["target"].shape), "scale": float(case["s"][0])}


@law(
    cases=TARGETS,
    needs=("soft_threshold",),
    grade="numerical",
    equation=r"U \max(\Sigma - \lambda, 0) V^\top",
    source=THRESHOLD,
)
def modes_above_the_decay(impl, case):
    """Every singular value is lowered by the decay, those below it to 0; vectors stay, also of equal values."""
    left = np.where(case["s"] > case["decay"], case["s"] - case["decay"], 0)
    want = built(case["u"], left, case["v"]).astype(case["target"].dtype)
    agree(_soft(impl, case), want, why="what is left", **_shrinkage(case))


@law(
    cases=TARGETS,
    needs=("soft_threshold",),
    grade="numerical",
    equation=r"T_\lambda T_\mu = T_{\lambda + \mu}, \quad T_\lambda(Q M P) = Q\, T_\lambda(M) P",
    source=THRESHOLD,
)
def thresholds_add_up(impl, case):
    """Thresholds one after the other add up; what is left turns and scales with the target."""
    M, size = case["target"], _shrinkage(case)
    size["ulps"] *= 4
    left = _soft(impl, case)
    twice = _soft(impl, case, target=left, decay=0.25)
    agree(twice, _soft(impl, case, decay=case["decay"] + 0.25), why="two thresholds", **size)
    rng = np.random.default_rng(M.size)
    Q, P = (orthogonal(rng, n, n).astype(M.dtype) for n in M.shape)
    agree(_soft(impl, case, target=Q @ M @ P), Q @ left @ P, why="Q M P", **size)
    agree(_soft(impl, case, target=-M), -left, why="-M", **size)
    half = _soft(impl, case, target=M / 2, decay=case["decay"] / 2)
    agree(half, left / 2, why="half of both", **size)
    agree(_soft(impl, case, target=np.ascontiguousarray(M.T)), left.T, why="M^T", **size)


@law(
    cases=TARGETS,
    needs=("soft_threshold",),
    grade="numerical",
    equation=r"M - X = \lambda G, \quad \|G\|_2 \le 1, \quad \langle G, X \rangle = \|X\|_*",
    source="subgradient of the nuclear norm",
)
def no_matrix_is_better(impl, case):
    """What is taken away has no singular value above the decay, and meets what is left fully: the condition of a minimum."""
    M, X = case["target"].astype(np.float64), _soft(impl, case).astype(np.float64)
    eps = np.finfo(case["target"].dtype).eps
    slack = 64 * max(M.shape) * eps * float(case["s"][0])
    gone = M - X
    # along each direction of the target, what is gone is at most the decay
    along = np.abs(np.einsum("ik,ij,jk->k", case["u"], gone, case["v"]))
    holds(bool((along <= case["decay"] + slack).all()), why="what is gone along each direction", got=along)
    meets = np.float64(np.sum(gone * X))
    sizes = np.maximum(case["s"] - case["decay"], 0).sum()
    ulps = 128 * max(M.shape) * len(case["s"]) * eps / np.finfo(float).eps
    agree(meets, np.float64(case["decay"] * sizes), why="the inner product", ulps=ulps, scale=float(case["s"][0]) ** 2)


# --- two factors -------------------------------------------------------------------------------------------------------
def factors(seed: int, m: int, r: int, n: int, decay: float, dtype=np.float64):
    """Quarters of small integers, so that fractions are short."""
    rng = np.random.default_rng(seed)
    a, b, M = (rng.integers(-8, 9, shape).astype(dtype) / dtype(4) for shape in ((m, r), (r, n), (m, n)))
    return {"a": a, "b": b, "target": M, "decay": decay}


FACTORS = Cases(
    named={
        "square": factors(0, 2, 2, 2, 0.5),
        "no_decay": factors(1, 3, 2, 2, 0.0),
        "wide_middle": factors(2, 2, 4, 3, 0.25),
        "narrow_middle": factors(3, 3, 1, 4, 1.5),
        "single_precision": factors(4, 3, 2, 2, 0.25, np.float32),
        "numbers": factors(5, 1, 1, 1, 0.5),
    },
    generated=drawn(factors, m=size(1, 3), r=size(1, 3), n=size(1, 3), decay=one_of(0.5, 0.0, 0.25, 2.0)),
)


def _terms(case):
    """The size of the terms: squares of sums of products."""
    a, b, M = (np.abs(case[name].astype(np.float64)) for name in FACTORED[:3])
    return float(((a @ b + M) ** 2).sum() + case["decay"] * ((a * a).sum() + (b * b).sum()))


def _value(case, **changed):
    a, b, M = (fractions((case | changed)[name]) for name in FACTORED[:3])
    return objective(a, b, M, Fraction(case["decay"]))


def _loss(impl, case, **changed):
    return np.float64(impl.factor_objective(*((case | changed)[name] for name in FACTORED)))


def _wide(case):
    """In double precision: a plain number comes out of either."""
    return {name: case[name].astype(np.float64) if name != "decay" else case[name] for name in FACTORED}


@law(
    cases=FACTORS,
    needs=("factor_objective",),
    grade="numerical",
    equation=r"\tfrac12 \sum (A B - M)_{ij}^2 + \tfrac\lambda2 (\sum A_{ij}^2 + \sum B_{ij}^2)",
    source=MODES,
)
def half_the_squares(impl, case):
    """Half the squared error, and half the decay times the squares of all weights: in fractions, entry by entry."""
    wide = _wide(case)
    entries = 8 * sum(np.size(case[name]) for name in FACTORED)
    agree(_loss(impl, wide), np.float64(float(_value(wide))), why="the objective", ulps=entries, scale=_terms(wide))
    plain = np.float64(impl.factor_objective(*(wide[name] for name in FACTORED[:3])))
    agree(plain, _loss(impl, wide | {"decay": 0.0}), why="decay left out", ulps=4)


@law(
    cases=FACTORS,
    needs=("factor_objective",),
    grade="numerical",
    equation=r"L(A Q, Q^\top B, M) = L(A, B, M) = L(B^\top, A^\top, M^\top)",
    source="symmetry",
)
def rotations_between_the_layers(impl, case):
    """A rotation between the layers, or turning the net over, leaves the objective."""
    wide = _wide(case)
    Q = orthogonal(np.random.default_rng(1), wide["b"].shape[0], wide["b"].shape[0])
    want = _loss(impl, wide)
    size = {"ulps": 64 * sum(np.size(wide[name]) for name in FACTORED), "scale": _terms(wide)}
    agree(_loss(impl, wide, a=wide["a"] @ Q, b=Q.T @ wide["b"]), want, why="A Q, Q^T B", **size)
    agree(_loss(impl, wide, a=wide["b"].T, b=wide["a"].T, target=wide["target"].T), want, why="turned over", **size)


def _gradients(impl, case, **changed):
    return impl.factor_gradients(*((case | changed)[name] for name in FACTORED))


def _gradient_size(case):
    a, b, M = (np.abs(case[name].astype(np.float64)) for name in FACTORED[:3])
    off = a @ b + M
    entries = sum(np.size(case[name]) for name in FACTORED)
    eps = np.finfo(case["a"].dtype).eps / np.finfo(float).eps
    scale = float(max((off @ b.T).max() + case["decay"] * a.max(), (a.T @ off).max() + case["decay"] * b.max()))
    return {"ulps": 16 * entries * eps, "scale": scale}


@law(
    cases=FACTORS,
    needs=("factor_gradients",),
    grade="numerical",
    equation=r"\langle \nabla L, D \rangle = \tfrac{d}{dt} L(\theta + t D)|_0",
    source="calculus: the objective is a polynomial of degree 4",
)
def slopes_of_the_objective(impl, case):
    """Along each entry of either layer the gradient is the slope of the objective, exact in fractions from four values."""
    got = _gradients(impl, case)
    for name, found in zip(("a", "b"), got, strict=True):
        want = np.zeros(case[name].shape)
        for place in np.ndindex(*case[name].shape):

            def along(t, name=name, place=place):
                moved = case[name].astype(np.float64)
                moved[place] += t
                return _value(case, **{name: moved})

            want[place] = float(slope(along))
        agree(np.asarray(found, np.float64), want, why=f"along {name}", **_gradient_size(case))
    plain = impl.factor_gradients(*(case[name] for name in FACTORED[:3]))
    for found, want in zip(plain, _gradients(impl, case, decay=0.0), strict=True):
        agree(np.asarray(found), np.asarray(want), why="decay left out", ulps=4)


@law(
    cases=FACTORS,
    needs=("factor_gradients",),
    grade="numerical",
    equation=r"A^\top \nabla_A - \nabla_B B^\top = \lambda (A^\top A - B B^\top)",
    source=MODES,
)
def balance_is_left_to_decay(impl, case):
    """The gradients differ by what decay does to the balance: without it the flow conserves A^T A - B B^T."""
    wide = _wide(case)
    da, db = (np.asarray(x) for x in _gradients(impl, wide))
    a, b = wide["a"], wide["b"]
    size = _gradient_size(wide)
    size["scale"] *= float(max(np.abs(a).sum(), np.abs(b).sum()))
    agree(a.T @ da - db @ b.T, wide["decay"] * (a.T @ a - b @ b.T), why="the balance", **size)


# --- contracts ---------------------------------------------------------------------------------------------------------
MODE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "soft_threshold",
        ("target", "decay"),
        ("product",),
        TARGETS,
        "What decay of both layers leaves of a target: its singular values lowered, or gone.",
        laws=(modes_above_the_decay, thresholds_add_up, no_matrix_is_better),
        planted=bugs_of("soft_threshold"),
        golden=(
            worked(
                "soft_threshold",
                {"target": np.diag([3.0, 1.0, 0.2]), "decay": 0.5},
                {"product": np.diag([2.5, 0.5, 0.0])},
                digits=14,
                note="3, 1, 0.2 lowered by 0.5",
            ),
        ),
        terms=lambda case: float(case["s"][0]) if "s" in case else float(np.abs(case["target"]).max()),
    ),
    Contract(
        "factor_objective",
        FACTORED,
        ("objective",),
        Cases(
            named={name: case for name, case in FACTORS.named.items() if case["a"].dtype == np.float64},
            generated=FACTORS.generated,
        ),
        "Half the squared error of a product, and half the decay times the squares of its factors.",
        laws=(half_the_squares, rotations_between_the_layers),
        planted=bugs_of("factor_objective"),
        terms=_terms,
    ),
    Contract(
        "factor_gradients",
        FACTORED,
        ("da", "db"),
        FACTORS,
        "The gradients of the objective with respect to both layers.",
        laws=(slopes_of_the_objective, balance_is_left_to_decay),
        planted=bugs_of("factor_gradients"),
        terms=lambda case: _gradient_size(case)["scale"],
    ),
)
