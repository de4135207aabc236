"""Answers to the exercises of lesson 11."""

import numpy as np


def exercise_1(slopes):
    return max(np.abs(np.diff(slopes)).sum(), abs(slopes[0] + slopes[-1]))


def exercise_2(w, b, v):
    knots = -b / w
    order = np.argsort(knots)
    jumps = (v * np.abs(w))[order]
    first = (v * w)[w < 0].sum()
    return knots[order], first + np.concatenate([[0.0], np.cumsum(jumps)])


def exercise_3(x, y):
    m = np.diff(y) / np.diff(x)
    V, S = np.abs(np.diff(m)).sum(), abs(m[0] + m[-1])
    return max(V, (V + S) / 2)


def exercise_4(x, y, left):
    m = np.diff(y) / np.diff(x)
    V, ends = np.abs(np.diff(m)).sum(), m[0] + m[-1]
    bend = np.sign(ends) * max(0.0, abs(ends) - V) / 2
    return np.concatenate([m[:1] - left * bend, m, m[-1:] - (1 - left) * bend])
