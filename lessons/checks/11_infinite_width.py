"""The exercises of lesson 11, judged by what must hold of any right answer."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps


def close(got, expected, what, ulps=64):
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{what}: the shape is {got.shape}, expected {expected.shape}"
    error = np.max(np.abs(got - expected), initial=0.0)
    scale = max(1.0, np.max(np.abs(expected), initial=0.0))
    assert error <= ulps * EPS * scale, f"{what}: expected {expected.tolist()}, got {got.tolist()}"


SLOPES = (
    [-1.0, 1.0],
    [0.0, 1.0],
    [1.0],
    [-2.5],
    [0.0, 1.0, -1.0, 0.0],
    [1.0, -1.0, 1.0, -1.0],
    [3.0, 2.0, 2.5],
    [-3.0, -2.0, -2.5],
    [-2.0, 1.0, 4.0],
)


def cheapest(slopes):
    """The least cost by exhaustion: at each bend, units that face left take all of it or nothing, but for one of them."""
    exact = [Fraction(s) for s in slopes]
    jumps, costs = [b - a for a, b in pairwise(exact)] + [Fraction(0)], []
    for free in range(len(jumps)):
        rest = jumps[:free] + jumps[free + 1 :]
        for left in product(*((Fraction(0), jump) for jump in rest)):
            last = -exact[0] - sum(left)
            costs.append(sum(abs(j - p) + abs(p) for j, p in zip([*rest, jumps[free]], [*left, last], strict=True)))
    return float(min(costs))


def judge_1(answer):
    for slopes in SLOPES:
        got = float(answer(np.array(slopes)))
        close(got, cheapest(slopes), f"slopes {slopes}, the least cost of any net")


NETS = (  # w, b, v, all of which bend at different places
    ([1.0], [0.0], [2.0]),
    ([-1.0], [2.0], [3.0]),
    ([2.0, -1.0], [4.0, 1.0], [0.5, -3.0]),
    ([1.0, -2.0, 0.5], [-3.0, 1.0, 1.0], [2.0, 1.0, -4.0]),
)


def judge_2(answer):
    for w, b, v in NETS:
        w, b, v = np.array(w), np.array(b), np.array(v)
        text = f"w = {w.tolist()}, b = {b.tolist()}, v = {v.tolist()}"
        found = answer(w.copy(), b.copy(), v.copy())
        assert isinstance(found, tuple | list), f"return knots and slopes, got {found!r}"
        assert len(found) == 2, f"return knots and slopes, got {found!r}"
        knots, slopes = (np.asarray(part, dtype=float) for part in found)
        close(knots, np.sort([-bi / wi for wi, bi in zip(w, b, strict=True)]), f"{text}: knots")
        assert slopes.shape == (len(w) + 1,), f"{text}: {len(w)} knots part {len(w) + 1} pieces, got {slopes.tolist()}"
        # the slope within each piece, from the net's values at two places in it
        edges = np.concatenate([[knots[0] - 3], knots, [knots[-1] + 3]])
        for left, right, slope in zip(edges, edges[1:], slopes, strict=False):
            x = left + (right - left) * np.array([0.25, 0.75])
            h = np.maximum(np.outer(x, w) + b, 0) @ v
            close(slope, (h[1] - h[0]) / (x[1] - x[0]), f"{text}: the slope between {left:g} and {right:g}", 1000)


DATA = (  # x, y, V, S
    ([0.0, 1.0], [0.0, 1.0], 0, 2),
    ([-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], 2, 0),
    ([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], 1, 3),
    ([0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 1.0, 4.0], 7, 5),
    ([0.0, 1.0, 3.0], [1.0, 3.0, 7.0], 0, 4),
    ([0.0, 1.0, 3.0], [0.0, -1.0, -5.0], 1, 3),
    ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 9.0], 4, 6),
    ([0.0, 2.0, 4.0], [3.0, 3.0, 9.0], 3, 3),
)
POINTS = tuple((np.array(x), np.array(y)) for x, y, *_ in DATA)


def judge_3(answer):
    for (x, y), (*_, V, S) in zip(POINTS, DATA, strict=True):
        least = V if S <= V else (V + S) / 2
        close(
            float(answer(x.copy(), y.copy())), least, f"x = {x.tolist()}, y = {y.tolist()}, V = {V}, S = {S}: the norm"
        )


def judge_4(answer):
    for (x, y), (*_, V, S) in zip(POINTS, DATA, strict=True):
        for left in (1.0, 0.0, 0.25):
            text = f"x = {x.tolist()}, y = {y.tolist()}, left = {left}"
            slopes = np.asarray(answer(x.copy(), y.copy(), left), dtype=float)
            assert slopes.shape == (len(x) + 1,), f"{text}: a ray, {len(x) - 1} chords, a ray; got {slopes.tolist()}"
            m = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
            close(slopes[1:-1], m, f"{text}: between the points it is the chords")
            change = slopes[0] - m[0], slopes[-1] - m[-1]
            close(cheapest(slopes), V if S <= V else (V + S) / 2, f"{text}: slopes {slopes.tolist()}, their norm")
            spent = abs(change[0]) + abs(change[1])
            close(abs(change[0]), left * spent, f"{text}: the left ray's part of the bending {spent:g}")


def chords(x, y):
    m = np.diff(y) / np.diff(x)
    return m, np.abs(np.diff(m)).sum(), m[0] + m[-1]


def variation(slopes):
    return np.abs(np.diff(slopes)).sum()


def pieces(w, b, v, place=None, jump=None, first=None, sort=True):
    """Knots and slopes, with one of the three formulas replaced."""
    at = -b / w if place is None else place
    order = np.argsort(at) if sort else np.arange(len(at))
    jumps = v * np.abs(w) if jump is None else jump
    begin = (v * w)[w < 0].sum() if first is None else first
    return at[order], begin + np.append(0.0, np.cumsum(jumps[order]))


def rays(x, y, change):
    """The chords, and rays whose slopes change by what `change` makes of the signed bending."""
    m, V, ends = chords(x, y)
    low, high = change(np.sign(ends) * max(0.0, abs(ends) - V) / 2, m)
    return np.concatenate([[m[0] + low], m, [m[-1] + high]])


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(slopes): the least cost of a net whose function has these slopes (K + 1,) from left to right",
        judge_1,
        wrong={
            "bending alone": (variation, "a line has no bends and is not free: the slopes at the ends count as well"),
            "ends alone": (lambda s: abs(s[0] + s[-1]), "every bend costs its size: the larger of both terms"),
            "sum": (
                lambda s: variation(s) + abs(s[0] + s[-1]),
                "the units that bend f also make slopes at the ends: the larger of both terms, not their sum",
            ),
            "larger end": (
                lambda s: max(variation(s), abs(s[0]), abs(s[-1])),
                "the slopes at both ends are added, with their signs: |s_0 + s_K|",
            ),
            "from level to level": (
                lambda s: np.abs(np.diff(s, prepend=0, append=0)).sum(),
                "slopes at the ends are not bends: nothing begins at slope 0",
            ),
        },
        probe=calls(*((np.array(slopes),) for slopes in SLOPES)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(w, b, v): knots (k,) ascending and slopes (k + 1,) of the function of a net whose units bend at "
        "different places",
        judge_2,
        wrong={
            "plus": (lambda w, b, v: pieces(w, b, v, place=b / w), "w x + b is 0 at -b / w"),
            "jump v w": (
                lambda w, b, v: pieces(w, b, v, jump=v * w),
                "a unit that faces left goes from the slope v w to 0: its jump is -v w = v |w|",
            ),
            "jump v": (lambda w, b, v: pieces(w, b, v, jump=v), "the jump is v |w|: w stretches the unit"),
            "level at the left": (
                lambda w, b, v: pieces(w, b, v, first=0.0),
                "units with w < 0 are active at the far left: the first slope is the sum of their v w",
            ),
            "not sorted": (
                lambda w, b, v: pieces(w, b, v, sort=False),
                "knots ascend, and jumps go with them: argsort",
            ),
            "all at the left": (
                lambda w, b, v: pieces(w, b, v, first=(v * w).sum()),
                "at the far left only units with w < 0 are active",
            ),
        },
        probe=calls(*((np.array(w), np.array(b), np.array(v)) for w, b, v in NETS)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(x, y): the least norm of all functions through points x (N,) ascending, y (N,), N >= 2",
        judge_3,
        wrong={
            "V": (lambda x, y: chords(x, y)[1], "where S > V more than the bending of the chords must be paid"),
            "straight on": (
                lambda x, y: max(chords(x, y)[1], abs(chords(x, y)[2])),
                "that is the spline which goes straight on; bending the rays is cheaper where S > V",
            ),
            "always the mean": (
                lambda x, y: (chords(x, y)[1] + abs(chords(x, y)[2])) / 2,
                "where S < V nothing is saved: V is the least",
            ),
            "sign kept": (
                lambda x, y: max(chords(x, y)[1], (chords(x, y)[1] + chords(x, y)[2]) / 2),
                "falling data cost as much as rising ones: S is a magnitude",
            ),
            "gaps forgotten": (
                lambda x, y: max(
                    chords(np.arange(len(x)), y)[1],
                    (chords(np.arange(len(x)), y)[1] + abs(chords(np.arange(len(x)), y)[2])) / 2,
                ),
                "slopes are differences of y over differences of x",
            ),
        },
        probe=calls(*POINTS),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(x, y, left): slopes (N + 1,) of an optimal spline with knots x; the left ray has this share of the "
        "bending",
        judge_4,
        wrong={
            "straight on": (
                lambda x, y, left: rays(x, y, lambda bend, m: (0, 0)),
                "where S > V the rays must be bent, by (S - V) / 2 in all",
            ),
            "level": (
                lambda x, y, left: rays(x, y, lambda bend, m: (-m[0], -m[-1])),
                "the rays need not become level: (S - V) / 2 in all is enough, and where S <= V nothing",
            ),
            "both in full": (
                lambda x, y, left: rays(x, y, lambda bend, m: (-bend, -bend)),
                "(S - V) / 2 is for both rays together: left of it here, 1 - left there",
            ),
            "outwards": (
                lambda x, y, left: rays(x, y, lambda bend, m: (left * bend, (1 - left) * bend)),
                "slopes at the ends must become smaller: subtract",
            ),
            "always down": (
                lambda x, y, left: rays(x, y, lambda bend, m: (-left * abs(bend), -(1 - left) * abs(bend))),
                "falling data are bent up: the sign is that of m_1 + m_{N-1}",
            ),
            "shares exchanged": (
                lambda x, y, left: rays(x, y, lambda bend, m: (-(1 - left) * bend, -left * bend)),
                "`left` is the share of the left ray, the first slope",
            ),
            "twice as much": (
                lambda x, y, left: rays(x, y, lambda bend, m: (-2 * left * bend, -2 * (1 - left) * bend)),
                "S - V is too much: bending makes one term grow as the other shrinks, so they meet half-way",
            ),
        },
        probe=calls(*((x, y, left) for x, y in POINTS for left in (1.0, 0.25))),
    ),
)
