"""Answers to the exercises of lesson 02."""

import numpy as np


def exercise_1(w, v, g, lr, beta2, eps):
    return w - lr * g / (np.sqrt(v) + eps), beta2 * v + (1 - beta2) * g * g


def exercise_2(rates):
    squares = np.concatenate([r.ravel() ** 2 for r in rates])
    return [r / np.sqrt(np.mean(squares)) for r in rates]


def exercise_3(C, p, w, beta2, v):
    rare = C * w / np.sqrt(beta2 * v + (1 - beta2) * (C * w) ** 2)
    usual = -1 / np.sqrt(beta2 * v + (1 - beta2))
    return p * rare + (1 - p) * usual


def exercise_4(gap, M, H, G2):
    return np.sqrt(2 * gap / M) / (H * G2)
