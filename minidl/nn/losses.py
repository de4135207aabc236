"""Losses. Predictions and targets must have equal shapes: a loss that broadcasts hides a missing axis."""

from __future__ import annotations

from typing import Any

from minidl.autograd import Tensor, abs, cross_entropy, softplus
from minidl.nn.border import floats

__all__ = ["binary_cross_entropy", "cross_entropy", "mean_absolute_error", "mean_squared_error"]


def _pair(prediction: Any, target: Any) -> tuple[Any, Any]:
    """Both as floats of one shape. Integer targets take the prediction's dtype, so that float32 stays float32."""
    prediction = floats("a loss", prediction)
    target = floats("a loss", target, prediction.dtype)
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction has shape {prediction.shape}, target {target.shape}: at best they would match by broadcasting; "
            "reshape one of them"
        )
    if prediction.size == 0:
        raise ValueError(f"the loss of an empty batch, shape {prediction.shape}")
    return prediction, target


def mean_squared_error(prediction: Any, target: Any) -> Any:
    """Mean of (prediction - target)^2 over all entries."""
    prediction, target = _pair(prediction, target)
    difference = prediction - target
    return (difference * difference).mean()


def mean_absolute_error(prediction: Any, target: Any) -> Any:
    """Mean of |prediction - target| over all entries."""
    prediction, target = _pair(prediction, target)
    return abs(prediction - target).mean()


def binary_cross_entropy(logits: Any, target: Any) -> Any:
    """Mean of -t log p - (1 - t) log(1 - p) with p = sigmoid(logits), as softplus(z) - t z, which does not overflow.

    Raises ValueError for targets outside [0, 1].
    """
    logits, target = _pair(logits, target)
    values = target.data if isinstance(target, Tensor) else target
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"targets must lie in [0, 1], got values from {values.min()} to {values.max()}: "
            "for labels -1 and 1 pass (y + 1) / 2, for class numbers use cross_entropy"
        )
    return (softplus(logits) - target * logits).mean()
