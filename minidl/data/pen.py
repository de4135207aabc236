"""The pen that draws the `strokes` data set: labels and uniforms in, images of digits out.

Each image is a digit of `glyphs.STYLES` written by an unsteady hand: a random style, every control point jittered, the
whole slanted, turned, stretched and shifted, drawn with a pen of random width and uneven pressure over stray marks on a
noisy background. A linear model cannot learn it well, because a shifted or slanted digit puts its ink on other pixels.

The pen. A brush of width s that moves by ds at the point p deposits at the pixel q

    pressure * ds / (sqrt(2 pi) s) * exp(-|q - p|^2 / (2 s^2))        (density: 1 on the middle of a long straight line)

and the ink of a pixel is 1 - exp(-DARKNESS * density). The Gaussian is a factor in x times a factor in y, so a batch of
images is one batched matrix product, with no loop over pixels or pen positions.

Noise is an input: `draw(labels, u)` is a pure function; `procedural.strokes` takes its uniforms from a generator.
"""

import numpy as np

from .errors import DataError
from .glyphs import GRID, Glyph, glyphs

SIDE = 28  # pixels
CLASSES = 10
POINTS = 12  # control points of the richest glyph, at most

UNIT = 1.85  # pixels per grid unit before stretching: a digit is about 18 pixels high
JITTER = 0.55  # grid units, for each coordinate of each control point
STRETCH = (0.72, 1.12)  # factors on the width and, separately, on the height
SLANT = (-0.25, 0.45)  # shear: people slant to the right
TURN = 0.22  # radians, to either side
SHIFT = 1.6  # pixels, to either side
PEN = (0.55, 1.15)  # standard deviation of the brush, in pixels
UNEVEN = 0.35  # relative change of width and pressure along a path
DARKNESS = 2.5  # the middle of a stroke at full pressure has 1 - exp(-2.5) = 92 % ink
CONTRAST = (0.6, 1.0)
MARKS = 2  # stray marks in an image
MARK_STEPS = 12  # samples along a mark
MARK_REACH = 4.0  # pixels, from a mark's middle to its control points, at most, in each coordinate
MARK_PRESSURE = (0.0, 0.5)
HAZE = 0.15  # the highest grey of the background
GRAIN = 0.08  # half-width of the noise on a pixel

# How many uniforms each part of an image takes from its row of `u`.
FIELDS = {
    "style": 1,
    "jitter": 2 * POINTS,
    "affine": 6,
    "pen": 4,
    "mark_place": 2 * MARKS,
    "mark_shape": 6 * MARKS,
    "mark_pen": 2 * MARKS,
    "tone": 5,
    "grain": SIDE * SIDE,
}
NOISE = sum(FIELDS.values())  # uniforms per image


