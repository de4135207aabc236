"""The laws of struc2vec and of the walks and vectors around it, in the order of the reference.

Not laws: that Gamma falls from layer to layer (five nodes show that it may grow), and that structural distance is a metric.
"""

from minidl.laws.core import Contract
from minidl.laws.struc2vec.candidates import CANDIDATE_CONTRACTS
from minidl.laws.struc2vec.costs import COST_CONTRACTS
from minidl.laws.struc2vec.distances import DISTANCE_CONTRACTS
from minidl.laws.struc2vec.draws import DRAW_CONTRACTS
from minidl.laws.struc2vec.gamma import GAMMA_CONTRACTS
from minidl.laws.struc2vec.layers import LAYER_CONTRACTS
from minidl.laws.struc2vec.proximity import PROXIMITY_CONTRACTS
from minidl.laws.struc2vec.sequences import SEQUENCE_CONTRACTS
from minidl.laws.struc2vec.training import TRAINING_CONTRACTS
from minidl.laws.struc2vec.trees import TREE_CONTRACTS
from minidl.laws.struc2vec.walks import WALK_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *COST_CONTRACTS,
    *SEQUENCE_CONTRACTS,
    *CANDIDATE_CONTRACTS,
    *DISTANCE_CONTRACTS,
    *LAYER_CONTRACTS,
    *GAMMA_CONTRACTS,
    *DRAW_CONTRACTS,
    *WALK_CONTRACTS,
    *PROXIMITY_CONTRACTS,
    *TREE_CONTRACTS,
    *TRAINING_CONTRACTS,
)
