"""Planted bugs of weights as matrices, and of the alignment of consecutive layers."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _flat(w):
    w = np.asarray(w)
    return w.reshape(len(w), -1)


def _svd(w):
    u, s, vt = np.linalg.svd(_flat(w), full_matrices=False)
    return u, s, vt.T


# --- weights as matrices ---------------------------------------------------------------------------------------------
@planted("as_matrix")
def columns_first(ref):
    """Kernels are flattened as (c_out c_in, kh kw)."""
    return lambda w: w.reshape(-1, int(np.prod(w.shape[2:]))) if w.ndim > 2 else ref.as_matrix(w)


@planted("as_matrix")
def taps_before_channels(ref):
    """The columns of a kernel run over taps first."""
    return lambda w: np.moveaxis(w, 1, -1).reshape(len(w), -1)


@planted("as_matrix")
def outputs_last(ref):
    """A matrix is taken for (in, out) and turned over."""
    return lambda w: ref.as_matrix(w).T


@planted("as_matrix")
def memory_order(ref):
    """Entries are taken as they lie in memory."""
    return lambda w: w.ravel(order="K").reshape(len(w), -1)


@planted("as_matrix")
def taps_averaged(ref):
    """The taps of a kernel are averaged."""
    return lambda w: w.mean(axis=tuple(range(2, w.ndim))) if w.ndim > 2 else ref.as_matrix(w)


@planted("as_matrix")
def always_double(ref):
    """Single precision becomes double."""
    return lambda w: ref.as_matrix(w).astype(np.float64)


@planted("singular_values")
def eigenvalues(ref):
    """Eigenvalues of W W^T, without the root."""
    return lambda w: ref.singular_values(w) ** 2


@planted("singular_values")
def ascending(ref):
    """In ascending order, as eigvalsh gives them."""
    return lambda w: np.ascontiguousarray(ref.singular_values(w)[::-1])


@planted("singular_values")
def eigenvalues_of_a_square(ref):
    """Magnitudes of eigenvalues where W is square."""

    def singular_values(w):
        w = _flat(w)
        if w.shape[0] != w.shape[1]:
            return ref.singular_values(w)
        return np.sort(np.abs(np.linalg.eigvals(w)))[::-1].astype(w.dtype)

    return singular_values


@planted("singular_values")
def padded_with_zeros(ref):
    """As many values as the longer side has entries."""

    def singular_values(w):
        s = ref.singular_values(w)
        return np.append(s, np.zeros(max(_flat(w).shape) - len(s), s.dtype))

    return singular_values


@planted("singular_values")
def shares_of_values(ref):
    """Divided by their sum."""
    return lambda w: ref.singular_values(w) / ref.singular_values(w).sum()


@planted("singular_values")
def kernels_tap_by_tap(ref):
    """Of a kernel, the values of the sum over its taps."""
    return lambda w: ref.singular_values(w.sum(axis=tuple(range(2, w.ndim))) if w.ndim > 2 else w)


@planted("singular_values")
def eps_added(ref):
    """1e-10 is added, as a number before it has done in place."""
    return lambda w: ref.singular_values(w) + w.dtype.type(1e-10)


@planted("singular_values")
def centred(ref):
    """The mean of each column is taken away first, as in principal components."""
    return lambda w: ref.singular_values(_flat(w) - _flat(w).mean(axis=0))


# --- consecutive layers ----------------------------------------------------------------------------------------------
def _aligned(parts):
    """The alignment from other parts of the two decompositions, of a kernel at its centre."""

    def wrong(w, w_next, embedding=False, skip=False):
        w_next = np.asarray(w_next)
        one, two = _svd(w), _svd(w_next)
        read = two[2].reshape(w_next.shape[1], *w_next.shape[2:], -1)
        two = (two[0], two[1], read[(slice(None), *(n // 2 for n in w_next.shape[2:]))])
        return parts(one[::-1] if embedding else one, two)

    return wrong


@planted("alignment_matrix")
def signs_kept(ref):
    """No absolute value: the sign is the solver's choice."""
    return _aligned(lambda one, two: two[2].T @ one[0])


@planted("alignment_matrix")
def squares_of_cosines(ref):
    """Squared cosines."""
    return _aligned(lambda one, two: (two[2].T @ one[0]) ** 2)


