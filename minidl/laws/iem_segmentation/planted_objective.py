"""Planted bugs of the inpainting error, of diversity, and of the objective."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the inpainting error ------------------------------------------------------------------------------------------------
def _errors(ref, image, mask, kernel, reps):
    """The summed errors and the areas of foreground and background."""
    sides = ref.inpaint_sides(image, mask, kernel, reps)
    e_f, e_b = (np.abs(image - side).mean(axis=0) for side in (sides.foreground, sides.background))
    return (mask * e_f).sum(), ((1 - mask) * e_b).sum(), mask.sum(), (1 - mask).sum()


def _from_errors(combine):
    def build(ref):
        return lambda *arguments: float(combine(*_errors(ref, *arguments)))

    return build


@planted("inpainting_error")
def crossed_entropies(ref):
    """Each error is divided by the area of the other side."""
    return _from_errors(lambda e_f, e_b, f, b: e_f / b + e_b / f)(ref)


@planted("inpainting_error")
def area_forgotten(ref):
    """The errors are averaged over the whole image."""
    return _from_errors(lambda e_f, e_b, f, b: (e_f + e_b) / (f + b))(ref)


@planted("inpainting_error")
def not_normalised(ref):
    """The errors are summed."""
    return _from_errors(lambda e_f, e_b, f, b: e_f + e_b)(ref)


@planted("inpainting_error")
def foreground_only(ref):
    """Only the foreground is predicted."""
    return _from_errors(lambda e_f, e_b, f, b: e_f / f)(ref)


@planted("inpainting_error")
def mean_of_the_sides(ref):
    """The two sides are averaged instead of added."""
    return _from_errors(lambda e_f, e_b, f, b: (e_f / f + e_b / b) / 2)(ref)


@planted("inpainting_error")
def summed_over_channels(ref):
    """The errors of the channels are summed instead of averaged."""
    return lambda image, *rest: len(image) * ref.inpainting_error(image, *rest)


@planted("inpainting_error")
def squared_errors(ref):
    """Errors are squared, as for normal noise."""

    def inpainting_error(image, mask, kernel, reps):
        sides = ref.inpaint_sides(image, mask, kernel, reps)
        e_f, e_b = (np.square(image - side).mean(axis=0) for side in (sides.foreground, sides.background))
        return float((mask * e_f).sum() / mask.sum() + ((1 - mask) * e_b).sum() / (1 - mask).sum())

    return inpainting_error


@planted("inpainting_error")
def predicted_from_itself(ref):
    """Each side is compared with what it predicts itself."""

    def inpainting_error(image, mask, kernel, reps):
        sides = ref.inpaint_sides(image, mask, kernel, reps)
        e_f, e_b = (np.abs(image - side).mean(axis=0) for side in (sides.background, sides.foreground))
        return float((mask * e_f).sum() / mask.sum() + ((1 - mask) * e_b).sum() / (1 - mask).sum())

    return inpainting_error


@planted("inpainting_error")
def error_of_one_pass(ref):
    """One pass of blur instead of rho."""
    return lambda image, mask, kernel, reps: ref.inpainting_error(image, mask, kernel, 1)


@planted("inpainting_error")
def largest_channel(ref):
    """The worst channel counts instead of the mean."""

    def inpainting_error(image, mask, kernel, reps):
        sides = ref.inpaint_sides(image, mask, kernel, reps)
        e_f, e_b = (np.abs(image - side).max(axis=0) for side in (sides.foreground, sides.background))
        return float((mask * e_f).sum() / mask.sum() + ((1 - mask) * e_b).sum() / (1 - mask).sum())

    return inpainting_error


# --- diversity -------------------------------------------------------------------------------------------------------------
@planted("diversity")
def averaged_over_pixels(ref):
    """A mean over the pixels instead of a sum."""
    return lambda image, mask: ref.diversity(image, mask) / mask.size


@planted("diversity")
def averaged_over_channels(ref):
    """A mean over the channels instead of a sum."""
    return lambda image, mask: ref.diversity(image, mask) / len(image)


@planted("diversity")
def one_mean_for_both(ref):
    """Distances from the mean colour of the whole image: the mask does not matter."""
    return lambda image, mask: float(np.square(image - image.mean(axis=(1, 2), keepdims=True)).sum())


@planted("diversity")
def one_side_only(ref):
    """Only the foreground counts."""

    def diversity(image, mask):
        mean = ((image * mask).sum(axis=(1, 2)) / mask.sum())[:, None, None]
        return float((mask * np.square(image - mean)).sum())

    return diversity


@planted("diversity")
def variances_added(ref):
    """The variances of the sides are added, each over its own area."""

    def diversity(image, mask):
        total = 0.0
        for side in (mask, 1 - mask):
            mean = ((image * side).sum(axis=(1, 2)) / side.sum())[:, None, None]
            total += (side * np.square(image - mean)).sum() / side.sum()
        return float(total)

    return diversity


@planted("diversity")
def absolute_distances(ref):
    """Distances are not squared."""

    def diversity(image, mask):
        total = 0.0
        for side in (mask, 1 - mask):
            mean = ((image * side).sum(axis=(1, 2)) / side.sum())[:, None, None]
            total += (side * np.abs(image - mean)).sum()
        return float(total)

    return diversity


@planted("diversity")
def mean_over_the_image(ref):
    """The mean of a side is its sum over the number of all pixels."""

    def diversity(image, mask):
        total = 0.0
        for side in (mask, 1 - mask):
            total += (side * np.square(image - (image * side).mean(axis=(1, 2), keepdims=True))).sum()
        return float(total)

    return diversity


@planted("diversity")
def means_swapped(ref):
    """Each side's distances are those from the other's mean."""

    def diversity(image, mask):
        total = 0.0
        for side in (mask, 1 - mask):
            mean = ((image * (1 - side)).sum(axis=(1, 2)) / (1 - side).sum())[:, None, None]
            total += (side * np.square(image - mean)).sum()
        return float(total)

    return diversity


@planted("diversity")
def grey_means(ref):
    """One mean for all channels of a side."""

    def diversity(image, mask):
        total = 0.0
        for side in (mask, 1 - mask):
            mean = (image * side).sum() / (len(image) * side.sum())
            total += (side * np.square(image - mean)).sum()
        return float(total)

    return diversity


# --- the objective -------------------------------------------------------------------------------------------------------
@planted("objective")
def diversity_added(ref):
    """The diversity is rewarded."""
    return lambda *a: ref.inpainting_error(*a[:4]) + a[4] * ref.diversity(*a[:2])


@planted("objective")
def weighs_the_error(ref):
    """The weight multiplies the inpainting error."""
    return lambda *a: a[4] * ref.inpainting_error(*a[:4]) - ref.diversity(*a[:2])


@planted("objective")
def mean_diversity(ref):
    """The diversity is averaged over the pixels."""
    return lambda *a: ref.inpainting_error(*a[:4]) - a[4] * ref.diversity(*a[:2]) / a[1].size


@planted("objective")
def a_loss(ref):
    """The objective with its sign turned, to be minimised."""
    return lambda *a: -ref.objective(*a)


@planted("objective")
def no_diversity(ref):
    """The weight is not looked at."""
    return lambda *a: ref.inpainting_error(*a[:4])


@planted("objective")
def weight_squared(ref):
    """The weight enters squared."""
    return lambda *a: ref.objective(*a[:4], a[4] ** 2)


# --- the weight at other sizes ---------------------------------------------------------------------------------------------
@planted("scaled_diversity_weight")
def same_everywhere(ref):
    """0.001 for all sizes."""
    return lambda height, width, channels, span: 0.001


@planted("scaled_diversity_weight")
def by_the_side(ref):
    """Scaled by the side instead of the area."""
    return lambda height, width, channels, span: 0.001 * 128 / np.sqrt(height * width) * 3 / channels * 2 / span


@planted("scaled_diversity_weight")
def upside_down(ref):
    """Larger images get larger weights."""
    return lambda height, width, channels, span: 0.001 * height * width / 128**2 * 3 / channels * 2 / span


@planted("scaled_diversity_weight")
def square_of_the_span(ref):
    """Divided by the square of the span, as V alone would ask for."""
    return lambda height, width, channels, span: 0.001 * 128**2 / (height * width) * 3 / channels * (2 / span) ** 2


@planted("scaled_diversity_weight")
def channels_forgotten(ref):
    """The number of channels does not matter."""
    return lambda height, width, channels, span: 0.001 * 128**2 / (height * width) * 2 / span
