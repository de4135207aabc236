"""What the processor offers, as the compiler of the kernels sees it: which explicit SIMD twins can run.

Numba obeys NUMBA_CPU_NAME and NUMBA_CPU_FEATURES, so the answers here do too: a twin that was written for an
instruction may only be chosen where the compiler is allowed to emit it. `NUMBA_CPU_NAME=generic` switches every SIMD
twin off.
"""

from __future__ import annotations

from functools import cache

from llvmlite import binding
from numba import config

# Names as LLVM spells them: what the SIMD twins ask for.
AVX512 = ("avx512f", "avx512bw", "avx512vl", "avx512dq")
COUNTING = (*AVX512, "avx512vpopcntdq")  # counts the bits of eight words at once
INT8 = (*AVX512, "avx512vnni")  # adds up products of bytes, four at a time


@cache
def features() -> frozenset[str]:
    """The instruction sets that Numba compiles for, by LLVM's names: "avx2", "avx512vnni", ..."""
    if config.CPU_FEATURES is not None:
        return frozenset(word[1:] for word in config.CPU_FEATURES.split(",") if word.startswith("+"))
    try:
        found = binding.get_host_cpu_features()
    except RuntimeError:  # LLVM does not know this processor
        return frozenset()
    return frozenset(name for name, there in found.items() if there and (config.ENABLE_AVX or name[:3] != "avx"))


def has(*names: str) -> bool:
    """Whether the processor has all of these instruction sets."""
    return features().issuperset(names)
