"""The table of methods: the paper of each, and where its reference, fast twins, laws and lesson are.

The table holds names only. A method's files load when they are asked for, so that listing the atlas costs nothing.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minidl.laws.core import Contract


@dataclass(frozen=True)
class Method:
    """One row: dotted module names for reference, twins and laws; the lesson by the stem of its file.

    sources: the modules beneath the reference that hold its formulas, where it is put together from others.
    more_lessons: further ones on the method; reports name the first.
    """

    name: str
    title: str
    paper: str
    reference: str
    laws: str
    lesson: str
    twins: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    more_lessons: tuple[str, ...] = ()

    @property
    def lessons(self) -> tuple[str, ...]:
        """All lessons on the method."""
        return (self.lesson, *self.more_lessons)


_ROWS = (
    Method(
        name="autograd",
        title="Reverse-mode automatic differentiation",
        paper="Griewank, Walther, 'Evaluating Derivatives', 2nd edition, 2008, chapters 3 and 4",
        reference="minidl.autograd.programs",
        laws="minidl.laws.autograd",
        lesson="00_autograd",
    ),
    Method(
        name="gated_residual",
        title="Residual gates",
        paper="Savarese, Mazza, Figueiredo, 'Learning Identity Mappings with Residual Gates', 2016, arXiv:1611.01260",
        reference="minidl.residual.gated",
        laws="minidl.laws.gated_residual",
        lesson="01_gated_residual",
        twins=("minidl_kernels.gated",),
    ),
    Method(
        name="avagrad",
        title="Adaptive optimizers: AvaGrad, Delayed Adam and the baselines",
        paper="Savarese, McAllester, Babu, Maire, 'Domain-independent Dominance of Adaptive Methods', 2021, arXiv:1912.01823",
        reference="minidl.optim.trajectories",
        laws="minidl.laws.avagrad",
        lesson="02_optimizers",
        twins=("minidl_kernels.optim",),
        sources=tuple(
            f"minidl.optim.{name}"
            for name in ("sgd", "rmsprop", "adagrad", "adam", "adamw", "delayed_adam", "avagrad", "moments")
        ),
    ),
    Method(
        name="adabound",
        title="AdaBound, AMSBound and their momentum SGD",
        paper="Luo, Xiong, Liu, Sun, 'Adaptive Gradient Methods with Dynamic Bound of Learning Rate', 2019; "
        "Savarese, 'On the Convergence of AdaBound and its Connection to SGD', 2019, arXiv:1908.04457",
        reference="minidl.optim.trajectories",
        laws="minidl.laws.adabound",
        lesson="03_adabound",
        twins=("minidl_kernels.optim",),
        sources=tuple(
            f"minidl.optim.{name}" for name in ("adabound", "bounds", "adabound_theory", "momentum_sgd", "moments")
        ),
    ),
    Method(
        name="mclv_rbm",
        title="Restricted Boltzmann machines and Las Vegas sampling",
        paper="Savarese, Kakodkar, Ribeiro, 'From Monte Carlo to Las Vegas: Improving Restricted Boltzmann Machine Training "
        "Through Stopping Sets', 2018, arXiv:1711.08442",
        reference="minidl.energy",
        laws="minidl.laws.mclv_rbm",
        lesson="05_las_vegas",
        more_lessons=("04_rbm",),
        twins=("minidl_kernels.gibbs",),
        sources=tuple(
            f"minidl.energy.{name}"
            for name in (
                *("units", "rbm", "enumeration", "exact", "divergence", "averages", "ais"),
                *("codes", "tours", "mclv", "kac", "monitors", "training"),
            )
        ),
    ),
    Method(
        name="struc2vec",
        title="struc2vec: nodes by structural identity",
        paper="Ribeiro, Saverese, Figueiredo, 'struc2vec: Learning Node Representations from Structural Identity', 2017, "
        "arXiv:1704.03165",
        reference="minidl.graphs",
        laws="minidl.laws.struc2vec",
        lesson="06_struc2vec",
        more_lessons=("07_air_traffic",),
        twins=(
            *("minidl_kernels.dtw", "minidl_kernels.simd_dtw"),
            *("minidl_kernels.walks", "minidl_kernels.skipgram"),
        ),
        sources=tuple(
            f"minidl.graphs.{name}"
            for name in ("graph", "rings", "dtw", "distances", "layers", "walks", "huffman", "skipgram", "deepwalk")
        ),
    ),
    Method(
        name="iem_segmentation",
        title="Segmentation by inpainting error maximisation",
        paper="Savarese, Kim, Maire, Shakhnarovich, McAllester, 'Information-Theoretic Segmentation by Inpainting Error "
        "Maximization', 2021, arXiv:2012.07287",
        reference="minidl.vision",
        laws="minidl.laws.iem_segmentation",
        lesson="08_inpainting_segmentation",
        twins=("minidl_kernels.filters",),
        sources=tuple(f"minidl.vision.{name}" for name in ("inpainting_error", "filters", "greedy", "metrics")),
    ),
    Method(
        name="margin_convergence",
        title="Convergence of gradient descent on separable data",
        paper="Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry, 'Convergence of Gradient Descent on Separable Data', 2019, "
        "arXiv:1803.01905",
        reference="minidl.theory.margin",
        laws="minidl.laws.margin_convergence",
        lesson="09_margin",
        twins=("minidl_kernels.descent",),
        sources=tuple(
            f"minidl.theory.margin.{name}"
            for name in (
                *("tails", "incomplete_gamma", "non_negative", "solver", "enumeration"),
                *("gaps", "steps", "flow", "limits", "deep_linear"),
            )
        ),
    ),
    Method(
        name="kernel_rich",
        title="Kernel and rich regimes",
        paper="Woodworth, Gunasekar, Lee, Moroshko, Savarese, Golan, Soudry, Srebro, 'Kernel and Rich Regimes in "
        "Overparametrized Models', 2020, arXiv:2002.09277",
        reference="minidl.theory.kernel_rich",
        laws="minidl.laws.kernel_rich",
        lesson="10_kernel_rich",
        twins=("minidl_kernels.diagonal",),
        sources=(
            "minidl.theory.ode",
            *(
                f"minidl.theory.kernel_rich.{name}"
                for name in (
                    *("potentials", "diagonal", "constraints", "dual_newton"),
                    *("interpolation", "least_l1", "factorisation", "problems"),
                )
            ),
        ),
    ),
    Method(
        name="infinite_width",
        title="Networks of infinite width and bounded norm",
        paper="Savarese, Evron, Soudry, Srebro, 'How Do Infinite Width Bounded Norm Networks Look in Function Space?', 2019, "
        "arXiv:1902.05040",
        reference="minidl.theory.infinite_width",
        laws="minidl.laws.infinite_width",
        lesson="11_infinite_width",
        twins=("minidl_kernels.relu_line",),
        sources=tuple(
            f"minidl.theory.infinite_width.{name}"
            for name in ("piecewise", "relu_line", "interpolation", "weight_decay", "projection", "training")
        ),
    ),
    Method(
        name="spectral_dynamics",
        title="Spectral dynamics of weights",
        paper="Yunis, Patel, Wheeler, Savarese, Vardi, Livescu, Maire, Walter, 'Approaching Deep Learning through the "
        "Spectral Dynamics of Weights', 2024",
        reference="minidl.theory.spectral",
        laws="minidl.laws.spectral_dynamics",
        lesson="12_spectral",
        sources=tuple(
            f"minidl.theory.spectral.{name}"
            for name in (
                *("ranks", "alignment", "pruning", "connectivity"),
                *("modes", "modular", "snapshots", "grokking"),
            )
        ),
    ),
    Method(
        name="bits",
        title="Products of bits",
        paper="Rastegari, Ordonez, Redmon, Farhadi, 'XNOR-Net: ImageNet Classification Using Binary Convolutional Neural "
        "Networks', 2016, arXiv:1603.05279",
        reference="minidl.bits",
        laws="minidl.laws.bits",
        lesson="13_bits",
        twins=("minidl_kernels.bits", "minidl_kernels.simd_bits"),
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in _ROWS}


def method(name: str) -> Method:
    """The row of that name. Raises ValueError that lists the near names."""
    if name in METHODS:
        return METHODS[name]
    near = difflib.get_close_matches(name, METHODS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(METHODS)}"
    raise ValueError(f"no method is called {name!r}; {hint}")


def load_reference(name: str) -> ModuleType:
    """Import the method's reference: a module of pure functions."""
    return import_module(method(name).reference)


def load_contracts(name: str) -> tuple[Contract, ...]:
    """Import the method's laws and return its contracts."""
    return tuple(import_module(method(name).laws).CONTRACTS)


def twins(name: str) -> dict[str, ModuleType]:
    """Import the method's fast twins (compiled at their first call), by module name."""
    return {twin: import_module(twin) for twin in method(name).twins}
