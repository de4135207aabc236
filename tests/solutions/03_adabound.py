"""Answers to the exercises of lesson 03."""

import math

import numpy as np


def exercise_1(t, final_lr, gamma):
    factor = 1 + 1 / (gamma * t)
    return final_lr / factor, final_lr * factor


def exercise_2(gradients, lr, final_lr, beta1, beta2, gamma, eps):
    t, v = len(gradients), 0.0
    for g in gradients:
        v = beta2 * v + (1 - beta2) * g * g
    raw = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) / (math.sqrt(v) + eps)
    low, high = exercise_1(t, final_lr, gamma)
    return min(max(raw, low), high)


def exercise_3(C, alpha, final_lr, beta2, gamma):
    below, above = final_lr * C - alpha, alpha / math.sqrt(1 - beta2) - final_lr
    return math.floor(min(alpha / below, final_lr / above) / gamma)


def exercise_4(final_lr, beta1):
    return final_lr * (1 - beta1), beta1


def exercise_5(points, gradients, radius):
    return np.sum(points * gradients) + radius * np.sum(np.abs(gradients.sum(axis=0)))
