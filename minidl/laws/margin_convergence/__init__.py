"""The laws of gradient descent on separable data.

What a law expects comes from data that are made around their answer, from eliminations in fractions, from losses whose
flow has a closed form, or from the same equation in long double by another integrator. Not laws: that one tail closes the
gap faster than another, where the theory orders upper bounds only, and that the exponential and the logistic flow come
together like 1 / t (one row shows log t / t, and a slow mode is slower still).
"""

from minidl.laws.core import Contract
from minidl.laws.margin_convergence.bounds import BOUND_CONTRACTS
from minidl.laws.margin_convergence.constants import CONSTANT_CONTRACTS
from minidl.laws.margin_convergence.deep import DEEP_CONTRACTS
from minidl.laws.margin_convergence.descents import DESCENT_CONTRACTS
from minidl.laws.margin_convergence.directions import DIRECTION_CONTRACTS
from minidl.laws.margin_convergence.flow import FLOW_CONTRACTS
from minidl.laws.margin_convergence.gaps import GAP_CONTRACTS
from minidl.laws.margin_convergence.least_squares import LEAST_SQUARES_CONTRACTS
from minidl.laws.margin_convergence.networks import NETWORK_CONTRACTS
from minidl.laws.margin_convergence.normalised import NORMALISED_CONTRACTS
from minidl.laws.margin_convergence.offsets import OFFSET_CONTRACTS
from minidl.laws.margin_convergence.optimum import OPTIMUM_CONTRACTS
from minidl.laws.margin_convergence.sums import SUM_CONTRACTS
from minidl.laws.margin_convergence.tails import TAIL_CONTRACTS

# What takes longest comes last, so that it judges last whatever others have a word on.
CONTRACTS: tuple[Contract, ...] = (
    *TAIL_CONTRACTS,
    *SUM_CONTRACTS,
    *LEAST_SQUARES_CONTRACTS,
    *OPTIMUM_CONTRACTS,
    *GAP_CONTRACTS,
    *NETWORK_CONTRACTS,
    *DEEP_CONTRACTS,
    *OFFSET_CONTRACTS,
    *CONSTANT_CONTRACTS,
    *DIRECTION_CONTRACTS,
    *BOUND_CONTRACTS,
    *DESCENT_CONTRACTS,
    *NORMALISED_CONTRACTS,
    *FLOW_CONTRACTS,
)
