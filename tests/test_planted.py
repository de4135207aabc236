"""Every planted bug of every contract dies, by name; generated mutants show what no one thought of."""

import ast
import copy
import functools
import importlib
import inspect
import sys
import textwrap
import types

import numpy as np
import pytest
import toy
from hypothesis import settings

from minidl import atlas
from minidl.laws.core import Broken
from minidl.verify import run
from minidl.verify.mutants import assemble, mutate, reached
from minidl.verify.runner import Bench
from minidl.verify.search import draw
from minidl.verify.tolerance import quiet

EXAMPLES = settings().max_examples
# Every law that kills a bug, or (in the quick profile) only the first one, and whether agreement does.
THOROUGH = EXAMPLES >= 100

# Mutants that no law can kill, since they compute the same on all that is legal: their name -> why.
_ASCENT = {"moments.ascent: minus dropped: -g -> g": "trajectories descend; test_optim.py ascends through the classes"}
_REFUSED = "a check of what is legal, which the tests of borders judge"
_SIDE = "either layer can be enumerated; the smaller one takes less time"
_CAP = "only which machines are refused changes"
_BLOCKS = "how many states a block holds is a matter of time and memory"
_HASH = "states with equal keys are compared word by word, so any hash gives the same set"
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
        "in_range('beta2', beta2, 0, 1) -> in_range('beta2', beta2, 0, 2)": _REFUSED,
        "adabound_theory.adabound_projected: constant off by one: "
        "in_range('beta1', b, 0, 1) -> in_range('beta1', b, 0, 2)": _REFUSED,
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
        (
            "tours.stopping_set: constant off by one: -1 -> -2"
        ): "NumPy takes any negative length for the one that is missing",
        "tours._start_law: constant off by one: max(1, (1 << 17) // len(b)) -> max(2, (1 << 17) // len(b))": _BLOCKS,
        "tours._start_law: constant off by one: 1 << 17 -> 2 << 17": _BLOCKS,
        "tours._start_law: constant off by one: 1 << 17 -> 1 << 18": _BLOCKS,
        "mclv._means: constant off by one: max(1, (1 << 17) // len(b)) -> max(2, (1 << 17) // len(b))": _BLOCKS,
        "mclv._means: constant off by one: 1 << 17 -> 2 << 17": _BLOCKS,
        "mclv._means: constant off by one: 1 << 17 -> 1 << 18": _BLOCKS,
        "kac.tour_law: operands swapped: 2 * visits @ again -> again @ (2 * visits)": "a product of two vectors",
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
        ): "a product of two vectors",
        "greedy.search: sign flipped: iters - t -> iters + t": "only its parity is used",
        "greedy.search: operands swapped: iters - t -> t - iters": "only its parity is used",
        "greedy._moved: border moved: gradient > 0 -> gradient >= 0": "it is read only where the gradient is not 0",
        "metrics.accuracy: border moved: prediction == truth -> prediction != truth": "the larger of x and 1 - x",
    },
    "struc2vec": {
        "rings._hops: sign flipped: len(indptr) - 1 -> len(indptr) + 1": (
            "only entries of at least 0 of nodes that are there are read"
        ),
        "rings._checked: right term dropped: len(indptr) - 1 -> len(indptr)": _REFUSED,
        "dtw.degree_cost: operands swapped: a - b -> b - a": ("only the magnitude is used"),
        "distances._official_candidates: right term dropped: n - 1 -> n": (
            "one more is taken along and cut off: the node itself is among them"
        ),
        "distances._official_candidates: constant off by one: wanted + 1 -> wanted + 2": (
            "one more is taken along and cut off: the node itself is among them"
        ),
        "distances.pair_distances: right term dropped: len(first) - 1 -> len(first)": _REFUSED,
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
        "walks.advance_walks: constant off by one: walk_length + 1 -> walk_length + 2": _REFUSED,
        "skipgram.train_negative: sign flipped: others - i + window -> others - i - window": (
            "an index below 0 counts from the end, which is the same slot"
        ),
        "skipgram.train_negative: border moved: others > i -> others >= i": ("the centre is not among the others"),
        "skipgram._sigmoid: border moved: z >= 0 -> z > 0": ("both branches are 1/2 at 0"),
        "skipgram._training: constant off by one: -1 -> -2": _REFUSED,
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
        "deepwalk._checked: right term dropped: len(indptr) - 1 -> len(indptr)": _REFUSED,
        "rings._hops: right term dropped: len(indptr) - 1 -> len(indptr)": (
            "only entries of at least 0 of nodes that are there are read"
        ),
        "rings._hops: constant off by one: -1 -> -2": ("only entries of at least 0 of nodes that are there are read"),
        "rings._checked: sign flipped: len(indptr) - 1 -> len(indptr) + 1": _REFUSED,
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
        "distances.pair_distances: sign flipped: len(first) - 1 -> len(first) + 1": _REFUSED,
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
        ): _REFUSED,
        "walks.advance_walks: constant off by one: -1 -> -2": _REFUSED,
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
        "deepwalk._checked: sign flipped: len(indptr) - 1 -> len(indptr) + 1": _REFUSED,
    },
}