@planted("alignment_matrix")
def turned_over(ref):
    """U^T V instead of V^T U: rows belong to the first layer."""
    return _aligned(lambda one, two: np.abs(one[0].T @ two[2]))


@planted("alignment_matrix")
def v_of_the_first(ref):
    """V of the first layer in the place of U, where the sizes allow it."""
    return lambda w, w_next, embedding=False, skip=False: ref.alignment_matrix(
        w, w_next, np.shape(w)[0] == np.shape(w)[1] or embedding, skip
    )


@planted("alignment_matrix")
def u_of_the_next(ref):
    """U of the next layer in the place of V, where the sizes allow it."""
    return _aligned(lambda one, two: np.abs((two[0] if len(two[0]) == len(one[0]) else two[2]).T @ one[0]))


@planted("alignment_matrix")
def v_not_transposed(ref):
    """V where V^T is meant: what a solver calls V is already transposed."""

    def parts(one, two):
        square = two[2].shape[0] == two[2].shape[1]
        return np.abs((two[2] if square else two[2].T) @ one[0])

    return _aligned(parts)


@planted("alignment_matrix")
def weighted_by_values(ref):
    """Directions count by their singular values: the parts of the product of the layers."""
    return _aligned(lambda one, two: np.abs((two[2] * two[1]).T @ (one[0] * one[1])))


@planted("alignment_matrix")
def embeddings_as_layers(ref):
    """The flag for embeddings is ignored."""

    def alignment_matrix(w, w_next, embedding=False, skip=False):
        w = np.asarray(w)
        return ref.alignment_matrix(w.T if embedding and w.shape[0] != w.shape[1] else w, w_next, False, skip)

    return alignment_matrix


@planted("alignment_matrix")
def corner_tap(ref):
    """Of a kernel the first tap."""

    def alignment_matrix(w, w_next, embedding=False, skip=False):
        w = np.asarray(w)
        taps = ref.tap_alignments(w.T if embedding else w, w_next)
        return taps[(0,) * (taps.ndim - 2)]

    return alignment_matrix


