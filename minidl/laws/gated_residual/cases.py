"""Cases for the laws of residual gates: small inputs by name, and strategies that draw more of them.

Block inputs are drawn from a seed and rounded to two decimals, so that they print short and shrink by size. They keep a
distance from every kink of relu: there a gradient is a convention, and rounding would choose the side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases

PAPER = "Savarese, Mazza, Figueiredo 2016, section 2.2"
EPS = 1e-3  # of batch normalisation, the default
MARGIN = 0.02  # least distance of a pre-activation from 0
INF, NAN = np.inf, np.nan

_S = np.array([[1.0, -2.0], [0.5, 3.0]])
_F = np.array([[0.05, 0.0], [0.45, 0.6]])
_DY = np.array([[1.0, 2.0], [-1.0, 0.5]])


def number(k: Any) -> float:
    """A gate as a float, whether it is a number or stored as an array."""
    return float(np.asarray(k).reshape(()))


def opened(k: Any) -> float:
    """A positive gate made of any gate."""
    return abs(number(k)) or 0.75


def gaps(a: np.ndarray) -> np.ndarray:
    """The same values in a view with gaps, which no kernel may take for contiguous."""
    return np.repeat(a, 2, axis=-1)[..., ::2]


def _images(shape: tuple[int, ...], shift: float) -> np.ndarray:
    return np.round(np.sin(np.arange(np.prod(shape)) * 0.7 + shift) * 2, 2).reshape(shape)


def layer_cases(first: str, second: str) -> Cases:
    """Inputs of a gated layer: two arrays of one shape, a cotangent dy, a gate k."""

    def case(a: Any, b: Any, dy: Any, k: Any) -> Case:
        return {first: a, second: b, "dy": dy, "k": k}

    def generated():
        from hypothesis import strategies as st

        @st.composite
        def build(draw):
            shape = draw(st.sampled_from([(1, 1), (1, 3), (3, 1), (2, 3), (4, 2), (2, 1, 2, 2)]))
            dtype = draw(st.sampled_from([np.float64, np.float32]))
            size = int(np.prod(shape))
            entries = st.lists(st.integers(-30, 30), min_size=size, max_size=size)
            a, b, dy = (np.array(draw(entries), dtype).reshape(shape) / dtype(10) for _ in range(3))
            return case(a, b, dy, draw(st.integers(-15, 30)) / 10)

        return build()

    narrow = [a.astype(np.float32) for a in (_S, _F, _DY)]
    return Cases(
        named={
            "typical": case(_S, _F, _DY, 0.6),
            "negative": case(_S, _F, _DY, -0.5),
            "border": case(_S, _F, _DY, 0.0),
            "one": case(_S, _F, _DY, 1.0),
            "amplified": case(_S, _F, _DY, 2.0),
            "negative_with_infinity": case(_S, np.array([[INF, 1.0], [-INF, NAN]]), _DY, -0.5),
            "border_with_infinity": case(_S, np.array([[INF, 1.0], [-INF, NAN]]), _DY, 0.0),
            "stored_gate": case(_S, _F, _DY, np.array([0.6])),
            "single": case(np.array([[3.0]]), np.array([[-0.7]]), np.array([[2.0]]), 1.3),
            "float32": case(*narrow, 0.6),
            "float32_stored_gate": case(*narrow, np.array([1.7], np.float32)),
            "projected": case(
                _S @ np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.4]]), *(_images((2, 3), t) for t in (0, 1)), 0.9
            ),
            "images": case(*(_images((2, 3, 4, 4), t) for t in (0.0, 1.0, 2.0)), 0.4),
            "gaps": case(gaps(_S), np.asfortranarray(_F), gaps(_DY), 0.6),
        },
        generated=generated,
        notes={
            "negative": "|k| in place of max(k, 0); gradients of a dead gate",
            "border": "the indicator k >= 0 instead of k > 0",
            "one": "a squashed gate, which is not 1 at k = 1",
            "amplified": "a gate clipped to 1",
            "negative_with_infinity": "0 times infinity: the branch must be skipped, not multiplied by 0",
            "border_with_infinity": "0 times infinity at k = 0",
            "stored_gate": "a gate stored as shape (1,), whose gradient has that shape",
            "projected": "the shortcut is a projection of the input",
            "float32": "a result that grows to float64",
            "gaps": "memory that is not contiguous",
        },
    )


def finite(cases: Cases) -> Cases:
    """Without the cases that hold infinities, for laws on open gates."""
    named = {name: case for name, case in cases.named.items() if not name.endswith("with_infinity")}
    notes = {name: note for name, note in cases.notes.items() if name in named}
    return Cases(named=named, generated=cases.generated, notes=notes)


PLAIN, RESIDUAL = layer_cases("x", "fx"), layer_cases("shortcut", "branch")


# --- fully connected blocks --------------------------------------------------------------------------------------------
def normalise(z: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Batch normalisation over the last axis but one; leading axes are batches of problems, complex numbers pass."""
    z = z - z.sum(axis=-2, keepdims=True) / z.shape[-2]
    return (
        gamma[..., None, :] * z / np.sqrt((z * z).sum(axis=-2, keepdims=True) / z.shape[-2] + EPS) + beta[..., None, :]
    )