def draw(labels: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Draw one image for each label, its randomness taken from the rows of `u`.

    Args:
        labels: (N,) integers in 0..9.
        u: (N, NOISE) uniforms in [0, 1), laid out as FIELDS says.

    Returns:
        (N, 28, 28) uint8, 0 is background. Eight bits as in a scanned image; they also absorb the rounding in which
        BLAS builds differ.

    Raises:
        DataError: a label outside 0..9, or `u` of another shape.
    """
    labels, u = np.asarray(labels), np.asarray(u)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"labels: expected a 1-d array of integers, got {labels.dtype} of shape {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < CLASSES:
        raise DataError(f"labels: expected 0..{CLASSES - 1}, got {labels.min()}..{labels.max()}")
    if u.shape != (len(labels), NOISE):
        raise DataError(f"u: expected {NOISE} uniforms for each label, shape {(len(labels), NOISE)}, got {u.shape}")
    parts = np.split(u.astype(np.float32), np.cumsum([*FIELDS.values()])[:-1], axis=1)
    noise = dict(zip(FIELDS, parts, strict=True))
    density = _marks(noise)  # (N, 28, 28)
    for digit, styles in enumerate(glyphs()):
        style = (len(styles) * u[:, 0]).astype(int)  # (N,); in float64, as float32 would round the last uniforms to 1
        for index, glyph in enumerate(styles):
            rows = np.flatnonzero((labels == digit) & (style == index))
            density[rows] += _digit(glyph, {name: part[rows] for name, part in noise.items()})
    return _develop(density, noise)


def _digit(glyph: Glyph, noise: dict[str, np.ndarray]) -> np.ndarray:
    """The density that the pen leaves along one glyph: (N, 28, 28)."""
    jitter = _between(noise["jitter"], (-JITTER, JITTER)).reshape(-1, POINTS, 2)[:, : len(glyph.control)]
    centred = glyph.control.astype(np.float32) - np.float32(GRID) / 2 + jitter  # (N, P, 2)
    control = np.matmul(centred, _affine(noise["affine"]))  # (N, P, 2) in pixels, around the digit's centre
    control += SIDE / 2 + _between(noise["affine"][:, None, 4:], (-SHIFT, SHIFT))
    middle = np.matmul(glyph.middle.astype(np.float32), control)  # (N, M, 2)
    step = np.matmul(glyph.step.astype(np.float32), control)  # (N, M, 2)

    width, phase, waves, pressure = noise["pen"].T[:, :, None]  # (N, 1) each
    along = np.linspace(0, 1, len(glyph.middle), dtype=np.float32)  # (M,)
    wave = np.sin(2 * np.pi * (phase + (0.5 + waves) * along))  # (N, M)
    brush = _between(width, PEN) * (1 + UNEVEN * wave)
    force = 1 - UNEVEN * pressure * (1 + np.sin(2 * np.pi * (2 * phase + along)))
    return _deposit(middle, brush, force * np.linalg.norm(step, axis=2))


def _affine(u: np.ndarray) -> np.ndarray:
    """Stretch, then slant, then turn, from grid units to pixels, as matrices for row vectors: (N, 2, 2)."""
    wide, high = UNIT * _between(u[:, 0], STRETCH), UNIT * _between(u[:, 1], STRETCH)
    slant, turn = _between(u[:, 2], SLANT), _between(u[:, 3], (-TURN, TURN))
    cos, sin = np.cos(turn), np.sin(turn)
    # (x, y) -> (wide x - slant high y, high y): with y downwards, a slant to the right moves the top to the right.
    x_row = np.stack([wide * cos, wide * sin], axis=1)
    y_row = np.stack([high * (-slant * cos - sin), high * (-slant * sin + cos)], axis=1)
    return np.stack([x_row, y_row], axis=1)


def _marks(noise: dict[str, np.ndarray]) -> np.ndarray:
    """The density of the stray marks, short faint arcs (quadratic Bezier curves) anywhere: (N, 28, 28)."""
    n = len(noise["mark_place"])
    place = _between(noise["mark_place"], (0, SIDE)).reshape(n, MARKS, 1, 2)
    control = place + _between(noise["mark_shape"], (-MARK_REACH, MARK_REACH)).reshape(n, MARKS, 3, 2)
    t = np.linspace(0, 1, MARK_STEPS + 1, dtype=np.float32)[:, None]  # (S + 1, 1)
    bezier = np.concatenate([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1)  # (S + 1, 3)
    ends = np.matmul(bezier, control)  # (N, MARKS, S + 1, 2)
    middle = (ends[:, :, 1:] + ends[:, :, :-1]) / 2  # (N, MARKS, S, 2)
    length = np.linalg.norm(np.diff(ends, axis=2), axis=3)  # (N, MARKS, S)
    width, pressure = noise["mark_pen"].reshape(n, 2, MARKS, 1).swapaxes(0, 1)  # (N, MARKS, 1) each
    brush = np.broadcast_to(_between(width, PEN), length.shape)
    amount = _between(pressure, MARK_PRESSURE) * length
    flat = (n, MARKS * MARK_STEPS)
    return _deposit(middle.reshape(*flat, 2), brush.reshape(flat), amount.reshape(flat))


def _deposit(middle: np.ndarray, brush: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """What brushes of width `brush` (N, M) leave that move by `amount` (N, M) at `middle` (N, M, 2): (N, 28, 28)."""
    pixels = np.arange(SIDE, dtype=np.float32) + 0.5  # (28,) centres
    scale = 1 / (np.sqrt(2) * brush)[:, :, None]  # (N, M, 1)
    x_factor = np.exp(-(((pixels - middle[:, :, :1]) * scale) ** 2))  # (N, M, 28)
    y_factor = np.exp(-(((pixels - middle[:, :, 1:]) * scale) ** 2))  # (N, M, 28)
    y_factor *= (amount / (np.sqrt(2 * np.pi) * brush))[:, :, None]
    return np.matmul(y_factor.swapaxes(1, 2), x_factor)  # (N, 28, 28): rows are y


def _develop(density: np.ndarray, noise: dict[str, np.ndarray]) -> np.ndarray:
    """Ink over a background that slopes from corner to corner, with grain, in eight bits: (N, 28, 28) uint8."""
    tone = noise["tone"]
    ramp = np.linspace(0, 1, SIDE, dtype=np.float32)
    left, right = (
        HAZE * (tone[:, i, None] * (1 - ramp) + tone[:, i + 1, None] * ramp)[:, :, None] for i in (0, 2)
    )  # (N, 28, 1) each, from top to bottom
    haze = left * (1 - ramp) + right * ramp  # (N, 28, 28)
    ink = _between(tone[:, 4], CONTRAST)[:, None, None] * (1 - np.exp(-DARKNESS * density))
    grain = _between(noise["grain"], (-GRAIN, GRAIN)).reshape(density.shape)
    return np.rint(255 * np.clip(haze + (1 - haze) * ink + grain, 0, 1)).astype(np.uint8)


def _between(u: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Uniforms in [0, 1) moved to [low, high), in the dtype of `u`."""
    low, high = bounds
    return low + (high - low) * u
