"""Products of signs by counting bits against the same products in float32.

    python kernels/bench/binary_products.py [--rounds N] [--only NAME] [--no-write]

Rows of +-1 times rows of +-1. The float32 products (NumPy's BLAS, torch) and torch's int8 product get their matrices
ready made; the packed contenders get words ready made, and `float to float` packs the left side from float32 in every
call and returns float32: what a layer with binary weights does. The right side, the weights, is ready for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload

FLOAT, PLAIN, SIMD, WHOLE = (
    "numpy float32",
    "minidl_kernels.bits",
    "minidl_kernels.simd_bits",
    "simd_bits float to float",
)
INT8 = "torch int8"


class Problem:
    """x (M, K) and y (N, K) of random signs in float32, or x (K,) for a single row."""

    def __init__(self, M: int, N: int, K: int):
        rng = np.random.default_rng(0)
        self.x, self.y = (rng.choice(np.float32([-1, 1]), (rows, K)) for rows in (M, N))
        self.K = K
        if M == 1:
            self.x = self.x[0]


def giving(work: Callable[[], Any]):
    results: dict[str, Any] = {}

    def step():
        results["product"] = work()

    return step, lambda: {"product": np.asarray(results["product"]).reshape(-1)}


def with_numpy(p: Problem):
    yt = p.y.T
    return giving(lambda: p.x @ yt)


def with_torch(p: Problem):
    import torch

    torch.set_num_threads(1)
    x, y = torch.tensor(p.x), torch.tensor(p.y).T
    return giving(lambda: x @ y)


def with_torch_int8(p: Problem):
    import torch

    torch.set_num_threads(1)
    x, y = torch.tensor(p.x.astype(np.int8)), torch.tensor(p.y.astype(np.int8)).T
    return giving(lambda: torch._int_mm(x, y))


def with_reference(p: Problem):
    from minidl import bits

    x, y = bits.pack_signs(p.x), bits.pack_signs(p.y)
    return giving(lambda: bits.xnor_product(x, y, p.K))


def with_rows(p: Problem):
    from minidl_kernels import bits, counts

    x, y = bits.pack_signs(p.x), bits.pack_signs(p.y)
    return giving(lambda: p.K - 2 * counts.count_rows(x, y))


def with_plain(p: Problem):
    from minidl_kernels import bits

    x, y = bits.pack_signs(p.x), bits.panels(bits.pack_signs(p.y))
    return giving(lambda: bits.xnor_product(x, y, p.K))


def with_simd(p: Problem):
    from minidl_kernels import simd_bits as bits

    x, y = bits.pack_signs(p.x), bits.panels(bits.pack_signs(p.y))
    return giving(lambda: bits.xnor_product(x, y, p.K))


def float_to_float(p: Problem):
    from minidl_kernels import simd_bits as bits

    y = bits.panels(bits.pack_signs(p.y))
    return giving(lambda: bits.xnor_product(bits.pack_signs(p.x), y, p.K, np.float32))


MATRICES = (
    (FLOAT, with_numpy, None),
    ("torch float32", with_torch, "torch"),
    (INT8, with_torch_int8, "torch"),
    ("numba, row by row", with_rows, None),
    (PLAIN, with_plain, None),
    (SIMD, with_simd, None),
    (WHOLE, float_to_float, None),
)
BITWISE = ("minidl.bits (bitwise_count)", with_reference, None)
ROWS = tuple(row for row in MATRICES if row[0] not in (INT8, "numba, row by row"))
# (M, N, K): least speeds over float32 of the SIMD kernel, float to float, and of the plain kernel
MATRIX_GOALS = {(256, 256, 1024): (8.5, 6, 3), (512, 512, 4096): (10, 7, 4), (1024, 1024, 8192): (10, 8, None)}
ROW_GOALS = {(1, 1024, 1024): 20, (1, 1024, 8192): 60, (1, 4096, 4096): 40}  # float to float


def benches(options: Options) -> Iterator[Workload]:
    from minidl_kernels import cpu

    counting = "one vector instruction" if cpu.has(*cpu.COUNTING) else "a lookup of nibbles"
    note = f"ones are counted by {counting}" if cpu.has(*cpu.AVX512) else "no AVX-512: simd_bits runs the plain kernels"
    if cpu.has("amx-int8"):
        note += (
            "; torch's int8 product has matrix tiles (AMX), 1024 multiply-adds a cycle, 410 are the limit of counting"
        )
    shapes = ((5, 20, 70), (1, 20, 70)) if options.tiny else (*MATRIX_GOALS, *ROW_GOALS)
    for shape in shapes:
        M, N, K = shape
        contenders, goals = (ROWS, []) if M == 1 else (MATRICES, [])
        if M * N * K <= 512 * 512 * 4096:
            contenders = (*contenders, BITWISE)
        if shape in MATRIX_GOALS:
            limits = zip((SIMD, WHOLE, PLAIN), MATRIX_GOALS[shape], strict=True)
            goals = [Goal(name, FLOAT, at_least=limit) for name, limit in limits if limit]
        elif shape in ROW_GOALS:
            goals = [Goal(WHOLE, FLOAT, at_least=ROW_GOALS[shape])]
        if shape == (1024, 1024, 8192):
            goals.append(Goal(SIMD, INT8, at_least=1 if cpu.has("amx-int8") else 2.4))
        problem = Problem(M, N, K)
        yield Workload(
            f"signs {M}x{N}x{K}",
            FLOAT,
            [Contender(name, lambda f=f, p=problem: f(p), needs) for name, f, needs in contenders],
            ulps=0,  # integers that float32 holds
            dtype=np.float32,
            goals=goals,
            note=note,
        )


if __name__ == "__main__":
    sys.exit(harness.main("binary_products", "products of signs by counting bits", benches))
