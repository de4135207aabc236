"""The laws of kernel and rich regimes, in the order of the reference: potentials, nets, flow, interpolants, factorisations.

What a law expects is found by quadrature, bisection, elimination and series in long double, by complex steps through the loss,
by enumeration of supports, or by symmetry: never by a formula of the method solved the same way. Not laws: that the L1 norm of
the minimiser falls, or its L2 norm grows, as the scale does (both may move the other way), and that rich regimes
generalise better, which depends on the data.
"""

from minidl.laws.core import Contract
from minidl.laws.kernel_rich.descent import DESCENT_CONTRACTS
from minidl.laws.kernel_rich.diagonal import DIAGONAL_CONTRACTS
from minidl.laws.kernel_rich.factor_flow import FACTOR_FLOW_CONTRACTS
from minidl.laws.kernel_rich.factorisation import FACTOR_CONTRACTS
from minidl.laws.kernel_rich.flow import FLOW_CONTRACTS
from minidl.laws.kernel_rich.flow_limits import LIMIT_CONTRACTS
from minidl.laws.kernel_rich.interpolation import INTERPOLATION_CONTRACTS
from minidl.laws.kernel_rich.norms import NORM_CONTRACTS
from minidl.laws.kernel_rich.paths import PATH_CONTRACTS
from minidl.laws.kernel_rich.penalties import PENALTY_CONTRACTS
from minidl.laws.kernel_rich.potentials import POTENTIAL_CONTRACTS
from minidl.laws.kernel_rich.sparse import SPARSE_CONTRACTS
from minidl.laws.kernel_rich.spectrum import SPECTRUM_CONTRACTS
from minidl.laws.kernel_rich.starts import START_CONTRACTS
from minidl.laws.kernel_rich.width import WIDTH_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *POTENTIAL_CONTRACTS,
    *PENALTY_CONTRACTS,
    *DIAGONAL_CONTRACTS,
    *DESCENT_CONTRACTS,
    *FLOW_CONTRACTS,
    *LIMIT_CONTRACTS,
    *INTERPOLATION_CONTRACTS,
    *PATH_CONTRACTS,
    *START_CONTRACTS,
    *NORM_CONTRACTS,
    *SPARSE_CONTRACTS,
    *FACTOR_CONTRACTS,
    *FACTOR_FLOW_CONTRACTS,
    *WIDTH_CONTRACTS,
    *SPECTRUM_CONTRACTS,
)
