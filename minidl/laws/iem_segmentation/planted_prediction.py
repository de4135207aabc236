"""Planted bugs of the inpainter and of the two sides."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted

EPSILON = 1e-8


def _with(blur=None, epsilon=EPSILON, in_numerator=True, total=np.sum):
    """The inpainter with another blur, another epsilon, or another total."""

    def build(ref):
        def inpaint(image, mask, kernel, reps):
            spread = blur(ref) if blur else ref.blur
            hidden = image * mask
            share = epsilon * total(hidden, axis=(1, 2), keepdims=True) if in_numerator else 0
            weight = spread(mask, kernel, reps) + epsilon * total(mask)
            return ((spread(hidden, kernel, reps) + share) / weight).astype(image.dtype)

        return inpaint

    return build


@planted("inpaint")
def epsilon_dropped(ref):
    """No epsilon: out of reach of every visible pixel it is 0 / 0."""
    return _with(epsilon=0.0)(ref)


@planted("inpaint")
def epsilon_in_the_denominator_only(ref):
    """Epsilon guards the division alone, so out of reach the prediction is 0."""
    return _with(in_numerator=False)(ref)


@planted("inpaint")
def larger_epsilon(ref):
    """Epsilon is 1e-6."""
    return _with(epsilon=1e-6)(ref)


@planted("inpaint")
def epsilon_of_the_mean(ref):
    """Epsilon multiplies the mean over all pixels instead of the sum."""
    return _with(total=np.mean)(ref)


@planted("inpaint")
def one_pass_of_blur(ref):
    """One pass instead of rho."""
    return _with(blur=lambda ref: lambda planes, kernel, reps: ref.blur(planes, kernel, 1))(ref)


@planted("inpaint")
def convolved_once(ref):
    """One pass of the kernel convolved with itself, which sees more near the border."""

    def spread(ref):
        def blur(planes, kernel, reps):
            taps = np.ones(1, kernel.dtype)
            for _ in range(reps):
                taps = np.convolve(taps, kernel)
            return ref.blur(planes, (taps + taps[::-1]) / 2, 1)

        return blur

    return _with(blur=spread)(ref)


@planted("inpaint")
def not_divided(ref):
    """A plain blur of what is visible: dark wherever little is."""
    return lambda image, mask, kernel, reps: ref.blur(image * mask, kernel, reps)


@planted("inpaint")
def mean_of_all(ref):
    """Epsilon falls back on the mean of all pixels, the hidden ones among them."""

    def inpaint(image, mask, kernel, reps):
        share = EPSILON * mask.sum() * image.mean(axis=(1, 2), keepdims=True)
        weight = ref.blur(mask, kernel, reps) + EPSILON * mask.sum()
        return ((ref.blur(image * mask, kernel, reps) + share) / weight).astype(image.dtype)

    return inpaint


@planted("inpaint")
def image_not_masked(ref):
    """The image is blurred whole: hidden pixels shine through."""

    def inpaint(image, mask, kernel, reps):
        share = EPSILON * (image * mask).sum(axis=(1, 2), keepdims=True)
        weight = ref.blur(mask, kernel, reps) + EPSILON * mask.sum()
        return ((ref.blur(image, kernel, reps) + share) / weight).astype(image.dtype)

    return inpaint


@planted("inpaint")
def looks_at_the_hidden_side(ref):
    """1 - mask is what is visible."""
    return lambda image, mask, kernel, reps: ref.inpaint(image, 1 - mask, kernel, reps)


@planted("inpaint")
def visible_pixels_kept(ref):
    """Visible pixels are filled in as they are, as in inpainting of damaged photographs."""

    def inpaint(image, mask, kernel, reps):
        return (image * mask + (1 - mask) * ref.inpaint(image, mask, kernel, reps)).astype(image.dtype)

    return inpaint


@planted("inpaint")
def channels_share_the_sum(ref):
    """The epsilon sum runs over the channels too."""
    return _with(total=lambda a, axis=None, keepdims=False: a.sum())(ref)


# --- the total ------------------------------------------------------------------------------------------------------------
@planted("blurred_total")
def ones_not_blurred(ref):
    """The last plane is 1: the border takes nothing."""

    def blurred_total(image, kernel, reps):
        total = ref.blurred_total(image, kernel, reps)
        total[-1] = 1
        return total

    return blurred_total


@planted("blurred_total")
def total_of_one_pass(ref):
    """One pass instead of rho."""
    return lambda image, kernel, reps: ref.blurred_total(image, kernel, 1)


@planted("blurred_total")
def ones_first(ref):
    """The blurred constant comes first."""
    return lambda image, kernel, reps: np.roll(ref.blurred_total(image, kernel, reps), 1, axis=0)


@planted("blurred_total")
def total_normalised(ref):
    """The image is divided by the blurred constant."""

    def blurred_total(image, kernel, reps):
        total = ref.blurred_total(image, kernel, reps)
        total[:-1] /= total[-1]
        return total

    return blurred_total


# --- both sides ------------------------------------------------------------------------------------------------------------
def _sides(change):
    return lambda ref: lambda *arguments: change(ref.inpaint_sides(*arguments), *arguments)


@planted("inpaint_sides")
def sides_swapped(ref):
    """The foreground is predicted from itself."""
    return _sides(lambda s, *_: s._replace(foreground=s.background, background=s.foreground))(ref)


@planted("inpaint_sides")
def supports_swapped(ref):
    """Each side's support is that of the other."""

    def change(s, *_):
        return s._replace(foreground_support=s.background_support, background_support=s.foreground_support)

    return _sides(change)(ref)


