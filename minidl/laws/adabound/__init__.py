"""The laws of AdaBound and its relatives, in the order of the papers: the bounds, the optimizers, momentum SGD, regret.

Source of the equations, unless a law says otherwise: Luo, Xiong, Liu, Sun, "Adaptive Gradient Methods with Dynamic Bound of
Learning Rate", 2019, and Savarese, "On the Convergence of AdaBound and its Connection to SGD", 2019.
"""

from minidl.laws.adabound.contracts import CONTRACTS

__all__ = ["CONTRACTS"]
