"""In how many places do two rows of bits differ? Three kernels in plain Numba.

All give X[i, j] = |a_i ^ b_j| as int32, for a (M, words) uint64:

* `count_rows`: for each pair of rows, count word by word. LLVM recognises the arithmetic of `packing.ones` as a
  population count, and takes several words at a time where the processor has vectors for that.
* `count_blocks`: 64 rows of b side by side in a *panel*, so that the innermost loop runs over neighbours in memory with
  one word of a held fixed, and each loaded word of a serves 64 products.
* `count_carry_save`: a full adder on words adds three bits in each of 64 columns at once. Seven of them turn eight
  words into one of weight 8, and only that one is counted: an eighth of the counts, where counting is what costs.

Harley and Seal's carry-save count is described in Warren, "Hacker's Delight", 2nd edition, 2012, section 5-2, and in
Muła, Kurz, Lemire, "Faster Population Counts Using AVX2 Instructions", The Computer Journal 2018.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from minidl_kernels.packing import ones

_U = np.uint64


@njit(cache=True, nogil=True)
def count_rows(a, b):
    """a (M, words), b (N, words): X (M, N) int32, one pair of rows after the other."""
    X = np.empty((a.shape[0], b.shape[0]), np.int32)
    for i in range(a.shape[0]):
        x = a[i]
        for j in range(b.shape[0]):
            y, total = b[j], _U(0)
            for k in range(x.size):
                total += ones(x[k] ^ y[k])
            X[i, j] = total
    return X


@njit(cache=True, nogil=True)
def count_blocks(a, words, N):
    """a (M, words), panels (P, words, T) of N rows: X (M, N) int32, T products at a time."""
    width = words.shape[2]
    X = np.empty((a.shape[0], N), np.int32)
    total = np.empty(width, np.uint64)
    for p in range(words.shape[0]):
        for i in range(a.shape[0]):
            total[:] = 0
            for k in range(a.shape[1]):
                x, y = a[i, k], words[p, k]
                for j in range(width):
                    total[j] += ones(x ^ y[j])
            for j in range(min(width, N - p * width)):
                X[i, p * width + j] = total[j]
    return X


@njit(cache=True, inline="always")
def add_three(total, x, y):
    """A full adder in each bit: total + x + y = sum + 2 carry. The carry is y where total and x differ, else total."""
    t = total ^ x
    return t ^ y, (t & y) | (~t & total)


@njit(cache=True, nogil=True)
def count_carry_save(a, words, N):
    """As `count_blocks`, with eight words to a count: what is left over waits in `one`, `two` and `four`."""
    length, width = a.shape[1], words.shape[2]
    X = np.empty((a.shape[0], N), np.int32)
    one, two, four, total = np.empty((4, width), np.uint64)
    for p in range(words.shape[0]):
        for i in range(a.shape[0]):
            x = a[i]
            one[:], two[:], four[:], total[:] = 0, 0, 0, 0
            for k in range(0, length - 7, 8):
                x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
                x4, x5, x6, x7 = x[k + 4], x[k + 5], x[k + 6], x[k + 7]
                y0, y1, y2, y3 = words[p, k], words[p, k + 1], words[p, k + 2], words[p, k + 3]
                y4, y5, y6, y7 = words[p, k + 4], words[p, k + 5], words[p, k + 6], words[p, k + 7]
                for j in range(width):
                    s1, c1 = add_three(one[j], x0 ^ y0[j], x1 ^ y1[j])  # carries c weigh 2, d weigh 4, e weighs 8
                    s1, c2 = add_three(s1, x2 ^ y2[j], x3 ^ y3[j])
                    s2, d1 = add_three(two[j], c1, c2)
                    s1, c1 = add_three(s1, x4 ^ y4[j], x5 ^ y5[j])
                    s1, c2 = add_three(s1, x6 ^ y6[j], x7 ^ y7[j])
                    s2, d2 = add_three(s2, c1, c2)
                    s4, e = add_three(four[j], d1, d2)
                    one[j], two[j], four[j] = s1, s2, s4
                    total[j] += ones(e)
            for j in range(width):
                total[j] = _U(8) * total[j] + _U(4) * ones(four[j]) + _U(2) * ones(two[j]) + ones(one[j])
            for k in range(length - length % 8, length):
                for j in range(width):
                    total[j] += ones(x[k] ^ words[p, k, j])
            for j in range(min(width, N - p * width)):
                X[i, p * width + j] = total[j]
    return X
