"""Pictures of tapes: everything is on them, nothing overlaps, and frames keep their places."""

import subprocess
import sys

import numpy as np
import pytest

import minidl.autograd as m
from minidl.autograd import Tensor, tape
from minidl.autograd.draw import draw, layout


def network():
    x, w, v = (Tensor(np.ones(shape), requires_grad=True) for shape in ((8, 16), (16, 4), (4,)))
    h = m.relu(x @ w + v)
    loss = (m.softmax(h) * 2.0 + h**2).sum() + (w * w).sum()
    return loss, {"x": x, "w": w, "v": v, "h": h}


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_node_is_named_with_its_operation_shape_and_constants():
    loss, names = network()
    figure = draw(loss, names)
    assert len(texts(figure)) == len(tape(loss))
    for label in ("x\n8×16", "v\n(4,)", "h = relu\n8×4", "multiply 2\n8×4", "power 2\n8×4", "softmax\n8×4"):
        assert label in texts(figure), texts(figure)
    arrows = [p for p in figure.axes[0].patches if type(p).__name__ == "FancyArrowPatch"]
    assert len(arrows) == sum(a is not None for node in tape(loss) for a in node._args)


def test_places_fall_into_columns_without_overlap():
    loss, _ = network()
    places = layout(tape(loss))
    for node in tape(loss):
        for a in node._args:
            if a is not None:
                assert places[a][0] <= places[node][0] - 1, "edges go right"
    taken = list(places.values())
    for i, (x, y) in enumerate(taken):
        for u, v in taken[:i]:
            assert x != u or abs(y - v) >= 1 - 1e-9, "boxes of one column keep apart"
    assert max(x for x, _ in taken) == places[loss][0]
    for parameter in (node for node in tape(loss) if node.is_leaf):
        first = min(places[n][0] for n in tape(loss) if any(a is parameter for a in n._args))
        assert places[parameter][0] == first - 1, "a leaf stands next to its first use"


def test_values_highlights_and_adjoints():
    a = Tensor(1.5, requires_grad=True)
    b = a + a
    c = b * b
    figure = draw(c, {"a": a, "b": b}, values=True, highlight=[b], adjoints={c: 1.0, b: "6 = 3 + 3", a: np.array(12.0)})
    assert texts(figure)[:5] == ["c" if t is c else t for t in texts(figure)[:5]]
    for label in ("a\n1.5", "b = add\n3.", "multiply\n9.", "6 = 3 + 3", "12.", "1."):
        assert label in texts(figure), texts(figure)
    boxes = [p for p in figure.axes[0].patches if type(p).__name__ == "FancyBboxPatch"]
    assert len({box.get_facecolor() for box in boxes}) == 3


def test_frames_share_an_axes_and_their_places(tmp_path):
    from matplotlib.figure import Figure

    loss, names = network()
    ax = Figure(figsize=(9, 4)).add_subplot()
    places = layout(tape(loss))
    counts = set()
    for node in tape(loss):
        assert draw(loss, names, ax=ax, places=places, highlight=[node]) is ax.figure
        counts.add(len(ax.patches))
    assert len(counts) == 1, "each frame starts from an empty axes"


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_saved(tmp_path, suffix):
    loss, names = network()
    draw(loss, names).savefig(tmp_path / f"graph.{suffix}")
    assert (tmp_path / f"graph.{suffix}").stat().st_size > 2000


def test_a_leaf_alone_a_long_chain_and_a_released_tape():
    assert texts(draw(Tensor(2.0, requires_grad=True))) == ["scalar"]
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):
        y = m.sin(y) * x
    places = layout(tape(y))
    assert len(set(places.values())) == len(tape(y)) == 121
    y.backward()
    with pytest.raises(RuntimeError, match="released"):
        draw(y)


def test_matplotlib_loads_at_the_first_picture_only():
    code = "import minidl.autograd.draw, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
