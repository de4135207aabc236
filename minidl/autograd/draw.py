"""The graph of a tape as a picture: leaves on the left, the result on the right, every node a box.

`draw(loss, names=dict(x=x, w=w)).savefig("graph.svg")` is all that most people need. To animate a backward pass, draw each
frame into the same axes with `highlight` on the node at work and `adjoints` beside those that are known by then:

    places = layout(tape(loss))
    draw(loss, ax=ax, places=places, highlight=[node], adjoints={node: "4"})
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.autograd.backward import gradients, tape
from minidl.autograd.tensor import Tensor

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = tuple[float, float]
_ACROSS, _DOWN = 1.6, 0.9  # inches between columns and between boxes
_WIDE, _TALL = 0.36, 0.29  # half a box, in these units
_LEAF, _NODE, _ROOT, _LIT = "#e3f1e3", "#eef0f6", "#f7e7dc", "#ffd54f"
_LINE, _WARM = "#5b6475", "#c2410c"


def layout(nodes: Sequence[Tensor]) -> dict[Tensor, Place]:
    """A place (x to the right, y upwards, in units of columns and boxes) for each node of a tape.

    A node stands one column to the right of its furthest input, so that all edges go right. Within a column the order
    follows the neighbours' mean height, swept back and forth a few times (Sugiyama, Tagawa and Toda, 1981). Edges that
    skip columns keep a lane of their own, so that they do not run through boxes.
    """
    return _arranged(nodes)[0]


def draw(
    root: Tensor,
    names: Mapping[str, Tensor] | None = None,
    *,
    values: bool = False,
    highlight: Collection[Tensor] = (),
    adjoints: Mapping[Tensor, Any] | None = None,
    ax: Axes | None = None,
    places: Mapping[Tensor, Place] | None = None,
) -> Figure:
    """Draw what `root` was computed from, as far as it needs gradients; returns the figure (save it with `.savefig`).

    names: what to call tensors, as in `dict(x=x)`. values: write small values into the boxes, else only shapes.
    highlight: nodes to emphasise. adjoints: for some nodes a number, array or text to write under the box.
    ax: where to draw (cleared first); by default a figure of its own, of the size that the graph needs.
    places: from `layout`, to keep nodes where they are from frame to frame.

    Raises RuntimeError for a tape that is already released: draw before `backward()`, or keep it with retain_graph=True.
    """
    from matplotlib.figure import Figure

    nodes = tape(root)
    found, routes = _arranged(nodes)
    places = found if places is None else places
    called = {tensor: name for name, tensor in (names or {}).items()}
    columns = [x for x, _ in places.values()]
    rows = [y for _, y in places.values()] + [y for route in routes.values() for _, y in route]
    if ax is None:
        size = (_ACROSS * (max(columns) - min(columns) + 1), _DOWN * (max(rows) - min(rows) + 1.2))
        ax = Figure(figsize=size, layout="constrained").add_subplot()
    ax.clear()
    ax.set_axis_off()
    ax.set_xlim(min(columns) - 0.5, max(columns) + 0.5)
    ax.set_ylim(min(rows) - 0.62, max(rows) + 0.58)
    highlight = set(highlight)
    for node in nodes:
        inputs = [a for a in node._args if a is not None]
        paths = [[places[a], *(routes.get((a, node), ()) if places == found else ()), places[node]] for a in inputs]
        paths.sort(key=lambda path: -path[-2][1])  # so that they do not cross before they arrive
        for slot, path in enumerate(paths):
            _edge(ax, path, 0.12 * ((len(paths) - 1) / 2 - slot), node in highlight)
    for node in nodes:
        colour = _LIT if node in highlight else _LEAF if node.is_leaf else _ROOT if node is root else _NODE
        _box(ax, places[node], _label(node, called.get(node), values), colour)
        if adjoints and node in adjoints:
            text = adjoints[node] if isinstance(adjoints[node], str) else _numbers(adjoints[node])
            x, y = places[node]
            ax.text(x, y - _TALL - 0.04, text, ha="center", va="top", fontsize=8, color=_WARM, zorder=3)
    return ax.figure


# --- where things stand ------------------------------------------------------------------------------------------------
def animate(root: Tensor, names: Mapping[str, Tensor] | None = None) -> FuncAnimation:
    """The backward pass, one frame per node in the tape's order: a node lights up when its adjoint is complete.

    root: a tensor with one entry, whose tape is not released (and is not by this). The last frame shows all adjoints.
    """
    from matplotlib.animation import FuncAnimation

    nodes = tape(root)
    places = layout(nodes)
    known = dict(zip(nodes, (g.data for g in gradients(root, nodes)), strict=True))
    figure = draw(root, names, values=True, places=places)

    def frame(step: int) -> None:
        arrived = {node: known[node] for node in nodes[: step + 1]}
        lit = nodes[step : step + 1]
        draw(root, names, values=True, highlight=lit, adjoints=arrived, ax=figure.axes[0], places=places)

    return FuncAnimation(figure, frame, frames=len(nodes) + 1, init_func=lambda: None)


def _arranged(nodes: Sequence[Tensor]) -> tuple[dict[Tensor, Place], dict[tuple, list[Place]]]:
    """Places of nodes, and the inner points of edges that skip columns."""
    depth: dict[Tensor, int] = {}
    for node in reversed(nodes):  # oldest first: inputs before what is made of them
        depth[node] = 1 + max((depth[a] for a in node._args if a is not None), default=-1)
    for node in nodes:  # leaves move right, next to their first use
        if node.is_leaf:
            uses = [depth[n] for n in nodes if any(a is node for a in n._args)]
            depth[node] = min(uses, default=1) - 1
    edges, routes = [], {}
    columns: dict[int, list] = defaultdict(list)
    for node in reversed(nodes):
        columns[depth[node]].append(node)
    for node in reversed(nodes):
        for a in dict.fromkeys(a for a in node._args if a is not None):
            lane = [(a, node, k) for k in range(depth[a] + 1, depth[node])]  # a stand-in in every column on the way
            for stand_in in lane:
                columns[stand_in[2]].append(stand_in)
            if lane:
                routes[a, node] = lane
            chain = [a, *lane, node]
            edges += pairwise(chain)
    height = _heights(columns, edges)
    places = {node: (float(depth[node]), height[node]) for node in nodes}
    return places, {edge: [(float(k), height[a, n, k]) for a, n, k in lane] for edge, lane in routes.items()}


def _heights(columns: dict[int, list], edges: list[tuple]) -> dict[Any, float]:
    """Heights within columns: everything at the mean of its neighbours, as far as boxes leave room for each other."""
    before, after = defaultdict(list), defaultdict(list)
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    height = {item: -float(i) for items in columns.values() for i, item in enumerate(items)}
    order = sorted(columns)
    for sweep in range(8):
        neighbours = after if sweep % 2 == 0 else before
        for k in reversed(order) if sweep % 2 == 0 else order:
            wish = {
                item: float(np.mean([height[n] for n in neighbours[item]])) if neighbours[item] else height[item]
                for item in columns[k]
            }
            columns[k].sort(key=lambda item: -wish[item])
            placed = _apart([wish[item] for item in columns[k]])
            height.update(zip(columns[k], placed, strict=True))
    top = max(height.values())
    return {item: h - top for item, h in height.items()}


def _apart(wishes: list[float]) -> list[float]:
    """The heights nearest to the wished ones (falling) that are at least 1 apart: pool neighbours that collide."""
    groups: list[list] = []  # [sum of wishes measured from the first member's slot, members]
    for wish in wishes:
        groups.append([wish, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] - groups[-2][1] < groups[-1][0] / groups[-1][1]:
            total, members = groups.pop()
            groups[-1][0] += total + members * groups[-1][1]
            groups[-1][1] += members
    return [total / members - i for total, members in groups for i in range(members)]


# --- what is drawn -----------------------------------------------------------------------------------------------------
def _label(node: Tensor, name: str | None, values: bool) -> str:
    head = name or ("" if node.is_leaf else node._op.name)
    if name and not node.is_leaf:
        head = f"{name} = {node._op.name}"
    constants = [v for v, a in zip(node._values, node._args, strict=True) if a is None and np.ndim(v) == 0]
    if constants:
        head += " " + ", ".join(f"{float(v):.3g}" for v in constants)
    shape = "" if node.shape == () else "×".join(map(str, node.shape)) if node.ndim > 1 else f"({node.shape[0]},)"
    if values and node.size <= 4:
        shape = _numbers(node.data)
    return "\n".join(part for part in (head, shape) if part) or "scalar"


def _numbers(value: Any) -> str:
    value = value.data if isinstance(value, Tensor) else np.asarray(value)
    if value.size > 4:
        return "×".join(map(str, value.shape))
    rows = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else [value]
    return "\n".join(np.array2string(row, precision=3, separator=", ", suppress_small=True) for row in rows)


def _box(ax: Axes, place: Place, text: str, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (place[0] - _WIDE + 0.05, place[1] - _TALL + 0.05)
    size = (2 * _WIDE - 0.1, 2 * _TALL - 0.1)
    style = {"boxstyle": "round,pad=0.05,rounding_size=0.05", "facecolor": colour, "edgecolor": _LINE, "linewidth": 0.9}
    ax.add_patch(FancyBboxPatch(corner, *size, **style, zorder=2))
    ax.text(
        *place, text, ha="center", va="center", fontsize=9 if text.count("\n") < 2 else 8, linespacing=1.15, zorder=3
    )


def _edge(ax: Axes, points: list[Place], shift: float, lit: bool) -> None:
    """A smooth curve through the points, level at each, from the right side of a box to the left side of another."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    (x0, y0), *inner, (x1, y1) = points
    points = [(x0 + _WIDE, y0), *inner, (x1 - _WIDE, y1 + shift)]
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    arrow = {
        "arrowstyle": "-|>",
        "mutation_scale": 9,
        "color": _WARM if lit else _LINE,
        "linewidth": 1.6 if lit else 1.0,
    }
    ax.add_patch(FancyArrowPatch(path=Path(vertices, codes), shrinkA=0, shrinkB=0, zorder=1, **arrow))
