"""The laws of stacks of gated residual blocks: chains with known gradients, steps of the gates, removal of blocks.

Source: Savarese, Mazza, Figueiredo, "Learning Identity Mappings with Residual Gates", 2016, arXiv:1611.01260, section 3.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, identical, law, within
from minidl.laws.gated_residual.cases import CHAIN, NOISE, REMOVALS
from minidl.laws.gated_residual.planted import bugs_of


# --- chains ------------------------------------------------------------------------------------------------------------
def _factors(case):
    """1 + g(k_l) w, exactly."""
    return [1 + max(Fraction(float(k)), Fraction(0)) * Fraction(case["w"]) for k in case["gates"]]


def _spread(case):
    """|x0| prod(1 + g |w|): no rounding of a partial product is larger than an ulp of it."""
    return max(1.0, abs(case["x0"])) * math.prod(1 + max(float(k), 0.0) * abs(case["w"]) for k in case["gates"])


@law(cases=CHAIN, needs=("chain",), grade="numerical", equation=r"x_L = x_0 \prod_l (1 + g_l w)", source="induction")
def chain_is_a_product(impl, case):
    """A chain of linear blocks multiplies its input by 1 + g w per block."""
    expected = np.float64(Fraction(case["x0"]) * math.prod(_factors(case)))
    got = impl.chain(case["x0"], case["w"], case["gates"])
    # three roundings per block
    agree(np.float64(got), expected, why="x_L", ulps=4 * len(case["gates"]), scale=_spread(case))


@law(
    cases=CHAIN,
    needs=("chain_backward",),
    grade="numerical",
    equation=r"\partial x_L / \partial g_l = x_0 w \prod_{j \ne l} (1 + g_j w)",
    source="the product rule, in exact fractions",
)
def chain_gradients_leave_one_out(impl, case):
    """Each gate's gradient is the product of all the other blocks, also where a block annihilates its input."""
    factors, gates = _factors(case), case["gates"]
    dy, x0, w = Fraction(case["dy"]), Fraction(case["x0"]), Fraction(case["w"])
    others = [math.prod(factors[:i] + factors[i + 1 :]) for i in range(len(factors))]
    dx0, dw, dgates = impl.chain_backward(case["dy"], case["x0"], case["w"], gates)
    live = [Fraction(int(k > 0)) for k in gates]
    expected = np.array([float(dy * x0 * w * one * other) for one, other in zip(live, others, strict=True)])
    # forward and backward products meet: six roundings per block; g and w multiply a term at most once each
    top = max(1.0, float(np.max(gates)))
    scale, ulps = abs(case["dy"]) * _spread(case) * max(1.0, abs(case["w"])) * top, 8 * (len(gates) + 1)
    agree(dgates, expected, why="dgates", ulps=ulps, scale=scale)
    agree(np.float64(dx0), np.float64(dy * math.prod(factors)), why="dx0", ulps=ulps, scale=scale)
    slope = sum(max(Fraction(float(k)), Fraction(0)) * other for k, other in zip(gates, others, strict=True))
    agree(np.float64(dw), np.float64(dy * x0 * slope), why="dw", ulps=ulps, scale=len(gates) * scale)


# --- removal ----------------------------------------------------------------------------------------------------------
@law(
    cases=REMOVALS,
    needs=("removal_order",),
    grade="exact",
    equation=r"k_{\pi(1)} \le k_{\pi(2)} \le \dots",
    source="section 3",
)
def smallest_gates_first(impl, case):
    """Blocks are removed by rising k, a more negative gate before a less negative one, ties by number."""
    k = case["k"].tolist()
    identical(impl.removal_order(case["k"]), np.array(sorted(range(len(k)), key=lambda i: (k[i], i))), why="the order")


def _stack(impl, x, k, blocks):
    """A small stack of fixed branches, run through the implementation's gated layer."""
    for i in blocks:
        x = impl.gated_residual(x, np.tanh(x * (i + 1) + 0.5), float(k[i]))
    return x


@law(
    cases=REMOVALS,
    needs=("remove", "gated_residual"),
    grade="exact",
    equation=r"\text{net without blocks } R = \text{net with } k_l := 0,\ l \in R",
    source="section 3",
)
def removal_is_a_closed_gate(impl, case):
    """A net whose gates were removed computes exactly what the net without those blocks computes."""
    k, removed = case["k"], case["removed"]
    x = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
    left = [i for i in range(len(k)) if i not in set(removed.tolist())]
    pruned = _stack(impl, x, np.asarray(impl.remove(k, removed)), range(len(k)))
    identical(pruned, _stack(impl, x, k, left), why="the output of the pruned net")