def benches():
    yield "toy", Bench.of(toy.CONTRACTS, reference=toy, examples=EXAMPLES)
    for name in atlas.METHODS:
        try:
            yield name, Bench.of(name, examples=EXAMPLES)
        except ImportError:  # test_laws.py fails for a method that cannot load
            continue


BENCHES = dict(benches())
BUGS = [
    pytest.param(name, contract, bug, id=f"{name}-{contract.function}-{bug.name}")
    for name, bench in BENCHES.items()
    for contract in bench.contracts
    for bug in contract.planted
]


@functools.cache
def killers(name, function, bug):
    """What a planted bug breaks: laws and worked examples; then agreement with the reference."""
    bench = BENCHES[name]
    contract = next(contract for contract in bench.contracts if contract.function == function)
    impl = next(planted for planted in contract.planted if planted.name == bug).apply(bench.reference)
    laws = bench.broken_by(contract, impl, first=not THOROUGH, kinds=("law", "golden"))
    return laws, bench.broken_by(contract, impl, first=not THOROUGH, kinds=("call", "agreement"))


@pytest.mark.parametrize(("name", "contract", "bug"), BUGS)
def test_planted_bug_dies(name, contract, bug):
    laws, agreement = killers(name, contract.function, bug.name)
    print(f"{contract.function}: {bug.name} is killed by {', '.join(laws + agreement) or 'nothing'}")
    assert laws or agreement, f"the cases of {contract.function} let {bug.name} live: {bug.statement}"


@pytest.mark.parametrize("name", BENCHES)
def test_kill_rates(name, figures):
    """How many of them die by laws and golden values alone, without a reference to compare with."""
    bugs = [(contract.function, bug.name) for contract in BENCHES[name].contracts for bug in contract.planted]
    laws = [bug for bug in bugs if killers(name, *bug)[0]]
    dead = [bug for bug in bugs if any(killers(name, *bug))]
    figures.append(
        f"planted bugs of {name}: {len(dead)} of {len(bugs)} killed, {len(laws)} by laws and golden values alone"
    )
    figures.extend(
        f"  by agreement alone: {bug} of {function}" for function, bug in bugs if (function, bug) not in laws
    )
    assert laws, "no law of this method kills anything"


def test_the_reference_survives_where_its_bugs_die():
    """For the toy; test_laws.py holds the references of the atlas against all their laws."""
    for contract in BENCHES["toy"].contracts:
        assert BENCHES["toy"].broken_by(contract, toy) == []


# --- generated mutants ---------------------------------------------------------------------------------------------------
SUBJECT = '''
import numpy as np

FACTOR = 2.0

def _half(x):
    return x / 2

TABLE = {"half": _half}

def f(x, eps=1e-3):
    """x - 1 in a docstring is text."""
    if x.ndim != 2:
        raise ValueError("x - 1 " + str(x.ndim + 1))
    y = -_half(x) - x.sum(axis=0)
    if (y > 0).all():
        y = y @ FACTOR
    return y
'''


@pytest.fixture
def subject(tmp_path, monkeypatch):
    (tmp_path / "subject_of_mutation.py").write_text(SUBJECT)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("subject_of_mutation")


