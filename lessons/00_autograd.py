# %% [markdown]
# # Automatic differentiation: the tape
#
# **Question.** A program computes a number from a million others. How do we get all million derivatives for the price
# of a few runs of the program?
#
# **You will** write a reverse-mode engine three times: once exponentially slow, once wrong, once right. Then you will
# meet the library's own, which is the third one on arrays.
#
# **You need** the chain rule, and Python classes. Ten seconds.
#
# **Sources.** Linnainmaa, *Taylor expansion of the accumulated rounding error*, 1976 (reverse mode); Griewank and
# Walther, *Evaluating Derivatives*, 2008, chapter 3 (cost: rule 4.6, the cheap gradient). The reference is
# `minidl.autograd`.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "00_autograd",
    title="Automatic differentiation: building the tape",
    question="How do we get a million derivatives for the price of a few runs of the program?",
    params=dict(seed=0, doublings=18, chain=100_000),
    quick=dict(doublings=10, chain=20_000),
    help=dict(doublings="how often the failure doubles a value", chain="length of the long chain"),
    seconds=10,
)
p = lesson.params

# %%
import math
import sys
from itertools import count

import matplotlib.pyplot as plt
import numpy as np

import minidl as dl
from minidl.autograd import draw

rng = np.random.default_rng(p.seed)

# %% [markdown]
# ## The failure first
#
# A `Value` remembers what it was made from, and the derivative by each parent. For $c = f(a, b)$ the chain rule says:
# whatever derivative arrives at $c$, send it on to $a$ times $\partial c/\partial a$, and to $b$ times $\partial c /
# \partial b$. The obvious program is a recursion.


# %%
class Value:
    """A number with its parents and the derivative by each: parents = ((value, derivative), ...)."""

    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = data, parents, 0.0

    def __add__(self, other):
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))


calls = 0


def send(value, g):
    """First attempt: one recursive call for every arrival."""
    global calls
    calls += 1
    value.grad += g
    for parent, derivative in value.parents:
        send(parent, g * derivative)


def doubled(n, value):
    for _ in range(n):
        value = value + value
    return value


a = Value(1.0)
send(doubled(p.doublings, a), 1.0)
print(f"{p.doublings} additions, {calls:,} calls, derivative {a.grad:,.0f}")

# %% [markdown]
# The derivative is right and the price absurd: every *path* from the output to the input is walked, and there are
# $2^n$ of them. And a long program breaks it outright, since Python's stack is finite:

# %%
lesson.claim(
    "calls of the recursion for n doublings: 2^(n+1) - 1",
    predicted=2 ** (p.doublings + 1) - 1,
    measured=calls,
    relation="==",
)
start = Value(1.0)
long = start
for _ in range(5 * sys.getrecursionlimit()):
    long = long + start
try:
    send(long, 1.0)
    broke = "nothing"
except RecursionError:
    broke = "RecursionError"
lesson.claim(
    "what a chain five times the stack does",
    predicted="RecursionError",
    measured=broke,
    holds=broke == "RecursionError",
)

# %% [markdown]
# "Then visit each value only once!" Cheap, and **wrong**. In `b = a + a; c = b + b` the derivative of c by a is 4.
# Watch what comes out if a value sends on what it has got at its first visit, and if it sends its running total at
# each arrival:


# %%
def send_once(value, g, seen):
    value.grad += g
    if value not in seen:
        seen.add(value)
        for parent, derivative in value.parents:
            send_once(parent, value.grad * derivative, seen)


def send_totals(value, g):
    value.grad += g
    for parent, derivative in value.parents:
        send_totals(parent, value.grad * derivative)


once, totals = Value(1.0), Value(1.0)
send_once(doubled(2, once), 1.0, set())
send_totals(doubled(2, totals), 1.0)
print(f"d(4a)/da = 4; each value once: {once.grad:.0f}; running totals: {totals.grad:.0f}")
lesson.claim("first visit only (double counting's twin)", predicted=2, measured=once.grad)
lesson.claim("running totals (double counting)", predicted=6, measured=totals.grad)

# %% [markdown]
# ## The order is everything
#
# A value may send on its derivative only **when it is complete**: after everything that uses it. So the values have
# to be visited in an order where users come before what they use. We get one for nothing: an input always exists
# *before* what is computed from it, so number the values as they are made, and go from the newest to the oldest. No
# recursion is left either.


