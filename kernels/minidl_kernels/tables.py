"""Sums of selected rows of a matrix by tables: zeros and ones times real weights, without a multiplication.

Four bits select one of the 16 subsets of four rows of W. All 16 sums cost 15 additions of rows, and each row of bits
then takes one of them ready: a fourth of the additions. Taking the columns of W in blocks keeps the tables and the sums
in the nearest cache; taking eight tables, 32 bits, at a time reads and writes each sum once for 32 rows of W.

The idea is that of Arlazarov, Dinic, Kronrod, Faradzhev, "On economical construction of the transitive closure of an
oriented graph", 1970, known as the method of the four Russians. It beats a matrix product of the same processor because
that one must multiply: a fused multiplication and addition takes an entry of W, an addition here takes four.

The order of summation is fixed, so that all twins round alike: within a table the rows in the order of their bits, then
the eight tables as ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), then the 32 bits' sums one after the other. A sum of n
rows is so at most 6 + n / 32 additions deep.
"""

from __future__ import annotations

import numpy as np
from numba import njit

COLUMNS = 256  # of W at a time: 8 tables of 16 sums of 256 float32 are 128 KB, in the second cache
_U = np.uint64


@njit(cache=True, nogil=True)
def sum_rows(a, W, out):
    """out[i] = sum of the rows of W where a_i has a one. a (M, words) uint64, W (n, N), out (M, N) of W's dtype,
    overwritten; columns past the N-th are left alone.

    Bits past the n-th must be zero. Any dtype that adds.
    """
    n, N = W.shape
    columns = min(N, COLUMNS)
    table = np.zeros((8, 16, columns), W.dtype)
    for j0 in range(0, N, columns):
        width = min(columns, N - j0)
        out[:, j0 : j0 + width] = 0
        for k0 in range(0, n, 32):
            for k in range(k0, min(k0 + 32, n)):  # the subsets with bit k as the highest: those before, and row k
                subsets, size, row = table[(k - k0) // 4], 1 << k % 4, W[k, j0 : j0 + width]
                for s in range(size):
                    without, with_k = subsets[s], subsets[size + s]
                    for j in range(width):
                        with_k[j] = without[j] + row[j]
            for i in range(a.shape[0]):
                bits = a[i, k0 >> 6] >> _U(k0 & 63)
                t0, t1 = table[0, bits & _U(15)], table[1, (bits >> _U(4)) & _U(15)]
                t2, t3 = table[2, (bits >> _U(8)) & _U(15)], table[3, (bits >> _U(12)) & _U(15)]
                t4, t5 = table[4, (bits >> _U(16)) & _U(15)], table[5, (bits >> _U(20)) & _U(15)]
                t6, t7 = table[6, (bits >> _U(24)) & _U(15)], table[7, (bits >> _U(28)) & _U(15)]
                sums = out[i, j0 : j0 + width]
                for j in range(width):
                    low = (t0[j] + t1[j]) + (t2[j] + t3[j])
                    sums[j] += low + ((t4[j] + t5[j]) + (t6[j] + t7[j]))
