r"""Spectral dynamics of weights: what training does to the singular values and vectors of every matrix.

Claim. Training lowers the effective rank of weight matrices and turns the singular vectors of consecutive layers toward
each other; weight decay does both more than shrinking the norm explains. Nets that generalise end with lower rank than
nets that memorise, and survive when only their top singular directions are kept; memorising nets do not. Grokking comes
with a fall of rank. A lottery mask, and the point halfway between two linearly connected nets, keep the top singular
vectors.

Equations. For $W = U \operatorname{diag}(s) V^\top$, $s'_i = s_i + \epsilon$, $p_i = s'_i / \sum_j s'_j$:

$$ \mathrm{erank} = e^{-\sum_i p_i \log p_i}, \qquad k_{90} = \min\Bigl\{k : \sum_{i \le k} p_i > 0.9\Bigr\}, \qquad
   \mathrm{srank} = \sum_i s_i'^2 / s_1'^2 \qquad\text{(\texttt{ranks})} $$
$$ A = |V_{i+1}^\top U_i|, \qquad S_{jk} = |(u_j \cdot u'_k)(v_j \cdot v'_k)|, \qquad
   \text{score} = \operatorname{mean}_{k \le 10} A_{kk} \text{ or } S_{kk} \qquad\text{(\texttt{alignment})} $$
$$ W_k = \sum_{i \le k} s_i u_i v_i^\top \qquad\text{(\texttt{pruning})}, \qquad
   \theta(a) = (1 - a)\theta_0 + a \theta_1 \qquad\text{(\texttt{connectivity})} $$
$$ \arg\min_{A, B} \tfrac12\|AB - M\|_F^2 + \tfrac\lambda2(\|A\|_F^2 + \|B\|_F^2): \; AB = U \max(\Sigma - \lambda, 0)
V^\top,
   \qquad \dot s = 2 s (\sigma - \lambda - s) \qquad\text{(\texttt{modes})} $$

Notation. $W$: (out, in), float64 or float32; kernels (c_out, c_in, kh, kw) are flattened to (c_out, c_in kh kw). $R$:
the lesser
side. $U$: (out, R), $s$: (R,) descending, $V$: (in, R). $\epsilon = 10^{-10}$ (`eps`). Decoupled weight decay without a
gradient multiplies W by a number, so it changes none of these (at eps = 0): what falls in training is the work of both
together.

Source. Yunis, Patel, Wheeler, Savarese, Vardi, Livescu, Maire, Walter, "Approaching Deep Learning through the Spectral
Dynamics of Weights", 2024, and its authors' public program, which this follows in every definition, except that the
program adds $\epsilon$ to s in place before each number (see `minidl.theory.spectral.ranks`), and that nothing here depends on
its schedules, whose learning rate drops to a tenth for the one step at the end of the warm-up. Grokking:
`minidl.theory.spectral.grokking`.

Left out: the paper's large runs (transformers, VGG, UNet, LSTM); its alignment scores in miniature, which do not
separate memorising from generalising nets at the size of `grokking`. Singular vectors of equal singular values are
arbitrary, so alignment and agreement are not defined there: use the `*_cosines` of subspaces.
"""

from __future__ import annotations

from minidl.theory.spectral.alignment import (
    Cosines,
    agreement_baseline,
    agreement_cosines,
    agreement_matrix,
    alignment_cosines,
    alignment_matrix,
    diagonal_score,
    haar_baseline,
    head_alignments,
    subspace_cosines,
    tap_alignments,
)
from minidl.theory.spectral.connectivity import (
    PathAgreement,
    interpolated,
    loss_barrier,
    path_agreement,
    path_losses,
    segment,
)
from minidl.theory.spectral.grokking import Run, margin_cross_entropy, margin_gradient, modular_net, train_modular
from minidl.theory.spectral.modes import (
    Factors,
    balanced_factors,
    factor_descent,
    factor_gradients,
    factor_objective,
    mode_curve,
    soft_threshold,
)
from minidl.theory.spectral.modular import (
    Split,
    draw_modular_addition,
    modular_addition,
    one_hot_pairs,
    with_random_labels,
)
from minidl.theory.spectral.nets import loss_at, module_weights, prune_module, recompute_statistics
from minidl.theory.spectral.pruning import kept_count, magnitude_mask, mask_agreement, prune, random_mask, truncate
from minidl.theory.spectral.ranks import (
    SVD,
    Ranks,
    as_matrix,
    count_90,
    effective_rank,
    normalised_effective_rank,
    rank_metrics,
    singular_values,
    stable_rank,
    thin_svd,
)
from minidl.theory.spectral.snapshots import Snapshot, SpectralTracker, Track, snapshot

__all__ = [
    "SVD", "Cosines", "Factors", "PathAgreement", "Ranks", "Run", "Snapshot", "SpectralTracker", "Split", "Track",
    "agreement_baseline", "agreement_cosines", "agreement_matrix", "alignment_cosines", "alignment_matrix",
    "as_matrix", "balanced_factors", "count_90", "diagonal_score", "draw_modular_addition", "effective_rank",
    "factor_descent", "factor_gradients", "factor_objective", "haar_baseline", "head_alignments", "interpolated",
    "kept_count", "loss_at", "loss_barrier", "magnitude_mask", "margin_cross_entropy", "margin_gradient",
    "mask_agreement", "mode_curve", "modular_addition", "modular_net", "module_weights", "normalised_effective_rank",
    "one_hot_pairs", "path_agreement", "path_losses", "prune", "prune_module", "random_mask", "rank_metrics",
    "recompute_statistics", "segment", "singular_values", "snapshot", "soft_threshold", "stable_rank",
    "subspace_cosines", "tap_alignments", "thin_svd", "train_modular", "truncate", "with_random_labels",
]  # fmt: skip
