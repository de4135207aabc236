"""Laws of weights as matrices and of the singular vectors of consecutive layers."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.spectral_dynamics.cases import (
    CONVOLUTIONS,
    HEADS,
    LAYERS,
    PAPER,
    TURNED,
    WEIGHTS,
    turning,
    worked,
)
from minidl.laws.spectral_dynamics.oracle import orthogonal
from minidl.laws.spectral_dynamics.planted import bugs_of

PAIR = ("w", "w_next", "embedding")


# --- weights as matrices ---------------------------------------------------------------------------------------------
@law(
    cases=WEIGHTS,
    needs=("as_matrix",),
    grade="exact",
    equation=r"(\mathrm{matrix}(K)\, \mathrm{vec}(x))_o = \sum_{c, i, j} K_{o c i j} x_{c i j}",
    source=PAPER,
)
def kernels_are_rows(impl, case):
    """Row o of the matrix holds what output o multiplies its inputs with, channel by channel; a matrix is itself."""
    got, w = np.asarray(impl.as_matrix(case["w"])), case["w"]
    rows = [list(np.asarray(w[o]).ravel(order="C")) for o in range(w.shape[0])]
    identical(got, np.array(rows, dtype=w.dtype), why="the rows")


@law(
    cases=WEIGHTS,
    needs=("singular_values",),
    grade="numerical",
    equation=r"W = U D V^\top",
    source=PAPER,
)
def values_that_it_was_made_of(impl, case):
    """The singular values, descending, are those from which the weight was put together."""
    want = case["s"].astype(case["w"].dtype)
    longest = max(case["w"].shape[0], case["w"][0].size)
    # values move by no more than the matrix does: as `turning`, without the gap
    agree(np.asarray(impl.singular_values(case["w"])), want, why="s", ulps=16 * longest, scale=case["s"][0])


@law(
    cases=WEIGHTS,
    needs=("singular_values",),
    grade="numerical",
    equation=r"s(W^\top) = s(W), \quad s(c W) = |c| s(W), \quad \sum s^2 = \sum W_{ij}^2",
    source="definition",
)
def values_of_relatives(impl, case):
    """Turned over the weight has the same values, negated and doubled twice them; their squares sum to its entries'."""
    flat = case["w"].reshape(len(case["w"]), -1)
    want = np.asarray(impl.singular_values(flat))
    longest, size = max(flat.shape), float(case["s"][0])
    agree(np.asarray(impl.singular_values(flat.T)), want, why="W^T", ulps=32 * longest, scale=size)
    agree(np.asarray(impl.singular_values(-2 * flat)), 2 * want, why="-2 W", ulps=64 * longest, scale=size)
    squares = math.fsum(float(x) ** 2 for x in flat.ravel())
    got = want.dtype.type(math.fsum(float(x) ** 2 for x in want))
    agree(got, want.dtype.type(squares), why="the sum of squares", ulps=64 * longest * len(want), scale=squares)


# --- consecutive layers ----------------------------------------------------------------------------------------------
def _aligned(impl, case, **changed):
    return np.asarray(impl.alignment_matrix(*((case | changed)[name] for name in PAIR)))


def _as_layer(case):
    """The first weight as (hidden, inputs), also where it is an embedding."""
    return case["w"].T if case["embedding"] else case["w"]


@law(cases=LAYERS, needs=("alignment_matrix",), grade="numerical", equation=r"A = |V_{i+1}^\top U_i|", source=PAPER)
def cosines_of_the_directions(impl, case):
    """Row j, column k is the cosine between what w_next reads j-th and what w writes k-th, without its sign."""
    want = np.abs(case["read"].T @ case["written"]).astype(case["w"].dtype)
    agree(_aligned(impl, case), want, why="the alignment", **turning(case))