def relu(u: np.ndarray) -> np.ndarray:
    """max(u, 0), by the real part."""
    return np.where(u.real > 0, u, 0)


def preactivations(x: Any, W1: Any, gamma1: Any, beta1: Any, W2: Any, gamma2: Any, beta2: Any) -> list[np.ndarray]:
    """What enters the two relus of a block."""
    u1 = normalise(x @ W1, gamma1, beta1)
    return [u1, normalise(relu(u1) @ W2, gamma2, beta2)]


def block_case(seed: int, batch: int, width: int, hidden: int, k: Any, dtype: Any = np.float64) -> Case:
    """A random block whose pre-activations keep MARGIN from 0, with a cotangent dy: the first such draw of the seed."""
    rng = np.random.default_rng(seed)
    while True:
        shapes = dict(x=(batch, width), W1=(width, hidden), gamma1=hidden, beta1=hidden)
        shapes |= dict(W2=(hidden, width), gamma2=width, beta2=width)
        case = {name: rng.normal(size=shape).round(2).astype(dtype) for name, shape in shapes.items()}
        values = {name: a.astype(np.float64) for name, a in case.items()}
        if all(np.abs(u).min() > MARGIN for u in preactivations(**values)):
            return case | {"dy": rng.normal(size=(batch, width)).round(2).astype(dtype), "k": k}


def _blocks(batches: tuple[int, ...] = (1, 2, 3, 4, 5)):
    from hypothesis import strategies as st

    return st.builds(
        block_case,
        seed=st.integers(0, 10_000),
        batch=st.sampled_from(batches),
        width=st.integers(1, 4),
        hidden=st.integers(1, 4),
        k=st.integers(-10, 25).map(lambda tenths: tenths / 10),
        dtype=st.sampled_from([np.float64, np.float32]),
    )


WORKED = {  # the block of the printed examples; one of its rows sits on the first relu's kink, so it is no case for gradients
    "x": np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]),
    "W1": np.array([[1.0, -1.0], [0.5, 2.0]]),
    "gamma1": np.ones(2),
    "beta1": np.zeros(2),
    "W2": np.array([[0.3, 0.7], [-0.2, 0.4]]),
    "gamma2": np.ones(2),
    "beta2": np.zeros(2),
}
_POISON = block_case(3, 3, 2, 2, -0.5)
_POISON = _POISON | {"W2": np.full_like(_POISON["W2"], INF)}
_GAPS = block_case(8, 4, 3, 2, 0.7)

