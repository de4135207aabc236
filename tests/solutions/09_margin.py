"""Answers to the exercises of lesson 09."""

import numpy as np


def exercise_1(u):
    least = u.min()
    q = np.exp(least - u)
    return q / q.sum(), np.log(q.sum()) - least


def exercise_2(z, S):
    a = np.linalg.solve(z[S] @ z[S].T, np.ones(len(S)))
    w = a @ z[S]
    rounding = 1e-12
    if a.min() < -rounding or (z @ w).min() < 1 - rounding:
        return None
    return w


def exercise_3(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    cosine = a @ b
    return np.arctan2(np.linalg.norm(a - cosine * b), cosine)


def exercise_4(z, w, s):
    return np.exp(s - z @ w) @ z
