"""Which implementation runs: the readable reference, or its fast twin. The one place where `impl=` is looked up.

Twins live in `minidl_kernels` and load at their first use, since Numba takes a second to load.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["IMPLEMENTATIONS", "implementation"]

IMPLEMENTATIONS = ("reference", "kernels")


def implementation(impl: str, *, reference: Any, kernels: str) -> Any:
    """What runs: `reference` as it is for "reference", the module of that dotted name for "kernels".

        functions = implementation(impl, reference=trajectories, kernels="minidl_kernels.optim")

    Raises ValueError for another word, and ImportError with the remedy where the twin cannot be loaded.
    """
    if impl not in IMPLEMENTATIONS:
        raise ValueError(f"impl must be one of {', '.join(map(repr, IMPLEMENTATIONS))}, got {impl!r}")
    if impl == "reference":
        return reference
    try:
        return import_module(kernels)
    except ImportError as error:
        raise ImportError(
            f'impl="kernels" needs {kernels} ({error}): install minidl with pip, which brings Numba and minidl_kernels, '
            'or use impl="reference"'
        ) from error
