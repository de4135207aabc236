"""Laws of principal angles: the directions of a weight as subspaces, which equal singular values leave alone."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, agree, law
from minidl.laws.spectral_dynamics.cases import LAYERS, VERSIONS, drawn, one_of, size, turning
from minidl.laws.spectral_dynamics.oracle import built, looseness, orthogonal
from minidl.laws.spectral_dynamics.planted import bugs_of

ANGLES = "Bjorck, Golub, Numerical methods for computing angles between linear subspaces, 1973"


def planes(seed: int, n: int, angles: tuple[float, ...], more: int = 0, dtype=np.float64):
    """Bases a (n, k) and b (n, k + more) of subspaces at these angles, each turned within itself."""
    k = len(angles)
    rng, cos, sin = np.random.default_rng(seed), np.diag(np.cos(angles)), np.diag(np.sin(angles))
    axes = orthogonal(rng, n, 2 * k + more)
    a, b = axes[:, :k], axes[:, :k] @ cos + axes[:, k : 2 * k] @ sin
    b = np.concatenate([b, axes[:, 2 * k :]], axis=1)
    turned = [basis @ orthogonal(rng, basis.shape[1], basis.shape[1]) for basis in (a, b)]
    return {"a": turned[0].astype(dtype), "b": turned[1].astype(dtype), "cosines": np.sort(np.cos(angles))[::-1].copy()}


def drawn_planes(seed: int, k: int, more: int, extra: int):
    angles = np.random.default_rng(seed).uniform(0.05, 1.5, k)
    return planes(seed, 2 * k + more + extra, tuple(angles), more)


PLANES = Cases(
    named={
        "plane": planes(0, 4, (0.3, 1.2)),
        "line": planes(1, 3, (0.5,)),
        "equal_angles": planes(2, 6, (0.4, 0.4, 0.4)),
        "contained": planes(3, 5, (0.0, 0.0), 1),
        "orthogonal": planes(4, 5, (np.pi / 2, 0.1)),
        "larger_space": planes(5, 9, (0.2, 0.7, 1.1), 2),
        "single_precision": planes(6, 5, (0.3, 0.9), dtype=np.float32),
    },
    generated=drawn(drawn_planes, k=size(1, 3), more=size(0, 2), extra=size(0, 3)),
    notes={"contained": "cosines of 1", "orthogonal": "a cosine of 0"},
)


@law(cases=PLANES, needs=("subspace_cosines",), grade="numerical", equation=r"s(a^\top b)", source=ANGLES)
def cosines_of_the_angles(impl, case):
    """Subspaces at given angles have these cosines, in whatever bases they come, and in either order."""
    want = case["cosines"].astype(case["a"].dtype)
    ulps = 16 * len(case["a"])  # a product of orthonormal columns and the values of a small matrix of norm 1
    agree(np.asarray(impl.subspace_cosines(case["a"], case["b"])), want, why="the cosines", ulps=ulps, scale=1)
    agree(np.asarray(impl.subspace_cosines(case["b"], case["a"])), want, why="exchanged", ulps=ulps, scale=1)


@law(
    cases=PLANES,
    needs=("subspace_cosines",),
    grade="numerical",
    equation=r"\sum_i c_i^2 = \|a^\top b\|_F^2, \quad \prod_i c_i = |\det a^\top b|",
    source="invariants of a matrix",
)
def sums_and_products_of_cosines(impl, case):
    """Squared cosines sum to the squared entries of a^T b; where both are of one dimension they multiply to its determinant."""
    a, b = case["a"].astype(np.float64), case["b"].astype(np.float64)
    got = np.asarray(impl.subspace_cosines(case["a"], case["b"])).astype(np.float64)
    ulps = 32 * len(a) * a.shape[1] * np.finfo(case["a"].dtype).eps / np.finfo(float).eps
    agree(np.sum(got * got), np.sum((a.T @ b) ** 2), why="the sum of squares", ulps=ulps, scale=a.shape[1])
    if a.shape == b.shape:
        agree(np.prod(got), np.abs(np.linalg.det(a.T @ b)), why="the product", ulps=ulps, scale=1)


def _pair(seed: int, angles: tuple[float, ...], n: int):
    """Two orthonormal (n, 2 k), whose first k columns span subspaces at these k angles."""
    k = len(angles)
    rng = np.random.default_rng(seed)
    axes = orthogonal(rng, n, n)
    turn = np.eye(n)
    for i, angle in enumerate(angles):  # rotate axis i toward axis k + i
        c, s, j = np.cos(angle), np.sin(angle), k + i
        turn[np.ix_([i, j], [i, j])] = [[c, -s], [s, c]]
    other = axes @ turn
    within = orthogonal(rng, k, k)
    other = np.concatenate([other[:, :k] @ within, other[:, k:]], axis=1)
    return axes[:, : 2 * k], other[:, : 2 * k]


def plain_pair(seed: int, angles: tuple[float, ...], equal: bool = True, dtype=np.float64):
    """Layers, and versions of a layer, whose top k directions are at these angles; the top values may be equal."""
    k, n = len(angles), 2 * len(angles) + 1
    rng, halves = np.random.default_rng(seed + 1), tuple(angle / 2 for angle in angles)
    top = np.full(k, 3.0) if equal else np.arange(k + 2, 2, -1.0)
    s, R = np.concatenate([top, np.linspace(1.0, 0.5, k)]), 2 * k
    written, read = _pair(seed, angles, n)
    inward, inward_other = _pair(seed + 2, halves, n + 1)
    return {
        "w": built(written, s, inward).astype(dtype),
        "w_next": built(orthogonal(rng, n, R), s, read).astype(dtype),
        "other": built(read, s, inward_other).astype(dtype),
        "k": k,
        "left": np.sort(np.cos(angles))[::-1].copy(),
        "right": np.sort(np.cos(halves))[::-1].copy(),
        "loose": looseness(s, k),
    }


def drawn_pair(seed: int, k: int, equal: bool):
    return plain_pair(seed, tuple(np.random.default_rng(seed).uniform(0.1, 1.4, k)), equal)


PAIRS = Cases(
    named={
        "equal_values": plain_pair(0, (0.3, 1.0)),
        "line": plain_pair(1, (0.8,)),
        "three": plain_pair(2, (0.2, 0.5, 1.3)),
        "different_values": plain_pair(3, (0.3, 1.0), equal=False),
        "same": plain_pair(4, (0.0, 0.0)),
        "single_precision": plain_pair(5, (0.3, 1.1), dtype=np.float32),
    },
    generated=drawn(drawn_pair, k=size(1, 3), equal=one_of(True, False)),
    notes={"equal_values": "the vectors are arbitrary, the plane that they span is not"},
)


@law(
    cases=PAIRS,
    needs=("alignment_cosines",),
    grade="numerical",
    equation=r"s(V_{i+1, k}^\top U_{i, k})",
    source=ANGLES,
)
def planes_that_layers_share(impl, case):
    """The top k directions written and read are at the angles from which the layers were made, equal values or not."""
    got = np.asarray(impl.alignment_cosines(case["w"], case["w_next"], case["k"]))
    agree(got, case["left"].astype(case["w"].dtype), why="the cosines", **turning(case))
    itself = np.asarray(impl.alignment_cosines(case["w"], np.ascontiguousarray(case["w"].T), case["k"]))
    agree(itself, np.ones(case["k"], case["w"].dtype), why="W and W^T", **turning(case))


@law(cases=LAYERS, needs=("alignment_cosines",), grade="numerical", source=ANGLES)
def cosines_of_the_first_columns(impl, case):
    """With different values the squared cosines sum to the squares of the leading block of the alignment."""
    if case["embedding"]:
        return
    k = case["k"]
    block = case["read"][:, :k].T @ case["written"][:, :k]
    got = np.asarray(impl.alignment_cosines(case["w"], case["w_next"], k)).astype(np.float64)
    tolerance = turning(case)
    ulps = 4 * k * tolerance["ulps"] * np.finfo(case["w"].dtype).eps / np.finfo(float).eps
    agree(np.sum(got * got), np.sum(block * block), why="the sum of squares", ulps=ulps, scale=tolerance["scale"])


@law(
    cases=PAIRS,
    needs=("agreement_cosines",),
    grade="numerical",
    equation=r"s(U_k^\top U'_k), \quad s(V_k^\top V'_k)",
    source=ANGLES,
)
def planes_that_versions_share(impl, case):
    """Outputs and inputs are at the angles from which the versions were made; a version shares its own planes."""
    left, right = impl.agreement_cosines(case["w"], case["other"], case["k"])
    dtype = case["w"].dtype
    agree(np.asarray(left), case["left"].astype(dtype), why="outputs", **turning(case))
    agree(np.asarray(right), case["right"].astype(dtype), why="inputs", **turning(case))
    for got in impl.agreement_cosines(case["w"], (-2 * case["w"]).astype(dtype), case["k"]):
        agree(np.asarray(got), np.ones(case["k"], dtype), why="with -2 W", **turning(case))


@law(cases=VERSIONS, needs=("agreement_cosines",), grade="numerical", source=ANGLES)
def both_sides_of_the_first_columns(impl, case):
    """With different values the squared cosines of each side sum to the squares of its leading block."""
    k, got = case["k"], impl.agreement_cosines(case["w"], case["other"], case["k"])
    tolerance = turning(case)
    ulps = 4 * k * tolerance["ulps"] * np.finfo(case["w"].dtype).eps / np.finfo(float).eps
    for side, found in zip(("u", "v"), got, strict=True):
        block = case[side][:, :k].T @ case[f"{side}_other"][:, :k]
        found = np.asarray(found).astype(np.float64)
        agree(np.sum(found * found), np.sum(block * block), why=f"side {side}", ulps=ulps, scale=tolerance["scale"])


# --- contracts -------------------------------------------------------------------------------------------------------
ANGLE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "subspace_cosines",
        ("a", "b"),
        ("cosines",),
        PLANES,
        "The cosines of the principal angles between two subspaces.",
        laws=(cosines_of_the_angles, sums_and_products_of_cosines),
        planted=bugs_of("subspace_cosines"),
    ),
    Contract(
        "alignment_cosines",
        ("w", "w_next", "k"),
        ("cosines",),
        PAIRS,
        "The principal cosines between the top directions that a layer writes and the next one reads.",
        laws=(planes_that_layers_share, cosines_of_the_first_columns),
        planted=bugs_of("alignment_cosines"),
    ),
    Contract(
        "agreement_cosines",
        ("w", "other", "k"),
        ("left", "right"),
        PAIRS,
        "The principal cosines between the top directions of two versions of a weight.",
        laws=(planes_that_versions_share, both_sides_of_the_first_columns),
        planted=bugs_of("agreement_cosines"),
    ),
)
