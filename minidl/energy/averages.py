"""The log of a mean of positive weights, with an interval: what annealing runs and tours estimate log Z by."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from minidl.energy import border
from minidl.energy.results import Estimate
from minidl.energy.units import log_sum_exp


def log_mean(log_weights: np.ndarray, *, offset: float = 0.0, level: float = 0.95) -> Estimate:
    """offset + log(mean of the weights), for weights (R,) given by their logs, float64.

    The standard error is that of the log by the delta method: the weights' standard deviation (R - 1 in the
    denominator) over their mean and sqrt(R). It is infinite for R = 1. The interval is normal on the log scale; where
    a few weights dominate, or none of the rare large ones was seen, it is too narrow.
    Raises ValueError without weights and for logs that are not finite.
    """
    log_weights, level = border.real("log_weights", log_weights).astype(np.float64, copy=False), border.level(level)
    if log_weights.ndim != 1 or log_weights.size == 0:
        raise ValueError(f"log_weights must be (R,) with at least one run, got shape {log_weights.shape}")
    runs = len(log_weights)
    log_average = log_sum_exp(log_weights) - np.log(runs)
    relative = np.exp(log_weights - log_average)  # of mean 1
    error = float(np.sqrt(relative.var(ddof=1) / runs)) if runs > 1 else np.inf
    log_z = float(offset + log_average)
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error
    return Estimate(log_z, error, log_z - reach, log_z + reach, runs)
