"""SGD changes large parameters in place: nobody may notice but the clock."""

import numpy as np
import pytest

from minidl.autograd import Tensor, cross_entropy
from minidl.optim import SGD
from minidl.optim.sgd import SGDHyper, step

SHAPE = (300, 100)  # above the size from which parameters change in place, and no multiple of a block


def parameter(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    p = Tensor(rng.standard_normal(SHAPE).astype(dtype), requires_grad=True)
    p.grad = Tensor(rng.standard_normal(SHAPE).astype(dtype))
    return p


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("forget", [False, True])
def test_in_place_is_the_pure_step_bit_by_bit(dtype, forget):
    p = parameter(dtype)
    w, g = p.numpy(), p.grad.numpy()
    before = id(p._value)
    SGD([p], lr=0.3).step(forget=forget)
    assert id(p._value) == before  # it did happen in place
    assert p.dtype == dtype
    np.testing.assert_array_equal(p.data, step(w, g, {}, SGDHyper(lr=0.3))[0])
    assert (p.grad is None) == forget
    if not forget:
        np.testing.assert_array_equal(p.grad.data, g)


@pytest.mark.parametrize("hold", [lambda p: p.data, lambda p: p.detach(), lambda p: p.data[1:], lambda p: p.data.T])
def test_whoever_holds_the_old_values_keeps_them(hold):
    p = parameter()
    held = hold(p)
    old = np.array(held.data if isinstance(held, Tensor) else held)
    SGD([p], lr=0.3).step(forget=True)
    np.testing.assert_array_equal(held.data if isinstance(held, Tensor) else held, old)
    assert not np.array_equal(p.data, old) or old.shape != SHAPE


def test_a_tape_keeps_its_values():
    p = parameter()
    y = (p * p).sum()
    expected = 2 * p.numpy()
    SGD([p], lr=0.3).step(forget=True)
    y.backward()
    np.testing.assert_array_equal(p.grad.data, expected)


@pytest.mark.parametrize("hold", [lambda p: p.grad, lambda p: p.grad.data])
def test_whoever_holds_the_gradient_keeps_it(hold):
    p = parameter()
    held = hold(p)
    old = np.array(held.data if isinstance(held, Tensor) else held)
    SGD([p], lr=0.3).step(forget=True)
    np.testing.assert_array_equal(held.data if isinstance(held, Tensor) else held, old)
    assert p.grad is None


def test_two_parameters_that_share_one_gradient():
    a, b = parameter(seed=1), parameter(seed=2)
    a.grad = b.grad = None
    seed = np.random.default_rng(3).standard_normal(SHAPE)
    (a + b).backward(seed)
    assert a.grad._value is b.grad._value  # the rule of addition passes the adjoint on as it is
    expected = [p.data - 0.3 * seed for p in (a, b)]
    SGD([a, b], lr=0.3).step(forget=True)
    for p, e in zip((a, b), expected, strict=True):
        np.testing.assert_array_equal(p.data, e)


def test_what_is_shown_after_a_step_in_place_is_read_only():
    p = parameter()
    SGD([p], lr=0.3).step()
    with pytest.raises(ValueError, match="read-only"):
        p.data[0] = 1.0


def test_cross_entropy_does_not_depend_on_the_layout_of_the_logits():
    rng = np.random.default_rng(0)
    columns, labels = rng.standard_normal((4, 6)), rng.integers(0, 4, 6)
    gradients = []
    for logits in (columns.T, np.ascontiguousarray(columns.T)):
        t = Tensor(logits, requires_grad=True)
        cross_entropy(t, labels).backward()
        gradients.append(t.grad.data)
    np.testing.assert_array_equal(*gradients)
