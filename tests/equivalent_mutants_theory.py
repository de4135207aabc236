"""Mutants of `minidl.theory` that no law can kill, since they compute the same on all that is legal: their name -> why."""

from equivalent_mutants_margin import MARGIN
from equivalent_mutants_regimes import KERNEL_RICH
from mutant_reasons import COMMUTES, REFUSED, ROUNDING

_ROUNDS = "how many rounds are allowed, of which a few are needed"

THEORY: dict[str, dict[str, str]] = {
    "margin_convergence": MARGIN,
    "kernel_rich": KERNEL_RICH,
    "infinite_width": {
        "relu_line.path_norm: operands swapped: np.abs(w) @ np.abs(v) -> np.abs(v) @ np.abs(w)": COMMUTES,
        (
            "relu_line._constants: operands swapped: np.maximum(b[w == 0], 0) @ v[w == 0] -> "
            "v[w == 0] @ np.maximum(b[w == 0], 0)"
        ): COMMUTES,
        (
            "relu_line.as_spline: operands swapped: np.maximum(w * anchor_x + b, 0) @ v -> "
            "v @ np.maximum(w * anchor_x + b, 0)"
        ): COMMUTES,
        "relu_line.as_spline: border moved: w < 0 -> w <= 0": "constant units are gone",
        (
            "relu_line.attaining_network: constant off by one: np.clip(ends, -variation, variation) / variation "
            "if variation > 0 else 0.0 -> np.clip(ends, -variation, variation) / variation if variation > 0 else 1.0"
        ): "it multiplies jumps, of which there are none",
        (
            "relu_line.attaining_network: operands swapped: np.maximum(w * anchor_x + b, 0) @ v -> "
            "v @ np.maximum(w * anchor_x + b, 0)"
        ): COMMUTES,
        (
            "interpolation.minimum_norm_interpolant: constant off by one: border.number('left', left, 0, 1) -> "
            "border.number('left', left, 0, 2)"
        ): REFUSED,
        (
            "interpolation.optimum_range: border moved: jumps[piece] > 0 -> jumps[piece] >= 0"
        ): "where there is no jump, it is the chord",
        "interpolation.optimum_range: border moved: at < x[0] -> at <= x[0]": "at a point all lines meet",
        "interpolation.optimum_range: border moved: at > x[-1] -> at >= x[-1]": "at a point all lines meet",
        "projection.onto_polytope: right term dropped: 16 * len(y) -> 16": ROUNDING,
        "projection.onto_polytope: left term dropped: 16 * len(y) -> len(y)": ROUNDING,
        "projection.onto_polytope: constant off by one: 16 * len(y) -> 17 * len(y)": ROUNDING,
        ("projection.onto_polytope: sign flipped: np.linalg.norm(y) + bounds -> np.linalg.norm(y) - bounds"): ROUNDING,
        ("projection.onto_polytope: right term dropped: np.linalg.norm(y) + bounds -> np.linalg.norm(y)"): ROUNDING,
        ("projection.onto_polytope: constant off by one: np.zeros(0) -> np.zeros(1)"): "it is broadcast to no entries",
        "projection.onto_polytope: right term dropped: _ROUNDS * (1 + len(sizes)) -> _ROUNDS": _ROUNDS,
        "projection.onto_polytope: left term dropped: _ROUNDS * (1 + len(sizes)) -> 1 + len(sizes)": _ROUNDS,
        "projection.onto_polytope: right term dropped: 1 + len(sizes) -> 1": _ROUNDS,
        "projection.onto_polytope: constant off by one: 1 + len(sizes) -> 2 + len(sizes)": _ROUNDS,
        "projection.onto_polytope: constant off by one: -1.0 -> -2.0": "anything below 0 says that it holds",
        (
            "projection.onto_polytope: border moved: excess.max(initial=-1.0) <= 0 -> excess.max(initial=-1.0) < 0"
        ): "an excess of 0 beyond rounding to the last bit",
        (
            "projection._let_in: border moved: np.linalg.norm(apart) > 64 * len(n) * EPS -> "
            "np.linalg.norm(apart) >= 64 * len(n) * EPS"
        ): ROUNDING,
        (
            "projection._let_in: border moved: along > 0 -> along >= 0"
        ): "a weight over 0 is the infinity that stands there",
        "projection._let_in: product and quotient exchanged: 64 * len(n) -> 64 / len(n)": ROUNDING,
        "projection._let_in: right term dropped: 64 * len(n) -> 64": ROUNDING,
        "projection._let_in: left term dropped: 64 * len(n) -> len(n)": ROUNDING,
        "projection._let_in: constant off by one: 64 * len(n) -> 65 * len(n)": ROUNDING,
        "projection._let_in: operands swapped: n @ r -> r @ n": COMMUTES,
        "projection._let_in: operands swapped: apart @ n -> n @ apart": COMMUTES,
        (
            "projection._let_in: border moved: holds_at <= leaves_at.min(initial=np.inf) -> "
            "holds_at < leaves_at.min(initial=np.inf)"
        ): "where both come at once, the weight that leaves is 0",
        (
            "weight_decay.objective: operands swapped: network(x, w, b, v, b0) - y -> y - network(x, w, b, v, b0)"
        ): "it is squared",
        (
            "weight_decay.decay_optimum: operands swapped: units - units.mean(axis=0) -> units.mean(axis=0) - units"
        ): "a polytope that is its own mirror image",
        (
            "training.train: constant off by one: int(times[-1]) + 1 -> int(times[-1]) + 2"
        ): "one step more, which is not recorded",
    },
}
