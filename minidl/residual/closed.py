"""What a closed gate gives: the shortcut, and gradients of exactly 0 for everything behind the gate."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from minidl.autograd import Tensor, custom_gradient


def closed(shortcut: Any, *cut: Any) -> Any:
    """The shortcut bit by bit. cut: the gate and whatever would have entered the branch.

    No multiplication by 0 takes place, forward or backward, so infinities and NaN in `cut` stay where they are; tensors
    among them get gradients of 0 (not None), so that an optimizer with momentum still moves them.
    Arrays give a new array, in the dtype that the open gate would have given.
    """
    if not any(isinstance(a, Tensor) for a in (shortcut, *cut)):
        return np.array(shortcut, dtype=np.result_type(shortcut, *cut))
    return _skip(len(cut))(shortcut, *cut)


@cache
def _skip(cut: int) -> Callable[..., Any]:
    """The primitive (shortcut, *cut) -> shortcut for this many inputs that are cut off."""
    zeros = [lambda dy, y, *inputs, i=i: np.zeros(inputs[i].shape, inputs[i].dtype) for i in range(1, cut + 1)]
    return custom_gradient(lambda shortcut, *_: shortcut, lambda dy, y, *_: dy, *zeros, name="closed_gate")
