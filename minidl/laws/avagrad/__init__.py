"""The laws of optimizers: the baselines in torch's conventions, Delayed Adam, and AvaGrad in its three forms.

Every function runs T steps along given gradients and returns the parameters after each. What a run must be is known where
gradients are geometric (constant, one impulse, alternating): then moments are geometric series. Elsewhere runs are
compared with each other: what symmetries, units, learning rates, decay and regrouping do to them.

Source of AvaGrad, unless a law says otherwise: Savarese, McAllester, Babu, Maire, "Domain-independent Dominance of Adaptive
Methods", CVPR 2021. Not a law: that runs converge. The bound on convergence belongs to the lesson.
"""

from minidl.laws.avagrad.adagrad import ADAGRAD_CONTRACT
from minidl.laws.avagrad.adam import ADAM_CONTRACTS
from minidl.laws.avagrad.avagrad import AVAGRAD_CONTRACTS
from minidl.laws.avagrad.rmsprop import RMSPROP_CONTRACT
from minidl.laws.avagrad.sgd import SGD_CONTRACT
from minidl.laws.core import Contract

CONTRACTS: tuple[Contract, ...] = (
    SGD_CONTRACT,
    RMSPROP_CONTRACT,
    ADAGRAD_CONTRACT,
    *ADAM_CONTRACTS,
    *AVAGRAD_CONTRACTS,
)
