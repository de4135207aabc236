"""The tape as a whole: random graphs beside a naive recursive oracle, long chains, release, threads."""

import gc
import math
import threading
import weakref

import numpy as np
import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

import minidl.autograd as m
from minidl.autograd import Tensor, grad, gradients, hvp, jvp, no_grad, tape, value_and_grad

EPS = np.finfo(float).eps


# --- beside an oracle -------------------------------------------------------------------------------------------------
class Naive:
    """A value, and for each input the slope towards it: the chain rule by recursion, path by path."""

    def __init__(self, value, *edges):
        self.value, self.edges = value, edges  # edges: (input, slope)
        self.released = False

    def slope(self, leaf, known=None):
        """d self / d leaf, and the sum of the paths' magnitudes: what rounding is measured by."""
        known = {} if known is None else known
        if self is leaf:
            return 1.0, 1.0
        if id(self) not in known:
            paths = [(s, a.slope(leaf, known)) for a, s in self.edges]
            known[id(self)] = sum(s * d for s, (d, _) in paths), sum(abs(s) * w for s, (_, w) in paths)
        return known[id(self)]

    def behind(self):
        """Everything that this was computed from, itself included."""
        seen, stack = {id(self): self}, [self]
        while stack:
            for a, _ in stack.pop().edges:
                if id(a) not in seen:
                    seen[id(a)] = a
                    stack.append(a)
        return list(seen.values())


UNARY = {
    "sin": (m.sin, lambda x: (math.sin(x), math.cos(x))),
    "tanh": (m.tanh, lambda x: (math.tanh(x), 1 - math.tanh(x) ** 2)),
    "neg": (lambda t: -t, lambda x: (-x, -1.0)),
    "half": (lambda t: t * 0.5, lambda x: (x * 0.5, 0.5)),
    "square": (lambda t: t**2, lambda x: (x * x, 2 * x)),
    "shift": (lambda t: 1.5 - t, lambda x: (1.5 - x, -1.0)),
}
BINARY = {
    "add": (lambda s, t: s + t, lambda x, y: (x + y, 1.0, 1.0)),
    "sub": (lambda s, t: s - t, lambda x, y: (x - y, 1.0, -1.0)),
    "mul": (lambda s, t: s * t, lambda x, y: (x * y, y, x)),
    "div": (lambda s, t: s / (t * t + 1), lambda x, y: (x / (y * y + 1), 1 / (y * y + 1), -2 * x * y / (y * y + 1) ** 2)),
}  # fmt: skip