@law(
    cases=LAYERS,
    needs=("alignment_matrix",),
    grade="numerical",
    equation=r"0 \le A \le 1, \quad \sum_k A_{jk}^2 = 1 \text{ if } U_i \text{ is square}",
    source=PAPER,
)
def rows_of_an_orthogonal_matrix(impl, case):
    """Entries lie in [0, 1], no row has more than the norm 1, and each has exactly that where w writes everywhere."""
    got = _aligned(impl, case).astype(np.float64)
    hidden, rank = case["written"].shape
    slack = 8 * hidden * np.finfo(case["w"].dtype).eps  # columns are orthonormal up to a few n eps, and so are rows
    holds(bool((got >= 0).all() and (got <= 1 + slack).all()), why="entries in [0, 1]", got=got)
    squares = (got * got).sum(axis=1)
    holds(bool((squares <= 1 + 4 * slack).all()), why="squares of a row", got=squares)
    if rank == hidden:
        ulps = 32 * hidden * np.finfo(case["w"].dtype).eps / np.finfo(float).eps
        agree(squares, np.ones(len(squares)), why="squares of a row", ulps=ulps)


@law(
    cases=LAYERS,
    needs=("alignment_matrix",),
    grade="numerical",
    equation=r"A(Q W_i P, S W_{i+1} Q^\top) = A(W_i, W_{i+1})",
    source=PAPER,
)
def rotations_around_cancel(impl, case):
    """A rotation of the space between the layers, or of inputs and outputs around them, changes nothing."""
    rng = np.random.default_rng(len(case["w"]))
    w, w_next = _as_layer(case), case["w_next"]
    Q, P, S = (orthogonal(rng, n, n).astype(w.dtype) for n in (*w.shape, len(w_next)))
    want = _aligned(impl, case)
    for name, one, other in (("Q W_i, W_{i+1} Q^T", Q @ w, w_next @ Q.T), ("W_i P, S W_{i+1}", w @ P, S @ w_next)):
        got = _aligned(impl, case, w=one.T if case["embedding"] else one, w_next=other)
        tolerance = turning(case)
        agree(got, want, why=name, ulps=4 * tolerance["ulps"], scale=tolerance["scale"])  # three more products


@law(
    cases=LAYERS,
    needs=("alignment_matrix",),
    grade="numerical",
    equation=r"A(c W_i, d W_{i+1}) = A(W_i, W_{i+1})",
    source="decay without a gradient",
)
def decay_alone_aligns_nothing(impl, case):
    """Weights that only shrink, or change their signs, keep their alignment."""
    want = _aligned(impl, case)
    got = _aligned(impl, case, w=-0.5 * case["w"], w_next=0.125 * case["w_next"])
    tolerance = turning(case)
    agree(got, want, why="shrunk weights", ulps=2 * tolerance["ulps"], scale=tolerance["scale"])


@law(
    cases=LAYERS,
    needs=("alignment_matrix",),
    grade="numerical",
    equation=r"A(W, W^\top) = I, \quad A(E, \cdot)_{\text{embedding}} = A(E^\top, \cdot)",
    source="definition",
)
def a_layer_reads_itself_in_order(impl, case):
    """A layer followed by its own transpose is perfectly aligned; an embedding is a layer turned over."""
    w = _as_layer(case)
    first = _aligned(impl, case, w=w, w_next=w.T, embedding=False)
    agree(first, np.eye(len(first)).astype(w.dtype), why="W and W^T", **turning(case))
    turned = _aligned(impl, case, w=w.T, w_next=case["w_next"], embedding=True)
    want = _aligned(impl, case, w=w, w_next=case["w_next"], embedding=False)
    tolerance = turning(case)
    agree(turned, want, why="the embedding", ulps=2 * tolerance["ulps"], scale=tolerance["scale"])


