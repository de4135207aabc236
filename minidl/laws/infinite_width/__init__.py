"""The laws of networks of unbounded width on the line, in the order of the reference.

Not laws: that training finds the optimum (it may end elsewhere), and that what it finds is the linear spline (other
functions cost as little).
"""

from minidl.laws.core import Contract
from minidl.laws.infinite_width.decay import DECAY_CONTRACTS
from minidl.laws.infinite_width.functions import FUNCTION_CONTRACTS
from minidl.laws.infinite_width.objective import OBJECTIVE_CONTRACTS
from minidl.laws.infinite_width.points import POINT_CONTRACTS
from minidl.laws.infinite_width.training import TRAINING_CONTRACTS
from minidl.laws.infinite_width.units import UNIT_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *UNIT_CONTRACTS,
    *FUNCTION_CONTRACTS,
    *POINT_CONTRACTS,
    *OBJECTIVE_CONTRACTS,
    *DECAY_CONTRACTS,
    *TRAINING_CONTRACTS,
)
