r"""Procedural images with exact masks: a textured object before a ground whose brightness swings further than the object.

The ground is a linear ramp of brightness in a random direction, the same in all channels, with a little smooth noise. The
object has a colour of its own, half the ramp of the ground behind it, and a texture. So no threshold finds it, and neither
do two mean colours; but what surrounds the object does not predict it. In [-1, 1]:

$$ \text{ground} = 1.4\, t + 0.05\, n_2, \qquad \text{object} = 0.6\, c + 0.7\, t + \text{texture} , $$

$t \in [-\frac12, \frac12]$ along the ramp, $c$ a permutation of (1, -1, 0) or its negative, $n_\sigma$ unit noise blurred with
standard deviation $\sigma$ pixels; texture is $0.08\, n_1$, and for stripes and checks a pattern of $\pm 0.3$ on top.

The same generator gives the same scenes; the first scenes of a longer draw are those of a shorter one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.vision import border
from minidl.vision.filters import blur, gaussian_kernel

SHAPES = ("ellipse", "blob")
TEXTURES = ("noise", "stripes", "checks")
RAMP, COLOUR, GROUND_NOISE, TEXTURE_NOISE, PATTERN = 1.4, 0.6, 0.05, 0.08, 0.3
PERIOD = 8  # pixels from stripe to stripe


class Scenes(NamedTuple):
    """Images, and the masks that they were made from."""

    images: np.ndarray  # (N, size, size, 3) float64 in [0, 1]
    masks: np.ndarray  # (N, size, size) bool, True = object


def draw_scenes(
    n: int, *, rng: np.random.Generator, size: int = 64, shape: str = "ellipse", texture: str = "noise"
) -> Scenes:
    """Draw n scenes. shape: "ellipse" or "blob" (an ellipse with a wavy edge); texture: "noise", "stripes" or "checks".

    The object's centre lies in the middle fifth of the image, its semi-axes are 0.2 to 0.32 of the side.
    Raises ValueError for n < 1, a size below 16 and unknown words, TypeError for an rng that is no generator.
    """
    n, size = border.count("n", n), border.count("size", size, 16)
    for name, value, known in (("shape", shape, SHAPES), ("texture", texture, TEXTURES)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a np.random.Generator such as np.random.default_rng(0), got {rng!r}")
    drawn = [_scene(size, shape, texture, rng) for _ in range(n)]
    return Scenes(*(np.stack(part) for part in zip(*drawn, strict=True)))


def _scene(size: int, shape: str, texture: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y, x = (np.mgrid[:size, :size] + 0.5) / size  # (size, size) each, in (0, 1)
    along, _ = _turned(x - 0.5, y - 0.5, rng.uniform(0, 2 * np.pi))
    ramp = RAMP * along / np.ptp(along)  # (size, size)
    mask = _object(x, y, shape, rng)
    colour = COLOUR * rng.choice((-1, 1)) * rng.permutation((1, -1, 0))  # (3,)
    ground = ramp + GROUND_NOISE * _noise(size, 2.0, rng)  # (3, size, size)
    thing = colour[:, None, None] + ramp / 2 + TEXTURE_NOISE * _noise(size, 1.0, rng)
    across, down = _turned(x * size, y * size, rng.uniform(0, np.pi))  # in pixels
    if texture != "noise":
        waves = (across,) if texture == "stripes" else (across, down)
        thing = thing + PATTERN * np.prod([np.sign(np.sin(2 * np.pi * w / PERIOD)) for w in waves], axis=0)
    image = np.clip(np.where(mask, thing, ground), -1, 1)
    return (image.transpose(1, 2, 0) + 1) / 2, mask


def _object(x: np.ndarray, y: np.ndarray, shape: str, rng: np.random.Generator) -> np.ndarray:
    centre, axes = rng.uniform(0.4, 0.6, 2), rng.uniform(0.2, 0.32, 2)
    p, q = _turned(x - centre[0], y - centre[1], rng.uniform(0, np.pi))
    radius, angle = np.hypot(p / axes[0], q / axes[1]), np.arctan2(q / axes[1], p / axes[0])
    waves = rng.uniform(0, 2 * np.pi, 2)  # drawn for every shape, so that the other choices stay what they are
    edge = 1.0
    if shape == "blob":
        edge = 1 + 0.18 * np.cos(3 * angle + waves[0]) + 0.12 * np.cos(5 * angle + waves[1])
    return radius <= edge


def _turned(x: np.ndarray, y: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along and across a direction."""
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _noise(size: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Three planes of white noise, blurred, with standard deviation 1 everywhere: (3, size, size)."""
    reach = int(np.ceil(3 * sigma))
    kernel = gaussian_kernel(2 * reach + 1, sigma)
    white = rng.standard_normal((3, size + 2 * reach, size + 2 * reach))  # with a margin for the blur to lose
    return blur(white, kernel)[:, reach:-reach, reach:-reach] / np.sum(kernel**2)
