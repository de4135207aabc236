"""Skip-gram step by step, in long double precision, with habits that may be replaced by mistakes; and its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.struc2vec.codes import TREES, tree

LONG = np.longdouble


def sigmoid(z: Any) -> Any:
    t = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, t) / (1 + t)


@dataclass(frozen=True)
class Ways:
    """How training goes; the defaults are right."""

    label: Callable[[Any], Any] = lambda y: y
    sign: float = 1.0
    theta_of: Callable[[Any, Any], Any] = lambda old, new: old
    x_of: Callable[[Any, Any], Any] = lambda old, new: old
    rate: Callable[[float], float] = lambda rate: rate
    order: Callable[[list[int]], list[int]] = lambda others: others
    swapped: bool = False
    with_itself: bool = False
    width: Callable[[int], int] = lambda width: width
    group: Callable[[int], int] = lambda group: group
    left_out: Callable[[Any, Any], Any] = lambda drawn, centre: drawn == centre
    slot: Callable[[int, int, int], int] = lambda j, i, window: j - i + window - (j > i)
    padding: bool = False


def step(x: Any, theta: Any, labels: Any, rate: Any, ways: Ways = Ways()) -> tuple[Any, Any, Any]:
    """One step for one vector: the new x, the new theta, and the loss before."""
    z = theta @ x
    g = ways.sign * ways.rate(rate) * (ways.label(labels) - sigmoid(z))
    loss = np.logaddexp(0, np.where(labels == 1, -z, z)).sum()
    moved = theta + np.outer(g, x)
    after = x + g @ ways.theta_of(theta, moved)
    return after, theta + np.outer(g, ways.x_of(x, after)), loss


def windows(walks: Any, widths: Any, ways: Ways = Ways()) -> Iterator[tuple[int, int, list[int]]]:
    """Walk, position, and the other positions within its width, ascending; a walk ends at -1."""
    for s, walk in enumerate(walks.tolist()):
        end = len(walk) if ways.padding or -1 not in walk else walk.index(-1)
        for i in range(end):
            width = ways.width(int(widths[s, i]))
            near = [j for j in range(end) if 0 <= abs(j - i) <= width and (j != i or ways.with_itself)]
            yield s, i, ways.order(near)


def train(case: Case, ways: Ways = Ways()) -> tuple[np.ndarray, np.ndarray, int]:
    """vectors and theta after training in long double precision, and how many steps there were."""
    vectors, theta = case["vectors"].astype(LONG), case["theta"].astype(LONG)
    steps, group = 0, ways.group(case.get("group", 1))
    negative = "negatives" in case
    for s, i, others in windows(case["walks"], case["widths"], ways):
        rate = LONG(case["rates"].astype(case["vectors"].dtype)[s])
        for c in range(0, len(others), group):
            moves = []  # all from the same old values
            for j in others[c : c + group]:
                one, other = case["walks"][s, j], case["walks"][s, i]
                if ways.swapped:
                    one, other = other, one
                if negative:
                    window = case["negatives"].shape[2] // 2
                    drawn = case["negatives"][s, i, ways.slot(j, i, window)]
                    drawn = drawn[~ways.left_out(drawn, other)]
                    rows, labels = np.concatenate([[other], drawn]), np.arange(len(drawn) + 1) == 0
                else:
                    path = slice(case["offsets"][other], case["offsets"][other + 1])
                    rows, labels = case["nodes"][path], 1 - case["bits"][path].astype(int)
                x, old = vectors[one], theta[rows]
                after, moved, _ = step(x, old, labels.astype(LONG), rate, ways)
                moves.append((one, after - x, rows, moved - old))
                steps += 1
            for one, dx, rows, dtheta in moves:
                vectors[one] += dx
                np.add.at(theta, rows, dtheta)
    return vectors, theta, steps


# --- cases -------------------------------------------------------------------------------------------------------------
def single(seed: int, d: int, h: int, rate: float = 0.025, dtype: Any = np.float64, size: float = 1.0) -> Case:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(0, size, d).astype(dtype),
        "theta": rng.normal(0, 1, (h, d)).astype(dtype),
        "bits": rng.integers(0, 2, h).astype(np.uint8),
        "rate": rate,
    }


def _drawn_single():
    from hypothesis import strategies as st

    return st.builds(
        single, st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0.025, 0.0001, 0.5])
    )


PRINTED = {
    "x": np.array([0.1, -0.2]),
    "theta": np.array([[0.3, 0.1], [-0.2, 0.4]]),
    "bits": np.array([1, 0], np.uint8),
    "rate": 0.025,
}
SINGLE = Cases(
    named={
        "printed": PRINTED,
        "one_row": single(1, 3, 1),
        "wide": single(2, 16, 5),
        "single_precision": single(3, 4, 3, dtype=np.float32),
        "zero_theta": single(4, 3, 3) | {"theta": np.zeros((3, 3))},
        "extreme": single(5, 2, 3, size=300.0),
        "fast": single(6, 3, 4, rate=0.75),
    },
    generated=_drawn_single,
    notes={"extreme": "sigmoids that are 0 or 1 in double precision", "zero_theta": "how training begins"},
)


def walked(
    seed: int, name: str, negative: bool, group: int = 1, dtype: Any = np.float64, S: int = 2, L: int = 5
) -> Case:
    """Short walks over the leaves of a tree, some of which end early, with widths and rates of their own."""
    rng = np.random.default_rng(seed)
    V, d, window, m = len(TREES[name]), 3, 2, 3
    walks = rng.integers(0, V, (S, L)).astype(np.int32)
    for s in range(1, S):
        walks[s, int(rng.integers(1, L + 1)) :] = -1
    case = {
        "walks": walks,
        "widths": rng.integers(1, window + 1, (S, L)).astype(np.int32),
        "rates": rng.choice([0.25, 0.125, 0.05], S),
        "vectors": rng.normal(0, 1, (V, d)).astype(dtype),
        "theta": rng.normal(0, 1, (V if negative else V - 1, d)).astype(dtype),
        "group": group,
    }
    if not negative:
        return case | tree(name)
    return case | {"negatives": rng.integers(0, V, (S, L, 2 * window, m)).astype(np.int32)}


def cases(negative: bool) -> Cases:
    def drawn():
        from hypothesis import strategies as st

        names = sorted(set(TREES) - {"single"})
        return st.builds(
            lambda seed, name, group: walked(seed, name, negative, group),
            st.integers(0, 10_000),
            st.sampled_from(names),
            st.sampled_from([1, 1, 2, 3]),
        )

    return Cases(
        named={
            "worked": walked(1, "worked", negative),
            "groups": walked(2, "full", negative, 3, L=7),
            "all_at_once": walked(3, "comb", negative, 100),
            "one_walk": walked(4, "full", negative, S=1, L=8),
            "pair": walked(5, "pair", negative),
            "single_precision": walked(6, "worked", negative, 2, np.float32),
            "early_end": walked(7, "worked", negative, S=4),
        },
        generated=drawn,
        notes={"pair": "the same nodes again and again", "early_end": "-1 is no node, and not the last one either"},
    )