@law(cases=LAYERS, needs=("alignment_matrix",), grade="numerical", source=PAPER)
def kernels_align_by_their_centre(impl, case):
    """A kernel that is 0 but at its centre n // 2 is aligned as the matrix there; left out, w is no embedding."""
    want, w_next = _aligned(impl, case), case["w_next"]
    tolerance = turning(case)
    for shape in ((1, 1), (3, 3), (2, 4), (5,)):
        kernel = np.zeros((*w_next.shape, *shape), w_next.dtype)
        kernel[(..., *(n // 2 for n in shape))] = w_next
        # beyond R_next there are more singular vectors, of values that are 0
        got = _aligned(impl, case, w_next=kernel)[: len(want)]
        agree(got, want, why=f"a kernel {shape}", ulps=2 * tolerance["ulps"], scale=tolerance["scale"])
    plain = np.asarray(impl.alignment_matrix(_as_layer(case), w_next))
    agree(plain, want, why="embedding left out", ulps=2 * tolerance["ulps"], scale=tolerance["scale"])


# --- taps ------------------------------------------------------------------------------------------------------------
def _tap_vectors(case):
    """read (channels taps, R) as (*kernel, channels, R): channels first in the flat form."""
    channels, *kernel = case["w_next"].shape[1:]
    parts = case["read"].reshape(channels, *kernel, -1)
    return np.moveaxis(parts, 0, -2)


@law(
    cases=CONVOLUTIONS,
    needs=("tap_alignments",),
    grade="numerical",
    equation=r"A^{(t)}_{jk} = \bigl|\sum_c V_{(c, t) j} U_{c k}\bigr|",
    source=PAPER,
)
def cosines_tap_by_tap(impl, case):
    """Each tap of the right singular vectors, in the order of the flat kernel, meets what w writes."""
    want = np.abs(np.einsum("...cj,ck->...jk", _tap_vectors(case), case["written"])).astype(case["w"].dtype)
    agree(np.asarray(impl.tap_alignments(case["w"], case["w_next"])), want, why="the taps", **turning(case))


@law(
    cases=CONVOLUTIONS,
    needs=("tap_alignments",),
    grade="numerical",
    equation=r"\sum_t \sum_k (A^{(t)}_{jk})^2 = 1 \text{ if } U \text{ is square}",
    source="Parseval",
)
def taps_share_a_unit(impl, case):
    """Over all taps a direction of w_next has the squared norm 1 within what w writes, at most."""
    got = np.asarray(impl.tap_alignments(case["w"], case["w_next"])).astype(np.float64)
    squares = (got * got).sum(axis=-1).reshape(-1, got.shape[-2]).sum(axis=0)
    channels, rank = case["written"].shape
    eps = np.finfo(case["w"].dtype).eps
    slack = 32 * case["read"].shape[0]
    if rank == channels:
        agree(squares, np.ones(len(squares)), why="the sum of squares", ulps=slack * eps / np.finfo(float).eps)
    holds(bool((squares <= 1 + slack * eps).all()), why="at most 1", got=squares)


@law(
    cases=CONVOLUTIONS,
    needs=("tap_alignments",),
    grade="numerical",
    equation=r"K'_{o c t} = K_{o c \pi(t)} \Rightarrow A'^{(t)} = A^{(\pi t)}",
    source="permutation of columns",
)
def taps_that_move_take_their_alignment_along(impl, case):
    """A kernel turned by half has the taps of the kernel, turned by half; a matrix has one tap."""
    axes = tuple(range(2, case["w_next"].ndim))
    want = np.asarray(impl.tap_alignments(case["w"], case["w_next"]))
    flipped = np.asarray(impl.tap_alignments(case["w"], np.flip(case["w_next"], axes)))
    tolerance = turning(case)
    agree(
        np.flip(flipped, tuple(range(len(axes)))),
        want,
        why="taps",
        ulps=2 * tolerance["ulps"],
        scale=tolerance["scale"],
    )


# --- heads -----------------------------------------------------------------------------------------------------------
def _heads(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.head_alignments(case["query"], case["key"], case["heads"]))


@law(cases=HEADS, needs=("head_alignments",), grade="numerical", equation=r"|U_q^\top U_k|", source=PAPER)
def queries_meet_keys_head_by_head(impl, case):
    """Each head compares the output directions of its own rows of queries and keys."""
    pairs = zip(case["turned_q"], case["turned_k"], strict=True)
    want = np.abs(np.stack([q.T @ k for q, k in pairs])).astype(case["query"].dtype)
    agree(_heads(impl, case), want, why="the heads", **turning(case))


@law(
    cases=HEADS,
    needs=("head_alignments",),
    grade="numerical",
    equation=r"A(k, q) = A(q, k)^\top, \quad A(q, q) = I",
    source="definition",
)
def keys_for_queries(impl, case):
    """Exchanged, queries and keys give the transposed matrices; equal ones are aligned; heads keep to themselves."""
    want, tolerance = _heads(impl, case), turning(case)
    doubled = {"ulps": 2 * tolerance["ulps"], "scale": tolerance["scale"]}
    agree(_heads(impl, case, query=case["key"], key=case["query"]), want.mT, why="exchanged", **doubled)
    same = _heads(impl, case, key=case["query"])
    agree(same, np.broadcast_to(np.eye(same.shape[-1], dtype=want.dtype), same.shape), why="queries twice", **doubled)
    heads = case["heads"]
    swapped = {
        name: case[name].reshape(heads, -1, case[name].shape[1])[::-1].reshape(case[name].shape)
        for name in ("query", "key")
    }
    agree(_heads(impl, case, **swapped), want[::-1], why="heads in reverse", **doubled)


# --- contracts -------------------------------------------------------------------------------------------------------
_COS, _SIN = 0.8660254037844387, 0.5

VECTOR_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "as_matrix",
        ("w",),
        ("matrix",),
        WEIGHTS,
        "A weight as a matrix: kernels flattened to a row per output.",
        laws=(kernels_are_rows,),
        planted=bugs_of("as_matrix"),
    ),
    Contract(
        "singular_values",
        ("w",),
        ("s",),
        WEIGHTS,
        "The singular values of a weight, descending.",
        laws=(values_that_it_was_made_of, values_of_relatives),
        planted=bugs_of("singular_values"),
        golden=(
            worked(
                "singular_values",
                {"w": np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]])},
                {"s": [2.4494897428, 1.0]},
                digits=10,
                note="W W^T = [[5, 2], [2, 2]] has eigenvalues 6 and 1",
            ),
        ),
    ),
    Contract(
        "alignment_matrix",
        PAIR,
        ("alignment",),
        Cases(
            named=dict(LAYERS.named) | {f"kernel_{name}": case for name, case in CONVOLUTIONS.named.items()},
            generated=LAYERS.generated,
            notes=LAYERS.notes,
        ),
        "The cosines between the directions that a layer writes and those that the next one reads.",
        laws=(
            cosines_of_the_directions,
            rows_of_an_orthogonal_matrix,
            rotations_around_cancel,
            decay_alone_aligns_nothing,
            a_layer_reads_itself_in_order,
            kernels_align_by_their_centre,
        ),
        planted=bugs_of("alignment_matrix"),
        golden=(
            worked(
                "alignment_matrix",
                TURNED,
                {"alignment": [[_COS, _SIN], [_SIN, _COS]]},
                digits=10,
                note="two diagonal layers, turned against each other by 30 degrees",
            ),
        ),
    ),
    Contract(
        "tap_alignments",
        ("w", "w_next"),
        ("taps",),
        CONVOLUTIONS,
        "The alignment of each tap of a kernel with the layer before it.",
        laws=(cosines_tap_by_tap, taps_share_a_unit, taps_that_move_take_their_alignment_along),
        planted=bugs_of("tap_alignments"),
    ),
    Contract(
        "head_alignments",
        ("query", "key", "heads"),
        ("heads",),
        HEADS,
        "The alignment of queries with keys in each attention head.",
        laws=(queries_meet_keys_head_by_head, keys_for_queries),
        planted=bugs_of("head_alignments"),
    ),
)
