"""Trees whose leaves have given codes."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case

# Trees are given as codes; the inner nodes are numbered by their prefixes in ascending order.
TREES = {
    "worked": ("1", "00", "010", "011"),
    "full": ("000", "001", "010", "011", "100", "101", "110", "111"),
    "comb": ("0", "10", "110", "1110", "1111"),
    "pair": ("0", "1"),
    "single": ("",),
}


def tree(name: str) -> Case:
    codes = TREES[name]
    number = {prefix: i for i, prefix in enumerate(sorted({code[:j] for code in codes for j in range(len(code))}))}
    offsets = np.concatenate([[0], np.cumsum([len(code) for code in codes])]).astype(np.int64)
    nodes = np.array([number[code[:j]] for code in codes for j in range(len(code))], np.int32)
    return {
        "offsets": offsets,
        "nodes": nodes,
        "bits": np.array([int(bit) for code in codes for bit in code], np.uint8),
    }