BLOCK = Cases(
    named={
        "typical": block_case(0, 5, 3, 4, 0.6),
        "negative": block_case(1, 4, 3, 2, -0.7),
        "border": block_case(2, 4, 2, 3, 0.0),
        "negative_with_infinity": _POISON,
        "one": block_case(4, 4, 3, 3, 1.0),
        "amplified": block_case(5, 4, 3, 3, 2.5),
        "one_row": block_case(6, 1, 3, 2, 0.8),
        "two_rows": block_case(7, 2, 3, 2, 0.8),
        "width_one": block_case(9, 4, 1, 1, 1.4),
        "stored_gate": block_case(10, 3, 2, 2, np.array([0.75])),
        "float32": block_case(11, 6, 3, 4, 0.6, np.float32),
        "gaps": _GAPS | {"x": gaps(_GAPS["x"]), "W1": np.asfortranarray(_GAPS["W1"]), "dy": gaps(_GAPS["dy"])},
        "minibatch": block_case(12, 24, 5, 6, 0.9),
    },
    generated=_blocks,
    notes={
        "negative": "gradients of a dead gate are exactly 0",
        "border": "the indicator k >= 0 instead of k > 0",
        "negative_with_infinity": "infinite weights behind a closed gate must not leak",
        "amplified": "a gate clipped to 1",
        "one_row": "variance 0: batch normalisation gives beta",
        "two_rows": "the unbiased variance, twice the biased one",
        "float32": "a result that grows to float64",
        "gaps": "memory that is not contiguous",
    },
)
# On two rows normalisation leaves a part eps / (variance + eps) of a gradient and the rest cancels: what remains is mostly
# rounding, more than a jitter of the inputs shows. The laws take such batches, with the scale of what cancels; the agreement
# with the reference does without them.
GRADIENTS = Cases(
    named={name: case for name, case in BLOCK.named.items() if name != "two_rows"},
    generated=lambda: _blocks((1, 3, 4, 5)),
    notes={name: note for name, note in BLOCK.notes.items() if name != "two_rows"},
)
# A layer is the first half of a block, normalisation its middle.
LAYER = Cases(
    named={
        name: {"x": case["x"], "W": case["W1"], "gamma": case["gamma1"], "beta": case["beta1"]}
        for name, case in BLOCK.named.items()
        if name in ("typical", "one_row", "two_rows", "width_one", "float32", "gaps")
    },
    generated=lambda: _blocks().map(lambda c: {"x": c["x"], "W": c["W1"], "gamma": c["gamma1"], "beta": c["beta1"]}),
    notes={"one_row": "variance 0", "two_rows": "the unbiased variance"},
)
NORM = Cases(
    named={name: {"z": case["x"], "gamma": case["gamma2"], "beta": case["beta2"]} for name, case in BLOCK.named.items()}
    | {
        "images": {
            "z": _images((2, 3, 2, 3), 0.5),
            "gamma": np.array([0.5, -1.0, 2.0]),
            "beta": np.array([0.1, 0.2, -0.3]),
        },
        "constant": {"z": np.full((3, 1), 2.5), "gamma": np.array([2.0]), "beta": np.array([0.25])},
    },
    generated=lambda: _blocks().map(lambda c: {"z": c["x"], "gamma": c["gamma2"], "beta": c["beta2"]}),
    notes={
        "images": "statistics per channel, over batch and positions",
        "constant": "variance 0, where only eps divides",
    },
)


# --- convolutional blocks ----------------------------------------------------------------------------------------------
def image_case(
    seed: int,
    batch: int,
    channels: int,
    filters: int,
    size: tuple[int, int],
    stride: int,
    k: float,
    window: tuple[int, int] = (3, 3),
) -> Case:
    """A random convolutional block with a projection shortcut."""
    rng = np.random.default_rng(seed)
    shapes = dict(x=(batch, channels, *size), gamma1=channels, beta1=channels, W1=(filters, channels, *window))
    shapes |= dict(gamma2=filters, beta2=filters, W2=(filters, filters, *window), projection=(filters, channels, 1, 1))
    return {name: rng.normal(size=shape).round(2) for name, shape in shapes.items()} | {"stride": stride, "k": k}


def _image_blocks():
    from hypothesis import strategies as st

    few, sides, odd = st.integers(1, 3), st.integers(1, 5), st.sampled_from([1, 3])
    return st.builds(
        image_case,
        seed=st.integers(0, 10_000),
        batch=st.integers(1, 2),
        channels=few,
        filters=few,
        size=st.tuples(sides, sides),
        stride=st.integers(1, 2),
        k=st.integers(-10, 25).map(lambda tenths: tenths / 10),
        window=st.tuples(odd, odd),
    )


IMAGES = Cases(
    named={
        "typical": image_case(0, 2, 2, 2, (4, 4), 1, 0.6),
        "changes_shape": image_case(1, 2, 2, 3, (5, 5), 2, 1.5),
        "negative": image_case(2, 1, 2, 3, (4, 4), 2, -0.5),
        "border": image_case(3, 2, 1, 1, (3, 3), 1, 0.0),
        "pixel": image_case(4, 3, 2, 2, (1, 1), 1, 0.8),
        "tall_window": image_case(5, 2, 1, 2, (4, 6), 2, 0.9, window=(5, 1)),
        "wide_window": image_case(6, 1, 2, 1, (6, 5), 1, 0.9, window=(1, 5)),
    },
    generated=_image_blocks,
    notes={
        "changes_shape": "the projection is not gated; the stride belongs to the first convolution",
        "negative": "a removed block keeps its projection",
        "tall_window": "height and width exchanged",
        "pixel": "one-pixel images, where only the window's middle counts",
    },
)


