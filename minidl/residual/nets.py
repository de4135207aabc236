r"""Nets of gated layers, fully connected and convolutional, with removal of blocks (Savarese, Mazza and Figueiredo, 2016).

Four kinds, the two that the paper compares and the two that it adds a gate to:

| kind | layer or block |
| --- | --- |
| `"plain"` | $y = f(x)$ |
| `"gated_plain"` | $y = g(k) f(x) + (1 - g(k)) x$ |
| `"residual"` | $y = f_r(x) + x$ |
| `"gated_residual"` | $y = g(k) f_r(x) + x$ |

A plain layer has one weight matrix, a residual block two; so `depth` middle layers are `depth` plain layers or `depth / 2`
blocks, and as many gates. The equations are in `minidl.residual.gated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np

from minidl.autograd import Tensor, relu
from minidl.nn import BatchNorm, Conv2d, Dropout, Linear, Module, Sequential
from minidl.nn.border import positive
from minidl.nn.layers import parameter
from minidl.residual.border import block_numbers, matching
from minidl.residual.closed import closed
from minidl.residual.gated import gated_plain, gated_residual

KINDS = ("plain", "gated_plain", "residual", "gated_residual")


class Block(Module):
    """A branch with its shortcut and, in the gated kinds, one scalar gate of shape (1,) that starts at 1.

    A closed gate (k <= 0) skips the branch: it is not computed, and its batch norm sees nothing. In training the gate and the
    branch's parameters get gradients of exactly 0, so that an optimizer's momentum can still move them.
    """

    def __init__(self, branch: Module, kind: str, *, projection: Module | None = None, dtype: Any = np.float64):
        _check_kind(kind)
        self.kind, self.branch, self.projection = kind, branch, projection
        self.gate = parameter(np.ones(1, dtype)) if kind.startswith("gated") else None

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        shortcut = x if self.projection is None else self.projection(x, training=training, rng=rng)
        if self.gate is not None and self.gate.item() <= 0:
            cut = *self.branch.parameters().values(), self.gate
            return closed(shortcut, *cut) if training and isinstance(shortcut, Tensor) else shortcut
        y = self.branch(x, training=training, rng=rng)
        if self.kind == "plain":
            return y
        if self.kind == "residual":
            shortcut, y = matching(shortcut=shortcut, branch=y)
            return y + shortcut
        combine = gated_plain if self.kind == "gated_plain" else gated_residual
        return combine(shortcut, y, self.gate)


class Shortcut(Module):
    """What is left of a block that was removed: the identity or its projection. The other blocks keep their numbers."""

    gate = None

    def __init__(self, projection: Module | None):
        self.projection = projection

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        return x if self.projection is None else self.projection(x, training=training, rng=rng)


class _Stack(Module):
    """What both nets share: a list of blocks whose members can be removed."""

    blocks: list[Block | Shortcut]

    def gates(self) -> np.ndarray:
        """The gates by block number, (blocks,); 0 for a removed block. Raises ValueError for a net without gates."""
        if any(isinstance(block, Block) and block.gate is None for block in self.blocks):
            raise ValueError('this net has no gates: build it with kind="gated_residual" or "gated_plain"')
        return np.array([0.0 if block.gate is None else block.gate.item() for block in self.blocks])

    def without(self, removed: Sequence[int]) -> _Stack:
        """The same net with some blocks removed, as trained otherwise: it shares parameters and statistics with this one.

        A removed block becomes its shortcut, the identity or the projection. removed: distinct block numbers; they stay
        the same in the smaller net. Raises ValueError for a number that is out of range, given twice or already removed,
        and for plain layers, which have no shortcut; TypeError for what is no integer, such as a mask.
        """
        removed = sorted(removed) if isinstance(removed, (set, frozenset)) else removed
        numbers = set(block_numbers(removed, len(self.blocks)).ravel().tolist())
        if gone := sorted(i for i in numbers if isinstance(self.blocks[i], Shortcut)):
            raise ValueError(f"blocks {gone} are removed already: blocks keep their numbers when others go")
        if any(self.blocks[i].kind == "plain" for i in numbers):
            raise ValueError("a plain layer has no shortcut to put in its place: only the other kinds can lose layers")
        pruned = copy(self)
        pruned.blocks = [Shortcut(b.projection) if i in numbers else b for i, b in enumerate(self.blocks)]
        return pruned

    def decay_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Parameter groups for an optimizer: weight decay on everything but the gates (decayed gates drift shut)."""
        named = self.parameters()
        gates = [p for name, p in named.items() if name.endswith(".gate")]
        rest = [p for name, p in named.items() if not name.endswith(".gate")]
        groups = [{"params": rest, "weight_decay": weight_decay}, {"params": gates, "weight_decay": 0.0}]
        return [g for g in groups if g["params"]]


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


