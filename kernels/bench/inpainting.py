"""Segmentation by inpainting error maximisation: an inpainting step, a gradient, and the search of a 128 x 128 colour image.

    python kernels/bench/inpainting.py [--rounds N] [--only NAME] [--no-write]

An inpainting step predicts each side of a mask from the other, two normalised convolutions of three colours. Two blurs reach
21 pixels: the authors' two passes of 11 taps, and one pass of 21 taps. SciPy's filter takes the planes one after the other,
which is faster for it, and as a picture lies in memory, channels last. It has no use for the blurred whole, which the others
know, because a search needs it only once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload

EPSILON, WEIGHT = 1e-8, 0.001
BLURS = {"2 x 11 taps": (11, 2), "1 x 21 taps": (21, 1)}


class Problem:
    """A noisy rectangle on a ramp, and the search's first mask."""

    def __init__(self, side: int, taps: int, reps: int, dtype: Any):
        from minidl.vision import blurred_total, gaussian_kernel, initial_mask

        rng = np.random.default_rng(0)
        image = 0.3 * rng.standard_normal((3, side, side)) + np.linspace(-0.5, 0.5, side)
        image[:, side // 3 : -side // 5, side // 4 : -side // 4] += 0.6 * np.array([1, -1, 0])[:, None, None]
        self.image = np.clip(image, -1, 1).astype(dtype)
        self.mask, self.start = initial_mask(side, side).astype(dtype), initial_mask(side, side)
        self.kernel, self.reps = gaussian_kernel(taps, 5.0).astype(dtype), reps
        self.total = blurred_total(self.image, self.kernel, reps)


def clouds(side: int) -> np.ndarray:
    """Blurred noise and a little that is not blurred, (3, side, side)."""
    from minidl.vision import blur, gaussian_kernel

    rng = np.random.default_rng(9)
    soft = blur(rng.standard_normal((3, side, side)), gaussian_kernel(49, 6.0))
    return np.clip(0.5 * soft / soft.std() + 0.1 * rng.standard_normal(soft.shape), -1, 1)


def stepping(names: tuple[str, ...], work: Any):
    results: dict[str, Any] = {}

    def step():
        results.update(zip(names, work(), strict=True))

    return step, lambda: results


SIDES = ("foreground", "background")


def sides(module: ModuleType, p: Problem):
    return stepping(SIDES, lambda: module.inpaint_sides(p.image, p.mask, p.kernel, p.reps, p.total)[:2])


def gradient(module: ModuleType, p: Problem):
    arguments = p.image, p.mask, p.kernel, p.reps, WEIGHT, p.total
    return stepping(("gradient",), lambda: (module.objective_gradient(*arguments),))


def search(module: ModuleType, p: Problem):
    work = lambda: module.search(p.image, p.start, p.kernel, p.reps, WEIGHT, 150)  # noqa: E731
    return stepping(("mask", "iterations"), lambda: work()[:2])


def reference() -> ModuleType:
    import minidl.vision

    return minidl.vision


def kernels() -> ModuleType:
    from minidl_kernels import filters

    return filters


# --- SciPy ---------------------------------------------------------------------------------------------------------------
def slide(planes: np.ndarray, p: Problem) -> np.ndarray:
    from scipy.ndimage import correlate1d

    for _ in range(p.reps):
        for axis in (1, 2):
            planes = correlate1d(planes, p.kernel, axis, mode="constant")
    return planes


def side(p: Problem, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    planes = np.concatenate((p.image * visible, visible[None]))
    planes = slide(planes, p) + planes.dtype.type(EPSILON) * planes.sum(axis=(1, 2), keepdims=True)
    return planes[:-1] / planes[-1], planes[-1]


def scipy_sides(p: Problem):
    return stepping(SIDES, lambda: (side(p, 1 - p.mask)[0], side(p, p.mask)[0]))


def scipy_sides_channels_last(p: Problem):
    from scipy.ndimage import correlate1d

    image = np.ascontiguousarray(p.image.transpose(1, 2, 0))
    epsilon = image.dtype.type(EPSILON)

    def slid(shown):
        planes = shown
        for _ in range(p.reps):
            for axis in (0, 1):
                planes = correlate1d(planes, p.kernel, axis, mode="constant")
        return planes + epsilon * shown.sum(axis=(0, 1))

    def one(visible):
        shown = image * visible[..., None]
        return (slid(shown) / slid(visible)[..., None]).transpose(2, 0, 1)

    return stepping(SIDES, lambda: (one(1 - p.mask), one(p.mask)))


def scipy_gradient(p: Problem):
    """Each side on its own, as the equations are printed."""

    def part(member):
        psi, support = side(p, 1 - member)
        area, error = member.sum(), np.abs(psi - p.image).mean(axis=0)
        r = member * np.sign(psi - p.image) / (3 * area * support)
        planes = np.concatenate((r, (r * psi).sum(axis=0)[None]))
        adjoint = slide(planes, p) + planes.dtype.type(EPSILON) * planes.sum(axis=(1, 2), keepdims=True)
        mean = ((p.image * member).sum(axis=(1, 2)) / area)[:, None, None]
        direct = error / area - (member * error).sum() / area**2
        through = adjoint[-1] - (p.image * adjoint[:-1]).sum(axis=0)
        return direct + through - p.image.dtype.type(WEIGHT) * np.square(p.image - mean).sum(axis=0)

    return stepping(("gradient",), lambda: (part(p.mask) - part(1 - p.mask),))


def contenders(work: Any, p: Problem, **scipy: Any) -> list[Contender]:
    found = [
        Contender("minidl.vision", lambda: work(reference(), p)),
        Contender("minidl_kernels", lambda: work(kernels(), p)),
    ]
    names = {"scipy": "scipy.ndimage", "last": "scipy.ndimage, channels last"}
    return found + [Contender(names[key], lambda peer=peer: peer(p), "scipy") for key, peer in scipy.items()]


def benches(options: Options) -> Iterator[Workload]:
    extent = 24 if options.tiny else 128
    for dtype in (np.float32, np.float64):
        for name, (taps, reps) in BLURS.items():
            p, word = Problem(extent, taps, reps, dtype), np.dtype(dtype).name
            goals = (
                [
                    Goal("minidl_kernels", "scipy.ndimage, channels last", at_least=15),  # images as they are read
                    Goal("minidl_kernels", "scipy.ndimage", at_least=15),  # stricter: planes, which SciPy likes better
                    Goal("minidl.vision", "scipy.ndimage", at_least=4.5),
                ]
                if dtype == np.float32
                else []
            )
            yield Workload(
                f"inpainting step, {name}, {word}",
                "minidl.vision",
                contenders(sides, p, scipy=scipy_sides, last=scipy_sides_channels_last),
                # From the total, a support keeps the rounding errors of the whole, eight at most. Next to a straight side of
                # the mask the least support in reach is the last tap of all passes: 1/230 of the whole.
                ulps=8 * 230,
                dtype=dtype,
                goals=goals,
                note=f"{extent} x {extent} x 3, both sides",
            )
        p = Problem(extent, 11, 2, dtype)
        yield Workload(
            f"gradient, 2 x 11 taps, {word}",
            "minidl.vision",
            contenders(gradient, p, scipy=scipy_gradient),
            ulps=8 * 230,  # as above
            dtype=dtype,
            note=f"{extent} x {extent} x 3, forward and adjoint",
        )
    p = Problem(extent, 11, 2, np.float64)
    p.image = clouds(extent)
    yield Workload(
        "search of 150 steps, float64",
        "minidl.vision",
        contenders(search, p),
        ulps=0,
        note=f"one {extent} x {extent} colour image of clouds, in which the search comes to no end",
    )


if __name__ == "__main__":
    sys.exit(harness.main("inpainting", "segmentation by inpainting error maximisation", benches))