# %%
number = count()


class Taped(Value):
    """A `Value` that knows when it was made."""

    def __init__(self, data, parents=()):
        super().__init__(data, parents)
        self.order = next(number)

    def __add__(self, other):
        return Taped(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        return Taped(self.data * other.data, ((self, other.data), (other, self.data)))

    def backward(self):
        seen, stack, tape = {self}, [self], []
        while stack:
            value = stack.pop()
            tape.append(value)
            for parent, _ in value.parents:
                if parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        tape.sort(key=lambda value: -value.order)
        self.grad = 1.0
        for value in tape:  # newest first: complete when its turn comes
            for parent, derivative in value.parents:
                parent.grad += value.grad * derivative
        return len(tape)


a = Taped(1.0)
visits = doubled(p.doublings, a).backward()
lesson.claim("the same derivative, 2^n", predicted=2.0**p.doublings, measured=a.grad)
lesson.claim("visits: one per value", predicted=p.doublings + 1, measured=visits)
x = Taped(1.0)
y = x
for _ in range(p.chain):
    y = y + x
y.backward()
lesson.claim(f"a chain of {p.chain:,} additions", predicted=p.chain + 1, measured=x.grad)

# %% [markdown]
# That is all of reverse mode. It is cheap: each operation of the program is visited once and costs about twice what
# it cost going forward, *however many inputs there are*.
#
# ## From numbers to arrays
#
# `minidl.Tensor` is this class on arrays. Three things are new.
#
# **A rule instead of a number.** For an array operation $y = f(x)$ the derivative is a matrix $J$, far too large to
# store. What we need is only $\bar x = J^\top \bar y$, and for each primitive that is one line. For $Y = A B$:
#
# $$ \bar A = \bar Y B^\top, \qquad \bar B = A^\top \bar Y . $$
#
# Left, the tape; right, the definition by central differences, entry by entry.

# %%
A, B, dY = rng.standard_normal((3, 4)), rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
dA, dB = dl.grad(lambda A, B: (A @ B * dY).sum(), (0, 1))(A, B)  # (3, 4), (4, 2)


def central(f, x, h):
    """The gradient of a scalar function by central differences, (f(x + h) - f(x - h)) / 2h."""
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + s) - f(x - s)) / (2 * h) for s in steps]).reshape(x.shape)


eps = np.finfo(float).eps
h = 2.0**-4  # the function is linear in A, so a large step has no truncation error, only rounding
scale = np.sum(np.abs(A) @ np.abs(B) * np.abs(dY)) + h * np.sum(np.abs(B)) * np.max(np.abs(dY))
numeric = central(lambda A: np.sum(A @ B * dY), A, h)
lesson.claim(
    "matmul: tape = central differences",
    predicted=numeric,
    measured=dA,
    tolerance=16 * eps * scale / h,
    because="two sums of 24 terms at this scale, rounded pairwise, divided by 2h",
)
lesson.claim(
    "matmul: tape = dY B^T", predicted=dY @ B.T, measured=dA, tolerance=4 * eps * np.max(np.abs(dY) @ np.abs(B.T))
)
lesson.claim(
    "matmul: tape = A^T dY", predicted=A.T @ dY, measured=dB, tolerance=6 * eps * np.max(np.abs(A.T) @ np.abs(dY))
)

# %% [markdown]
# **Broadcasting is reuse.** In `X + b` with X (3, 4) and b (4,), each entry of b is used three times, so its
# derivative is a sum of three. Forget that and the gradient has the wrong shape, or, worse, a shape that happens to
# fit. The engine sums in one place, so that no rule has to think of it.

# %%
X, b = dl.Tensor(A, requires_grad=True), dl.Tensor(rng.standard_normal(4), requires_grad=True)
weights = rng.standard_normal((3, 4))
((X + b) * weights).sum().backward()
print(f"X {X.shape}, its gradient {X.grad.shape}; b {b.shape}, its gradient {b.grad.shape}")
lesson.claim(
    "gradient of a broadcast bias = sum over the batch",
    predicted=weights.sum(axis=0),
    measured=b.grad.data,
    tolerance=3 * eps * np.max(np.abs(weights).sum(axis=0)),
    because="a sum of three terms",
)

