"""Mutants that no law can kill, since they compute the same on all that is legal: their name -> why."""

from equivalent_mutants_theory import THEORY
from mutant_reasons import COMMUTES, NEGATIVE, REFUSED

_ASCENT = {"moments.ascent: minus dropped: -g -> g": "trajectories descend; test_optim.py ascends through the classes"}
_SIDE = "either layer can be enumerated; the smaller one takes less time"
_CAP = "only which machines are refused changes"
_BLOCKS = "how many states a block holds is a matter of time and memory"
_HASH = "states with equal keys are compared word by word, so any hash gives the same set"
_FEW_ULPS = "any few ulps lie above the rounding of the product and below one part of it"
EQUIVALENT: dict[str, dict[str, str]] = {
    "avagrad": _ASCENT
    | {
        "rmsprop.step: operands swapped: g - state.get('mean', 0.0) -> state.get('mean', 0.0) - g": "it is squared",
        "avagrad.normaliser: float32 result: return 0.0 -> return _minidl_float32(0.0)": "0 is 0 in any precision",
    },
    "adabound": _ASCENT
    | {
        "adabound_theory.projected_rates: constant off by one: len(gradients) + 1 -> len(gradients) + 2": (
            "one bound more than there are steps, which is not read"
        ),
        "adabound_theory.projected_rates: constant off by one: "
        "in_range('beta2', beta2, 0, 1) -> in_range('beta2', beta2, 0, 2)": REFUSED,
        "adabound_theory.adabound_projected: constant off by one: "
        "in_range('beta1', b, 0, 1) -> in_range('beta1', b, 0, 2)": REFUSED,
    },
    "mclv_rbm": {
        "exact.log_partition: border moved: W.shape[0] < W.shape[1] -> W.shape[0] <= W.shape[1]": _SIDE,
        "exact.log_partition: comparison reversed: W.shape[0] < W.shape[1] -> W.shape[0] > W.shape[1]": _SIDE,
        "exact.log_partition: constant off by one: W.shape[0] -> W.shape[1]": _SIDE,
        "exact.moments: comparison reversed: W.shape[0] < W.shape[1] -> W.shape[0] > W.shape[1]": _SIDE,
        "exact.moments: constant off by one: W.shape[0] -> W.shape[1]": _SIDE,
        (
            "exact.moments: constant off by one: (np.zeros(W.shape), np.zeros_like(b), "
            "np.zeros_like(a), 0.0, -np.inf) -> (np.zeros(W.shape), np.zeros_like(b), np.zeros_like(a),"
            " 1.0, -np.inf)"
        ): "the first block multiplies it by e^-inf",
        (
            "exact.hidden_kernel: constant off by one: border.enumerable(n_H, 12, \"the hidden chain's "
            "kernel\", 'use a smaller machine, or sample tours') -> border.enumerable(n_H, 13, \"the "
            "hidden chain's kernel\", 'use a smaller machine, or sample tours')"
        ): _CAP,
        "exact.hidden_kernel: sign flipped: 2 * n_H + n_V -> 2 * n_H - n_V": _CAP,
        "exact.hidden_kernel: right term dropped: 2 * n_H + n_V -> 2 * n_H": _CAP,
        "exact.hidden_kernel: left term dropped: 2 * n_H + n_V -> n_V": _CAP,
        "exact.hidden_kernel: product and quotient exchanged: 2 * n_H -> 2 / n_H": _CAP,
        "exact.hidden_kernel: right term dropped: 2 * n_H -> 2": _CAP,
        "exact.hidden_kernel: left term dropped: 2 * n_H -> n_H": _CAP,
        "exact.hidden_kernel: constant off by one: 2 * n_H -> 3 * n_H": _CAP,
        (
            'exact.hidden_kernel: constant off by one: border.enumerable(2 * n_H + n_V, 36, "the hidden'
            " chain's kernel, counting both of its hidden states,\", 'use fewer') -> border.enumerable(2"
            " * n_H + n_V, 37, \"the hidden chain's kernel, counting both of its hidden states,\", 'use "
            "fewer')"
        ): _CAP,
        (
            "enumeration.blocks: constant off by one: weights: np.ndarray, other: np.ndarray, own: "
            "np.ndarray, width: int=1 -> weights: np.ndarray, other: np.ndarray, own: np.ndarray, "
            "width: int=2"
        ): _BLOCKS,
        (
            "enumeration.blocks: constant off by one: max(1, (_ENTRIES // max(m, width)).bit_length() -"
            " 1) -> max(2, (_ENTRIES // max(m, width)).bit_length() - 1)"
        ): _BLOCKS,
        (
            "enumeration.blocks: sign flipped: (_ENTRIES // max(m, width)).bit_length() - 1 -> "
            "(_ENTRIES // max(m, width)).bit_length() + 1"
        ): _BLOCKS,
        (
            "enumeration.blocks: right term dropped: (_ENTRIES // max(m, width)).bit_length() - 1 -> "
            "(_ENTRIES // max(m, width)).bit_length()"
        ): _BLOCKS,
        (
            "enumeration.blocks: operands swapped: (_ENTRIES // max(m, width)).bit_length() - 1 -> 1 - "
            "(_ENTRIES // max(m, width)).bit_length()"
        ): _BLOCKS,
        (
            "enumeration.blocks: constant off by one: (_ENTRIES // max(m, width)).bit_length() - 1 -> "
            "(_ENTRIES // max(m, width)).bit_length() - 2"
        ): _BLOCKS,
        "codes._keys: constant off by one: 1: -> 2:": _HASH,
        (
            "codes._keys: right term dropped: (key ^ key >> np.uint64(30)) * "
            "np.uint64(13787848793156543929) -> key ^ key >> np.uint64(30)"
        ): _HASH,
        (
            "codes._keys: left term dropped: (key ^ key >> np.uint64(30)) * "
            "np.uint64(13787848793156543929) -> np.uint64(13787848793156543929)"
        ): _HASH,
        "codes._keys: constant off by one: np.uint64(30) -> np.uint64(31)": _HASH,
        "codes._keys: constant off by one: np.uint64(13787848793156543929) -> np.uint64(13787848793156543930)": _HASH,
        (
            "codes._keys: right term dropped: (key ^ key >> np.uint64(27)) * "
            "np.uint64(10723151780598845931) -> key ^ key >> np.uint64(27)"
        ): _HASH,
        (
            "codes._keys: left term dropped: (key ^ key >> np.uint64(27)) * "
            "np.uint64(10723151780598845931) -> np.uint64(10723151780598845931)"
        ): _HASH,
        "codes._keys: constant off by one: np.uint64(27) -> np.uint64(28)": _HASH,
        "codes._keys: constant off by one: np.uint64(10723151780598845931) -> np.uint64(10723151780598845932)": _HASH,
        "codes._keys: sign flipped: (key ^ key >> np.uint64(31)) + word -> (key ^ key >> np.uint64(31)) - word": _HASH,
        "codes._keys: right term dropped: (key ^ key >> np.uint64(31)) + word -> key ^ key >> np.uint64(31)": _HASH,
        "codes._keys: left term dropped: (key ^ key >> np.uint64(31)) + word -> word": _HASH,
        "codes._keys: constant off by one: np.uint64(31) -> np.uint64(32)": _HASH,
        ("tours.stopping_set: constant off by one: -1 -> -2"): NEGATIVE,
        "tours._start_law: constant off by one: max(1, (1 << 17) // len(b)) -> max(2, (1 << 17) // len(b))": _BLOCKS,
        "tours._start_law: constant off by one: 1 << 17 -> 2 << 17": _BLOCKS,
        "tours._start_law: constant off by one: 1 << 17 -> 1 << 18": _BLOCKS,
        "mclv._means: constant off by one: max(1, (1 << 17) // len(b)) -> max(2, (1 << 17) // len(b))": _BLOCKS,
        "mclv._means: constant off by one: 1 << 17 -> 2 << 17": _BLOCKS,
        "mclv._means: constant off by one: 1 << 17 -> 1 << 18": _BLOCKS,
        "kac.tour_law: operands swapped: 2 * visits @ again -> again @ (2 * visits)": COMMUTES,
        (
            "kac.lvs_limit: constant off by one: np.where(inside, 1.0, back[-1]) -> np.where(inside, 2.0, back[-1])"
        ): "all weights double, and are divided by their sum",
        "monitors.reconstruction_error: operands swapped: x - back -> back - x": "it is squared",
    },
    "iem_segmentation": {
        (
            "filters.gaussian_kernel: operands swapped: np.arange(size) - (size - 1) // 2 -> "
            "(size - 1) // 2 - np.arange(size)"
        ): "it is squared",
        "filters.gaussian_kernel: right term dropped: size - 1 -> size": "the size is odd",
        (
            "filters._blur_matrix: operands swapped: np.arange(n)[:, None] - np.arange(n) -> "
            "np.arange(n) - np.arange(n)[:, None]"
        ): "the kernel is symmetric",
        "inpainting_error.inpainting_error: operands swapped: image - prediction -> prediction - image": (
            "its absolute value is taken"
        ),
        "inpainting_error.inpainting_error: operands swapped: 1 - mask -> mask - 1": (
            "the sign cancels in the quotient of sums"
        ),
        (
            "inpainting_error.diversity: operands swapped: image - _mean(image, side)[:, None, None] -> "
            "_mean(image, side)[:, None, None] - image"
        ): "it is squared",
        (
            "inpainting_error.gradient: operands swapped: (mu_b - mu_f) @ (mu_b + mu_f) -> "
            "(mu_b + mu_f) @ (mu_b - mu_f)"
        ): COMMUTES,
        "greedy.search: sign flipped: iters - t -> iters + t": "only its parity is used",
        "greedy.search: operands swapped: iters - t -> t - iters": "only its parity is used",
        "greedy._moved: border moved: gradient > 0 -> gradient >= 0": "it is read only where the gradient is not 0",
        "metrics.accuracy: border moved: prediction == truth -> prediction != truth": "the larger of x and 1 - x",
    },
    "struc2vec": {
        "rings._hops: sign flipped: len(indptr) - 1 -> len(indptr) + 1": (
            "only entries of at least 0 of nodes that are there are read"
        ),
        "rings._checked: right term dropped: len(indptr) - 1 -> len(indptr)": REFUSED,
        "dtw.degree_cost: operands swapped: a - b -> b - a": ("only the magnitude is used"),
        "distances._official_candidates: right term dropped: n - 1 -> n": (
            "one more is taken along and cut off: the node itself is among them"
        ),
        "distances._official_candidates: constant off by one: wanted + 1 -> wanted + 2": (
            "one more is taken along and cut off: the node itself is among them"
        ),
        "distances.pair_distances: right term dropped: len(first) - 1 -> len(first)": REFUSED,
        "distances.pair_distances: border moved: k < f.shape[1] -> k <= f.shape[1]": (
            "two nodes never share more rings than there are layers"
        ),
        "layers.transition_probabilities: constant off by one: len(begins) == 0 -> len(begins) == 1": (
            "a symmetric layer has no edge or at least two rows with one"
        ),
        "layers.transition_probabilities: constant off by one: np.zeros(0) -> np.zeros(1)": (
            "a symmetric layer has no edge or at least two rows with one"
        ),
        "layers.layer_gamma: border moved: values > mean * (1 + EXCESS) -> values >= mean * (1 + EXCESS)": (
            "the excess is itself a tolerance"
        ),
        "layers._rows: axis swapped: axis=1 -> axis=0": ("a layer is symmetric"),
        "walks.alias_tables: constant off by one: np.zeros(0) -> np.zeros(1)": ("a check of an empty table"),
        "walks._draw: sign flipped: size - 1 -> size + 1": (
            "u d is rounded below d for every u < 1 of double precision"
        ),
        "walks.advance_walks: constant off by one: walk_length + 1 -> walk_length + 2": REFUSED,
        "skipgram.train_negative: sign flipped: others - i + window -> others - i - window": (
            "an index below 0 counts from the end, which is the same slot"
        ),
        "skipgram.train_negative: border moved: others > i -> others >= i": ("the centre is not among the others"),
        "skipgram._sigmoid: border moved: z >= 0 -> z > 0": ("both branches are 1/2 at 0"),
        "skipgram._training: constant off by one: -1 -> -2": REFUSED,
        "deepwalk.first_order_walks: right term dropped: degree[v] - 1 -> degree[v]": (
            "u d is rounded below d for every u < 1 of double precision"
        ),
        (
            "deepwalk.second_order_weights: constant off by one: indptr: np.ndarray, indices: np.ndarra"
            "y, previous: int, current: int, p: float=1.0, q: float=1.0 -> indptr: np.ndarray, indices:"
            " np.ndarray, previous: int, current: int, p: float=1.0, q: float=2.0"
        ): ("its callers give every argument"),
        "deepwalk.node2vec_walks: sign flipped: len(weights) - 1 -> len(weights) + 1": (
            "u d is rounded below d for every u < 1 of double precision"
        ),
        "deepwalk._checked: right term dropped: len(indptr) - 1 -> len(indptr)": REFUSED,
        "rings._hops: right term dropped: len(indptr) - 1 -> len(indptr)": (
            "only entries of at least 0 of nodes that are there are read"
        ),
        "rings._hops: constant off by one: -1 -> -2": ("only entries of at least 0 of nodes that are there are read"),
        "rings._checked: sign flipped: len(indptr) - 1 -> len(indptr) + 1": REFUSED,
        (
            "rings._checked: float32 result: return (indptr, indices, np.inf if until_layer is None els"
            "e border.count('until_layer', until_layer, 0)) -> return _minidl_float32((indptr, indices,"
            " np.inf if until_layer is None else border.count('until_layer', until_layer, 0)))"
        ): ("infinity in any precision; a cap is an integer"),
        (
            "dtw.cost_matrix: constant off by one: a: Any, b: Any, epsilon: float=0.0 -> a: Any, b: Any"
            ", epsilon: float=1.0"
        ): ("its callers give every argument"),
        "distances._official_candidates: sign flipped: n - 1 -> n + 1": (
            "one more is taken along and cut off: the node itself is among them"
        ),
        "distances._official_candidates: operands swapped: values - value -> value - values": (
            "only the magnitude is used"
        ),
        "distances.pair_distances: sign flipped: len(first) - 1 -> len(first) + 1": REFUSED,
        "distances.pair_distances: operands swapped: a - b -> b - a": ("only the magnitude is used"),
        (
            "layers.transition_probabilities: float32 result: return np.zeros(0) -> return _minidl_float32(np.zeros(0))"
        ): ("a symmetric layer has no edge or at least two rows with one"),
        "walks._draw: right term dropped: size - 1 -> size": (
            "u d is rounded below d for every u < 1 of double precision"
        ),
        (
            "walks.advance_walks: constant off by one: border.number('q', q, 0, 1, above=True) -> borde"
            "r.number('q', q, 0, 2, above=True)"
        ): REFUSED,
        "walks.advance_walks: constant off by one: -1 -> -2": REFUSED,
        (
            "huffman.leaf_log_probabilities: product and quotient exchanged: (x @ theta.T)[..., nodes] "
            "* (1 - 2.0 * np.asarray(bits)) -> (x @ theta.T)[..., nodes] / (1 - 2.0 * np.asarray(bits))"
        ): ("it is 1 or -1"),
        "deepwalk.first_order_walks: sign flipped: degree[v] - 1 -> degree[v] + 1": (
            "u d is rounded below d for every u < 1 of double precision"
        ),
        (
            "deepwalk.second_order_weights: constant off by one: indptr: np.ndarray, indices: np.ndarra"
            "y, previous: int, current: int, p: float=1.0, q: float=1.0 -> indptr: np.ndarray, indices:"
            " np.ndarray, previous: int, current: int, p: float=2.0, q: float=1.0"
        ): ("its callers give every argument"),
        "deepwalk.node2vec_walks: right term dropped: len(weights) - 1 -> len(weights)": (
            "u d is rounded below d for every u < 1 of double precision"
        ),
        "deepwalk._checked: sign flipped: len(indptr) - 1 -> len(indptr) + 1": REFUSED,
    },
    "spectral_dynamics": {
        "ranks.as_matrix: constant off by one: -1 -> -2": NEGATIVE,
        "alignment.aligned_taps: constant off by one: -1 -> -2": NEGATIVE,
        "alignment.head_alignments: constant off by one: -1 -> -2": NEGATIVE,
        "pruning._first: constant off by one: -1 -> -2": NEGATIVE,
        "ranks.effective_rank: operands swapped: p @ np.log(p) -> np.log(p) @ p": COMMUTES,
        (
            "alignment.subspace_cosines: operands swapped: basis.T @ basis - np.eye(basis.shape[1]) -> "
            "np.eye(basis.shape[1]) - basis.T @ basis"
        ): "its absolute value is taken",
        (
            "pruning.kept_count: constant off by one: border.number('fraction', fraction, 0, 1, above=True) -> "
            "border.number('fraction', fraction, 0, 2, above=True)"
        ): REFUSED,
        (
            "modular.modular_addition: constant off by one: border.number('fraction', fraction, 0, 1, above=True) -> "
            "border.number('fraction', fraction, 0, 2, above=True)"
        ): REFUSED,
        "pruning.kept_count: left term dropped: 4 * np.finfo(float).eps -> np.finfo(float).eps": _FEW_ULPS,
        "pruning.kept_count: constant off by one: 4 * np.finfo(float).eps -> 5 * np.finfo(float).eps": _FEW_ULPS,
        "modular.modular_addition: left term dropped: 4 * np.finfo(float).eps -> np.finfo(float).eps": _FEW_ULPS,
        "modular.modular_addition: constant off by one: 4 * np.finfo(float).eps -> 5 * np.finfo(float).eps": _FEW_ULPS,
        "modes.factor_objective: operands swapped: a @ b - target -> target - a @ b": "it is squared",
        "modes.mode_curve: border moved: kappa < 0 -> kappa <= 0": "both branches are the same at 0",
        "modular.one_hot_pairs: sign flipped: x + [0, p] -> x - [0, p]": (
            "an index below 0 counts from the end, which is the same slot"
        ),
    },
} | THEORY
