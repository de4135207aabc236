"""Laws of default arguments, one for each function that has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Cases, Law, identical, law
from minidl.laws.kernel_rich.sources import WOODWORTH


def two_layers_by_default(
    function: str,
    cases: Cases,
    inputs: tuple[str, ...],
    *,
    given: Callable[[dict[str, Any]], dict[str, Any]] = lambda case: {},
) -> Law:
    """depth, the last of the inputs, may be left out: then it is 2. given(case): inputs that depth 2 needs otherwise."""

    @law(cases=cases, needs=(function,), grade="exact", equation="D = 2", source=WOODWORTH)
    def depth_2_by_default(impl, case):
        """Without a depth the net has two layers."""
        first = [(case | given(case))[name] for name in inputs[:-1]]
        told, untold = (getattr(impl, function)(*first, *depth) for depth in ((2,), ()))
        if not isinstance(told, tuple):
            told, untold = (told,), (untold,)
        for k, (one, other) in enumerate(zip(untold, told, strict=True)):
            identical(np.asarray(one), np.asarray(other), why=f"result {k}")

    return depth_2_by_default
