"""The laws of restricted Boltzmann machines and of Las Vegas sampling, in the order of the reference.

What a law expects is summed from the table of the energies of all pairs of states, in long double, or is linear algebra of the
hidden chain's kernel made from that table. Functions that take noise are led along every way that they can go, by uniform
numbers just on one side of each probability, and their results weighed with the ways' probabilities: expectations without
sampling. Not a law: that training by LVS-K beats CD-K, which depends on the data.
"""

from minidl.laws.core import Contract
from minidl.laws.mclv_rbm.annealing import ANNEALING_CONTRACTS
from minidl.laws.mclv_rbm.averages import AVERAGE_CONTRACTS
from minidl.laws.mclv_rbm.conditionals import CONDITIONAL_CONTRACTS
from minidl.laws.mclv_rbm.energies import ENERGY_CONTRACTS, MONITOR_CONTRACTS
from minidl.laws.mclv_rbm.exact import EXACT_CONTRACTS
from minidl.laws.mclv_rbm.expected import EXPECTED_CONTRACTS
from minidl.laws.mclv_rbm.kac import KAC_CONTRACTS
from minidl.laws.mclv_rbm.likelihood import LIKELIHOOD_CONTRACTS
from minidl.laws.mclv_rbm.phases import PHASE_CONTRACTS
from minidl.laws.mclv_rbm.sets import SET_CONTRACTS
from minidl.laws.mclv_rbm.tours import TOUR_CONTRACTS
from minidl.laws.mclv_rbm.training import TRAINING_CONTRACTS
from minidl.laws.mclv_rbm.visits import VISIT_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *ENERGY_CONTRACTS,
    *CONDITIONAL_CONTRACTS,
    *EXACT_CONTRACTS,
    *LIKELIHOOD_CONTRACTS,
    *PHASE_CONTRACTS,
    *EXPECTED_CONTRACTS,
    *ANNEALING_CONTRACTS,
    *SET_CONTRACTS,
    *TOUR_CONTRACTS,
    *VISIT_CONTRACTS,
    *AVERAGE_CONTRACTS,
    *KAC_CONTRACTS,
    *TRAINING_CONTRACTS,
    *MONITOR_CONTRACTS,
)