# --- tolerances --------------------------------------------------------------------------------------------------------
def conditioned(model, inputs, dtype):
    """model(inputs) in double precision, and the scale of its error: largest magnitude + largest move under jitter / eps.

    A backward stable program computes the exact answer for inputs that are off by a few ulps of its dtype. The jitter moves
    each input by one ulp, six times; the `ulps` of the caller cover the accumulation over at most 64 terms.
    """
    eps, rng = float(np.finfo(dtype).eps), np.random.default_rng(15)
    wide = {name: np.asarray(a, np.float64) for name, a in inputs.items()}
    value = model(wide)
    moved = [model({n: a * (1 + eps * rng.choice([-1.0, 1.0], a.shape)) for n, a in wide.items()}) for _ in range(6)]
    spread = max(float(np.abs(other - value).max()) for other in moved)
    return value.astype(dtype), float(np.abs(value).max()) + spread / eps


# --- gates and stacks --------------------------------------------------------------------------------------------------
GATES = Cases(
    named={
        "numbers": {"k": np.array([-2.0, -0.5, 0.0, 0.3, 1.0, 5.58])},
        "number": {"k": -0.25},
        "open_number": {"k": 0.75},
        "zero": {"k": 0.0},
        "float32": {"k": np.array([-1.5, 0.0, 2.5], np.float32)},
        "tiny": {"k": np.array([5e-324, -5e-324, 1e300])},
    },
    generated=lambda: _lists("k", 6),
    notes={"numbers": "squashed, clipped or absolute gates", "tiny": "thresholds other than 0"},
)


def _lists(name: str, longest: int):
    from hypothesis import strategies as st

    tenths = st.lists(st.integers(-20, 40), min_size=1, max_size=longest)
    return tenths.map(lambda values: {name: np.array(values) / 10})


def _chains():
    from hypothesis import strategies as st

    number = st.integers(-20, 20).map(lambda tenths: tenths / 10)
    gates = st.lists(st.integers(-10, 25), min_size=1, max_size=6).map(lambda values: np.array(values) / 10)
    return st.fixed_dictionaries({"dy": number, "x0": number, "w": number, "gates": gates})


CHAIN = Cases(
    named={
        "worked": {"dy": 1.0, "x0": 2.0, "w": 0.3, "gates": np.array([0.5, 1.0, 2.0, 0.25])},
        "closed": {"dy": 1.0, "x0": 1.5, "w": -0.4, "gates": np.array([0.5, -1.0, 0.0, 2.0])},
        "vanishing": {"dy": 2.0, "x0": 1.5, "w": -0.5, "gates": np.array([2.0, 0.5, 1.0])},
    },
    generated=_chains,
    notes={
        "closed": "closed gates in the middle of a chain",
        "vanishing": "1 + g w = 0, where the closed form's quotient w x_L / (1 + g w) is 0 / 0",
    },
)


def _removals():
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        k = draw(st.lists(st.integers(-3, 8), min_size=1, max_size=7))
        removed = draw(st.lists(st.integers(0, len(k) - 1), unique=True, max_size=len(k)))
        return {"k": np.array(k) / 4, "removed": np.array(removed, dtype=np.int64)}

    return build()


REMOVALS = Cases(
    named={
        "half": {"k": np.array([1.2, 0.1, 0.7, 0.4]), "removed": np.array([3, 1])},
        "all": {"k": np.array([1.0, 2.0, 0.5]), "removed": np.array([0, 1, 2])},
        "none": {"k": np.array([1.0, 2.0]), "removed": np.array([], dtype=np.int64)},
        "one_closed": {"k": np.array([0.8, -0.3, 0.0, 1.1]), "removed": np.array([0])},
        "ties": {"k": np.array([0.5, 0.2, 0.5, 0.2, 0.5]), "removed": np.array([4])},
        "negative": {"k": np.array([0.3, -0.8, 0.1, -0.1]), "removed": np.array([1])},
        "float32": {"k": np.array([0.3, 0.2], np.float32), "removed": np.array([0])},
    },
    generated=_removals,
    notes={
        "ties": "the order of equal gates",
        "negative": "order by |k|",
        "all": "removing every block is legal",
        "one_closed": "the gates of the other blocks stay what they are",
    },
)


def _noise():
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        ranks = draw(st.lists(st.integers(0, 63), unique=True, min_size=1, max_size=8))
        return {"u": np.array(ranks) / 64, "n_removed": draw(st.integers(0, len(ranks)))}

    return build()


NOISE = Cases(
    named={
        "four": {"u": np.array([0.9, 0.2, 0.6, 0.4]), "n_removed": 1},
        "all": {"u": np.array([0.9, 0.2]), "n_removed": 2},
        "none": {"u": np.array([0.9, 0.2]), "n_removed": 0},
    },
    generated=_noise,
)
