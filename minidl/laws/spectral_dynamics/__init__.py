"""The laws of spectral dynamics: ranks, directions, what pruning keeps, the line between nets, two linear layers, data.

Not laws: what training does to these numbers (lesson 12 measures it), and anything about single singular vectors of equal
singular values, which are arbitrary.
"""

from minidl.laws.core import Contract
from minidl.laws.spectral_dynamics.agreement import AGREEMENT_CONTRACTS
from minidl.laws.spectral_dynamics.angles import ANGLE_CONTRACTS
from minidl.laws.spectral_dynamics.counts import COUNT_CONTRACTS
from minidl.laws.spectral_dynamics.data import DATA_CONTRACTS
from minidl.laws.spectral_dynamics.descent import DESCENT_CONTRACTS
from minidl.laws.spectral_dynamics.lines import LINE_CONTRACTS
from minidl.laws.spectral_dynamics.losses import LOSS_CONTRACTS
from minidl.laws.spectral_dynamics.modes import MODE_CONTRACTS
from minidl.laws.spectral_dynamics.pruning import PRUNING_CONTRACTS
from minidl.laws.spectral_dynamics.ranks import RANK_CONTRACTS
from minidl.laws.spectral_dynamics.vectors import VECTOR_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *RANK_CONTRACTS,
    *COUNT_CONTRACTS,
    *VECTOR_CONTRACTS,
    *AGREEMENT_CONTRACTS,
    *ANGLE_CONTRACTS,
    *PRUNING_CONTRACTS,
    *LINE_CONTRACTS,
    *MODE_CONTRACTS,
    *DESCENT_CONTRACTS,
    *DATA_CONTRACTS,
    *LOSS_CONTRACTS,
)
