"""Answers to the exercises of lesson 12."""

import math

import numpy as np


def exercise_1(W):
    s = np.linalg.svd(W, compute_uv=False)
    p = s[s > 0] / s.sum()
    return np.exp(-np.sum(p * np.log(p)))


def exercise_2(W, W_next):
    U = np.linalg.svd(W, full_matrices=False)[0]
    Vt = np.linalg.svd(W_next, full_matrices=False)[2]
    return np.abs(Vt @ U)


def exercise_3(W, fraction):
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    k = math.ceil(fraction * len(s))
    return (U[:, :k] * s[:k]) @ Vt[:k]


def exercise_4(losses):
    a = np.linspace(0, 1, len(losses))
    line = (1 - a) * losses[0] + a * losses[-1]
    return np.max((losses - line)[1:-1])
