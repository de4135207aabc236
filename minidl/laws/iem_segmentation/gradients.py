"""Laws of the gradient of the objective, the mask taken as real numbers."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, agree, law
from minidl.laws.iem_segmentation import oracle
from minidl.laws.iem_segmentation.cases import (
    PAPER,
    PICTURES,
    PROGRAM,
    WEIGHTED,
    WORKED_B,
    arguments,
    gauss,
    rounds,
    spread,
)
from minidl.laws.iem_segmentation.defaults import defaults_of
from minidl.laws.iem_segmentation.planted import bugs_of
from minidl.laws.iem_segmentation.prediction import blurred_whole, saved


def _gradient(impl, case, *total, **changed):
    return np.asarray(impl.objective_gradient(*arguments(case, WEIGHTED, **changed), *total))


def _scale(case, **changed):
    return oracle.gradient_scale(*arguments(case | changed, WEIGHTED))


def _agree(got, expected, case, scale, why, times=1.0):
    # each term is a sum over all pixels of products of three rounded factors
    ulps = 4 * rounds(case) * times
    agree(got, np.asarray(expected).astype(case["image"].dtype), why=why, ulps=ulps, scale=scale)


@law(
    cases=PICTURES,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\nabla_p J = \mathrm{Im}\, J(M + i h e_p) / h",
    source="complex steps",
)
def every_path_by_complex_steps(impl, case):
    """The derivative by each pixel of the mask, through errors, areas, means and both predictions."""
    expected = oracle.gradient(*arguments(case, WEIGHTED))
    _agree(_gradient(impl, case), expected, case, _scale(case), "the gradient")


@law(
    cases=PICTURES,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\nabla J(\bar M) = -\nabla J(M)",
    source="J(M) = J(1 - M)",
)
def gradient_of_the_complement(impl, case):
    """What is gained by one side is lost by the other."""
    got = _gradient(impl, case, mask=1 - case["mask"])
    _agree(got, -_gradient(impl, case), case, _scale(case), "the gradient of the complement")


@law(cases=PICTURES, needs=("objective_gradient",), grade="numerical", equation=r"\nabla J \circ R = R \nabla J")
def gradient_of_turned_pictures(impl, case):
    """Flips, and the exchange of rows and columns, commute with the gradient."""
    expected, scale = _gradient(impl, case), _scale(case)
    for turn in (lambda a: a[..., ::-1, :], lambda a: a[..., ::-1], lambda a: np.swapaxes(a, -1, -2)):
        got = _gradient(impl, case, image=turn(case["image"]), mask=turn(case["mask"]))
        _agree(got, turn(expected), case, turn(scale), "the gradient of the turned picture")


@law(
    cases=PICTURES,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\nabla J(2\lambda) - \nabla J(\lambda) = \nabla J(\lambda) - \nabla J(0)",
    source=PAPER,
)
def gradient_is_affine_in_the_weight(impl, case):
    """The weight multiplies one part of the gradient, and nothing else."""
    none, one, two = (np.asarray(_gradient(impl, case, diversity_weight=w), np.float64) for w in (0.0, 1.0, 2.0))
    scale = _scale(case, diversity_weight=4.0)
    _agree((two + none).astype(case["image"].dtype), 2 * one, case, scale, "the gradients at weights 0 and 2")


@law(
    cases=PICTURES,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\nabla I(sX + o) = |s| \nabla I(X),\quad \nabla V(sX + o) = s^2 \nabla V(X)",
    source="units of I and V",
)
def gradient_scales_with_contrast(impl, case):
    """In the negative at thrice the contrast, a third of the weight gives thrice the gradient."""
    shift = (1 + np.arange(len(case["image"])))[:, None, None].astype(case["image"].dtype)
    weight = case["diversity_weight"]
    moved = {"image": -3 * case["image"] + shift, "diversity_weight": weight / 3}
    got = _gradient(impl, case, **moved)
    scale = _scale(case, **moved)
    _agree(got, 3 * _gradient(impl, case).astype(np.float64), case, scale, "the gradient")


@law(
    cases=PICTURES,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\mathcal K (X \bar M) = \mathcal K X - \mathcal K (X M)",
    source="linearity",
)
def gradient_from_a_known_total(impl, case):
    """With the blurred whole at hand, whoever computed it, the gradient is the same: what is out of reach stays so."""
    total = blurred_whole(case)
    scale = float(_scale(case).max())
    _agree(_gradient(impl, case, total), _gradient(impl, case), case, scale, "from the total", times=saved(case))


@law(
    cases=PICTURES,
    needs=("objective_gradient", "objective"),
    grade="numerical",
    equation=r"\frac{J(M + hD) - J(M - hD)}{2h} \to \langle \nabla J(M), D \rangle",
    source="the definition of a derivative",
)
def slope_of_the_objective(impl, case):
    """The gradient is the slope of the objective that is provided with it."""
    if case["image"].dtype != np.float64 or not ((case["mask"] > 0) & (case["mask"] < 1)).all():
        return
    direction = np.cos(np.arange(case["mask"].size) * 1.7).reshape(case["mask"].shape)
    # Both sides of a kink would be seen from afar; below this step every error keeps its sign.
    support = float(case["mask"].min()) * 0.1
    h = 2.0**-12 * support
    ends = [float(impl.objective(*arguments(case, WEIGHTED, mask=case["mask"] + s * direction))) for s in (h, -h)]
    slope, scale = float((_gradient(impl, case) * direction).sum()), float(_scale(case).sum())
    size = 4 * spread(case["image"]) + case["diversity_weight"] * 4 * case["image"].size * spread(case["image"]) ** 2
    # rounding of J over the step, and the third derivative: J is a sum of quotients, each of which moves by a part h / support
    eps = np.finfo(np.float64).eps
    bound = rounds(case) * eps * size / h + 8 * scale * (h / support) ** 2
    agree((ends[0] - ends[1]) / (2 * h), slope, why="the slope along a direction", ulps=1, scale=bound / eps)


def _exact(shape, kernel, reps):
    """One pixel is the foreground; every other background pixel has its very colour, so that it is predicted without error."""
    rng = np.random.default_rng(3)
    image = rng.uniform(-1, 1, shape).round(2)
    image[:, ::2], image[:, 1, 1] = 0.5, 0.5  # a power of two: its quotient of sums is exact
    mask = np.zeros(shape[1:])
    mask[1, 1] = 1
    return {"image": image, "mask": mask, "kernel": gauss(*kernel), "reps": reps, "diversity_weight": 0.001}


@law(
    cases=Cases(
        named={"colour": _exact((3, 6, 5), (3, 1.0), 2), "grey": _exact((1, 5, 5), (5, 1.5), 1)},
        notes={"colour": "the sign of an error of exactly 0"},
    ),
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\mathrm{sign}(0) = 0",
    source=PROGRAM,
    policy="kink",
)
def right_predictions_pull_nowhere(impl, case):
    """Where a prediction is exactly right the gradient is half way between those of too bright and too dark."""
    bright, dark = (oracle.gradient(x, *arguments(case, WEIGHTED[1:])) for x in (case["image"], -case["image"]))
    _agree(_gradient(impl, case), (bright + dark) / 2, case, _scale(case), "the gradient")


_B = {name: WORKED_B[name] for name in WEIGHTED} | {"mask": WORKED_B["mask"].astype(float)}
_ROWS = {
    0: [-0.0460971132, -0.0109274553, -0.0129884833, -0.0066865855, -0.0041411299, -0.0053441413],
    1: [0.0136308828, -0.0071566938, 0.0170022617, 0.0253927310, -0.0085148866, -0.0191039571],
    4: [-0.0040408837, -0.0281529595, 0.0360814729, 0.0234106017, -0.0289228294, -0.0083016758],
}


@law(
    cases=Cases(named={"six_by_six": _B}),
    needs=("objective_gradient",),
    grade="numerical",
    source="ten printed digits of a worked example",
)
def printed_rows(impl, case):
    """Three rows of the gradient of the worked example."""
    got = np.asarray(_gradient(impl, case))
    for row, printed in _ROWS.items():
        agree(got[row], np.array(printed), why=f"row {row}", ulps=1, scale=0.5e-10 / np.finfo(np.float64).eps)


GRADIENT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "objective_gradient",
        WEIGHTED,
        ("gradient",),
        PICTURES,
        "The gradient of the objective with respect to the mask.",
        laws=(
            every_path_by_complex_steps,
            gradient_of_the_complement,
            gradient_of_turned_pictures,
            gradient_is_affine_in_the_weight,
            gradient_scales_with_contrast,
            gradient_from_a_known_total,
            slope_of_the_objective,
            right_predictions_pull_nowhere,
            defaults_of("objective_gradient", WEIGHTED, PICTURES),
            printed_rows,
        ),
        planted=bugs_of("objective_gradient"),
        exact=("mask",),
    ),
)