class Graphs(RuleBasedStateMachine):
    """Grow a graph of scalars with shared nodes; run backward passes anywhere in it, in any order, some of them twice."""

    nodes = Bundle("nodes")

    def __init__(self):
        super().__init__()
        self.leaves, self.size = [], 0

    def kept(self, tensor, naive):
        assume(abs(naive.value) < 1e3)
        self.size += 1
        assert tensor.item() == pytest.approx(naive.value, rel=64 * EPS, abs=64 * EPS)
        return tensor, naive

    @initialize(target=nodes, value=st.integers(-8, 8))
    def first(self, value):
        return self.leaf(value)

    @rule(target=nodes, value=st.integers(-8, 8))
    def leaf(self, value):
        tensor, naive = Tensor(value / 4, requires_grad=True), Naive(value / 4)
        self.leaves.append([tensor, naive, None, 0.0])  # the expected .grad, and its scale
        return tensor, naive

    @rule(target=nodes, a=nodes, name=st.sampled_from(sorted(UNARY)))
    def unary(self, a, name):
        f, both = UNARY[name]
        value, slope = both(a[1].value)
        return self.kept(f(a[0]), Naive(value, (a[1], slope)))

    @rule(target=nodes, a=nodes, b=nodes, name=st.sampled_from(sorted(BINARY)))
    def binary(self, a, b, name):
        f, both = BINARY[name]
        value, left, right = both(a[1].value, b[1].value)
        return self.kept(f(a[0], b[0]), Naive(value, (a[1], left), (b[1], right)))

    @rule(target=nodes, a=nodes)
    def cut(self, a):
        """A detached value is a constant; a graph goes on behind it."""
        tensor, naive = self.leaf(3)
        return a[0].detach() * tensor, Naive(a[1].value * 0.75, (naive, a[1].value))

    @rule(a=nodes)
    def unrecorded(self, a):
        with no_grad():
            assert not (a[0] * a[0]).requires_grad

    @rule(a=nodes, seed=st.sampled_from([None, 1.0, -2.5]), keep=st.booleans())
    def backward(self, a, seed, keep):
        tensor, naive = a
        behind = naive.behind()
        if any(n.released for n in behind):
            with pytest.raises(RuntimeError, match="released by an earlier backward"):
                tensor.backward(seed)
            return
        tensor.backward(seed, retain_graph=keep)
        for entry in self.leaves:
            if any(n is entry[1] for n in behind):
                slope, scale = naive.slope(entry[1])
                entry[2] = (entry[2] or 0.0) + (1.0 if seed is None else seed) * slope
                entry[3] += abs(seed or 1.0) * scale
        if not keep:
            for n in behind:
                n.released = bool(n.edges)

    @rule(a=nodes)
    def functional(self, a):
        """Gradients by themselves, towards any node: they leave `.grad` and the tape as they are."""
        tensor, naive = a
        behind = naive.behind()
        if any(n.released for n in behind):
            return
        found = gradients(tensor, [entry[0] for entry in self.leaves])
        for (_, leaf, *_), got in zip(self.leaves, found, strict=True):
            slope, scale = naive.slope(leaf) if any(n is leaf for n in behind) else (0.0, 0.0)
            assert abs(got.item() - slope) <= 16 * (self.size + 1) * EPS * scale

    @rule()
    @precondition(lambda self: self.leaves)
    def zero(self):
        for entry in self.leaves:
            entry[0].grad, entry[2], entry[3] = None, None, 0.0

    @invariant()
    def gradients_are_right(self):
        for tensor, _, expected, scale in self.leaves:
            if expected is None:
                assert tensor.grad is None
            else:  # each path is a product of at most `size` slopes, each slope a few roundings; then the paths are summed
                assert abs(tensor.grad.item() - expected) <= 16 * (self.size + 1) * EPS * scale


TestGraphs = Graphs.TestCase
TestGraphs.settings = settings(stateful_step_count=30)


# --- how the passes go ------------------------------------------------------------------------------------------------
def leaf(*values):
    return Tensor(values[0] if len(values) == 1 else list(values), requires_grad=True)