# %% [markdown]
# **Nobody may write into the past.** The rule for `x * x` needs the old x. If an array could be changed between the
# forward and the backward pass, the gradient would be wrong, and nothing would tell. Tensors are read-only.

# %%
x = dl.Tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (x * x).sum()
try:
    x.data[0] = 100.0
    outcome = "silently changed"
except ValueError as problem:
    outcome = f"ValueError: {problem}"
print(outcome)
y.backward()
lesson.claim(
    "writing into a tensor raises",
    predicted="ValueError",
    measured=outcome[:10],
    holds=outcome.startswith("ValueError"),
)
lesson.claim("and the gradient is 2x", predicted=np.array([2.0, 4.0, 6.0]), measured=x.grad.data)

# %% [markdown]
# ## Derivatives of derivatives
#
# A rule is written with the library's own operations, so a backward pass can itself be recorded and differentiated.
# For $f(t) = e^{\sin t}$: $f' = \cos t\, f$, $f'' = (\cos^2 t - \sin t)\, f$, and $f''' = \cos t\,(\cos^2 t - 3 \sin
# t - 1)\, f$.

# %%
f = lambda t: dl.exp(dl.sin(t))  # noqa: E731
t, s, c = 0.7, math.sin(0.7), math.cos(0.7)
exact = np.array([c, c * c - s, c * (c * c - 3 * s - 1)]) * math.exp(s)
found = np.array([dl.grad(f)(t), dl.grad(dl.grad(f))(t), dl.grad(dl.grad(dl.grad(f)))(t)], dtype=float)
for order, (left, right) in enumerate(zip(found, exact, strict=True), start=1):
    print(f"  derivative {order}: tape {left:+.15f}  formula {right:+.15f}")
lesson.claim(
    "three derivatives of exp(sin t)",
    predicted=exact,
    measured=found,
    tolerance=32 * eps * 6 * math.e,
    because="32 roundings at the scale of the largest term of f''', below 6 e",
)

# %% [markdown]
# ## Look at a tape
#
# The tape of $L = \sum (x W + b)^2_+$, the result on the right. The player goes through the backward pass: each node lights
# up when its adjoint is complete.

# %%
x = dl.Tensor([[1.0, -2.0]], requires_grad=True)  # (1, 2)
W = dl.Tensor([[0.5, -1.0], [0.25, 2.0]], requires_grad=True)  # (2, 2)
b = dl.Tensor([0.5, 1.0], requires_grad=True)  # (2,)
r = dl.relu(x @ W + b)  # (1, 2)
L = (r * r).sum()
names = dict(x=x, W=W, b=b, r=r, L=L)
lesson.figure(draw.draw(L, names, values=True), "tape")
lesson.player(draw.animate(L, names), "backward")
lesson.claim("nodes on the tape: 3 leaves, 5 operations", predicted=8, measured=len(dl.tape(L)))

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 00_autograd FILE`.


# %%
def exercise_1(a, b, g):
    """The rule of division: for y = a / b (arrays of one shape) and the adjoint g of y, return the adjoints (of a, of b)."""
    raise NotImplementedError


def exercise_2(term, shape):
    """Un-broadcast: sum the array `term` so that it gets `shape`, where an array of `shape` had been broadcast to term's."""
    raise NotImplementedError


def exercise_3(parents, root):
    """`parents` maps each name to the names it was computed from. Return all names that `root` depends on, root first, each
    exactly once, every name after all names that were computed from it. Chains of 10,000 names must work."""
    raise NotImplementedError


def exercise_4(y, g):
    """The rule of softmax: y (N, C) are softmax outputs along the last axis, g their adjoint; return the logits' adjoint."""
    raise NotImplementedError


# %% [markdown]
# ## The end
#
# **Left out.** Forward mode (better with few inputs and many outputs), checkpointing (memory against time), and
# in-place operations, which the engine forbids. What it returns where a derivative does not exist (relu at 0, ties of
# max) is minidl's choice, listed in the table of kinks (`docs/kinks.md`).
#
# **Next.** Read `minidl/autograd/backward.py` (the loop above, on arrays) and `ops.py` (a table of derivatives). Then
# lesson 01: a method whose only idea is one more number per layer.

# %%
lesson.result("tape_length", len(dl.tape((dl.Tensor([2.0], requires_grad=True) ** 2).sum())))
plt.close("all")
lesson.finish()
