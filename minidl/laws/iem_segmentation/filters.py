"""Laws of the kernel and the blur."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case, Cases, Contract, Golden, agree, holds, identical, law
from minidl.laws.iem_segmentation import oracle
from minidl.laws.iem_segmentation.cases import PAPER, PROGRAM, gauss, rounds, spread
from minidl.laws.iem_segmentation.defaults import defaults_of
from minidl.laws.iem_segmentation.planted import bugs_of


# --- the kernel --------------------------------------------------------------------------------------------------------
def _kernels():
    from hypothesis import strategies as st

    sigmas = st.sampled_from([0.3, 0.5, 1.0, 1.5, 2.5, 5.0, 40.0])
    return st.builds(lambda half, sigma: {"size": 2 * half + 1, "sigma": sigma}, st.integers(0, 12), sigmas)


KERNELS = Cases(
    named={
        "default": {"size": 11, "sigma": 5.0},
        "narrow": {"size": 5, "sigma": 0.6},
        "one_tap": {"size": 1, "sigma": 2.0},
        "wide": {"size": 9, "sigma": 1e6},
    },
    generated=_kernels,
    notes={"wide": "so wide that it is a box"},
)


@law(cases=KERNELS, needs=("gaussian_kernel",), grade="numerical", equation=r"\sum_t \kappa_t = 1", source=PAPER)
def taps_sum_to_one(impl, case):
    """The taps sum to 1, whatever is cut off."""
    taps = np.asarray(impl.gaussian_kernel(case["size"], case["sigma"]))
    agree(taps.sum(), np.float64(1), why="the sum", ulps=2 * case["size"])


@law(cases=KERNELS, needs=("gaussian_kernel",), grade="numerical", equation=r"\kappa_t = \kappa_{-t} > 0", source=PAPER)
def taps_are_symmetric(impl, case):
    """As many taps as asked for, the same on both sides of the middle, which is the largest."""
    taps = np.asarray(impl.gaussian_kernel(case["size"], case["sigma"]))
    holds(taps.shape == (case["size"],), why="the number of taps", got=taps.shape, expected=(case["size"],))
    agree(taps, taps[::-1], why="the taps from the right", ulps=4)
    holds(
        bool((taps <= taps[case["size"] // 2]).all() and (taps >= 0).all()), why="the middle is the largest", got=taps
    )


@law(
    cases=KERNELS,
    needs=("gaussian_kernel",),
    grade="numerical",
    equation=r"\kappa_{t+1}\, \kappa_{t-1} = e^{-1/\sigma^2} \kappa_t^2",
    source="the logarithm is a parabola",
)
def neighbours_ratio(impl, case):
    """Three taps in a row tell sigma: the second difference of log kappa is -1 / sigma^2."""
    taps = np.asarray(impl.gaussian_kernel(case["size"], case["sigma"]), np.float64)
    if case["size"] < 3:
        holds(taps.tolist() == [1.0], why="a single tap is 1", got=taps)
        return
    # an exponent of size a loses a eps; both sides have the sizes of three exponents
    exponent = 1 + (case["size"] / case["sigma"]) ** 2
    sides = taps[2:] * taps[:-2], np.exp(-1 / case["sigma"] ** 2) * taps[1:-1] ** 2
    agree(sides[0], sides[1], why="kappa_{t+1} kappa_{t-1}", ulps=8 * exponent, scale=sides[1])


# --- the blur ------------------------------------------------------------------------------------------------------------
def planes_case(seed, shape, kernel, reps, dtype=np.float64) -> Case:
    rng = np.random.default_rng(seed)
    return {
        "planes": rng.uniform(-1, 1, shape).round(2).astype(dtype),
        "kernel": gauss(*kernel, dtype),
        "reps": reps,
    }


def _planes():
    from hypothesis import strategies as st

    return st.builds(
        planes_case,
        seed=st.integers(0, 10_000),
        shape=st.builds(
            lambda leading, H, W: (*leading, H, W),
            st.sampled_from([(), (1,), (3,), (2, 2)]),
            st.integers(1, 9),
            st.integers(1, 9),
        ),
        kernel=st.sampled_from([(3, 1.0), (5, 1.5), (7, 2.5), (1, 1.0)]),
        reps=st.integers(1, 3),
        dtype=st.sampled_from([np.float64, np.float64, np.float32]),
    )


_SINGLE = {"planes": np.pad([[1.0]], 6), "kernel": gauss(5, 1.5), "reps": 2}
PLANES = Cases(
    named={
        "typical": planes_case(0, (3, 7, 6), (5, 1.5), 2),
        "single_pixel": _SINGLE,
        "one_plane": planes_case(1, (6, 9), (3, 1.0), 1),
        "batch": planes_case(2, (2, 2, 5, 4), (3, 0.7), 2),
        "wide_kernel": planes_case(3, (3, 4, 5), (11, 5.0), 2),
        "one_tap": planes_case(4, (2, 3, 3), (1, 1.0), 3),
        "many_passes": planes_case(5, (5, 8), (3, 1.0), 5),
        "float32": planes_case(6, (3, 8, 7), (5, 1.5), 2, np.float32),
        "gaps": planes_case(7, (3, 6, 5), (3, 1.0), 2)
        | {"planes": np.repeat(planes_case(7, (3, 6, 5), (3, 1.0), 2)["planes"], 2, -1)[..., ::2]},
        "row": planes_case(8, (1, 9), (5, 1.5), 2),
        "tall": planes_case(9, (2, 101, 3), (5, 1.5), 2),
        "broad": planes_case(10, (1, 4, 70), (7, 2.5), 1),
    },
    generated=_planes,
    notes={
        "wide_kernel": "a kernel wider than the image",
        "gaps": "memory that is not contiguous",
        "tall": "more rows than are filtered at a time",
    },
)


def _blur(impl, case, **changed):
    return np.asarray(impl.blur(*(changed.get(name, case[name]) for name in ("planes", "kernel", "reps"))))


def _agree(got, expected, case, why):
    # weights are positive and sum to at most 1, so no intermediate result is larger than the planes
    dtype = case["planes"].dtype
    agree(got, np.asarray(expected).astype(dtype), why=why, ulps=rounds(case), scale=spread(case["planes"]))


@law(
    cases=PLANES,
    needs=("blur",),
    grade="numerical",
    equation=r"\mathcal K = (\text{down, across})^\rho",
    source=PROGRAM,
)
def passes_of_a_sliding_window(impl, case):
    """Every pass sees zeros beyond the border, and what it moves there is lost to the next."""
    _agree(_blur(impl, case), oracle.slid_passes(case["planes"], case["kernel"], case["reps"]), case, "the planes")


@law(cases=PLANES, needs=("blur",), grade="numerical", equation=r"\mathcal K_{\rho+1} = \mathcal K_1 \mathcal K_\rho")
def passes_come_one_by_one(impl, case):
    """One more pass is a pass of what the others made."""
    before = _blur(impl, case)
    _agree(_blur(impl, case, reps=case["reps"] + 1), _blur(impl, case, planes=before, reps=1), case, "one pass more")


@law(
    cases=PLANES,
    needs=("blur",),
    grade="numerical",
    equation=r"\mathcal K = \kappa^{*\rho} \otimes \kappa^{*\rho}",
    source=PROGRAM,
)
def far_from_the_border_it_is_one_pass(impl, case):
    """Farther from the border than the reach, rho passes are one pass of the kernel convolved with itself."""
    taps = np.ones(1)
    for _ in range(case["reps"]):
        taps = np.convolve(taps, np.asarray(case["kernel"], np.float64))
    reach = len(taps) // 2
    room = np.zeros((2 * reach + 3, 2 * reach + 4), case["planes"].dtype)
    room[reach + 1, reach + 1] = 1
    spot = _blur(impl, case, planes=room)[1 : 2 + 2 * reach, 1 : 2 + 2 * reach]
    agree(spot, np.outer(taps, taps).astype(room.dtype), why="a single pixel", ulps=rounds(case), scale=1.0)


@law(
    cases=PLANES,
    needs=("blur",),
    grade="numerical",
    equation=r"\langle \mathcal K x, y \rangle = \langle x, \mathcal K y \rangle",
    source="a symmetric kernel",
)
def it_is_its_own_adjoint(impl, case):
    """The blur of a symmetric kernel is a symmetric operator, at the border too: gradients blur with the same function."""
    x = case["planes"]
    y = np.cos(np.arange(x.size) * 0.9).reshape(x.shape).astype(x.dtype)
    one = (_blur(impl, case).astype(np.float64) * y).sum()
    other = (_blur(impl, case, planes=y).astype(np.float64) * x).sum()
    agree(x.dtype.type(one), x.dtype.type(other), why="the product", ulps=rounds(case), scale=x.size * spread(x))


@law(
    cases=PLANES,
    needs=("blur",),
    grade="numerical",
    equation=r"\mathcal K (X \bar M) = \mathcal K X - \mathcal K (X M)",
    source="linearity",
)
def what_a_mask_hides_is_the_rest(impl, case):
    """Linear: what a mask lets through and what it hides add up to the blurred whole."""
    x = case["planes"]
    mask = (np.cos(np.arange(x.shape[-1] * x.shape[-2]) * 2.3) > 0).reshape(x.shape[-2:]).astype(x.dtype)
    parts = _blur(impl, case, planes=x * mask), _blur(impl, case, planes=x * (1 - mask))
    _agree(parts[0] + parts[1], _blur(impl, case), case, "the two parts")


@law(cases=PLANES, needs=("blur",), grade="numerical", equation=r"\mathcal K R = R \mathcal K", source="symmetry")
def mirrored_and_transposed(impl, case):
    """Flips of both axes and the exchange of the axes commute with the blur."""
    x, expected = case["planes"], _blur(impl, case)
    _agree(_blur(impl, case, planes=x[..., ::-1, :]), expected[..., ::-1, :], case, "upside down")
    _agree(_blur(impl, case, planes=x[..., ::-1]), expected[..., ::-1], case, "mirrored")
    turned = _blur(impl, case, planes=np.swapaxes(x, -1, -2))
    _agree(turned, np.swapaxes(expected, -1, -2), case, "transposed")


@law(cases=PLANES, needs=("blur",), grade="exact", equation=r"|\mathcal K X| \le \max |X|", source=PAPER)
def shape_and_dtype_stay(impl, case):
    """As many planes of the same size and precision come back, and a plane of zeros stays one."""
    got = _blur(impl, case)
    holds(got.dtype == case["planes"].dtype, why="the dtype", got=got.dtype, expected=case["planes"].dtype)
    holds(got.shape == case["planes"].shape, why="the shape", got=got.shape, expected=case["planes"].shape)
    identical(_blur(impl, case, planes=np.zeros_like(case["planes"])), np.zeros_like(case["planes"]), why="of zeros")


_TAPS = [0.1093789154, 0.1072130678, 0.1009694648, 0.0913609498, 0.0794253941, 0.0663416657]
_HALF = [0.1200783842, 0.2338807566, 0.2920817183]

FILTER_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "gaussian_kernel",
        ("size", "sigma"),
        ("kernel",),
        KERNELS,
        "A Gaussian of odd length, cut off and scaled to the sum 1.",
        laws=(taps_sum_to_one, taps_are_symmetric, neighbours_ratio),
        planted=bugs_of("gaussian_kernel"),
        golden=(
            Golden(
                "gaussian_kernel",
                {"size": 3, "sigma": 1.0},
                {"kernel": np.array([0.2740686191, 0.4518627619, 0.2740686191])},
                10,
                "three taps",
            ),
            Golden(
                "gaussian_kernel",
                {"size": 5, "sigma": 1.5},
                {"kernel": np.array(_HALF + _HALF[1::-1])},
                10,
                "five taps",
            ),
            Golden(
                "gaussian_kernel",
                {"size": 11, "sigma": 5.0},
                {"kernel": np.array(_TAPS[:0:-1] + _TAPS)},
                10,
                "the authors' kernel",
            ),
        ),
    ),
    Contract(
        "blur",
        ("planes", "kernel", "reps"),
        ("blurred",),
        PLANES,
        "Passes of a separable kernel with zero padding.",
        laws=(
            passes_of_a_sliding_window,
            passes_come_one_by_one,
            far_from_the_border_it_is_one_pass,
            it_is_its_own_adjoint,
            what_a_mask_hides_is_the_rest,
            mirrored_and_transposed,
            shape_and_dtype_stay,
            defaults_of("blur", ("planes", "kernel", "reps"), PLANES, {"reps": 1}),
        ),
        planted=bugs_of("blur"),
    ),
)
