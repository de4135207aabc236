"""Losses. Predictions and targets must have equal shapes: a loss that broadcasts hides a missing axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd import abs, cross_entropy, softplus

__all__ = ["binary_cross_entropy", "cross_entropy", "mean_absolute_error", "mean_squared_error"]


def _same_shape(prediction: Any, target: Any) -> None:
    if prediction.shape != np.shape(target):
        raise ValueError(
            f"prediction has shape {prediction.shape}, target {np.shape(target)}: they would only match by broadcasting; "
            "reshape one of them"
        )
    if prediction.size == 0:
        raise ValueError(f"the loss of an empty batch, shape {prediction.shape}")


def mean_squared_error(prediction: Any, target: Any) -> Any:
    """Mean of (prediction - target)^2 over all entries."""
    _same_shape(prediction, target)
    difference = prediction - target
    return (difference * difference).mean()


def mean_absolute_error(prediction: Any, target: Any) -> Any:
    """Mean of |prediction - target| over all entries."""
    _same_shape(prediction, target)
    return abs(prediction - target).mean()


def binary_cross_entropy(logits: Any, target: Any) -> Any:
    """Mean of -t log p - (1 - t) log(1 - p) with p = sigmoid(logits), as softplus(z) - t z, which does not overflow."""
    _same_shape(logits, target)
    return (softplus(logits) - target * logits).mean()
