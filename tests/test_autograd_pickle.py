"""Tensors and primitives that travel to another process."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

from minidl.autograd import Tensor, custom_gradient, gradients, linear, relu
from minidl.residual.nets import DenseNet


def test_a_leaf_travels_with_values_gradient_and_wish():
    x = Tensor([1.0, -2.0], requires_grad=True)
    (x * x).sum().backward()
    for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert y.requires_grad
        assert y.is_leaf
        np.testing.assert_array_equal(y.data, x.data)
        np.testing.assert_array_equal(y.grad.data, [2.0, -4.0])


def test_gradients_of_tensors_that_another_process_made():
    made = "import pickle, sys; from minidl.autograd import Tensor; [Tensor(0.0) * 1 for _ in range(10_000)]; "
    made += "sys.stdout.buffer.write(pickle.dumps(Tensor([3.0], requires_grad=True)))"
    x = pickle.loads(subprocess.run([sys.executable, "-c", made], capture_output=True, check=True).stdout)
    (g,) = gradients((x * x).sum(), [x])
    np.testing.assert_array_equal(g.data, [6.0])


def test_a_computed_tensor_does_not_travel():
    y = Tensor([1.0], requires_grad=True) * 2
    with pytest.raises(TypeError, match=r"result of multiply is part of a tape.*detach"):
        pickle.dumps(y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(y.detach())).data, [2.0])


def test_primitives_travel_by_name():
    assert pickle.loads(pickle.dumps(relu)) is relu
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(custom_gradient(lambda a: a, lambda g, y, a: g, name="mine"))


def test_a_net_travels():
    net = DenseNet(3, 2, depth=4, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((5, 3))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net))(x).data, net(x).data)


def test_second_derivatives_through_a_batch_of_one():
    x = np.array([[1.0, 2.0]])
    w, b = Tensor([[0.5], [1.5]], requires_grad=True), Tensor([0.0], requires_grad=True)
    for y in (linear(x, w, b), Tensor(x) @ w):
        (g,) = gradients((y * y * y).sum(), [w], create_graph=True)
        (h,) = gradients(g.sum(), [w])
        value = 0.5 * 1 + 1.5 * 2
        np.testing.assert_allclose(h.data, 6 * value * x.T * x.sum(), rtol=1e-14)
