"""The laws of convolutional blocks."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, agree, identical, law
from minidl.laws.gated_residual.cases import EPS, IMAGES, PAPER, conditioned, opened
from minidl.laws.gated_residual.planted_blocks import bugs_of

SHAPED = ("x", "gamma1", "beta1", "W1", "gamma2", "beta2", "W2")


def _shift_and_add(x, W, stride):
    """Convolution with zero padding that keeps the size: one shifted image per tap, weighted and added."""
    (r, s), (height, width) = (n // 2 for n in W.shape[2:]), x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (r, r), (s, s)))
    total = 0.0
    for i, j in np.ndindex(*W.shape[2:]):
        tap = padded[:, :, i : i + height : stride, j : j + width : stride]
        total = total + np.tensordot(tap, W[:, :, i, j], axes=(1, 1)).transpose(0, 3, 1, 2)
    return total


def _standard(z, gamma, beta):
    rows = np.moveaxis(z, 1, -1).reshape(-1, z.shape[1])
    rows = np.maximum(gamma * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + EPS) + beta, 0)
    return np.moveaxis(rows.reshape(len(z), *z.shape[2:], z.shape[1]), -1, 1)


def _image_model(k, stride):
    def model(a):
        hidden = _shift_and_add(_standard(a["x"], a["gamma1"], a["beta1"]), a["W1"], stride)
        branch = _shift_and_add(_standard(hidden, a["gamma2"], a["beta2"]), a["W2"], 1)
        return k * branch + _shift_and_add(a["x"], a["projection"], stride)

    return model


def _image_scale(case, k):
    return conditioned(_image_model(k, case["stride"]), {n: case[n] for n in (*SHAPED, "projection")}, np.float64)[1]


def _run(impl, case, k, **changed):
    return impl.convolutional_block(*((case | changed)[name] for name in SHAPED), k, case["projection"], case["stride"])


@law(
    cases=IMAGES,
    needs=("convolutional_block",),
    grade="numerical",
    equation=r"k \le 0 \Rightarrow y = P x",
    source=PAPER,
)
def closed_gate_keeps_the_projection(impl, case):
    """A closed block is its projection, and exactly its input where the shape stays; infinite weights do not leak."""
    shortcut = np.tensordot(case["x"], case["projection"][:, :, 0, 0], axes=(1, 1)).transpose(0, 3, 1, 2)
    shortcut = shortcut[:, :, :: case["stride"], :: case["stride"]]
    poison = np.full_like(case["W2"], np.inf)
    size = np.abs(case["x"]).max() * np.abs(case["projection"]).sum(axis=1).max()  # sums of at most three products
    for k in (-opened(case["k"]), 0.0):
        agree(_run(impl, case, k, W2=poison), shortcut, why=f"the output at k = {k}", ulps=8, scale=size)
        if case["stride"] == 1 and case["W1"].shape[0] == case["x"].shape[1]:
            got = impl.convolutional_block(*((case | {"W2": poison})[name] for name in SHAPED), k)
            identical(got, case["x"], why=f"the output without projection at k = {k}")


@law(
    cases=IMAGES,
    needs=("convolutional_block",),
    grade="numerical",
    equation=r"y(k) = (1 - k)\, y(0) + k\, y(1), \quad k \ge 0",
    source="section 2.2 of the paper",
)
def images_affine_in_k(impl, case):
    """The block's output is affine in its gate; the projection is not gated."""
    k = opened(case["k"])
    y0, y1 = _run(impl, case, 0.0), _run(impl, case, 1.0)
    agree(_run(impl, case, k), y0 + k * (y1 - y0), why="y(k)", ulps=64, scale=(1 + k) * _image_scale(case, 1 + k))


@law(
    cases=IMAGES,
    needs=("convolutional_block",),
    grade="numerical",
    equation=r"y(k, W_2) = y(1, k W_2), \quad k > 0",
    source="the branch is linear in its last weights",
)
def gate_moves_into_the_weights(impl, case):
    """An open gate can be absorbed by the last convolution."""
    k = opened(case["k"])
    agree(
        _run(impl, case, k),
        _run(impl, case, 1.0, W2=k * case["W2"]),
        why="the output",
        ulps=64,
        scale=_image_scale(case, k),
    )


@law(
    cases=IMAGES,
    needs=("convolutional_block",),
    grade="numerical",
    equation=r"y = g\, W_2 * \mathrm{relu}(\mathrm{BN}(W_1 * \mathrm{relu}(\mathrm{BN}(x)))) + P * x",
    source=PAPER + ", convolution by shifted images",
)
def convolution_by_shifts(impl, case):
    """The block in which each convolution is a sum of shifted and weighted images."""
    k = opened(case["k"])
    inputs = {name: case[name] for name in (*SHAPED, "projection")}
    expected, scale = conditioned(_image_model(k, case["stride"]), inputs, np.float64)
    agree(_run(impl, case, k), expected, why="the output", ulps=64, scale=scale)


IMAGE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "convolutional_block",
        (*SHAPED, "k", "projection", "stride"),
        ("y",),
        IMAGES,
        "A gated pre-activation block of two convolutions with a projection shortcut.",
        laws=(closed_gate_keeps_the_projection, images_affine_in_k, gate_moves_into_the_weights, convolution_by_shifts),
        planted=bugs_of("convolutional_block"),
    ),
)
