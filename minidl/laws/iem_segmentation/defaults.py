"""What the functions do with arguments that are left out: the authors' numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Cases, Law, NotProvided, identical, law
from minidl.laws.iem_segmentation.cases import PROGRAM

NUMBERS = {"reps": 2, "diversity_weight": 0.001, "iters": 150, "grad_tol": 0.0}


def defaults_of(function: str, names: tuple[str, ...], cases: Cases, numbers: dict[str, Any] | None = None) -> Law:
    """The law that trailing arguments may be left out. names: all of them, in order."""
    numbers = NUMBERS | (numbers or {})
    few = [name for name in cases.named if name in ("typical", "soft", "alternates", "default")]
    named = {name: cases.named[name] for name in few}

    @law(cases=Cases(named=named), needs=(function,), grade="exact", source=PROGRAM)
    def left_out_arguments(impl, case):
        """Arguments that are left out are the authors' numbers, from the last one to the first that has one."""
        given = [name for name in names if name not in numbers]
        full = [case[name] for name in given] + [numbers[name] for name in names if name in numbers]
        call = getattr(impl, function)
        try:
            short = call(*full[: len(given)])
        except TypeError as error:
            raise NotProvided(function, "it takes no arguments by default") from error
        _same(short, call(*full))

    return left_out_arguments


def _same(short: Any, full: Any) -> None:
    pairs = zip(short, full, strict=True) if isinstance(short, tuple) else [(short, full)]
    for got, expected in pairs:
        identical(np.asarray(got), np.asarray(expected), why="with arguments left out")
