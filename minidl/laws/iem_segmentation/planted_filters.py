"""Planted bugs of the kernel and the blur."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the kernel --------------------------------------------------------------------------------------------------------
def _exponentials(exponent):
    """A kernel that is right but for its exponent, a function of (t, sigma)."""

    def gaussian_kernel(size, sigma):
        t = np.arange(size) - size // 2
        taps = np.exp(exponent(t, sigma))
        return taps / taps.sum()

    return gaussian_kernel


@planted("gaussian_kernel")
def divided_by_the_whole_integral(ref):
    """The taps are divided by sigma sqrt(2 pi), the integral over everything, so what is cut off is missing."""
    return lambda size, sigma: (
        np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    )


@planted("gaussian_kernel")
def no_half_in_the_exponent(ref):
    """The exponent is -t^2 / sigma^2."""
    return _exponentials(lambda t, sigma: -((t / sigma) ** 2))


@planted("gaussian_kernel")
def sigma_not_squared(ref):
    """The exponent is -t^2 / (2 sigma)."""
    return _exponentials(lambda t, sigma: -(t**2) / (2 * sigma))


@planted("gaussian_kernel")
def laplace(ref):
    """The exponent is -|t| / sigma."""
    return _exponentials(lambda t, sigma: -np.abs(t) / sigma)


@planted("gaussian_kernel")
def largest_is_one(ref):
    """The taps are not scaled."""
    return lambda size, sigma: np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)


@planted("gaussian_kernel")
def off_centre(ref):
    """t runs from -s / 2, half a pixel too far left."""
    return _exponentials(lambda t, sigma: -0.5 * ((t - 0.5) / sigma) ** 2)


@planted("gaussian_kernel")
def size_is_the_radius(ref):
    """2 s + 1 taps."""
    return lambda size, sigma: ref.gaussian_kernel(2 * size + 1, sigma)


@planted("gaussian_kernel")
def box(ref):
    """All taps equal."""
    return lambda size, sigma: np.full(size, 1 / size)


# --- the blur ------------------------------------------------------------------------------------------------------------
def _passes(planes, kernel, reps, axes=(-2, -1), **padding):
    """`reps` passes along the axes with another padding."""
    dtype, reach = planes.dtype, len(kernel) // 2
    for _ in range(reps):
        for axis in axes:
            pad = [(0, 0)] * planes.ndim
            pad[axis] = (reach, reach)
            padded = np.pad(planes, pad, **padding)
            planes = (np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis) * kernel).sum(axis=-1)
    return planes.astype(dtype)


@planted("blur")
def reflecting_border(ref):
    """The image is mirrored beyond its border."""
    return lambda planes, kernel, reps: _passes(planes, kernel, reps, mode="symmetric")


@planted("blur")
def repeated_border(ref):
    """The last pixel is repeated beyond the border."""
    return lambda planes, kernel, reps: _passes(planes, kernel, reps, mode="edge")


@planted("blur")
def periodic(ref):
    """What leaves the image on one side comes back on the other."""
    return lambda planes, kernel, reps: _passes(planes, kernel, reps, mode="wrap")


@planted("blur")
def one_pass(ref):
    """One pass, whatever was asked for."""
    return lambda planes, kernel, reps: ref.blur(planes, kernel, 1)


@planted("blur")
def convolved_kernel(ref):
    """One pass of the kernel convolved with itself: the same but near the border."""

    def blur(planes, kernel, reps):
        taps = np.ones(1, kernel.dtype)
        for _ in range(reps):
            taps = np.convolve(taps, kernel)
        return ref.blur(planes, (taps + taps[::-1]) / 2, 1)

    return blur


@planted("blur")
def down_only(ref):
    """Only the vertical passes."""
    return lambda planes, kernel, reps: _passes(planes, kernel, reps, axes=(-2,))


@planted("blur")
def renormalised_border(ref):
    """What the border takes is given back: divided by the blur of ones."""

    def blur(planes, kernel, reps):
        return ref.blur(planes, kernel, reps) / ref.blur(np.ones_like(planes), kernel, reps)

    return blur


@planted("blur")
def one_pass_too_many(ref):
    """The first pass is not counted."""
    return lambda planes, kernel, reps: ref.blur(planes, kernel, reps + 1)


@planted("blur")
def padded_once(ref):
    """Padded once before all passes, so that what leaves the image comes back in the next."""

    def blur(planes, kernel, reps):
        room = reps * len(kernel)
        padded = np.pad(planes, [(0, 0)] * (planes.ndim - 2) + [(room, room)] * 2)
        return ref.blur(padded, kernel, reps)[..., room:-room, room:-room].copy()

    return blur


@planted("blur")
def grows_to_double(ref):
    """float32 in, float64 out."""
    return lambda planes, kernel, reps: ref.blur(planes, kernel, reps).astype(np.float64)


@planted("blur")
def shifted_window(ref):
    """The window begins at the pixel instead of around it."""
    return lambda planes, kernel, reps: np.roll(ref.blur(planes, kernel, reps), -(len(kernel) // 2), axis=-1)
