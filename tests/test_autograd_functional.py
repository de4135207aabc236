"""Derivatives of functions: how they nest, what they see through closures, trees, and custom gradients."""

import copy
import math
import pickle

import numpy as np
import pytest

import minidl.autograd as m
from minidl.autograd import Tensor, grad, hvp, jacobian, jvp, value_and_grad, vjp

EPS = np.finfo(float).eps


def leaf(*values):
    return Tensor(values[0] if len(values) == 1 else list(values), requires_grad=True)


def test_derivatives_nest():
    f = lambda x: m.sin(x) * x  # noqa: E731
    third = grad(grad(grad(f)))(0.7)
    assert third == pytest.approx(-3 * math.sin(0.7) - 0.7 * math.cos(0.7), rel=8 * EPS)


def test_an_inner_derivative_sees_the_outer_variable_in_its_closure():
    """d/dx [x * d/dy (x y)] = d/dx x^2 = 2 x: with x taken for a constant inside, it would be x."""
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(2.0) == 4
    assert grad(lambda x: x * value_and_grad(lambda y: y + x)(1.0)[0])(2.0) == 5
    assert grad(lambda x: x * vjp(lambda y: x * y, 1.0)[1](1.0)[0])(2.0) == 4
    assert grad(lambda x: x * jvp(lambda y: x * y, (1.0,), (1.0,))[1])(2.0) == 4
    assert grad(lambda x: jacobian(lambda y: x * y * y, x).sum())(2.0) == 8  # d/dx of 2 x y at y = x, both ways


def test_perturbations_are_not_confused():
    """The classic: d/dx (x * d/dy (x + y)) is 1, not 2 (Siskind and Pearlmutter, 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1


def test_a_gradient_penalty_reaches_the_parameters():
    """The gradient by the input is part of the loss (Gulrajani et al., 2017)."""
    w = leaf(2.0, -1.0)
    g = grad(lambda x: (m.tanh(x) * w).sum())(np.zeros(2))  # = w at x = 0
    penalty = (g * g).sum()
    penalty.backward()
    np.testing.assert_array_equal(w.grad.data, [4, -2])


def test_gradients_of_gradients_through_constants():
    x = leaf(1.0, 2.0)
    flat = m.sign(x).sum() + (x.detach() * 3).sum()
    flat.backward(create_graph=True)
    assert isinstance(x.grad, Tensor)
    np.testing.assert_array_equal(x.grad.data, [0, 0])
    np.testing.assert_array_equal(hvp(lambda z: (z * 3).sum(), np.ones(2), np.ones(2)), [0, 0])
    np.testing.assert_array_equal(grad(lambda z: m.stop_gradient(z).sum())(np.ones(2)), [0, 0])


def test_create_graph_by_hand():
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first.item() == 27
    x.grad = None
    first.backward()
    assert x.grad.item() == 18


def test_trees_of_arguments():
    from collections import namedtuple

    Pair = namedtuple("Pair", "a b")
    tree = {"layers": [np.ones(2), (np.ones(1), 2.0)], "pair": Pair(1.0, 2.0), "none_here": []}

    def f(p):
        return (p["layers"][0] * 2).sum() + p["layers"][1][0].sum() * p["layers"][1][1] + p["pair"].a * p["pair"].b

    value, g = value_and_grad(f)(tree)
    assert value == 8
    assert isinstance(g["pair"], Pair)
    assert (g["pair"].a, g["pair"].b, g["none_here"]) == (2, 1, [])
    np.testing.assert_array_equal(g["layers"][0], [2, 2])
    assert isinstance(g["layers"][1], tuple)
    ga, gb = grad(lambda a, b, c: (a * b).sum() * c, argnums=(0, -1))(np.ones(2), np.ones(2), 3.0)
    np.testing.assert_array_equal(ga, [3, 3])
    assert gb == 2


def test_jvp_hessian_and_jacobian_agree_with_formulas():
    a = np.array([[2.0, 1.0], [0.0, 3.0]])
    x, v = np.array([1.0, -2.0]), np.array([0.5, 4.0])
    np.testing.assert_array_equal(m.hessian(lambda z: z @ a @ z, x), a + a.T)
    np.testing.assert_array_equal(hvp(lambda z: z @ a @ z, x, v), (a + a.T) @ v)
    np.testing.assert_array_equal(jacobian(lambda z: a @ z, x), a)
    y, pushed = jvp(lambda z: a @ z, (x,), (v,))
    np.testing.assert_array_equal(y, a @ x)
    np.testing.assert_array_equal(pushed, a @ v)
    assert jacobian(lambda z: z[:0], x).shape == (0, 2)
    assert jacobian(lambda z: z.sum(), x).shape == (2,)
    _, steep = jvp(m.sqrt, (np.zeros(2),), (np.array([1.0, 0.0]),))
    np.testing.assert_array_equal(steep, [np.inf, 0])


# --- what is no function of arrays ------------------------------------------------------------------------------------
def test_straight_through_and_custom_gradients():
    x = leaf(0.3, -0.4)
    y = m.straight_through(x > 0, x)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y.data, [1, 0])
    (y * np.array([2.0, 3.0])).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2, 3])
    exact = m.straight_through(np.array([0.1, 0.2]), x)
    np.testing.assert_array_equal(exact.data, [0.1, 0.2])
    assert m.straight_through(np.array([1.0]), np.array([0.5])) == [1.0]

    cube = m.custom_gradient(lambda a: a**3, lambda g, y, a: 3 * g * a**2, name="cube")
    assert grad(grad(lambda z: cube(z)))(2.0) == 12
    assert cube(2.0) == 8
    assert "cube" in repr(cube)
    assert grad(m.custom_gradient(lambda a: 7.0, lambda g, y, a: 5))(2.0) == 5  # plain numbers are arrays without axes


def test_copies_of_leaves_are_leaves():
    x = leaf(1.0, 2.0)
    for again in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        (again * 2).sum().backward()
        np.testing.assert_array_equal(again.grad.data, [2, 2])
    assert x.grad is None