def test_mutants_change_one_thing_each(subject):
    assert [name for name, _ in mutate(subject)] == [
        "_half: float32 result: return x / 2 -> return _minidl_float32(x / 2)",
        "_half: product and quotient exchanged: x / 2 -> x * 2",
        "_half: right term dropped: x / 2 -> x",
        "_half: operands swapped: x / 2 -> 2 / x",
        "_half: constant off by one: x / 2 -> x / 3",
        "f: constant off by one: x, eps=0.001 -> x, eps=1.001",
        "f: sign flipped: -_half(x) - x.sum(axis=0) -> -_half(x) + x.sum(axis=0)",
        "f: right term dropped: -_half(x) - x.sum(axis=0) -> -_half(x)",
        "f: operands swapped: -_half(x) - x.sum(axis=0) -> x.sum(axis=0) - -_half(x)",
        "f: minus dropped: -_half(x) -> _half(x)",
        "f: axis swapped: axis=0 -> axis=1",
        "f: border moved: y > 0 -> y >= 0",
        "f: comparison reversed: y > 0 -> y < 0",
        "f: constant off by one: y > 0 -> y > 1",
        "f: operands swapped: y @ FACTOR -> FACTOR @ y",
        "f: float32 result: return y -> return _minidl_float32(y)",
    ]


def test_a_helpers_mutant_reaches_who_calls_it_or_keeps_it(subject):
    x = np.ones((2, 2))
    right = subject.f(x)
    mutants = dict(mutate(subject, ["_half"]))
    single = mutants.pop("_half: float32 result: return x / 2 -> return _minidl_float32(x / 2)")
    for mutant in mutants.values():
        assert not np.array_equal(mutant.f(x), right)
        assert not np.array_equal(mutant.TABLE["half"](x), subject.TABLE["half"](x))
    assert single._touched == []
    assert single.TABLE["half"](x).dtype == np.float32
    assert single._touched == ["ndarray"]
    np.testing.assert_array_equal(subject.f(x), right)
    with pytest.raises(ValueError, match="has no function 'g'"):
        next(mutate(subject, ["g"]))


FAMILY = {
    "__init__": """
        from family_of_mutation.halves import half
        from family_of_mutation.uses import doubled_half, half_of_half, half_later, half_by_path, TABLE
        """,
    "halves": """
        def half(x):
            return x / 2

        def idle(x):
            return x / 2
        """,
    "uses": """
        import family_of_mutation.halves
        import family_of_mutation.halves as plain
        from family_of_mutation import halves, other
        from .halves import half as the_half

        TABLE = {"half": the_half}

        def doubled_half(x):
            return 2 * plain.half(x)

        def half_of_half(x):
            return halves.half(the_half(x))

        def half_by_path(x):
            return other.unchanged(family_of_mutation.halves.half(x))

        def half_later(x):
            from family_of_mutation.halves import half
            return half(x)
        """,
    "other": """
        def unchanged(x):
            return x
        """,
}


@pytest.fixture
def family(tmp_path, monkeypatch):
    """A package that re-exports functions of its modules, and these modules."""
    folder = tmp_path / "family_of_mutation"
    folder.mkdir()
    for name, text in FAMILY.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("family_of_mutation")
    yield package, [importlib.import_module(f"family_of_mutation.{name}") for name in ("halves", "uses")]
    for name in ("", ".halves", ".uses", ".other"):
        del sys.modules[f"family_of_mutation{name}"]


def test_a_mutant_reaches_through_modules(family):
    package, sources = family
    mutants = dict(mutate(package, ["halves.half"], sources))
    doubled = mutants["halves.half: product and quotient exchanged: x / 2 -> x * 2"]
    for module, factor in ((package, 0.5), (doubled, 2.0)):
        assert module.half(3.0) == 3.0 * factor
        assert module.doubled_half(3.0) == 6.0 * factor
        assert module.half_of_half(3.0) == 3.0 * factor * factor
        assert module.half_by_path(3.0) == module.half_later(3.0) == module.TABLE["half"](3.0) == 3.0 * factor
    single = mutants["halves.half: float32 result: return x / 2 -> return _minidl_float32(x / 2)"]
    assert single.half_of_half(3.0).dtype == np.float32
    assert single._touched


def test_what_a_mutant_does_not_reach_stays_what_it_is(family):
    package, (halves, uses) = family
    mutants = dict(mutate(package, ["uses.half_later"], (halves, uses)))
    assert all(mutant.half is halves.half for mutant in mutants.values())
    assert all(mutant.half_of_half is not uses.half_of_half for mutant in mutants.values())
    assert uses.half_of_half(4.0) == 1.0
    with pytest.raises(ValueError, match="does not import toy, which cannot be its source"):
        next(mutate(package, None, (halves, uses, toy)))
    with pytest.raises(ValueError, match="has no function 'half'; it has halves"):
        next(mutate(package, ["half"], (halves, uses)))


