# %% [markdown]
# # Gated residual networks: a layer that becomes the identity by moving one number
#
# **Question.** Why do deep nets get harder to train with depth, and how little does it take to repair that?
#
# **You will** watch a 50-layer net fail, give each block one scalar gate, train it, read the gates, and throw half of
# the blocks away without retraining.
#
# **You need** lesson 00 (gradients), and to know what a softmax classifier is. 60 seconds on two cores.
#
# **Paper.** Savarese, Mazza, Figueiredo, *Learning Identity Mappings with Residual Gates*, 2016, arXiv:1611.01260,
# sections 2.2 (the layers) and 3 (MNIST, removal of layers). The reference is `minidl.residual.gated`, the nets are
# `minidl.residual.nets`.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "01_gated_residual",
    title="Gated residual networks: depth, gates, and tolerance to layer removal",
    question="How little does it take to make a very deep net trainable, and to take it apart again?",
    params=dict(
        data="strokes", seed=0, repeats=0, train=8000, test=2000, steps=0, batch=128, removal_steps=3000, long=False
    ),
    quick=dict(train=600, test=300, steps=12, removal_steps=12),
    help=dict(
        data="strokes (built in) or mnist (real, see `minidl data get mnist`)",
        repeats="independent runs with seeds seed, seed + 1, ...; 0 means 1 for strokes and 3 for mnist",
        train="training images",
        test="test images",
        steps="training steps for the depth experiments; 0 means 1000 for strokes and 1500 for mnist",
        batch="batch size for the depth experiments",
        removal_steps="training steps (batch 64) before blocks are removed",
        long="train 15,000 steps before blocks are removed, as for the paper's 90 % figure (minutes)",
    ),
    choices=dict(data=("strokes", "mnist")),
    seconds=60,
    threads=1,  # at width 50 a second BLAS thread costs more than it brings
)
p = lesson.params

# %%
import matplotlib.pyplot as plt
import numpy as np

from minidl import data
from minidl.autograd import Tensor, draw, value_and_grad
from minidl.nn import accuracy, fit
from minidl.optim import Nadam
from minidl.residual import gated
from minidl.residual.nets import DenseNet

repeats = p.repeats or (3 if p.data == "mnist" else 1)
seeds = range(p.seed, p.seed + repeats)
steps = p.steps or (1500 if p.data == "mnist" else 1000)
removal_steps = 15_000 if p.long else p.removal_steps
rng = np.random.default_rng(p.seed)

# %% [markdown]
# ## The failure first
#
# The paper's MNIST net: `Linear(784, 50)`, then *d* middle layers `relu(batch_norm(x @ W))` of width 50, then
# `Linear(50, 10)`. Optimiser: Nadam, rate 0.002. With d = 50 layers stacked plainly it does not learn, even though
# batch norm keeps every activation at a sane scale and more layers can only *express* more.

# %%
nets: dict[tuple, DenseNet] = {}
losses: dict[tuple, list[float]] = {}
sets = {seed: data.load(p.data, n_train=p.train, n_test=p.test, seed=seed, dtype=np.float32).flat() for seed in seeds}


