"""What the functions of segmentation refuse, and what they say: images, masks, kernels, numbers."""

import numpy as np
import pytest

from minidl import vision

SMALL = vision.gaussian_kernel(3, 1.0)
RNG = np.random.default_rng(0)
IMAGE, MASK = RNG.uniform(-1, 1, (3, 9, 7)), RNG.random((9, 7)) < 0.5
WRONG = {
    "a nan": (dict(image=np.where(np.arange(63).reshape(9, 7) == 8, np.nan, IMAGE)), ValueError, r"nan at \(0, 1, 1\)"),
    "an infinity": (dict(image=np.full((1, 9, 7), np.inf)), ValueError, "finite"),
    "huge values": (dict(image=1e200 * IMAGE), ValueError, "squared"),
    "two rows": (dict(image=IMAGE[:, :2], mask=MASK[:2]), ValueError, "H, W >= 3"),
    "two columns": (dict(image=IMAGE[:, :, :2], mask=MASK[:, :2]), ValueError, "H, W >= 3"),
    "no channel": (dict(image=IMAGE[:0]), ValueError, "C >= 1"),
    "no channel axis": (dict(image=IMAGE[0]), ValueError, "channels first"),
    "complex": (dict(image=IMAGE + 0j), TypeError, "complex128"),
    "words": (dict(image=np.full((1, 9, 7), "x")), TypeError, "float32 or float64"),
    "another size": (dict(mask=MASK[:, :6]), ValueError, r"\(9, 7\)"),
    "empty": (dict(mask=np.zeros((9, 7))), ValueError, "mask is empty"),
    "full": (dict(mask=np.ones((9, 7))), ValueError, "mask is full"),
    "mask nan": (dict(mask=np.where(MASK, np.nan, 0)), ValueError, "got nan"),
    "a two": (dict(mask=2 * MASK), ValueError, "got 2"),
    "below": (dict(mask=-1.0 * MASK), ValueError, "got -1"),
    "mask of words": (dict(mask=np.full((9, 7), "x")), TypeError, "got <U1"),
    "even kernel": (dict(kernel=np.ones(4) / 4), ValueError, "odd"),
    "lopsided kernel": (dict(kernel=np.array([0.2, 0.3, 0.5])), ValueError, "symmetric"),
    "negative kernel": (dict(kernel=np.array([-0.5, 2, -0.5])), ValueError, "not negative"),
    "zero kernel": (dict(kernel=np.zeros(3)), ValueError, "symmetric"),
    "nan kernel": (dict(kernel=np.full(3, np.nan)), ValueError, "symmetric"),
    "integer kernel": (dict(kernel=np.array([1, 2, 1])), TypeError, "floats"),
    "no passes": (dict(reps=0), ValueError, "reps must be at least 1"),
    "half a pass": (dict(reps=1.5), TypeError, "reps must be an integer"),
}
FUNCTIONS = {
    "inpaint": vision.inpaint,
    "inpaint_sides": vision.inpaint_sides,
    "inpainting_error": vision.inpainting_error,
    "objective": vision.objective,
    "objective_gradient": vision.objective_gradient,
    "step": vision.step,
    "search": vision.search,
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("what", WRONG)
def test_bad_input_is_an_error_that_says_what_came(what, function):
    changes, kind, message = WRONG[what]
    given = dict(image=IMAGE, mask=MASK, kernel=SMALL, reps=1) | changes
    with pytest.raises(kind, match=message):
        FUNCTIONS[function](*given.values())


@pytest.mark.parametrize("mask", [0.5 * MASK, np.where(MASK, np.nan, 0.0)], ids=["soft", "nan"])
@pytest.mark.parametrize("function", ["step", "search"])
def test_the_search_takes_binary_masks_only(function, mask):
    with pytest.raises(ValueError, match="zeros and ones only"):
        FUNCTIONS[function](IMAGE, mask, SMALL)


@pytest.mark.parametrize("function", ["objective", "objective_gradient", "step", "search"])
def test_weights_are_not_negative(function):
    for weight in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="diversity_weight"):
            FUNCTIONS[function](IMAGE, MASK, SMALL, 1, weight)
    with pytest.raises(TypeError, match="diversity_weight"):
        FUNCTIONS[function](IMAGE, MASK, SMALL, 1, "much")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: vision.gaussian_kernel(4, 1.0), ValueError, "odd"),
        (lambda: vision.gaussian_kernel(0, 1.0), ValueError, "at least 1"),
        (lambda: vision.gaussian_kernel(3.0, 1.0), TypeError, "integer"),
        (lambda: vision.gaussian_kernel(3, 0.0), ValueError, "sigma"),
        (lambda: vision.gaussian_kernel(3, np.nan), ValueError, "sigma"),
        (lambda: vision.blur(np.ones(3), SMALL), ValueError, "H, W"),
        (lambda: vision.blur(np.ones((0, 3)), SMALL), ValueError, "not empty"),
        (lambda: vision.blur(np.full((3, 3), np.nan), SMALL), ValueError, "finite"),
        (lambda: vision.blur(np.ones((3, 3), complex), SMALL), TypeError, "complex"),
        (lambda: vision.inpaint_sides(IMAGE, MASK, SMALL, 1, IMAGE), ValueError, "blurred_total"),
        (
            lambda: vision.inpaint_sides(IMAGE, MASK, SMALL, 1, np.full((4, 9, 7), np.nan)),
            ValueError,
            "total must be finite",
        ),
        (lambda: vision.boundary(np.full((3, 3), 0.5)), ValueError, "zeros and ones"),
        (lambda: vision.boundary(np.zeros((2, 3))), ValueError, "H, W >= 3"),
        (lambda: vision.smooth(np.zeros(9)), ValueError, "H, W"),
        (lambda: vision.smooth(np.full((3, 3), "x")), TypeError, "zeros and ones"),
        (lambda: vision.initial_mask(2, 9), ValueError, "height"),
        (lambda: vision.search(IMAGE, MASK, SMALL, iters=-1), ValueError, "iters"),
        (lambda: vision.search(IMAGE, MASK, SMALL, grad_tol=-1.0), ValueError, "grad_tol"),
        (lambda: vision.search_all(IMAGE, MASK, SMALL), ValueError, "N, C, H, W"),
        (lambda: vision.search_all(IMAGE[None], MASK[None][:0], SMALL), ValueError, "N, C, H, W"),
        (lambda: vision.iou(MASK, MASK.T), ValueError, "one shape"),
        (lambda: vision.iou(MASK[:0], MASK[:0]), ValueError, "one shape"),
        (lambda: vision.dice(MASK + 0.5, MASK), ValueError, "prediction must hold zeros and ones"),
        (lambda: vision.scaled_diversity_weight(0, 3), ValueError, "height"),
        (lambda: vision.scaled_diversity_weight(3, 3, span=0.0), ValueError, "span"),
    ],
)
def test_what_else_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
