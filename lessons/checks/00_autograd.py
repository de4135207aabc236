"""The exercises of lesson 00, judged by what must hold of any right answer."""

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20260)
A, G = RNG.standard_normal((2, 3, 4))
B = np.sign(RNG.standard_normal((3, 4))) * RNG.uniform(0.5, 2.0, (3, 4))
LOGITS = RNG.standard_normal((3, 5))
Y = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
GY = RNG.standard_normal((3, 5))


def close(got, expected, what, ulps=64):
    """Equal up to `ulps` roundings at the scale of the largest expected entry."""
    got = np.asarray(got, dtype=float)
    assert got.shape == np.shape(expected), f"{what} has shape {got.shape}, expected {np.shape(expected)}"
    error = np.max(np.abs(got - expected))
    assert error <= ulps * EPS * np.max(np.abs(expected)), f"{what} is off by {error:.3g}"


def complex_step(f, x):
    """Derivative of sum(f(x)) by each entry of x, exact to rounding: Im f(x + ih) / h."""
    h, gradient = 1e-30, np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        z = x.astype(complex)
        z[i] += 1j * h
        gradient[i] = np.sum(f(z)).imag / h
    return gradient


def judge_1(answer):
    got = answer(A.copy(), B.copy(), G.copy())
    assert isinstance(got, tuple | list), "return two arrays: the adjoint of a, and that of b"
    assert len(got) == 2, "return two arrays: the adjoint of a, and that of b"
    close(got[0], complex_step(lambda a: a / B * G, A), "the adjoint of a")
    close(got[1], complex_step(lambda b: A / b * G, B), "the adjoint of b")


TERM = RNG.standard_normal((2, 3, 4))
SHAPES = ((4,), (3, 1), (1, 4), (2, 3, 4), (1, 3, 1), (2, 1, 4), (), (1, 1, 1))


def judge_2(answer):
    for shape in SHAPES:
        got = np.asarray(answer(TERM.copy(), shape))
        assert got.shape == shape, f"for shape {shape} the result has shape {got.shape}"
        x = RNG.standard_normal(shape)  # <term, broadcast(x)> = <unbroadcast(term), x> for every x
        inner, scale = np.sum(TERM * x), np.sum(np.abs(TERM * x))
        assert abs(np.sum(got * x) - inner) <= 64 * EPS * scale, (
            f"for shape {shape} the sums are over the wrong entries"
        )


GRAPHS = (
    ({"a": [], "b": ["a", "a"], "c": ["b", "b"]}, "c"),
    ({"x": [], "h": ["x"], "y": ["x", "h"], "z": ["y", "h", "x"]}, "z"),
    ({"x": [], "u": ["x"], "v": ["u"], "w": ["x", "v"], "unused": ["x"]}, "w"),
    ({"x": []}, "x"),
)
LONG = {0: []} | {i: [i - 1] for i in range(1, 10_001)}


def judge_3(answer):
    for parents, root in GRAPHS:
        check_order(list(answer({k: list(v) for k, v in parents.items()}, root)), parents, root)
    try:
        order = list(answer(dict(LONG), 10_000))
    except RecursionError:
        raise AssertionError("a chain of 10,000 names exceeds Python's stack: keep a stack of your own") from None
    assert order == list(range(10_000, -1, -1)), "the long chain comes out in the wrong order"


def check_order(order, parents, root):
    needed, stack = {root}, [root]
    while stack:
        for name in parents[stack.pop()]:
            if name not in needed:
                needed.add(name)
                stack.append(name)
    assert len(order) == len(set(order)), f"a name appears twice in {order}: its adjoint would be sent on twice"
    assert set(order) == needed, f"expected the names {sorted(needed)}, got {sorted(set(order))}"
    place = {name: i for i, name in enumerate(order)}
    for child in needed:
        for parent in parents[child]:
            assert place[child] < place[parent], (
                f"{parent} comes before {child}, which was computed from it, in {order}"
            )


def judge_4(answer):
    def softmax(z):
        e = np.exp(z)
        return e / e.sum(axis=1, keepdims=True)

    got = answer(Y.copy(), GY.copy())
    close(got, complex_step(lambda z: softmax(z) * GY, LOGITS), "the adjoint of the logits", ulps=256)


def depth_first(parents, root):
    order, stack = [], [root]
    while stack:
        name = stack.pop()
        if name not in order:
            order.append(name)
            stack.extend(parents[name])
    return order


def recursive(parents, root, seen=None):
    seen = {} if seen is None else seen
    for name in parents[root]:
        if name not in seen:
            recursive(parents, name, seen)
    seen[root] = True
    return list(seen)[::-1]


def every_arrival(parents, root):
    order, queue = [], [root]
    while queue and len(order) < 20_000:
        name = queue.pop(0)
        order.append(name)
        queue.extend(parents[name])
    return order


def sum_surplus(term, shape):
    return term.sum(axis=tuple(range(term.ndim - len(shape))))


def mean_instead(term, shape):
    n = np.ones(shape).size
    surplus = term.ndim - len(shape)
    axes = tuple(range(surplus)) + tuple(i + surplus for i, m in enumerate(shape) if m == 1)
    return term.sum(axis=axes).reshape(shape) * n / term.size


def first_only(term, shape):
    surplus = term.ndim - len(shape)
    index = (0,) * surplus + tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)
    return term[index].reshape(shape)


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(a, b, g): the adjoints of a and b for y = a / b",
        judge_1,
        wrong={
            "sign": (lambda a, b, g: (g / b, g * a / b**2), "d(1/b)/db = -1/b^2: mind the sign"),
            "power": (lambda a, b, g: (g / b, -g * a / b), "the derivative of 1/b is -1/b^2, not -1/b"),
            "no chain": (
                lambda a, b, g: (1 / b, -a / b**2),
                "multiply by g, the adjoint that arrives: that is the chain rule",
            ),
            "product rule": (lambda a, b, g: (g * b, g * a), "this is the rule of a * b"),
        },
        probe=calls((A, B, G)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(term, shape): sum `term` down to `shape`",
        judge_2,
        wrong={
            "surplus axes only": (
                sum_surplus,
                "axes of length 1 were broadcast too: sum over them and keep them with length 1",
            ),
            "mean": (mean_instead, "each use adds its term: sum, do not average"),
            "first use only": (first_only, "every use of the array sends a term, not only the first"),
        },
        probe=calls(*((TERM, shape) for shape in SHAPES)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(parents, root): names, root first, each after all that use it",
        judge_3,
        wrong={
            "depth first": (
                depth_first,
                "the order of a depth-first walk visits h in y = f(x, h) too early: wait for all users",
            ),
            "recursion": (
                recursive,
                "right on small graphs; a chain of 10,000 needs a stack of your own instead of recursion",
            ),
            "every arrival": (every_arrival, "each name once: otherwise it sends its adjoint on once per user"),
        },
        probe=calls(*GRAPHS, (LONG, 10_000)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(y, g): the adjoint of softmax's logits",
        judge_4,
        wrong={
            "diagonal only": (lambda y, g: g * y * (1 - y), "each output depends on all logits: J = diag(y) - y y^T"),
            "no sum": (lambda y, g: g * y, "the normalisation depends on the logits too: subtract y <g, y>"),
            "wrong axis": (
                lambda y, g: y * (g - (g * y).sum(axis=0)),
                "the sum runs over the classes of one row (axis -1)",
            ),
        },
        probe=calls((Y, GY)),
    ),
)
