r"""DTW between degree sequences in float32: the functions of `minidl_kernels.simd_dtw`, 16 comparisons in a vector.

How far it is from exact. Let u = 2^-24, and p and r be the lengths of two sequences. A cost |a - b| / (min(a, b) +
epsilon) is computed in float64 and rounded once to float32, a count is rounded once, and a cell is cost * count +
min(...), fused, rounded once. A path through the table has at most p + r - 1 cells, so that its first term goes through
p + r + 1 roundings and the others through fewer; all terms are at least 0, so the sum errs by no more than a term may.
Rounding never changes the order of two numbers, hence the result is the smallest of all paths' sums, each of them off by
that much at most. Layers are added up in float64, and f is rounded once. Together, with n = p + r + 2 for the longest
sequences of a pair,

    |f - exact| <= n u / (1 - n u) exact

but for the roundings of float64, which are 2^29 times smaller. 0 stays 0, and infinity (an empty ring) infinity; f never
falls from layer to layer; the order of a pair, its neighbours in the list and the number of threads change no bit.

Where the processor lacks AVX-512 results are those of float64, rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels import dtw as plain
from minidl_kernels.dtw import Sequences, degree_sequences
from minidl_kernels.simd_dtw import available, fill

__all__ = ["available", "degree_sequences", "pair_distances", "structural_distances"]


def pair_distances(degrees: Any, counts: Any, offsets: Any, first: Any, pairs: Any, epsilon: float = 0.0) -> np.ndarray:
    """f_k(u, v) of the pairs (P, 2) in every layer, (P, L) float32; infinity where a ring is empty.

    As `minidl_kernels.dtw.pair_distances`, with the error at the top of this file. Raises ValueError as well where
    degrees, counts or epsilon are such that a distance might not fit into float32.
    """
    sequences, pairs, f, epsilon = plain.checked(degrees, counts, offsets, first, pairs, epsilon)
    _fits(sequences, f.shape[1], epsilon)
    if not available():
        return plain.pair_distances(*sequences, pairs, epsilon).astype(np.float32)
    f = f.astype(np.float32)
    fill(f, sequences, pairs, epsilon)
    return f


def structural_distances(
    indptr: Any, indices: Any, pairs: Any, epsilon: float = 0.0, compress: bool = False, until_layer: int | None = None
) -> np.ndarray:
    """f_k(u, v) straight from a graph in CSR form, (P, L) float32: `degree_sequences`, then `pair_distances`."""
    return pair_distances(*degree_sequences(indptr, indices, compress, until_layer), pairs, epsilon)


def _fits(sequences: Sequences, layers: int, epsilon: float) -> None:
    """ValueError if a distance may be too large for float32, or a cost above 0 too small."""
    degrees, counts, offsets, _ = sequences
    low, high = float(degrees.min()), float(degrees.max())
    longest = 2.0 * np.diff(offsets).max() * layers  # the longest path through all layers
    largest = max(high - low, 1.0) / (low + epsilon) * counts.max() * longest
    smallest = 1.0 / (high + epsilon)
    info = np.finfo(np.float32)
    if largest > float(info.max) / 2 or smallest < 2 * float(info.tiny):
        raise ValueError(
            f"distances of degrees {low:g} to {high:g} with epsilon {epsilon:g} may be as large as {largest:.3g}, and costs "
            f"as small as {smallest:.3g}, beyond float32: use float64"
        )
