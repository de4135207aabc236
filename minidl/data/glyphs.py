"""The ten digits as pen paths: a table of control points, and the curve that a pen draws through them.

A style is a tuple of pen strokes, a stroke a tuple of points (x, y) on a grid 6 wide and 10 high, y downwards. The pen
runs smoothly through the points (a Catmull-Rom spline); a point written twice in a row is a corner; a stroke, or a piece
between corners, that ends where it began is a smooth loop. Points with equal coordinates are one control point, so
strokes that meet in the table still meet after every control point has been jittered.

Source of the spline: E. Catmull and R. Rom, "A class of local interpolating splines", Computer Aided Geometric Design,
Academic Press, 1974.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

GRID = (6.0, 10.0)  # width and height of the table's grid
SPACING = 0.36  # distance of neighbouring samples of a path, in grid units: below the thinnest pen's width

Point = tuple[float, float]
Stroke = tuple[Point, ...]
Style = tuple[Stroke, ...]

# fmt: off
STYLES: tuple[tuple[Style, ...], ...] = (
    (  # 0: a loop; a loop whose ends overlap
        (((3, 0), (1, 1.3), (0.2, 5), (1, 8.7), (3, 10), (5, 8.7), (5.8, 5), (5, 1.3), (3, 0)),),
        (((4, 0.7), (2, 0.5), (0.5, 3), (0.6, 7), (2.5, 9.9), (4.8, 8), (5.4, 4), (4.2, 1), (2.2, 0.1)),),
    ),
    (  # 1: a stick; with a flag; with a flag and a foot
        (((3, 0), (3, 5), (3, 10)),),
        (((1, 2.4), (3.3, 0), (3.3, 0), (3.2, 5), (3, 10)),),
        (((1.2, 2.2), (3, 0), (3, 0), (3, 5), (3, 10)), ((0.8, 10), (3, 10), (5.2, 10))),
    ),
    (  # 2: with a sharp heel; with a loop for a heel
        (((0.6, 2.4), (1.6, 0.4), (3.6, 0), (5.2, 1.4), (4.8, 3.8), (2.6, 7), (0.4, 10), (0.4, 10), (5.8, 9.9)),),
        (((0.6, 2), (2.4, 0.1), (4.9, 1), (4.8, 4), (2.6, 8), (0.8, 9.7), (0.3, 8.6), (1.6, 8.1), (3.4, 9.4), (5.8, 9.5)),),
    ),
    (  # 3: round; with a flat top
        (((0.6, 1.4), (2.6, 0), (5, 1.2), (4.6, 3.6), (2.4, 4.6), (2.4, 4.6), (5, 5.6), (5.4, 8), (3, 10), (0.4, 8.8)),),
        (((0.6, 0.2), (5.2, 0), (5.2, 0), (2.4, 4), (2.4, 4), (5, 5.2), (5.4, 8), (3, 10), (0.4, 9)),),
    ),
    (  # 4: open; closed
        (((1.4, 0.2), (0.4, 5.8), (0.4, 5.8), (3.9, 5.8), (5.8, 5.7)), ((4.4, 1.8), (4.1, 10))),
        (((4.3, 0), (0.2, 6.6), (0.2, 6.6), (5.8, 6.6)), ((4.3, 0), (4.2, 10))),
    ),
    (  # 5: with a hat; in one sweep
        (((1.2, 0), (0.9, 4.4), (0.9, 4.4), (3, 3.8), (5.4, 5.4), (5, 8.6), (2.6, 10), (0.3, 9)), ((1.2, 0), (5.2, 0))),
        (((5.4, 0.2), (3, 0.1), (1.2, 0.6), (1, 3.4), (2.8, 4.2), (5, 5.6), (5, 8.6), (2.6, 10), (0.3, 9.2)),),
    ),
    (  # 6: curled; straight
        (((4.8, 0.3), (2.2, 1.8), (0.5, 5.8), (1.2, 9), (3.2, 10), (5.2, 8.4), (4.6, 6), (2.6, 5.6), (0.8, 7.4)),),
        (((4, 0), (1.4, 4.6), (0.6, 7.6), (2.4, 10), (4.9, 9), (5, 6.8), (3, 5.6), (1, 6.8)),),
    ),
    (  # 7: plain; with a bar; with a serif and a bent stem
        (((0.4, 0), (5.6, 0), (5.6, 0), (2, 10)),),
        (((0.4, 0), (5.6, 0), (5.6, 0), (3.9, 4.8), (2, 10)), ((1.8, 5), (3.9, 4.8), (5.8, 4.7))),
        (((0.4, 2), (0.5, 0.2), (0.5, 0.2), (5.6, 0), (5.6, 0), (3.2, 4.6), (2.6, 10)),),
    ),
    (  # 8: in one stroke; two loops
        (((4.9, 1.4), (3, 0), (1.1, 1.5), (1.9, 3.6), (4.2, 5.6), (5.2, 7.9), (3, 10), (0.8, 7.9), (1.9, 5.6), (4.3, 3.5),
          (4.9, 1.4)),),
        (((3, 0), (1.1, 2.1), (3, 4.5), (4.9, 2.1), (3, 0)), ((3, 4.5), (0.6, 7.3), (3, 10), (5.4, 7.3), (3, 4.5))),
    ),
    (  # 9: with a straight stem; with a curled tail
        (((5, 2.1), (3, 0.1), (0.8, 1.6), (1.2, 4.5), (3.2, 4.8), (5, 2.1), (5, 2.1), (4.9, 6), (4.4, 10)),),
        (((5, 2), (3, 0.1), (0.8, 1.6), (1.1, 4.3), (3.2, 4.6), (5, 2), (5, 2), (5.1, 6.6), (3.6, 9.8), (0.9, 9.4)),),
    ),
)
# fmt: on


@dataclass(frozen=True, eq=False)
class Glyph:
    """One style of one digit, as linear maps from its P control points to the M samples of its path.

    Attributes:
        control: (P, 2) float64, the control points as the table has them.
        middle: (M, P) float64; `middle @ control` is the middle of each of the path's M short steps.
        step: (M, P) float64; `step @ control` is the vector from the start to the end of each step.
    """

    control: np.ndarray
    middle: np.ndarray
    step: np.ndarray


@cache
def glyphs() -> tuple[tuple[Glyph, ...], ...]:
    """The glyphs of every digit: `glyphs()[digit][style]`."""
    return tuple(tuple(build(style) for style in styles) for styles in STYLES)


def build(style: Style) -> Glyph:
    """The linear maps of one style: because a spline is linear in its control points, jitter costs one matmul."""
    points = list(dict.fromkeys(point for stroke in style for point in stroke))
    control = np.array(points, dtype=float)  # (P, 2)
    middle, step = [], []
    for piece in _pieces(style):
        curve = _spline([points.index(point) for point in piece], len(points))  # (T, P)
        lengths = np.linalg.norm(np.diff(curve @ control, axis=0), axis=1)  # (T - 1,)
        reached = np.concatenate([[0.0], np.cumsum(lengths)])  # (T,) arc length
        stops = np.linspace(0.0, reached[-1], 1 + int(np.ceil(reached[-1] / SPACING)))  # (S,)
        ends = np.stack([np.interp(stops, reached, column) for column in curve.T], axis=1)  # (S, P)
        middle.append((ends[1:] + ends[:-1]) / 2)
        step.append(np.diff(ends, axis=0))
    return Glyph(control, np.concatenate(middle), np.concatenate(step))


def _pieces(style: Style) -> Iterator[list[Point]]:
    """The strokes of a style, cut at their corners."""
    for stroke in style:
        piece = [stroke[0]]
        for point in stroke[1:]:
            if point == piece[-1]:
                yield piece
                piece = [point]
            else:
                piece.append(point)
        yield piece


def _spline(indices: list[int], points: int, per_span: int = 24) -> np.ndarray:
    """The Catmull-Rom curve through the control points `indices`, as rows of weights over all `points`: (T, points)."""
    rows = np.eye(points)[indices]  # (K, P)
    if indices[0] == indices[-1]:
        before, after = rows[-2], rows[1]
    else:  # a phantom neighbour that continues the end span straight on
        before, after = 2 * rows[0] - rows[1], 2 * rows[-1] - rows[-2]
    padded = np.concatenate([[before], rows, [after]])  # (K + 2, P)
    t = np.linspace(0.0, 1.0, per_span, endpoint=False)[:, None]  # (per_span, 1)
    spans = [
        b + t * (c - a) / 2 + t**2 * (2 * a - 5 * b + 4 * c - d) / 2 + t**3 * (3 * (b - c) + d - a) / 2
        for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True)
    ]
    return np.concatenate([*spans, rows[-1:]])
