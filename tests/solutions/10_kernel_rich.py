"""Answers to the exercises of lesson 10."""

import math

import numpy as np


def exercise_1(z):
    return z * (math.asinh(z / 2) - z / (2 + math.hypot(2, z)))


def exercise_2(x, y, u, v, step_size, depth):
    g = 2 * x.T @ (x @ (u**depth - v**depth) - y)
    return u - step_size * depth * u ** (depth - 1) * g, v + step_size * depth * v ** (depth - 1) * g


def exercise_3(x, y, alpha):
    scale, largest = 2 * alpha**2, np.abs(x).max()
    low, high = 0.0, np.arcsinh(abs(y) / scale / largest) / largest  # there one entry alone reaches |y|
    for _ in range(100):
        nu = (low + high) / 2
        if scale * np.sinh(x * nu) @ x < abs(y):
            low = nu
        else:
            high = nu
    return np.sign(y) * scale * np.sinh(x * high)


def exercise_4(x, y, dual):
    return abs(y @ dual) / np.abs(x.T @ dual).max()