def test_every_path_counts_once():
    a = leaf(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.item() == 4


def test_sixty_doublings_are_two_to_the_sixty():
    a = leaf(1.0)
    b = a
    for _ in range(60):
        b = b + b
    b.backward()
    assert a.grad.item() == 2.0**60


def test_gradients_accumulate_and_a_second_pass_starts_from_nothing():
    """With adjoints kept on the nodes, the second pass would add 72, not 24."""
    a = leaf(2.0)
    b = a * a
    c = b * b - 2 * b  # dc/da = 4 a^3 - 4 a = 24
    c.backward(retain_graph=True)
    assert a.grad.item() == 24
    c.backward()
    assert a.grad.item() == 48


def test_a_used_tape_raises_whoever_asks():
    x = leaf(1.0, 2.0)
    h = x * 3
    first, other = h.sum(), (h * h).sum()
    first.backward()
    for root in (first, other, h.sum(), (h + x).sum()):
        with pytest.raises(
            RuntimeError, match=r"the tape behind \w+ was released by an earlier backward.*retain_graph=True"
        ):
            root.backward()
    np.testing.assert_array_equal(x.grad.data, [3, 3])
    assert not h.is_leaf
    assert "op=" in repr(h)
    (x * 2).sum().backward()  # leaves are never used up
    np.testing.assert_array_equal(x.grad.data, [5, 5])


def test_memory_is_free_after_backward_without_the_garbage_collector():
    x = leaf(1.0, 2.0)
    gc.disable()
    try:
        h = m.exp(x)
        loss = (h * h).sum()
        inner = weakref.ref(h)
        del h
        assert inner() is not None
        loss.backward()
        assert inner() is None
        kept = m.exp(x).sum()
        watched = weakref.ref(kept)
        del kept
        assert watched() is None
    finally:
        gc.enable()


def test_rules_for_inputs_that_need_no_gradient_do_not_run():
    calls = []
    f = m.custom_gradient(
        lambda a, b: a * b,
        lambda g, y, a, b: g * b,
        lambda g, y, a, b: calls.append(1) or g * a,
    )
    x = leaf(2.0)
    f(x, 3.0).backward()
    assert f(x, Tensor(3.0)).requires_grad
    assert not calls
    y = leaf(5.0)
    gradients(f(x, y), [x])
    assert not calls
    gradients(f(x, y), [y])
    assert calls == [1]


def test_gradients_towards_nodes_in_the_middle():
    x = leaf(2.0)
    h = x * x
    y = h * h + x
    gh, gx, unrelated = gradients(y, [h, x, leaf(1.0)])
    assert (gh.item(), gx.item(), unrelated.item()) == (8, 33, 0)
    assert x.grad is None
    assert [node is y for node in tape(y)] == [True, False, False, False]


# --- long -------------------------------------------------------------------------------------------------------------
def chain(n):
    x = leaf(1.0)
    y = x
    for _ in range(n):
        y = y + x
    return x, y


def test_a_chain_of_100_000_nodes_forward_backward_and_away():
    x, y = chain(100_000)
    assert y.item() == 100_001
    y.backward()
    assert x.grad.item() == 100_001
    x, y = chain(100_000)
    seen = weakref.ref(y)
    del x, y  # released link by link, without recursion
    assert seen() is None


def test_a_chain_of_other_operations_and_of_second_order():
    x = leaf(0.5)
    y = x
    for _ in range(20_000):
        y = m.sin(y) * 0.5 + x
    (g,) = gradients(y, [x], create_graph=True)
    assert math.isfinite(g.item())
    g.backward()
    assert math.isfinite(x.grad.item())


@pytest.mark.slow
def test_a_million_nodes():
    """Twice the nodes, twice the tape: nothing in it grows faster."""
    x, y = chain(1_000_000)
    assert len(tape(y)) == 1_000_001
    y.backward()
    assert x.grad.item() == 1_000_001
    del x, y
    x, y = chain(2_000_000)
    assert len(tape(y)) == 2_000_001
    (g,) = gradients(y, [x])
    assert g.item() == 2_000_001


# --- who records ------------------------------------------------------------------------------------------------------
def test_no_grad_is_for_its_thread_alone_and_ends_with_its_block():
    x, seen, inside, go = leaf(1.0), {}, threading.Event(), threading.Event()

    def other():
        with no_grad():
            inside.set()
            go.wait(10)
            seen["other"] = (x * 2).requires_grad

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    seen["here"] = (x * 2).requires_grad
    go.set()
    thread.join()
    assert seen == {"here": True, "other": False}
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (x * 2).requires_grad
    assert no_grad()(lambda: (x * 2).requires_grad)() is False


def test_derivatives_of_functions_do_not_mind_no_grad():
    with no_grad():
        assert value_and_grad(lambda x: x * x)(3.0) == (9, 6)
        np.testing.assert_array_equal(hvp(lambda x: (x**3).sum(), np.ones(2), np.ones(2)), [6, 6])
        assert jvp(lambda x: x * x, (3.0,), (1.0,))[1] == 6
        outer = leaf(2.0)
        inner = grad(lambda x: x * x * outer)(3.0)  # off the outer tape, since no_grad says so
    assert not isinstance(inner, Tensor)
    assert inner == 12


def test_two_threads_build_tapes_at_once():
    results = {}

    def work(k):
        x, y = chain(2000)
        y.backward()
        results[k] = x.grad.item()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), 2001)
