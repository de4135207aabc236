"""The laws of drawing from a table of aliases."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Cases, Contract, holds, identical, law
from minidl.laws.struc2vec.cases import worked
from minidl.laws.struc2vec.planted import bugs_of

SOURCE = "Walker 1977"
EIGHTH = 0.125


def _case(threshold: Any, alias: Any, u: Any) -> dict[str, np.ndarray]:
    return {"threshold": np.array(threshold, float), "alias": np.array(alias, np.int32), "u": np.array(u, float)}


def _random(seed: int, size: int) -> dict[str, np.ndarray]:
    """Thresholds in eighths, so that a draw can be put exactly on one."""
    rng = np.random.default_rng(seed)
    u = rng.random((3, 5)) if seed % 2 else rng.integers(0, 8 * size, (2, 7)) / (8 * size)
    return _case(rng.integers(0, 9, size) * EIGHTH, rng.integers(0, size, size), u)


def _generated():
    from hypothesis import strategies as st

    return st.builds(_random, st.integers(0, 10_000), st.sampled_from([1, 2, 3, 4, 6, 8]))


ROWS = Cases(
    named={
        "worked": _case([0.375, 1.0, 0.5], [2, 0, 1], [0.0, 0.12, 0.13, 0.4, 0.7, 0.9, 0.99]),
        "on_the_threshold": _case([0.25, 0.75], [1, 0], [0.125, 0.875, 0.0, 0.5]),
        "ends": _case([0.5, 0.0, 1.0, 0.5], [3, 2, 2, 0], [0.0, 0.25, 0.5, 0.75, 1 - 2.0**-53]),
        "one": _case([1.0], [0], [[0.0], [1 - 2.0**-53]]),
        "one_number": _case([0.5, 1.0], [1, 0], 0.3),
    },
    generated=_generated,
    notes={"on_the_threshold": "a number on the threshold draws the alias: u < t is the share of the entry itself"},
)


def _draw(impl: Any, case: dict, u: Any) -> np.ndarray:
    return np.asarray(impl.alias_draw(case["threshold"], case["alias"], u))


@law(
    cases=ROWS,
    needs=("alias_draw",),
    grade="exact",
    equation=r"P(i) = \frac{1}{K} \Big(t_i + \sum_{j : a_j = i} (1 - t_j)\Big)",
    source=SOURCE,
)
def every_entry_by_its_share(impl, case):
    """Numbers at equal distances, so many to each eighth of an entry, draw each entry as often as its share says."""
    threshold, alias, K = np.floor(case["threshold"] * 8) * EIGHTH, case["alias"], len(case["alias"])
    u = (np.arange(16 * K) + 0.5) / (16 * K)  # two in the middle of each eighth: rounding moves none across its border
    got = _draw(impl, case | {"threshold": threshold}, u)
    holds(bool(((got >= 0) & (got < K)).all()), why="entries of the table", got=got)
    share = np.bincount(np.arange(K), 16 * threshold, K) + np.bincount(alias, 16 * (1 - threshold), K)
    identical(np.bincount(got.astype(np.int64), minlength=K), share.astype(np.int64), why="how often each is drawn")


@law(cases=ROWS, needs=("alias_draw",), grade="exact", equation=r"x = K u, \quad i = \lfloor x \rfloor", source=SOURCE)
def whole_part_then_fraction(impl, case):
    """The whole part of K u chooses an entry, and its fraction between the entry and its alias: number by number."""
    K, expected = len(case["alias"]), []
    for u in case["u"].ravel().tolist():
        i = max(j for j in range(K) if j <= u * K)
        expected.append(i if u * K - i < case["threshold"][i] else int(case["alias"][i]))
    identical(_draw(impl, case, case["u"]), np.reshape(expected, case["u"].shape), why="the entries")


@law(cases=ROWS, needs=("alias_draw",), grade="exact", source="definition")
def a_number_at_a_time(impl, case):
    """A draw depends on its own number only, and draws are returned in the shape of the numbers."""
    got = _draw(impl, case, case["u"])
    alone = [int(_draw(impl, case, np.array([u]))[0]) for u in case["u"].ravel()]
    identical(got, np.reshape(alone, case["u"].shape), why="draws one by one")
    identical(_draw(impl, case, case["u"].T), got.T, why="in another order")


DRAW_CONTRACTS = (
    Contract(
        "alias_draw",
        ("threshold", "alias", "u"),
        ("index",),
        ROWS,
        "Draws from one row of tables (K,), an index for each uniform number in u, in its shape.",
        laws=(every_entry_by_its_share, whole_part_then_fraction, a_number_at_a_time),
        planted=bugs_of("alias_draw"),
        golden=(
            worked(
                "alias_draw",
                {
                    "threshold": np.array([0.375, 1.0, 0.5]),
                    "alias": np.array([2, 0, 1]),
                    "u": np.array([0.12, 0.13, 0.9]),
                },
                {"index": [0, 2, 1]},
                digits=15,
                note="3 u = 0.36, 0.39, 2.7: below 0.375 the entry itself, above it the alias",
            ),
        ),
    ),
)