def test_reached_functions_are_those_that_run(family):
    package, sources = family
    assert reached(package, sources, lambda: package.doubled_half(1.0)) == {"halves.half", "uses.doubled_half"}
    assert reached(package, sources, lambda: None) == set()


def running(bench, module, sources):
    """The contracts whose own function runs a function of these modules, on named cases or generated ones."""
    found = {}
    for contract in bench.contracts:
        drawn = contract.cases.generated
        more = draw(drawn, bench.examples, bench.seed) if drawn is not None else ()
        cases = [*contract.cases.named.values(), *more, *(example.inputs for example in contract.golden)]

        def run(contract=contract, cases=cases):
            with quiet():
                for case in cases:
                    contract.call(module, copy.deepcopy(case))

        for name in reached(module, sources, run):
            found.setdefault(name, []).append(contract)
    return found


def kill(bench, module, equivalent, functions=None, sources=(), elsewhere=()):
    """Judge every mutant of the module's functions, and of those beneath it that its contracts run.

    elsewhere: functions that other methods of the same module run. How many mutants there are, and which survive.
    """
    contracts = {contract.function: contract for contract in bench.contracts}
    through = running(bench, module, sources)
    total, survivors = 0, []
    for name, mutant in mutate(module, functions, sources):
        function = name.split(":")[0]
        if function in contracts:
            concerned = [contracts[function]]
        elif function in through:
            concerned = through[function]
        elif "." in function or function in elsewhere:
            continue  # it serves others
        else:
            concerned = bench.contracts
        dead = any(bench.broken_by(contract, mutant, first=True) for contract in concerned)
        if dead and name in equivalent:
            pytest.fail(f"{name} dies, so it is not equivalent: {equivalent[name]}")
        untouched = "float32 result" in name and not mutant._touched
        if name in equivalent or (untouched and not dead):
            continue
        total += 1
        if not dead:
            survivors.append(name)
    return total, survivors


def test_the_toys_mutants_die(figures):
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=10)
    total, survivors = kill(bench, toy, {}, ["softplus", "normalise", "dropout"])
    figures.append(f"mutants of toy: {total - len(survivors)} of {total} killed")
    assert total > 25
    assert survivors == []


def test_a_module_put_together_unchanged_is_the_reference():
    again = assemble(toy, ast.parse(inspect.getsource(toy)).body)
    assert again.softplus is not toy.softplus
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=5)
    assert [bench.broken_by(contract, again) for contract in bench.contracts] == [[], [], []]


@pytest.mark.slow
@pytest.mark.parametrize("name", atlas.METHODS)
def test_mutants_of_the_reference_die(name, figures):
    bench = BENCHES[name]
    row, module = atlas.method(name), atlas.load_reference(name)
    sources = [importlib.import_module(source) for source in row.sources]
    sharing = [other for other in atlas.METHODS.values() if other.reference == row.reference and other.name != name]
    elsewhere = {function for other in sharing for function in running(BENCHES[other.name], module, ())}
    total, survivors = kill(bench, module, EQUIVALENT.get(name, {}), sources=sources, elsewhere=elsewhere)
    rate = 1 - len(survivors) / total
    figures.append(f"mutants of {name}: {total - len(survivors)} of {total} killed ({rate:.1%})")
    figures.extend(f"  survived: {survivor}" for survivor in survivors)
    assert rate >= 0.95, f"survivors: {survivors}"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "contract", "bug"), [bug for bug in BUGS if bug.values[0] != "toy"])
def test_planted_bug_is_named_and_its_lines_reproduce(name, contract, bug, monkeypatch):
    impl = types.ModuleType("implementation_with_a_bug")
    vars(impl).update(vars(bug.apply(BENCHES[name].reference)))
    monkeypatch.setitem(sys.modules, impl.__name__, impl)
    with quiet():
        report = run(name, impl, planted=False, functions=[contract.function], examples=15)
        assert report.resemblances[contract.function].bug == bug.name
        for row in report.broken[:2]:
            if row.breakage.vacuous:
                continue
            error = raised(row.breakage.reproduce)
            said = error.why if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
            assert said in (row.breakage.why, row.breakage.got), row.breakage.reproduce


def raised(line):
    """What a line of Python raises; None if nothing."""
    try:
        exec(line, {})
    except Exception as error:
        return error
    return None