@planted("alignment_matrix")
def tap_before_the_centre(ref):
    """Of a kernel of even size the tap before the middle."""

    def alignment_matrix(w, w_next, embedding=False, skip=False):
        w = np.asarray(w)
        taps = ref.tap_alignments(w.T if embedding else w, w_next)
        return taps[tuple((n - 1) // 2 for n in taps.shape[:-2])]

    return alignment_matrix


# --- taps ------------------------------------------------------------------------------------------------------------
def _taps(cut):
    """Taps from another way to cut the right singular vectors: cut(V^T, shape) -> (..., R', channels)."""

    def wrong(w, w_next):
        w_next = np.asarray(w_next)
        left, read = _svd(w)[0], _svd(w_next)[2].T
        return np.abs(cut(read, w_next.shape) @ left)

    return wrong


@planted("tap_alignments")
def cut_as_taps_by_channels(ref):
    """The flat vector is cut as if taps came before channels."""
    return _taps(lambda read, shape: np.moveaxis(read.reshape(len(read), *shape[2:], shape[1]), 0, -2))


@planted("tap_alignments")
def taps_turned_by_half(ref):
    """Taps in reverse, as of a convolution in the strict sense."""

    def tap_alignments(w, w_next):
        taps = ref.tap_alignments(w, w_next)
        return np.flip(taps, tuple(range(taps.ndim - 2))).copy()

    return tap_alignments


@planted("tap_alignments")
def tap_matrices_decomposed(ref):
    """Each tap is decomposed by itself."""

    def tap_alignments(w, w_next):
        w_next = np.asarray(w_next)
        R = min(w_next.shape[0], w_next[0].size)
        left = _svd(w)[0]
        taps = np.zeros((*w_next.shape[2:], R, left.shape[1]), w_next.dtype)
        for place in np.ndindex(*w_next.shape[2:]):
            read = _svd(w_next[(slice(None), slice(None), *place)])[2].T
            taps[place][: len(read)] = np.abs(read @ left)[:R]
        return taps

    return tap_alignments


@planted("tap_alignments")
def height_and_width_exchanged(ref):
    """The two axes of the kernel change places."""

    def tap_alignments(w, w_next):
        taps = ref.tap_alignments(w, w_next)
        return np.swapaxes(taps, 0, 1).copy() if taps.ndim == 4 else taps

    return tap_alignments


@planted("tap_alignments")
def tap_signs_kept(ref):
    """No absolute value."""

    def tap_alignments(w, w_next):
        w_next = np.asarray(w_next)
        left, read = _svd(w)[0], _svd(w_next)[2].T
        return np.moveaxis(read.reshape(-1, *w_next.shape[1:]), (0, 1), (-2, -1)) @ left

    return tap_alignments


@planted("tap_alignments")
def taps_normalised(ref):
    """The part of a vector in each tap is made a unit vector."""

    def cut(read, shape):
        parts = np.moveaxis(read.reshape(-1, *shape[1:]), (0, 1), (-2, -1))
        return parts / np.linalg.norm(parts, axis=-1, keepdims=True)

    return _taps(cut)


@planted("tap_alignments")
def tap_rows_exchanged(ref):
    """Rows belong to the first layer."""
    return lambda w, w_next: np.ascontiguousarray(ref.tap_alignments(w, w_next).mT)


@planted("tap_alignments")
def summed_over_taps(ref):
    """Every tap shows the sum over all of them."""

    def tap_alignments(w, w_next):
        taps = ref.tap_alignments(w, w_next)
        return np.broadcast_to(taps.sum(axis=tuple(range(taps.ndim - 2))), taps.shape).copy()

    return tap_alignments


# --- heads -----------------------------------------------------------------------------------------------------------
@planted("head_alignments")
def heads_interleaved(ref):
    """Every h-th row belongs to head h."""

    def head_alignments(query, key, heads):
        query, key = (w.reshape(-1, heads, w.shape[1]).swapaxes(0, 1).reshape(w.shape) for w in (query, key))
        return ref.head_alignments(query, key, heads)

    return head_alignments


@planted("head_alignments")
def input_directions(ref):
    """V in the place of U: what queries and keys read instead of where they meet."""

    def head_alignments(query, key, heads):
        q, k = (np.linalg.svd(w.reshape(heads, -1, w.shape[1]), full_matrices=False)[2] for w in (query, key))
        return np.abs(q @ k.mT)

    return head_alignments


@planted("head_alignments")
def keys_in_rows(ref):
    """U_k^T U_q."""
    return lambda query, key, heads: ref.head_alignments(key, query, heads)


@planted("head_alignments")
def heads_signed(ref):
    """No absolute value."""

    def head_alignments(query, key, heads):
        q, k = (np.linalg.svd(w.reshape(heads, -1, w.shape[1]), full_matrices=False)[0] for w in (query, key))
        return q.mT @ k

    return head_alignments


@planted("head_alignments")
def first_head_for_all(ref):
    """Keys of the first head serve every query."""

    def head_alignments(query, key, heads):
        first = key[: len(key) // heads]
        return ref.head_alignments(query, np.concatenate([first] * heads), heads)

    return head_alignments


@planted("head_alignments")
def whole_matrices_decomposed(ref):
    """Queries and keys are decomposed before they are cut into heads."""

    def head_alignments(query, key, heads):
        width, R = len(query) // heads, min(len(query) // heads, query.shape[1])
        q, k = (_svd(w)[0].reshape(heads, width, -1)[:, :, :R] for w in (query, key))
        return np.abs(q.mT @ k)

    return head_alignments


@planted("head_alignments")
def product_decomposed(ref):
    """The directions of q^T k, decomposed as one matrix."""

    def head_alignments(query, key, heads):
        q, k = (w.reshape(heads, -1, w.shape[1]) for w in (query, key))
        R = min(q.shape[1:])
        u, _, vt = np.linalg.svd(q @ k.mT)
        return np.abs(u[:, :, :R].mT @ vt.mT[:, :, :R])

    return head_alignments


@planted("head_alignments")
def averaged_over_heads(ref):
    """The mean over the heads, for each."""

    def head_alignments(query, key, heads):
        each = ref.head_alignments(query, key, heads)
        return np.broadcast_to(each.mean(axis=0), each.shape).copy()

    return head_alignments
