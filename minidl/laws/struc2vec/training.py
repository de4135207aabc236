"""The laws of skip-gram: one step of both objectives, and training along walks."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np

from minidl.laws.core import Contract, agree, identical, law
from minidl.laws.struc2vec.cases import left_to_itself, worked
from minidl.laws.struc2vec.planted import bugs_of
from minidl.laws.struc2vec.steps import PRINTED, SINGLE, cases, train

MIKOLOV = "Mikolov et al., Distributed representations of words and phrases and their compositionality, 2013"


# --- one step ----------------------------------------------------------------------------------------------------------
def _hierarchical(impl, case, **changed):
    case = case | changed
    return impl.hierarchical_update(case["x"], case["theta"], case["bits"], case["rate"])


def _negative(impl, case, **changed):
    case = case | changed
    return impl.negative_update(case["x"], case["theta"], case["rate"])


def _scales(case):
    """Magnitudes of x, theta and the loss with what is added up for them; errors in z move a sigmoid at most as much."""
    x, theta = np.abs(case["x"].astype(float)), np.abs(case["theta"].astype(float))
    z = theta @ x
    error = 1 + z.max() * (len(x) + 2)
    return (
        (x + abs(case["rate"]) * theta.sum(axis=0)).max() * error,
        (theta + abs(case["rate"]) * x).max() * error,
        float((z + 1).sum()) * error,
    )


def _agrees(got, expected, case, why=""):
    dtype = case["x"].dtype
    ulps = 4 * (len(case["x"]) + len(case["theta"]))
    for name, one, other, scale in zip(("x", "theta", "loss"), got, expected, _scales(case), strict=True):
        want = np.asarray(other, np.float64).astype(dtype)
        if name == "loss":
            wide = scale * float(np.finfo(dtype).eps / np.finfo(np.float64).eps)
            agree(np.float64(one), np.float64(other), why=name + why, ulps=ulps, scale=wide)
        else:
            agree(one, want, why=name + why, ulps=ulps, scale=scale)


def _loss(x, theta, labels):
    """The negative log-likelihood of the labels in decimals: the logarithm of 1 + e^(-z) or 1 + e^z."""
    total = Decimal(0)
    for row, label in zip(theta, labels, strict=True):
        z = sum(a * b for a, b in zip(row, x, strict=True))
        total += (1 + (-z if label else z).exp()).ln()
    return total


def _descended(case, labels):
    """x and theta after a step down the loss, its slopes from central differences in eighty digits."""
    with localcontext() as context:
        context.prec = 80
        h = Decimal(10) ** -25
        x = [Decimal(float(value)) for value in case["x"]]
        theta = [[Decimal(float(value)) for value in row] for row in case["theta"]]
        rate = Decimal(float(case["rate"]))

        def slope(vector, i, others):
            kept = vector[i]
            sides = []
            for moved in (kept + h, kept - h):
                vector[i] = moved
                sides.append(_loss(x, *others))
            vector[i] = kept
            return (sides[0] - sides[1]) / (2 * h)

        new_x = [float(x[i] - rate * slope(x, i, (theta, labels))) for i in range(len(x))]
        new_theta = [
            [float(row[i] - rate * slope(row, i, ([row], [label]))) for i in range(len(x))]
            for row, label in zip(theta, labels, strict=True)
        ]
        return np.array(new_x), np.array(new_theta), float(_loss(x, theta, labels))


@law(
    cases=SINGLE,
    needs=("hierarchical_update",),
    grade="numerical",
    equation=r"x \leftarrow x - \alpha \partial_x L, \quad L = -\sum_j \log \sigma((1 - 2 b_j) \theta_j^\top x)",
    source=MIKOLOV,
)
def down_the_loss_of_a_leaf(impl, case):
    """Both sides go down the loss of the leaf, from the same old values: slopes by differences in eighty digits."""
    labels = [int(bit) == 0 for bit in case["bits"]]
    _agrees(_hierarchical(impl, case), _descended(case, labels), case)


@law(
    cases=SINGLE,
    needs=("hierarchical_update",),
    grade="numerical",
    equation=r"\theta = 0: \ g_j = \alpha (1/2 - b_j), \quad L = h \log 2",
    source="closed form",
)
def first_step(impl, case):
    """Without weights yet x stays, each row becomes half the rate times x, by the sign of its bit; the loss is h log 2."""
    theta = np.zeros_like(case["theta"])
    x, after, loss = _hierarchical(impl, case, theta=theta)
    identical(x, case["x"], why="x")
    sign = 0.5 - case["bits"].astype(case["x"].dtype)
    expected = (case["rate"] * np.outer(sign, case["x"])).astype(case["x"].dtype)
    agree(after, expected, why="theta", ulps=4)
    wide = len(theta) * float(np.finfo(case["x"].dtype).eps / np.finfo(np.float64).eps)
    agree(np.float64(loss), np.float64(len(theta) * np.log(2.0)), why="loss", ulps=4, scale=wide)


@law(
    cases=SINGLE,
    needs=("hierarchical_update",),
    grade="numerical",
    equation=r"(b, \theta) \to (1 - b, -\theta)",
    source="the sigmoid is odd about 1/2",
)
def turned_round(impl, case):
    """Other bits and weights of the other sign: the same x and loss, and theta of the other sign; rate 0 moves nothing."""
    x, theta, loss = _hierarchical(impl, case)
    got = _hierarchical(impl, case, bits=(1 - case["bits"]).astype(np.uint8), theta=-case["theta"])
    _agrees((got[0], -np.asarray(got[1]), got[2]), (x, theta, loss), case, " turned round")
    still = _hierarchical(impl, case, rate=0.0)
    identical(still[0], case["x"], why="x at rate 0")
    identical(still[1], case["theta"], why="theta at rate 0")


@law(
    cases=SINGLE,
    needs=("negative_update",),
    grade="numerical",
    equation=r"L = -\log \sigma(\theta_0^\top x) - \sum_{j > 0} \log \sigma(-\theta_j^\top x)",
    source=MIKOLOV,
)
def down_the_loss_of_a_sample(impl, case):
    """Down the loss with label 1 for the first row and 0 for all others: slopes by differences in eighty digits."""
    labels = [j == 0 for j in range(len(case["theta"]))]
    _agrees(_negative(impl, case), _descended(case, labels), case)


@law(
    cases=SINGLE,
    needs=("negative_update",),
    grade="numerical",
    equation=r"\theta_{\pi(j)},\ \pi(0) = 0",
    source="a sum has no order",
)
def negatives_have_no_order(impl, case):
    """Drawn nodes in another order are moved alike; the rate 0 moves nothing; the loss does not depend on the rate."""
    x, theta, loss = _negative(impl, case)
    order = np.concatenate([[0], 1 + np.random.default_rng(0).permutation(len(case["theta"]) - 1)])
    got = _negative(impl, case, theta=case["theta"][order])
    _agrees(got, (x, np.asarray(theta)[order], loss), case, " in another order")
    still = _negative(impl, case, rate=0.0)
    _agrees(still, (case["x"], case["theta"], loss), case, " at rate 0")


# --- training ----------------------------------------------------------------------------------------------------------
HIERARCHICAL, NEGATIVE = cases(negative=False), cases(negative=True)
_WALKED = ("walks", "widths", "rates", "vectors", "theta")
_TREE, _DRAWN = ("offsets", "nodes", "bits"), ("negatives",)


def _run(impl, case, **changed):
    case = case | changed
    if "negatives" in case:
        return impl.train_negative(*(case[name] for name in (*_WALKED, *_DRAWN)), case["group"])
    return impl.train_hierarchical(*(case[name] for name in (*_WALKED, *_TREE)), case["group"])


def _trained(got, case, why=""):
    """Against long double precision: each step adds a few roundings of its d + h terms, and forgets none."""
    vectors, theta, steps = train(case)
    d, h = case["vectors"].shape[1], len(case["theta"])
    size = max(np.abs(vectors).max(initial=0), np.abs(theta).max(initial=0), 1)
    for name, one, other in zip(("vectors", "theta"), got, (vectors, theta), strict=True):
        want = other.astype(case["vectors"].dtype)
        agree(one, want, why=name + why, ulps=4 * (steps + 1) * (d + h + 4), scale=float(size))


def _laws(name, every):
    """The same laws for both objectives."""

    @law(
        cases=every,
        needs=(name,),
        grade="numerical",
        equation=r"\text{for each position } i, \text{ for each other } j \text{ within its width}",
        source=MIKOLOV,
    )
    def pair_by_pair(impl, case):
        """Walk by walk, position by position, the vectors of the others within the width are moved to predict the node at
        the position, in their order; those of a group from the same old values."""
        _trained(_run(impl, case), case)

    @law(cases=every, needs=(name,), grade="exact", source="definition")
    def what_is_not_met_stays(impl, case):
        """Vectors of nodes that are on no walk stay as they are; with rate 0, or alone on a walk, all do."""
        vectors = np.asarray(_run(impl, case)[0])
        absent = np.setdiff1d(np.arange(len(vectors)), case["walks"])
        identical(vectors[absent], case["vectors"][absent], why="vectors of nodes on no walk")
        for changed in (
            {"rates": 0 * case["rates"]},
            {"walks": np.where(np.arange(case["walks"].shape[1]) == 0, case["walks"], -1).astype(np.int32)},
        ):
            still = _run(impl, case, **changed)
            for one, other in zip(still, (case["vectors"], case["theta"]), strict=True):
                identical(one, other, why=f"with other {', '.join(changed)}")

    @law(cases=every, needs=(name,), grade="numerical", source="walks one after the other")
    def walk_after_walk(impl, case):
        """Training on the walks one after the other is training on all of them; what is behind the end is not read."""
        rows = ("walks", "widths", "rates", *(_DRAWN if "negatives" in case else ()))
        state = case["vectors"], case["theta"]
        for s, walk in enumerate(case["walks"]):
            one = case | {row: case[row][s : s + 1] for row in rows}
            end = max(1, int((walk >= 0).sum()))
            one |= {row: one[row][:, :end] for row in rows if row != "rates"}
            state = _run(impl, one, vectors=np.asarray(state[0]), theta=np.asarray(state[1]))
        _trained(state, case, " after the walks one by one")

    @law(cases=every, needs=(name,), grade="exact", source=MIKOLOV)
    def one_by_one_by_default(impl, case):
        """Left out, the group is a single context: the order of word2vec."""
        names = (*_WALKED, *(_DRAWN if "negatives" in case else _TREE))
        got = left_to_itself(getattr(impl, name), *(case[part] for part in names))
        for one, other in zip(got, _run(impl, case, group=1), strict=True):
            identical(one, np.asarray(other), why="the result")

    return pair_by_pair, what_is_not_met_stays, walk_after_walk, one_by_one_by_default


_PRINTED_AFTER = {
    "x": [0.0936063542, -0.1960064581],
    "theta": [[0.2987437501, 0.1025124999], [-0.1986875520, 0.3973751041]],
    "loss": 1.4425563406,
}
_LABELS = np.array([1, 0])
_SMALL = {
    "walks": np.array([[0, 1]], np.int32),
    "widths": np.array([[1, 0]], np.int32),
    "rates": np.array([0.025]),
    "vectors": np.array([[5.0, 7.0], PRINTED["x"]]),
    "group": 1,
}
# Node 0 is predicted from node 1 along the two rows of the printed step; the tree's third leaf is on no walk.
_ONE_PAIR = _SMALL | {
    "vectors": np.array([[5.0, 7.0], PRINTED["x"], [1.0, 1.0]]),
    "theta": PRINTED["theta"],
    "offsets": np.array([0, 2, 3, 5]),
    "nodes": np.array([0, 1, 0, 0, 1], np.int32),
    "bits": np.array([1, 0, 0, 1, 1], np.uint8),
}
# The same rows with label 1 for the second: node 1 is predicted from node 0, and node 0 is drawn, and once node 1.
_ONE_DRAWN = _SMALL | {
    "walks": np.array([[1, 0]], np.int32),
    "vectors": np.array([PRINTED["x"], [5.0, 7.0]]),
    "theta": PRINTED["theta"],
    "negatives": np.array([[[[9, 9], [0, 1]], [[9, 9], [9, 9]]]], np.int32) % 2,
}
_HIERARCHICAL_LAWS = _laws("train_hierarchical", HIERARCHICAL)
_NEGATIVE_LAWS = _laws("train_negative", NEGATIVE)
_SAMPLED = PRINTED | {"theta": PRINTED["theta"][::-1].copy()}

TRAINING_CONTRACTS = (
    Contract(
        "hierarchical_update",
        ("x", "theta", "bits", "rate"),
        ("x", "theta", "loss"),
        SINGLE,
        "A step for x (d,) towards a leaf with inner nodes theta (h, d) and bits (h,), and the loss before it.",
        laws=(down_the_loss_of_a_leaf, first_step, turned_round),
        planted=bugs_of("hierarchical_update"),
        golden=(
            worked("hierarchical_update", PRINTED, _PRINTED_AFTER, digits=10, note="two inner nodes, bits 1 and 0"),
        ),
    ),
    Contract(
        "negative_update",
        ("x", "theta", "rate"),
        ("x", "theta", "loss"),
        SINGLE,
        "A step for x (d,) towards row 0 of theta (1 + m, d) and away from the others, and the loss before it.",
        laws=(down_the_loss_of_a_sample, negatives_have_no_order),
        planted=bugs_of("negative_update"),
        golden=(
            worked(
                "negative_update",
                _SAMPLED,
                _PRINTED_AFTER | {"theta": _PRINTED_AFTER["theta"][::-1]},
                digits=10,
                note="the same step, with the row of bit 0 as the predicted one",
            ),
        ),
    ),
    Contract(
        "train_hierarchical",
        (*_WALKED, *_TREE, "group"),
        ("vectors", "theta"),
        HIERARCHICAL,
        "Skip-gram with hierarchical softmax, once over walks (S, L), given widths, rates and the paths of a tree.",
        laws=_HIERARCHICAL_LAWS,
        planted=bugs_of("train_hierarchical"),
        golden=(
            worked(
                "train_hierarchical",
                _ONE_PAIR,
                {"vectors": [[5.0, 7.0], _PRINTED_AFTER["x"], [1.0, 1.0]], "theta": _PRINTED_AFTER["theta"]},
                digits=10,
                note="a single pair: one step with two inner nodes",
            ),
        ),
    ),
    Contract(
        "train_negative",
        (*_WALKED, *_DRAWN, "group"),
        ("vectors", "theta"),
        NEGATIVE,
        "Skip-gram with negative sampling, once over walks (S, L), given widths, rates and the drawn nodes.",
        laws=_NEGATIVE_LAWS,
        planted=bugs_of("train_negative"),
        golden=(
            worked(
                "train_negative",
                _ONE_DRAWN,
                {"vectors": [_PRINTED_AFTER["x"], [5.0, 7.0]], "theta": _PRINTED_AFTER["theta"]},
                digits=10,
                note="a single pair: the drawn node that is the predicted one is left out",
            ),
        ),
    ),
)