@law(
    cases=REMOVALS,
    needs=("remove", "gated_forward"),
    grade="exact",
    equation=r"\text{net without blocks } R = \text{net with } k_l := 0,\ l \in R",
    source="section 3",
)
def removed_branches_are_not_called(impl, case):
    """A stack runs the branches with open gates, in order, and never calls the others; the result is theirs alone."""
    x, called = np.linspace(-1.0, 1.0, 6).reshape(2, 3), []

    def branch(i):
        def run(h):
            called.append(i)
            return np.tanh(h * (i + 1) + 0.5)

        return run

    gates = np.zeros(len(case["k"]))
    gates[:] = case["k"]
    gates[case["removed"]] = 0.0
    y = impl.gated_forward(x, gates, [branch(i) for i in range(len(gates))])
    left = [i for i in range(len(gates)) if gates[i] > 0]
    holds(called == left, why="the branches that ran", got=called, expected=left)
    for i in left:
        x = x + gates[i] * np.tanh(x * (i + 1) + 0.5)
    agree(y, x, why="the output", ulps=4 * len(gates), scale=1 + np.abs(gates).sum())


@law(
    cases=REMOVALS,
    needs=("remove",),
    grade="exact",
    equation=r"(k \setminus A) \setminus B = k \setminus (A \cup B)",
    source="sets",
)
def removal_is_a_set(impl, case):
    """Order and grouping of removals do not matter, and the other gates keep every bit."""
    k, removed = case["k"], case["removed"]
    once = impl.remove(k, removed)
    identical(impl.remove(k, removed[::-1].copy()), once, why="removal in reverse order")
    one_by_one = k
    for i in removed.tolist():
        one_by_one = impl.remove(one_by_one, np.array([i]))
    identical(one_by_one, once, why="removal one by one")
    stay = [i for i in range(len(k)) if i not in set(removed.tolist())]
    identical(np.asarray(once)[stay], k[stay], why="the gates of the blocks that stay")


@law(cases=NOISE, needs=("removal_subset",), grade="exact", source="the first n of a random order")
def subsets_grow(impl, case):
    """The blocks are distinct, rising and as many as asked for, and asking for one more adds one to them."""
    u, n = case["u"], case["n_removed"]
    chosen = np.asarray(impl.removal_subset(u, n)).tolist()
    holds(chosen == sorted(set(chosen)) and len(chosen) == n, why="distinct rising numbers", got=chosen)
    holds(set(chosen) <= set(range(len(u))), why="numbers of blocks", got=chosen)
    if n < len(u):
        more = np.asarray(impl.removal_subset(u, n + 1)).tolist()
        holds(set(chosen) < set(more), why="one more block", got=more, expected=chosen)


@law(
    cases=Cases(named={"six_choose_two": {"seed": 7, "blocks": 6, "n_removed": 2, "draws": 3000}}),
    needs=("removal_subset",),
    grade="statistical",
    equation=r"P(\{i, j\}) = 1 / \binom{6}{2}",
    source="section 3: a uniformly random subset",
)
def subsets_are_uniform(impl, case):
    """Every set of blocks is as likely as any other."""
    n, r, draws = case["blocks"], case["n_removed"], case["draws"]
    noise = np.random.default_rng(case["seed"]).random((draws, n))
    seen = [tuple(np.asarray(impl.removal_subset(u, r)).tolist()) for u in noise]
    sets = list(itertools.combinations(range(n), r))
    # Hoeffding for each of the sets, and the union bound over them
    half = math.sqrt(math.log(2 * len(sets) / 1e-9) / (2 * draws))
    for one in sets:
        bound = f"Hoeffding, {draws} draws, {len(sets)} sets, P <= 1e-9"
        within(seen.count(one) / draws, 1 / len(sets), half, why=f"frequency of {one}", bound=bound)


# --- contracts ---------------------------------------------------------------------------------------------------------
_WORKED = {name: CHAIN.named["worked"][name] for name in ("x0", "w", "gates")}

STACK_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "chain",
        ("x0", "w", "gates"),
        ("y",),
        CHAIN,
        "The scalar linear chain of gated residual blocks.",
        laws=(chain_is_a_product,),
        planted=bugs_of("chain"),
        golden=(Golden("chain", _WORKED, {"y": np.float64(5.1428)}, 15, "the worked chain"),),
    ),
    Contract(
        "chain_backward",
        ("dy", "x0", "w", "gates"),
        ("dx0", "dw", "dgates"),
        CHAIN,
        "Gradients of the scalar linear chain.",
        laws=(chain_gradients_leave_one_out,),
        planted=bugs_of("chain_backward"),
        golden=(
            Golden(
                "chain_backward",
                CHAIN.named["worked"],
                {"dx0": np.float64(2.5714), "dgates": np.array([1.3416, 1.1868, 0.964275, 1.4352])},
                15,
                "the worked chain",
            ),
        ),
        kink=lambda case: bool((case["gates"] == 0).any()),
    ),
    Contract(
        "removal_order",
        ("k",),
        ("order",),
        REMOVALS,
        "Block numbers by rising gate.",
        laws=(smallest_gates_first,),
        planted=bugs_of("removal_order"),
    ),
    Contract(
        "remove",
        ("k", "removed"),
        ("k",),
        REMOVALS,
        "Gates with the removed blocks shut.",
        laws=(removal_is_a_closed_gate, removed_branches_are_not_called, removal_is_a_set),
        planted=bugs_of("remove"),
    ),
    Contract(
        "removal_subset",
        ("u", "n_removed"),
        ("removed",),
        NOISE,
        "A uniformly random set of blocks from uniform noise.",
        laws=(subsets_grow, subsets_are_uniform),
        planted=bugs_of("removal_subset"),
    ),
)
