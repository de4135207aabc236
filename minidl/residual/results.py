"""What the explicit backward passes of the residual functions return: one field per input, in the order of the inputs."""

from __future__ import annotations

from typing import Any, NamedTuple


class PlainGradients(NamedTuple):
    """Of `gated_plain_backward`; dx is the part through the shortcut alone."""

    dx: Any
    dfx: Any
    dk: Any


class ResidualGradients(NamedTuple):
    """Of `gated_residual_backward`."""

    dshortcut: Any
    dbranch: Any
    dk: Any


class BlockGradients(NamedTuple):
    """Of `dense_block_backward`."""

    dx: Any
    dW1: Any
    dgamma1: Any
    dbeta1: Any
    dW2: Any
    dgamma2: Any
    dbeta2: Any
    dk: Any


class ChainGradients(NamedTuple):
    """Of `chain_backward`."""

    dx0: Any
    dw: Any
    dgates: Any
