r"""Laws of reverse-mode differentiation, for any engine that can run small programs (see the reference for their form).

Expected values come from hyper-dual numbers carried forward, from closed forms with small integers (exact in any order of
summation), and from identities between an engine's own answers: the chain rule, the sum over a shared input, linearity.

Source: Griewank and Walther, Evaluating Derivatives, 2nd edition (2008), chapters 3 and 5; Fike and Alonso (2011).
"""

from minidl.laws.autograd.curvature import CURVATURE
from minidl.laws.autograd.gradients import GRADIENTS
from minidl.laws.autograd.values import VALUES
from minidl.laws.core import Contract

CONTRACTS: tuple[Contract, ...] = (VALUES, GRADIENTS, CURVATURE)
