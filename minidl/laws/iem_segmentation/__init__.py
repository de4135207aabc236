"""The laws of segmentation by inpainting error maximisation, in the order of the reference.

Source of the equations, unless a law says otherwise: Savarese, Kim, Maire, Shakhnarovich, McAllester, "Information-Theoretic
Segmentation by Inpainting Error Maximization", 2021, arXiv:2012.07287, and the authors' public program. Not a law: that the
objective never falls along a search (the pair of masks that alternates shows that it may).
"""

from minidl.laws.core import Contract
from minidl.laws.iem_segmentation.filters import FILTER_CONTRACTS
from minidl.laws.iem_segmentation.gradients import GRADIENT_CONTRACTS
from minidl.laws.iem_segmentation.masks import MASK_CONTRACTS
from minidl.laws.iem_segmentation.metrics import METRIC_CONTRACTS
from minidl.laws.iem_segmentation.objective import OBJECTIVE_CONTRACTS
from minidl.laws.iem_segmentation.prediction import PREDICTION_CONTRACTS
from minidl.laws.iem_segmentation.steps import STEP_CONTRACTS

CONTRACTS: tuple[Contract, ...] = (
    *FILTER_CONTRACTS,
    *PREDICTION_CONTRACTS,
    *OBJECTIVE_CONTRACTS,
    *GRADIENT_CONTRACTS,
    *MASK_CONTRACTS,
    *STEP_CONTRACTS,
    *METRIC_CONTRACTS,
)
