"""The laws of residual gates, in the order of the reference: gates, layers, blocks, stacks.

Source of the equations, unless a law says otherwise: Savarese, Mazza, Figueiredo, "Learning Identity Mappings with Residual
Gates", 2016, arXiv:1611.01260. Not a law: that slices of the cost surface are combinations of the slices k = 0 and k = 1.
Layer outputs are (see affine_in_k), but the loss is not linear in them.
"""

from minidl.laws.core import Contract
from minidl.laws.gated_residual.block_gradients import GRADIENT_CONTRACTS
from minidl.laws.gated_residual.blocks import BLOCK_CONTRACTS
from minidl.laws.gated_residual.gates import GATE_CONTRACTS
from minidl.laws.gated_residual.images import IMAGE_CONTRACTS
from minidl.laws.gated_residual.layers import LAYER_CONTRACTS
from minidl.laws.gated_residual.stacks import STACK_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *GATE_CONTRACTS,
    *LAYER_CONTRACTS,
    *BLOCK_CONTRACTS,
    *GRADIENT_CONTRACTS,
    *IMAGE_CONTRACTS,
    *STACK_CONTRACTS,
)