def train(kind: str, depth: int, steps: int, batch: int, seed: int) -> DenseNet:
    digits = sets[seed]
    rng = np.random.default_rng((seed, depth, steps))
    net = DenseNet(digits.x_train.shape[1], digits.classes, depth=depth, kind=kind, rng=rng, dtype=np.float32)
    label = f"{kind}, d={depth}, seed {seed}"
    history = fit(
        net,
        Nadam(net.parameters(), lr=0.002),
        digits.x_train,  # (train, 784)
        digits.y_train,  # (train,)
        steps=steps,
        batch_size=batch,
        rng=rng,
        progress=label,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    nets[kind, depth, seed], losses[kind, depth, seed] = net, history.losses
    print(f"{label}: loss {np.mean(history.losses[-50:]):.3f}, test error {error(net, seed):.1%}")
    return net


def error(net: DenseNet, seed: int) -> float:
    return 1 - accuracy(net, sets[seed].x_test, sets[seed].y_test)


for seed in seeds:
    train("plain", 50, steps, p.batch, seed)
plain_errors = [error(nets["plain", 50, seed], seed) for seed in seeds]
lesson.claim(
    "the plain 50-layer net fails: lowest test error over the seeds",
    predicted=0.5,
    measured=min(plain_errors),
    relation=">",
    full_only=True,
)

# %% [markdown]
# ## One number per layer
#
# To become the identity, a plain layer must move a whole matrix: from its initial value (Glorot: variance 1/n for an
# n x n matrix) to one that undoes the layer, a distance that grows with the width, $E\,\|W_0\|_F^2 = n^2
# \,\mathrm{Var}(W) = n$. Put **one scalar** $k$ on the shortcut instead, $g(k) = \max(k, 0)$ (section 2.2):
#
# $$ y = g(k)\, f(x) + (1 - g(k))\, x $$
#
# and the distance is $|k_0| = 1$, whatever the width. First prediction: at width 50, $\|W_0\|_F^2 = 50$.

# %%
draws = np.array(
    [np.sum(DenseNet(2, 2, depth=2, rng=rng).blocks[0].branch.layers[0].weight.data ** 2) for _ in range(40)]
)
lesson.claim(
    "squared distance of W to 0 at initialisation, width 50 (mean of 40)",
    predicted=50.0,
    measured=draws.mean(),
    tolerance=6 * np.sqrt(2500 * 4 / 5 / 50**2 / 40),
    because="6 standard errors: W uniform with variance 1/50, so Var(W^2) = (4/5) / 50^2, over 2500 entries and 40 draws",
)

# %% [markdown]
# For a residual layer, $f = f_r + x$, and the formula turns into
#
# $$ y = g(k)\,(f_r(x) + x) + (1 - g(k))\,x = g(k)\, f_r(x) + x . $$
#
# The shortcut's factor cancels: **it is never scaled**. (Implementations that write $(1-g)\,x + g\,f_r$ are wrong.)
# Both sides, on random numbers:

# %%
x, fr, dy = rng.standard_normal((3, 4, 5))  # (4, 5) each
k = 0.6
left = gated.gated_plain(x, fr + x, k)  # (4, 5)
right = gated.gated_residual(x, fr, k)  # (4, 5)
eps = np.finfo(float).eps
lesson.claim(
    "general formula with f = f_r + x  =  residual formula",
    predicted=right,
    measured=left,
    tolerance=8 * eps * np.max(np.abs(x) + np.abs(fr)),
    because="8 roundings at the scale of |x| + |f_r|",
)

# %% [markdown]
# **The gate's gradient** is one dot product, $\partial L/\partial k = \mathbf 1[k > 0]\,\langle \bar y, f_r(x)
# \rangle$, and the branch receives $g\,\bar y$. The engine of lesson 00 must find the same.

# %%
_, (dx, dfr, dk) = value_and_grad(lambda x, fr, k: (gated.gated_residual(x, fr, k) * dy).sum(), (0, 1, 2))(
    x, fr, np.array([k])
)
lesson.claim(
    "dk = <dy, f_r>, by the tape",
    predicted=np.sum(dy * fr),
    measured=dk.item(),
    tolerance=20 * eps * np.sum(np.abs(dy * fr)),
    because="20 = number of terms of the sum, times eps, times the sum of their sizes",
)
lesson.claim(
    "the branch gets g dy, the shortcut all of dy",
    predicted=np.stack([k * dy, dy]),
    measured=np.stack([dfr, dx]),
    tolerance=2 * eps * np.max(np.abs(dy)),
    because="one rounding each",
)
closed = gated.gated_residual(x, np.full_like(fr, np.inf), -0.1)
lesson.claim("a closed gate gives x bit by bit, even past infinities", predicted=0, measured=int(np.sum(closed != x)))

# %% [markdown]
# ## Depth with a shortcut, and with a gate
#
# A block is two layers with the shortcut around both; 50 layers are 25 blocks and 25 gates, so the gated net has 25
# numbers more. At $k = 1$ it *is* the residual net. Prediction: both train where the plain net failed.

# %%
for seed in seeds:
    for kind in ("residual", "gated_residual"):
        train(kind, 50, steps, p.batch, seed)
for kind in ("residual", "gated_residual"):
    lesson.claim(
        f"{kind}, 50 layers: highest test error over the seeds",
        predicted=0.15,
        measured=max(error(nets[kind, 50, seed], seed) for seed in seeds),
        relation="<",
        full_only=True,
    )
extra = nets["gated_residual", 50, p.seed].parameter_count() - nets["residual", 50, p.seed].parameter_count()
lesson.claim("numbers that the gates add", predicted=25, measured=extra)

# %%
figure, axes = plt.subplots(figsize=(7, 4))
window = max(1, steps // 60)
for kind, colour in (("plain", "#b2182b"), ("residual", "#4393c3"), ("gated_residual", "#053061")):
    curve = np.convolve(losses[kind, 50, p.seed], np.ones(window) / window, mode="valid")
    axes.semilogy(np.arange(len(curve)) + window, curve, color=colour, label=kind.replace("_", " "))
axes.set(
    xlabel="training step", ylabel="cross-entropy (running mean)", title=f"50 layers on {p.data}: one shortcut decides"
)
axes.legend(frameon=False)
lesson.figure(figure, "depth")

# %% [markdown]
# ## What the gates say
#
# The paper finds that deeper nets end with smaller gates (mean k from 5.58 at d = 2 to 0.67 at d = 100): with many
# blocks, each does less. The first part is a matter of patience: a gate moves at most about the learning rate per
# step, so 5.58 needs the paper's 46,900 steps. The order is there at once. Prediction: mean k(2) > mean k(10) > mean
# k(50).

# %%
for seed in seeds:
    for depth in (2, 10):
        train("gated_residual", depth, steps, p.batch, seed)
mean_k = {d: [nets["gated_residual", d, seed].gates().mean() for seed in seeds] for d in (2, 10, 50)}
paper_k = {2: 5.58, 10: 2.54, 50: 1.04}
print("\nmean k by depth (paper: 46,900 steps)")
for d, ks in mean_k.items():
    print(f"  d = {d:2d}: {np.mean(ks):.2f}   paper {paper_k[d]:.2f}")
steps_down = [min(a - b for a, b in zip(mean_k[d], mean_k[e], strict=True)) for d, e in ((2, 10), (10, 50))]
lesson.claim(
    "mean k falls from d=2 to d=10 (smallest fall)", predicted=0.0, measured=steps_down[0], relation=">", full_only=True
)
lesson.claim(
    "mean k falls from d=10 to d=50 (smallest fall)",
    predicted=0.0,
    measured=steps_down[1],
    relation=">",
    full_only=True,
)

# %%
figure, axes = plt.subplots(figsize=(7, 4))
for d, colour in ((2, "#92c5de"), (10, "#4393c3"), (50, "#053061")):
    gates = nets["gated_residual", d, p.seed].gates()  # (d / 2,)
    axes.plot(
        (np.arange(len(gates)) + 0.5) / len(gates), gates, "o-", color=colour, label=f"d = {d}: mean {gates.mean():.2f}"
    )
axes.axhline(1, color="grey", linewidth=0.8, linestyle=":")
axes.set(
    xlabel="position in the net (0 = input, 1 = output)", ylabel="gate k", title="Gates after training (all began at 1)"
)
axes.legend(frameon=False)
lesson.figure(figure, "gates")

# %% [markdown]
# ## Taking the net apart
#
# A gate is a price tag. Remove blocks from a trained net **without retraining**: cheapest gates first (*greedy*), or
# at random. Removing a block is exactly closing its gate, and the order of removals does not matter:

# %%
for seed in seeds:
    for kind in ("residual", "gated_residual"):
        train(kind, 20, removal_steps, 64, seed)

# %%
lesson.claim(
    "the nets to be taken apart have learned: highest test error",
    predicted=0.15,
    measured=max(error(nets[kind, 20, seed], seed) for kind in ("residual", "gated_residual") for seed in seeds),
    relation="<",
    full_only=True,
)
net = nets["gated_residual", 20, p.seed]
images = sets[p.seed].x_test[:64]  # (64, 784)
closed = DenseNet(images.shape[1], 10, depth=20, rng=rng, dtype=np.float32)
closed.load_state(net.state())
for i in (7, 2):
    closed.blocks[i].gate.assign(np.zeros(1))
differing = np.sum(closed(images).data != net.without([2, 7])(images).data)
lesson.claim("outputs that differ: blocks 2 and 7 removed, or their gates closed", predicted=0, measured=int(differing))

# %%
counts = range(len(net.blocks) + 1)
curves: dict[str, list] = {"greedy, gated": [], "random, gated": [], "random, residual": []}
for seed in lesson.progress(seeds, "removal"):
    draws = np.random.default_rng((seed, 1))
    full = {kind: 1 - error(nets[kind, 20, seed], seed) for kind in ("residual", "gated_residual")}
    order = gated.removal_order(nets["gated_residual", 20, seed].gates())  # (10,) cheapest first
    curves["greedy, gated"].append(
        [
            (1 - error(nets["gated_residual", 20, seed].without(order[:n]), seed)) / full["gated_residual"]
            for n in counts
        ]
    )
    for kind, name in (("gated_residual", "random, gated"), ("residual", "random, residual")):
        net = nets[kind, 20, seed]
        sampled = [
            [1 - error(net.without(gated.random_removal(len(order), n, rng=draws)), seed) for n in counts]
            for _ in range(20 if not lesson.quick else 2)
        ]  # (draws, counts)
        curves[name].append(np.mean(sampled, axis=0) / full[kind])
kept = {name: np.array(rows) for name, rows in curves.items()}  # (seeds, counts) each
half = len(order) // 2
print("\naccuracy kept with half of the blocks removed (mean over seeds; random: mean of 20 draws)")
for name, rows in kept.items():
    print(f"  {name:17s} {rows[:, half].mean():.3f}   per seed {np.round(rows[:, half], 3)}")

# %% [markdown]
# Predictions, for half of the blocks: greedy removal keeps at least 85 % of the accuracy in every run and 88 % on
# average, and beats random removal in the same nets. With `--long`, also the paper's claim: random removal keeps over
# 90 %.

# %%
greedy, chance = kept["greedy, gated"][:, half], kept["random, gated"][:, half]
lesson.claim(
    "greedy half removal, lowest over seeds", predicted=0.85, measured=greedy.min(), relation=">=", full_only=True
)
lesson.claim(
    "greedy half removal, mean over seeds", predicted=0.88, measured=greedy.mean(), relation=">=", full_only=True
)
lesson.claim(
    "greedy minus random, mean over seeds", predicted=0, measured=np.mean(greedy - chance), relation=">", full_only=True
)
if p.long:
    lesson.claim(
        "random half removal after 15,000 steps", predicted=0.9, measured=chance.mean(), relation=">=", full_only=True
    )

figure, axes = plt.subplots(figsize=(7, 4))
for (name, rows), style in zip(kept.items(), ("o-", "s--", "^:"), strict=True):
    axes.plot(np.array(counts) / len(order), rows.mean(axis=0), style, label=name)
axes.axhline(
    1 / 10 / np.mean([1 - error(nets["gated_residual", 20, seed], seed) for seed in seeds]),
    color="grey",
    lw=0.8,
    ls=":",
)
axes.set(
    xlabel="part of the blocks removed",
    ylabel="part of the accuracy kept",
    title="d = 20, no retraining (dotted: guessing)",
)
axes.legend(frameon=False)
lesson.figure(figure, "removal")

# %% [markdown]
# ## A backward pass, step by step
#
# Three gated blocks of the scalar chain, $x_l = x_{l-1} + g(k_l)\, w\, x_{l-1}$, whose gradients are known in closed
# form: $\partial x_L / \partial g_l = w\, x_L / (1 + g_l w)$. The player shows the tape and, frame by frame, each
# adjoint as it arrives.

# %%
w, x0, ks = 0.3, 2.0, [Tensor([k], requires_grad=True) for k in (0.5, 1.0, 2.0)]
x = Tensor([x0])  # (1,)
for k in ks:
    x = gated.gated_residual(x, w * x, k)  # (1,)
x_last = x.sum()
names = {f"k{i}": k for i, k in enumerate(ks, start=1)} | dict(x_L=x_last)
lesson.player(draw.animate(x_last, names), "backward")
x_last.backward(retain_graph=True)
closed_form = np.array([w * x_last.item() / (1 + k.item() * w) for k in ks])
lesson.claim(
    "gradients of the chain: tape = w x_L / (1 + g w)",
    predicted=closed_form,
    measured=np.array([k.grad.item() for k in ks]),
    tolerance=32 * eps * x_last.item(),
    because="32 roundings at the scale of x_L",
)

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 01_gated_residual FILE`.


# %%
def exercise_1(x, f, k):
    """The output of a gated residual block: x its input, f its branch's output (maybe not finite), k a number."""
    raise NotImplementedError


def exercise_2(dy, x, f, k):
    """The gate's gradient in a gated *plain* layer y = g f + (1 - g) x: dy the adjoint of y, k a number."""
    raise NotImplementedError


def exercise_3(x0, w, gates):
    """The derivatives of x_L = x0 prod_l (1 + g(k_l) w) by each k_l, as an array."""
    raise NotImplementedError


def exercise_4(gates, n):
    """The numbers of the n blocks that greedy removal takes, in its order."""
    raise NotImplementedError


# %% [markdown]
# ## The end: what was shown, and what was not
#
# Paper beside this lesson (MNIST, test error at d = 50): plain 60.37 %, residual 1.62 %, gated 1.48 %, after 100
# epochs of 60,000 images. Here: at most 1,500 steps on 8,000 images.
#
# **Shown.** Plain nets fail at 50 layers and nets with a shortcut do not; mean k falls with depth; the order of the
# gates tells which blocks can go.
#
# **Not shown.** (1) That gated nets beat ungated residual nets on test error: in runs of this length they do not,
# reliably. (2) That ungated residual nets are clearly less robust to *random* removal: here both lose alike, and only
# the greedy order, which needs gates, is better. (3) The paper's profile of k with its minimum in the middle of the
# net: here k falls with depth. (4) The CIFAR results (error 7.16 to 6.67 % for ResNet, 3.89 to 3.65 % for Wide
# ResNet): `minidl.residual.nets.ConvNet` is the net, training it takes a GPU.
#
# **Choices that the paper leaves open.** Batch norm with momentum 0.99 and epsilon 1e-3 (Keras' defaults, as the
# paper used Keras), Glorot uniform weights, zero biases, Nadam with Keras' momentum schedule, all gates at 1.
#
# **A limit of the idea.** For k > 0 the gate adds no expressive power to a block that ends in batch norm and relu:
# (k, gamma, beta) and (1, k gamma, k beta) are the same function. It changes how the net is *optimised*, and gives
# every block a price.

# %%
lesson.result("test_error", {f"{kind} d={d} seed={s}": error(net, s) for (kind, d, s), net in nets.items()})
lesson.result("mean_k", {str(d): ks for d, ks in mean_k.items()})
lesson.result("accuracy_kept_with_half_removed", {name: rows[:, half] for name, rows in kept.items()})
plt.close("all")
lesson.finish()