class DenseNet(_Stack):
    """The paper's MNIST net: Linear, `depth` middle layers of equal width (matmul, batch norm, relu), Linear.

    x: (N, inputs); returns logits (N, classes). depth must be even for the residual kinds.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        depth: int,
        kind: str = "gated_residual",
        width: int = 50,
        rng: np.random.Generator,
        dtype: Any = np.float64,
    ):
        _check_kind(kind)
        positive(inputs=inputs, classes=classes, width=width, depth=depth)
        per_block = 2 if kind.endswith("residual") else 1
        if depth % per_block:
            raise ValueError(f"a {kind} net has two layers per block, so depth must be even, got {depth}")
        self.first = Linear(inputs, width, rng=rng, dtype=dtype)
        self.blocks = []
        for _ in range(depth // per_block):
            parts: list[Any] = []
            for _ in range(per_block):
                parts += [
                    Linear(width, width, bias=False, rng=rng, dtype=dtype),
                    BatchNorm(width, momentum=0.01, eps=1e-3, dtype=dtype),
                    relu,
                ]
            self.blocks.append(Block(Sequential(*parts), kind, dtype=dtype))
        self.last = Linear(width, classes, rng=rng, dtype=dtype)

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        h = self.first(_batch(x, 2))  # (N, width)
        for block in self.blocks:
            h = block(h, training=training, rng=rng)  # (N, width)
        return self.last(h)  # (N, classes)


class ConvNet(_Stack):
    """Pre-activation residual net for images (He et al., 2016): three stages of `n` blocks, 16, 32 and 64 channels times wide.

    A block is batch norm, relu, conv, (dropout,) batch norm, relu, conv. The first block of a stage changes the shape and keeps
    a 1x1 convolution as its shortcut; removing it removes only the residual part. `n=5` is the paper's ResNet; `n=4, wide=10,
    dropout=0.3` its Wide ResNet. x: (N, channels, H, W); returns logits (N, classes).
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        n: int,
        kind: str = "gated_residual",
        wide: int = 1,
        dropout: float = 0.0,
        rng: np.random.Generator,
        dtype: Any = np.float64,
    ):
        _check_kind(kind)
        if not kind.endswith("residual"):
            raise ValueError(
                f'the convolutional net is residual: kind must be "residual" or "gated_residual", got {kind!r}'
            )
        positive(channels=channels, classes=classes, n=n, wide=wide)
        self.first = Conv2d(channels, 16, bias=False, rng=rng, dtype=dtype)
        self.blocks, width = [], 16
        for stage, size in enumerate((16 * wide, 32 * wide, 64 * wide)):
            for i in range(n):
                stride = 2 if stage > 0 and i == 0 else 1
                branch = Sequential(
                    BatchNorm(width, dtype=dtype),
                    relu,
                    Conv2d(width, size, stride=stride, bias=False, rng=rng, dtype=dtype),
                    *([Dropout(dropout)] if dropout else []),
                    BatchNorm(size, dtype=dtype),
                    relu,
                    Conv2d(size, size, bias=False, rng=rng, dtype=dtype),
                )
                changes = stride != 1 or width != size
                shortcut = Conv2d(width, size, 1, stride=stride, bias=False, rng=rng, dtype=dtype) if changes else None
                self.blocks.append(Block(branch, kind, projection=shortcut, dtype=dtype))
                width = size
        self.norm = BatchNorm(width, dtype=dtype)
        self.last = Linear(width, classes, rng=rng, dtype=dtype)

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        h = self.first(_batch(x, 4))  # (N, 16, H, W)
        for block in self.blocks:
            h = block(h, training=training, rng=rng)
        h = relu(self.norm(h, training=training, rng=rng))  # (N, 64 wide, H / 4, W / 4)
        return self.last(h.mean(axis=(2, 3)))  # (N, classes)


def _batch(x: Any, ndim: int) -> Any:
    """The input at the border: the right number of axes, at least one example."""
    if not isinstance(x, Tensor):
        x = np.asarray(x)
    if x.ndim != ndim or x.shape[0] == 0:
        forms = {2: "(N, inputs), flat: use x.reshape(len(x), -1) for images", 4: "(N, channels, H, W)"}
        raise ValueError(f"the net takes {forms[ndim]}, with N >= 1, got shape {x.shape}")
    return x
