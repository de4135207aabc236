"""Layers, initialisers, losses and the training loop: data plus one call, noise by explicit generator."""

from minidl.nn.init import glorot_normal, glorot_uniform, he_normal, he_uniform, zeros
from minidl.nn.layers import Conv2d, Dropout, Embedding, Linear, dropout
from minidl.nn.losses import binary_cross_entropy, cross_entropy, mean_absolute_error, mean_squared_error
from minidl.nn.module import Module, Sequential
from minidl.nn.norm import BatchNorm, LayerNorm, standardize
from minidl.nn.training import History, accuracy, fit, predict

__all__ = [
    "BatchNorm", "Conv2d", "Dropout", "Embedding", "History", "LayerNorm", "Linear", "Module", "Sequential", "accuracy",
    "binary_cross_entropy", "cross_entropy", "dropout", "fit", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "mean_absolute_error", "mean_squared_error", "predict", "standardize", "zeros",
]  # fmt: skip