@planted("inpaint_sides")
def support_without_epsilon(ref):
    """The supports are the plain blurs of the masks."""

    def change(s, image, mask, kernel, reps, total=None):
        supports = [ref.blur(side, kernel, reps) for side in (1 - mask, mask)]
        return s._replace(foreground_support=supports[0], background_support=supports[1])

    return _sides(change)(ref)


@planted("inpaint_sides")
def support_is_the_mask(ref):
    """The foreground's support belongs to the mask itself, not to what it hides."""
    return _sides(lambda s, *_: s._replace(foreground_support=s.background_support))(ref)


@planted("inpaint_sides")
def rounding_error_for_a_support(ref):
    """From a total, what is out of reach keeps the rounding error of a difference as its support."""

    def inpaint_sides(image, mask, kernel, reps, total=None):
        s = ref.inpaint_sides(image, mask, kernel, reps)
        if total is None:
            return s
        planes = np.concatenate([image * mask, mask[None]])
        rest = total - ref.blur(planes, kernel, reps) + np.finfo(image.dtype).eps * total[-1]
        hidden = np.concatenate([image, np.ones_like(mask)[None]]) * (1 - mask)
        rest = rest + EPSILON * hidden.sum(axis=(1, 2), keepdims=True)
        return s._replace(foreground=rest[:-1] / rest[-1], foreground_support=rest[-1])

    return inpaint_sides


@planted("inpaint_sides")
def total_taken_for_the_other_side(ref):
    """From a total, the visible side is not subtracted."""

    def inpaint_sides(image, mask, kernel, reps, total=None):
        s = ref.inpaint_sides(image, mask, kernel, reps)
        return s if total is None else s._replace(foreground=total[:-1] / total[-1])

    return inpaint_sides


@planted("inpaint_sides")
def visible_where_hidden(ref):
    """Visible pixels are filled in as they are: every error of the other side is right, these are 0."""
    return _sides(lambda s, image, mask, *_: s._replace(foreground=np.where(mask < 1, image, s.foreground)))(ref)


@planted("inpaint_sides")
def sides_of_one_pass(ref):
    """One pass instead of rho."""
    return lambda image, mask, kernel, reps, total=None: ref.inpaint_sides(image, mask, kernel, 1)
