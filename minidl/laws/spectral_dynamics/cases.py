"""Cases of spectral dynamics: spectra, weights with known singular vectors, and what their functions ask for.

A weight is the product of orthonormal columns and given singular values, so that a law knows what a decomposition must
find: `written`, `read`, `u`, `v`, `s` are these parts, `loose` says how far rounding may turn the vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Golden
from minidl.laws.spectral_dynamics.oracle import built, looseness, orthogonal, values

PAPER = (
    "Yunis, Patel, Wheeler, Savarese, Vardi, Livescu, Maire, Walter, Approaching Deep Learning through the Spectral "
    "Dynamics of Weights, 2024"
)
ENTROPY = "Roy, Vetterli, The effective rank: a measure of effective dimensionality, 2007"
THRESHOLD = "Cai, Candes, Shen, A singular value thresholding algorithm for matrix completion, 2010, theorem 2.1"
MODES = "Saxe, McClelland, Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear networks, 2014"
FACTORED = ("a", "b", "target", "decay")
KINDS = ("steps", "halving")
SCALES = (1.0, 0.001, 40.0)


def turning(case: Case) -> dict[str, Any]:
    """The tolerance for entries made of singular vectors.

    Building the weight rounds by at most as many terms as it has singular values, a backward stable decomposition by a
    small multiple of its sides: together below 16 times the longest side, in units of eps s_1; Wedin's theorem turns
    that into an angle by 1 / gap.
    """
    sides = [n for name in ("w", "w_next", "other", "query") if name in case for n in np.shape(case[name])]
    return {"ulps": 16 * max(sides), "scale": case["loose"]}


def worked(function: str, inputs: Case, outputs: dict[str, Any], digits: int, note: str) -> Golden:
    """A worked example, its outputs as arrays."""
    arrays = {name: np.asarray(value)[()] for name, value in outputs.items()}
    return Golden(function, inputs, arrays, digits=digits, note=note)


def drawn(make, **strategies):
    """A strategy of cases, from a function that returns the strategies of the arguments."""

    def generated():
        from hypothesis import strategies as st

        return st.builds(make, seed=st.integers(0, 10_000), **{name: draw(st) for name, draw in strategies.items()})

    return generated


def size(low: int, high: int):
    return lambda st: st.integers(low, high)


def one_of(*choices):
    return lambda st: st.sampled_from(choices)


# --- spectra -----------------------------------------------------------------------------------------------------------
def spectrum(*s: float, eps: float = 0.0, dtype: Any = np.float64) -> Case:
    return {"s": np.array(s, dtype), "eps": eps}


def drawn_spectrum(seed: int, R: int, eps: float, scale: float) -> Case:
    """Random values in descending order, the last of which may be 0."""
    rng = np.random.default_rng(seed)
    s = np.sort(rng.integers(1, 200, R))[::-1] * scale
    s[R - int(rng.integers(0, R)) :] = 0
    return {"s": s, "eps": eps}


SPECTRA = Cases(
    named={
        "two": spectrum(3, 1),
        "published_eps": spectrum(3, 1, eps=1e-10),
        "dyadic": spectrum(4, 2, 1, 1),
        "steep": spectrum(10, 1, 0.1, eps=1e-10),
        "rank_one": spectrum(5, 0, 0, 0),
        "rank_one_eps": spectrum(5, 0, 0, 0, eps=1e-10),
        "equal": spectrum(*[2.5] * 7),
        "single": spectrum(0.3),
        "large_eps": spectrum(4, 1, 0.5, 0, eps=0.5),
        "tenths": spectrum(9, 1),
        "tie_at_nine_tenths": spectrum(5, 4, 1),
        "many": spectrum(*range(40, 0, -1), eps=1e-10),
        "small": spectrum(3e-8, 1e-8, 0),
        "huge": spectrum(1.5e308, 1e308, 1e307),
        "tiny": spectrum(3e-310, 1e-310),
        "unordered": spectrum(1, 4, 2, 1, 10),
        "single_precision": spectrum(3, 2, 0.5, 0.25, dtype=np.float32, eps=1e-10),
    },
    generated=drawn(drawn_spectrum, R=size(1, 8), eps=one_of(0.0, 0.0, 0.5, 1e-10, 20.0), scale=one_of(1.0, 0.25, 1e6)),
    notes={
        "tie_at_nine_tenths": "more than 0.9, not at least",
        "tenths": "exactly 0.9 after the first",
        "unordered": "eigenvalues in ascending order, read as if descending",
        "large_eps": "eps that is added twice, or to the shares",
        "huge": "a sum that overflows",
    },
)
ZEROS = Cases(
    named={f"zeros_{R}": {"s": np.zeros(R), "eps": eps} for R, eps in ((1, 0.0), (4, 0.0), (4, 1e-10), (7, 0.5))}
)
ANY = Cases(named=dict(SPECTRA.named) | dict(ZEROS.named), generated=SPECTRA.generated, notes=SPECTRA.notes)


# --- single weights ----------------------------------------------------------------------------------------------------
def weight(
    seed: int,
    m: int,
    n: int,
    kind: str = "steps",
    scale: float = 1.0,
    keep: int = 1,
    side: str = "top",
    kernel: tuple[int, ...] = (),
    dtype: Any = np.float64,
) -> Case:
    """A weight (m, n), or (m, n / taps, *kernel), from its singular vectors and values."""
    rng = np.random.default_rng(seed)
    s, R = values(kind, min(m, n)) * scale, min(m, n)
    u, v = orthogonal(rng, m, R), orthogonal(rng, n, R)
    w = built(u, s, v).astype(dtype)
    shape = (m, n // int(np.prod(kernel)), *kernel) if kernel else (m, n)
    return {
        "w": w.reshape(shape),
        "keep": min(keep, R),
        "side": side,
        "u": u,
        "s": s,
        "v": v,
        "loose": looseness(s),
    }


WEIGHTS = Cases(
    named={
        "square": weight(0, 4, 4, keep=2),
        "wide": weight(1, 3, 7, "halving", keep=1),
        "tall": weight(2, 8, 3, keep=2, side="bottom"),
        "nothing_kept": weight(3, 4, 5, keep=0),
        "all_kept": weight(4, 5, 4, keep=4),
        "all_kept_below": weight(5, 4, 4, keep=4, side="bottom"),
        "kernel": weight(6, 4, 18, keep=2, kernel=(3, 3)),
        "kernel_below": weight(7, 6, 12, "halving", keep=4, side="bottom", kernel=(2, 2)),
        "row": weight(8, 1, 5, keep=1),
        "single_precision": weight(9, 5, 6, keep=3, dtype=np.float32),
        "small": weight(10, 4, 6, scale=1e-9, keep=2),
        "fortran": weight(11, 5, 4, keep=3) | {"w": np.asfortranarray(weight(11, 5, 4)["w"])},
    },
    generated=drawn(
        weight,
        m=size(1, 7),
        n=size(1, 7),
        kind=one_of(*KINDS),
        scale=one_of(*SCALES),
        keep=size(0, 7),
        side=one_of("top", "bottom"),
    ),
    notes={"kernel": "flattened to (c_out, c_in kh kw), and back", "kernel_below": "four of six values, the last ones"},
)


# --- consecutive layers ------------------------------------------------------------------------------------------------
def layers(
    seed: int,
    inputs: int,
    hidden: int,
    outputs: int,
    kind: str = "steps",
    scale: float = 1.0,
    embedding: bool = False,
    k: int = 1,
    dtype: Any = np.float64,
) -> Case:
    """w (hidden, inputs), or an embedding (inputs, hidden), and w_next (outputs, hidden)."""
    rng = np.random.default_rng(seed)
    R, R_next = min(inputs, hidden), min(outputs, hidden)
    s, s_next = values(kind, R) * scale, values(kind, R_next)
    written, read = orthogonal(rng, hidden, R), orthogonal(rng, hidden, R_next)
    w = built(written, s, orthogonal(rng, inputs, R))
    return {
        "w": (w.T if embedding else w).astype(dtype),
        "w_next": built(orthogonal(rng, outputs, R_next), s_next, read).astype(dtype),
        "embedding": embedding,
        "k": min(k, R, R_next),
        "written": written,
        "read": read,
        "loose": max(looseness(s), looseness(s_next)),
    }


_C, _S = np.cos(np.pi / 6), np.sin(np.pi / 6)
TURNED = {
    "w": np.diag([2.0, 1.0]),
    "w_next": np.diag([3.0, 1.0]) @ np.array([[_C, _S], [-_S, _C]]),
    "embedding": False,
    "k": 1,
    "written": np.eye(2),
    "read": np.array([[_C, -_S], [_S, _C]]),
    "loose": 2.0,
}
LAYERS = Cases(
    named={
        "turned": TURNED,
        "square": layers(1, 4, 4, 4),
        "narrowing": layers(2, 6, 5, 3, k=2),
        "widening": layers(3, 3, 5, 7, "halving", k=2),
        "bottleneck": layers(4, 6, 2, 6, k=2),
        "embedding": layers(5, 7, 4, 5, embedding=True),
        "embedding_square": layers(6, 4, 4, 4, embedding=True, k=3),
        "small": layers(7, 4, 5, 4, scale=1e-6, k=3),
        "single_precision": layers(8, 4, 4, 4, dtype=np.float32),
        "single": layers(9, 1, 1, 1),
    },
    generated=drawn(
        layers,
        inputs=size(1, 6),
        hidden=size(1, 6),
        outputs=size(1, 6),
        kind=one_of(*KINDS),
        scale=one_of(*SCALES),
        embedding=one_of(False, False, True),
        k=size(1, 4),
    ),
    notes={"embedding_square": "U in the place of V has the right shape, and is wrong", "turned": "30 degrees"},
)


def convolution(
    seed: int, inputs: int, channels: int, outputs: int, kernel: tuple[int, ...], dtype: Any = np.float64
) -> Case:
    """w (channels, inputs) and a kernel (outputs, channels, *kernel) whose flat form has known vectors."""
    case = layers(seed, inputs, channels, 1, dtype=dtype)
    rng, columns = np.random.default_rng(seed + 1), channels * int(np.prod(kernel))
    R = min(outputs, columns)
    s, read = values("steps", R), orthogonal(rng, columns, R)
    flat = built(orthogonal(rng, outputs, R), s, read).astype(dtype)
    loose = max(looseness(values("steps", min(inputs, channels))), looseness(s))
    return case | {"w_next": flat.reshape(outputs, channels, *kernel), "read": read, "loose": loose}


CONVOLUTIONS = Cases(
    named={
        "three_by_three": convolution(0, 5, 4, 3, (3, 3)),
        "one_by_one": convolution(1, 4, 4, 5, (1, 1)),
        "even": convolution(2, 3, 2, 4, (2, 4)),
        "tall": convolution(3, 3, 3, 4, (3, 1)),
        "line": convolution(4, 3, 3, 2, (5,)),
        "matrix": convolution(5, 4, 3, 5, ()),
        "single_precision": convolution(6, 3, 3, 3, (3, 2), dtype=np.float32),
    },
    generated=drawn(
        convolution,
        inputs=size(1, 5),
        channels=size(1, 4),
        outputs=size(1, 4),
        kernel=one_of((3, 3), (1, 2), (2, 2), (1, 1), (3, 1)),
    ),
    notes={"even": "the centre is n // 2", "three_by_three": "taps before channels, or after"},
)


def attention(seed: int, heads: int, width: int, columns: int, dtype: Any = np.float64) -> Case:
    """Queries and keys (heads * width, columns), each head from its own vectors: turned_q, turned_k (heads, width, R)."""
    rng, R = np.random.default_rng(seed), min(width, columns)
    s = values("steps", R)
    parts = {name: [orthogonal(rng, width, R) for _ in range(heads)] for name in ("turned_q", "turned_k")}
    weights = {
        name: np.concatenate([built(u, s, orthogonal(rng, columns, R)) for u in parts[f"turned_{name[0]}"]]).astype(
            dtype
        )
        for name in ("query", "key")
    }
    stacked = {name: np.stack(vectors) for name, vectors in parts.items()}
    return weights | stacked | {"heads": heads, "loose": looseness(s)}


HEADS = Cases(
    named={
        "two": attention(0, 2, 3, 6),
        "one": attention(1, 1, 4, 4),
        "four_narrow": attention(2, 4, 2, 8),
        "wide_heads": attention(3, 2, 5, 3),
        "square": attention(4, 3, 3, 3),
        "single_precision": attention(5, 2, 3, 5, dtype=np.float32),
    },
    generated=drawn(attention, heads=size(1, 4), width=size(1, 4), columns=size(1, 5)),
    notes={"square": "as many heads as rows in each: a wrong reshape has the right shape"},
)


# --- two versions of one weight ----------------------------------------------------------------------------------------
def versions(
    seed: int,
    m: int,
    n: int,
    kind: str = "steps",
    scale: float = 1.0,
    k: int = 1,
    kernel: tuple[int, ...] = (),
    dtype: Any = np.float64,
) -> Case:
    """Two weights of one shape with vectors of their own: u, v and u_other, v_other."""
    one, other = (weight(seed + i, m, n, kind, kernel=kernel, dtype=dtype) for i in (0, 20_000))
    other_w = (other["w"] * scale).astype(dtype)
    return one | {"other": other_w, "u_other": other["u"], "v_other": other["v"], "k": min(k, m, n)}


VERSIONS = Cases(
    named={
        "square": versions(0, 4, 4, k=2),
        "wide": versions(1, 3, 6, "halving", k=2),
        "tall": versions(2, 7, 4, k=3),
        "kernel": versions(3, 4, 8, kernel=(2, 2), k=2),
        "row": versions(4, 1, 4),
        "small": versions(5, 4, 4, scale=1e-6),
        "single_precision": versions(6, 4, 5, k=2, dtype=np.float32),
    },
    generated=drawn(versions, m=size(1, 6), n=size(1, 6), kind=one_of(*KINDS), scale=one_of(*SCALES), k=size(1, 4)),
    notes={"square": "left with right vectors exchanged still fit"},
)
