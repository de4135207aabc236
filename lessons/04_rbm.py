# %% [markdown]
# # Restricted Boltzmann machines: what a few Gibbs steps cannot know
#
# **Question.** How do we learn a distribution whose normalising constant is a sum over too many states?
#
# **You will** follow contrastive divergence to a machine that it takes for good and that is not, with every noise taken
# out of it; compute why from the eigenvalues of its Markov chain; estimate the constant by annealing, with error bars
# that you check; and train on images, watching the exact likelihood beside the numbers that people watch instead.
#
# **You need** to know what a Markov chain and an eigenvalue are, and means with standard errors. 25 seconds on two
# cores.
#
# **Papers.** Hinton, *Training Products of Experts by Minimizing Contrastive Divergence*, 2002. Fischer, Igel,
# *Empirical Analysis of the Divergence of Gibbs Sampling Based Learning Algorithms for Restricted Boltzmann Machines*,
# 2010 (bars and stripes). Salakhutdinov, Murray, *On the Quantitative Analysis of Deep Belief Networks*, 2008, section
# 3 (annealing). The reference is `minidl.energy`; begin with `minidl.energy.rbm`.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "04_rbm",
    title="Restricted Boltzmann machines: what a few Gibbs steps cannot know",
    question="How do we learn a distribution whose normalising constant is a sum over too many states?",
    params=dict(data="strokes", seed=0, steps=1500, chains=8000, repeats=400, images=2000, hidden=12, epochs=20),
    quick=dict(steps=60, chains=1000, repeats=60, images=300, hidden=6, epochs=3),
    help=dict(
        data="strokes (built in) or mnist (real, see `minidl data get mnist`)",
        steps="steps of ascent on bars and stripes",
        chains="Gibbs chains for what is measured by sampling",
        repeats="annealing estimates whose intervals are counted",
        images="training images",
        hidden="hidden units for the images; exact results enumerate 2 to this power",
        epochs="epochs of training on the images",
    ),
    choices=dict(data=("strokes", "mnist")),
    seconds=25,
    threads=1,  # the matrices are small
)
p = lesson.params

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from minidl import data
from minidl import energy as rbm
from minidl.energy import Parameters, all_states

rng = np.random.default_rng(p.seed)
eps = np.finfo(float).eps
RED, BLUE, LIGHT, GREY = "#b2182b", "#2166ac", "#67a9cf", "#777777"

# %% [markdown]
# ## The failure first
#
# **Bars and stripes.** 3 x 3 pictures whose rows are all equal, or whose columns are: 14 of the 512 pictures. The best
# that a model can do is to give each of them 1/14, a mean log-likelihood of $-\log 14 = -2.639$.
#
# A restricted Boltzmann machine with 9 visible and 6 hidden units is small enough to know everything about it. So we
# climb its likelihood three ways from the same start: along the exact gradient, and along the *expected* directions of
# CD-10 and CD-1 (contrastive divergence: Gibbs chains of 10 steps or 1 from the data stand for the model). Nothing here
# is random. What goes wrong cannot be noise.


# %%
def bars_and_stripes(n):
    """The different n x n pictures of equal rows or equal columns, (N, n * n)."""
    bits = all_states(n)  # (2^n, n)
    return np.unique(np.vstack([np.repeat(bits, n, axis=1), np.tile(bits, n)]), axis=0)


def climb(direction, name):
    """The machines every `steps // 30` steps of size 0.5."""
    theta, path = start, [start]
    for t in lesson.progress(range(1, p.steps + 1), name):
        theta = Parameters(*(part + 0.5 * up for part, up in zip(theta, direction(theta), strict=True)))
        if t % (p.steps // 30) == 0:
            path.append(theta)
    return path


x = bars_and_stripes(3)  # (14, 9)
start = Parameters(rng.uniform(-0.25, 0.25, (9, 6)), np.zeros(9), np.zeros(6))
paths = {
    "exact": climb(lambda theta: rbm.log_likelihood_gradient(x, *theta), "exact gradient"),
    "CD-10": climb(lambda theta: rbm.expected_cd_gradient(x, *theta, 10), "CD-10"),
    "CD-1": climb(lambda theta: rbm.expected_cd_gradient(x, *theta, 1), "CD-1"),
}
likelihood = {name: [rbm.log_likelihood(x, *theta).mean() for theta in path] for name, path in paths.items()}
error = {name: [rbm.reconstruction_error(x, *theta) for theta in path] for name, path in paths.items()}
shares = {name: 14 * rbm.visible_distribution(*paths[name][-1])[x.astype(int) @ (1 << np.arange(9))] for name in paths}
for name in paths:
    print(
        f"{name:5s}: log-likelihood {likelihood[name][-1]:.3f} (best on the way {max(likelihood[name]):.3f}), "
        f"reconstruction error {error[name][-1]:.5f}, pictures get {shares[name].min():.2f} to {shares[name].max():.2f} "
        "of their share"
    )

# %% [markdown]
# The reconstruction error, the number that people watch, says that CD-1 is done: every picture comes back perfectly.
# Its own direction says so too. But the gradient does not vanish there, and the two stand nearly at right angles: the
# machine gives some pictures several times their share and others nearly nothing, and CD-1 does not notice.

# %%
flat = lambda parts: np.concatenate([part.ravel() for part in parts])  # noqa: E731
astray = paths["CD-1"][-1]
true, taken = flat(rbm.log_likelihood_gradient(x, *astray)), flat(rbm.expected_cd_gradient(x, *astray, 1))
cosine = true @ taken / np.linalg.norm(true) / np.linalg.norm(taken)
print(
    f"at the end of CD-1: gradient {np.linalg.norm(true):.3f}, its direction {np.linalg.norm(taken):.3f}, {cosine=:.3f}"
)
lesson.claim(
    "the exact gradient learns: log-likelihood (the best is -2.639)",
    predicted=-np.log(14) - 0.3,
    measured=likelihood["exact"][-1],
    relation=">",
    full_only=True,
)
lesson.claim(
    "CD-1 ends below it, by",
    predicted=0.2,
    measured=likelihood["exact"][-1] - likelihood["CD-1"][-1],
    relation=">",
    full_only=True,
)
lesson.claim(
    "and reconstructs perfectly: mean squared error",
    predicted=1e-3,
    measured=error["CD-1"][-1],
    relation="<",
    full_only=True,
)
lesson.claim(
    "size of CD-1's direction there / size of the gradient",
    predicted=0.05,
    measured=np.linalg.norm(taken) / np.linalg.norm(true),
    relation="<",
    full_only=True,
)

# %%
figure, axes = plt.subplots(1, 3, figsize=(14, 4))
steps = np.arange(len(paths["exact"])) * (p.steps // 30)
for name, colour in zip(paths, (BLUE, LIGHT, RED), strict=True):
    axes[0].plot(steps, likelihood[name], color=colour, label=name)
    axes[1].semilogy(steps, error[name], color=colour, label=name)
axes[0].axhline(-np.log(14), color=GREY, ls=":")
axes[0].set(ylim=(-5, -2.5), xlabel="step", title="Mean log-likelihood (dotted: the best)")
axes[1].set(xlabel="step", title="Reconstruction error")
axes[0].legend(frameon=False)
axes[2].bar(np.arange(14) - 0.2, shares["exact"], 0.4, color=BLUE)
axes[2].bar(np.arange(14) + 0.2, shares["CD-1"], 0.4, color=RED)
axes[2].axhline(1, color=GREY, ls=":")
axes[2].set(xlabel="picture", xticks=range(14), title="Probability / (1/14): exact and CD-1")
lesson.figure(figure, "failure")

# %% [markdown]
# ## The machine, and what of it can be had exactly
#
# Visible units $v$, hidden units $h$, all 0 or 1; weights only between the layers:
#
# $$ E(v,h) = -v^\top W h - b^\top v - a^\top h, \qquad p(v,h) = e^{-E(v,h)}/Z . $$
#
# Either layer can be summed out in closed form. With $\mathrm{sp}(z) = \log(1+e^z)$ and $\sigma = \mathrm{sp}'$,
#
# $$ F(v) = -b^\top v - \sum_j \mathrm{sp}((v^\top W)_j + a_j), \quad
# \tilde F(h) = -a^\top h - \sum_i \mathrm{sp}((Wh)_i + b_i), \quad
# Z = \sum_v e^{-F(v)} = \sum_h e^{-\tilde F(h)} , $$
#
# $$ p(h_j = 1 \mid v) = \sigma((v^\top W)_j + a_j), \qquad p(v_i = 1 \mid h) = \sigma((Wh)_i + b_i) . $$
#
# Both sides, on a random machine of 5 + 4 units: on the left the 512 energies, summed by hand.

# %%
theta = W, b, a = Parameters(rng.normal(size=(5, 4)), rng.normal(size=5), rng.normal(size=4))
V, H = all_states(5), all_states(4)  # (32, 5), (16, 4)
E = -(V @ W @ H.T) - (V @ b)[:, None] - H @ a  # (32, 16)
joint = np.exp(-E)
Z = joint.sum()
loose = 32 * eps * (1 + np.abs(E).max())
reason = "32 roundings at the scale of the exponents"
over_v, over_h = np.exp(-rbm.free_energy(V, *theta)).sum(), np.exp(-rbm.hidden_free_energy(H, *theta)).sum()
lesson.claim(
    "Z: 512 energies = sum over v = sum over h = log_partition",
    predicted=np.full(3, Z),
    measured=np.array([over_v, over_h, np.exp(rbm.log_partition(*theta))]),
    tolerance=loose * Z,
    because=reason,
)
lesson.claim(
    "p(h = 1 | v), p(v = 1 | h): from the joint table = sigmoids",
    predicted=np.concatenate(
        [(joint @ H / joint.sum(1)[:, None]).ravel(), (joint.T @ V / joint.sum(0)[:, None]).ravel()]
    ),
    measured=np.concatenate([rbm.hidden_probability(V, W, a).ravel(), rbm.visible_probability(H, W, b).ravel()]),
    tolerance=loose,
    because=reason,
)

# %% [markdown]
# **The gradient** of the mean log-likelihood has a phase that the data make and one that the model makes,
#
# $$ \nabla_W = \langle x\, \hat h(x)^\top\rangle_{data} - \langle v h^\top\rangle_{model}, \qquad
# \hat h(x) = p(h = 1 \mid x), $$
#
# for the biases alike with $x$ and $\hat h(x)$. The model's phase is a sum over all states. Right: this formula; left:
# central differences of the log-likelihood in each weight.

# %%
rows, h = V[[3, 9, 9, 30]], 2.0**-13  # (4, 5)
slopes = np.empty_like(W)
for i, j in np.ndindex(W.shape):
    bump = np.zeros_like(W)
    bump[i, j] = h
    up, down = (rbm.log_likelihood(rows, W + sign * bump, b, a).mean() for sign in (1, -1))
    slopes[i, j] = (up - down) / (2 * h)
size = np.abs(rbm.log_likelihood(rows, *theta)).max() + np.abs(E).max()
lesson.claim(
    "gradient in W: central differences = data's phase - model's phase",
    predicted=slopes,
    measured=rbm.log_likelihood_gradient(rows, *theta).dW,
    tolerance=h**2 / 6 * 0.2 + 16 * eps * size / h,
    because="h^2/6 of the third derivative, which is a difference of two third cumulants of a bit, each below 0.1; and "
    "16 roundings of the log-likelihood, over h",
)

# %% [markdown]
# ## Why: the slow directions of the chain
#
# CD-k replaces the model's phase by Gibbs chains: $h_0 \sim p(h\mid x)$ from the data, then $h \to v \to h'$ with the
# kernel
#
# $$ T(h, h') = \sum_v p(v \mid h)\, p(h' \mid v), \qquad p(h)\, T(h,h') = p(h')\, T(h',h) . $$
#
# It is reversible, so with $r = \sqrt{p(h)}$ the matrix $r\,T/r$ is symmetric, with eigenvalues $1 = \lambda_1 >
# \lambda_2 \ge \dots \ge 0$ and eigenvectors $u_i$ ($u_1 = r$). Let $q$ be the law of $h_0$, and $G(h)$ the mean of
# $v\,\hat h(v)^\top$ one half-step after h. Then the bias of CD-k's model phase is *a sum of geometric sequences*:
#
# $$ \langle v h^\top \rangle_{CD-k} - \langle v h^\top \rangle_{model} = \sum_{i \ge 2} \lambda_i^{k-1}\, c_i D_i, \qquad
# c_i = \sum_h \frac{q(h)}{r(h)} u_i(h), \quad D_i = \sum_h r(h)\, u_i(h)\, G(h) . $$
#
# In the end $\lambda_2$ rules. Half of that slowest part is gone after $\log 2 / {-\log\lambda_2}$ steps. First the
# kernel, on the machine of the joint table:

# %%
T = (joint / joint.sum(axis=0)).T @ (joint / joint.sum(axis=1, keepdims=True))  # (16, 16) the sum over v
flow = joint.sum(axis=0)[:, None] / Z * T  # p(h) T(h, h')
lesson.claim(
    "T from the joint table = hidden_kernel, and p T is symmetric",
    predicted=np.stack([T, flow]),
    measured=np.stack([rbm.hidden_kernel(*theta), flow.T]),
    tolerance=loose,
    because=reason,
)


def bits_law(on, states):
    """The probability of each state (M, n) for rows of independent units that are on with probability on (N, n). (N, M)"""
    return np.prod(np.where(states == 1, on[:, None], 1 - on[:, None]), axis=2)


def spectrum(theta):
    """Eigenvalues (n,), the terms c_i D_i (n, entries) without the first, r and u (n, n), and the scale of rounding."""
    W, b, a = theta
    v, h = all_states(len(b)), all_states(len(a))
    to_v, to_h = bits_law(rbm.visible_probability(h, W, b), v), bits_law(rbm.hidden_probability(v, W, a), h)
    r = np.sqrt(rbm.hidden_distribution(*theta))  # (n,)
    symmetric = r[:, None] * (to_v @ to_h) / r  # (n, n)
    values, u = np.linalg.eigh((symmetric + symmetric.T) / 2)
    values, u = values[::-1], u[:, ::-1]
    q = bits_law(rbm.hidden_probability(x, W, a), h).mean(axis=0)  # (n,)
    G = to_v @ (v[:, :, None] * rbm.hidden_probability(v, W, a)[:, None, :]).reshape(len(v), -1)  # (n, entries)
    terms = (q / r @ u)[:, None] * (u.T @ (r[:, None] * G))
    terms[0] = 0  # the model's phase itself
    return values, terms, r, u, np.linalg.norm(q / r) * np.linalg.norm(r[:, None] * G)


def bias(theta, k):
    """What CD-k's expected model phase has too much, (entries,)."""
    return (rbm.expected_cd_statistics(x, *theta, k).vh - rbm.moments(*theta).vh).ravel()


machines = {"early": paths["exact"][1], "exact": paths["exact"][-1], "CD-1": astray}
ks = np.array([1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000])
biases, spectra = {}, {name: spectrum(theta) for name, theta in machines.items()}
print("\nmachine    lambda_2   half-life   gradient   bias of CD-1, 10, 100, 1000")
for name, theta in machines.items():
    values, terms, *_, scale = spectra[name]
    biases[name] = np.array([bias(theta, k) for k in ks])  # (ks, entries)
    exact, sizes = np.linalg.norm(rbm.log_likelihood_gradient(x, *theta).dW), np.linalg.norm(biases[name], axis=1)
    half = -np.log(2) / np.log(values[1])
    print(f"{name:8s}   {values[1]:.5f}    {half:7.1f}     {exact:.4f}   {np.round(sizes[[0, 4, 7, 10]], 4)}")
    lesson.claim(
        f"{name} machine: bias of CD-1 to CD-100 = sum of geometric sequences",
        predicted=(values ** (ks[:8, None] - 1)) @ terms,
        measured=biases[name][:8],
        tolerance=64 * 100 * eps * scale,
        because="eigenvalues of 64 x 64 to 64 eps, to the power of up to 100, times |q / r| |r G|",
    )

# %% [markdown]
# While weights are small a few steps are plenty. In the trained machines half of the slowest part is still there after
# dozens of steps. The machine of the exact gradient gets away with it, since its $q$ is nearly $p$: *CD has no bias
# where the model is the data*, however slow the chain. The machine that CD-1 made has both against it, and CD-1 cannot
# see it.
#
# **Predicted and measured rates.** From one k to the next the bias shrinks by $\lambda_2$, except for what the other
# terms still hold, which we know. And one observable has no other terms: for $f = u_2 / r$ the mean over chains
# is $\lambda_2^k$ times its mean at the start, exactly. We measure it with real chains in the machine of CD-1, all from
# that picture for which it is largest.

# %%
values, terms, *_ = spectra["early"]
weight = np.linalg.norm(terms, axis=1)
others = lambda k: np.sum(values[2:] ** (k - 1) * weight[2:]) / (values[1] ** (k - 1) * weight[1])  # noqa: E731
k = next(k for k in range(1, 60) if others(k) < 0.05 or values[1] ** k < 1e-7)
lesson.claim(
    f"early machine: bias of CD-{k + 1} / bias of CD-{k} = second eigenvalue",
    predicted=values[1],
    measured=np.linalg.norm(bias(machines["early"], k + 1)) / np.linalg.norm(bias(machines["early"], k)),
    tolerance=values[1] * 2 * others(k) / (1 - others(k)),
    because="the part of all other terms in the bias, by the triangle inequality",
)

values, _, r, u, _ = spectra["CD-1"]
f = u[:, 1] / r  # (64,)
begin = bits_law(rbm.hidden_probability(x, astray.W, astray.a), all_states(6)) @ f  # (14,)
far = np.argmax(np.abs(begin))
h = rbm.sample_hidden(np.tile(x[far], (p.chains, 1)), astray.W, astray.a, rng.random((p.chains, 6)))  # (chains, 6)
off = []
for k in lesson.progress(range(1, 101), "chains"):
    h = rbm.gibbs_step(h, *astray, rng.random((p.chains, 9)), rng.random(h.shape)).h
    if k in (1, 10, 100):
        seen, expected = f[h.astype(int) @ (1 << np.arange(6))], begin[far] * values[1] ** k  # (chains,)
        error_bar = seen.std(ddof=1) / np.sqrt(p.chains)
        print(f"slowest observable after {k:3d} steps: {seen.mean():.3f} +- {error_bar:.3f}, predicted {expected:.3f}")
        off.append(abs(seen.mean() - expected) / error_bar)
lesson.claim(
    "slowest observable after 1, 10, 100 steps: standard errors off the prediction",
    predicted=6,
    measured=max(off),
    relation="<=",
)
lesson.claim(
    "machine of CD-1: steps that halve it",
    predicted=30,
    measured=-np.log(2) / np.log(values[1]),
    relation=">",
    full_only=True,
)
falls = np.linalg.norm(biases["CD-1"], axis=1)[[0, 4, 7, 10]]  # CD-1, 10, 100, 1000
lesson.claim(
    "machine of CD-1: the bias falls from k = 1 to 10 to 100 to 1000 (largest ratio)",
    predicted=1,
    measured=np.max(falls[1:] / falls[:-1]),
    relation="<",
    full_only=True,
)

# %%
figure, axes = plt.subplots(figsize=(7, 4.5))
fine = np.unique(np.round(np.logspace(0, 3, 60)).astype(int))
for (name, (values, terms, *_)), colour in zip(spectra.items(), (LIGHT, BLUE, RED), strict=True):
    shown = np.linalg.norm(biases[name], axis=1)
    lines = np.linalg.norm(values ** (fine[:, None] - 1) @ terms, axis=1)
    axes.loglog(ks[shown > 1e-13], shown[shown > 1e-13], "o", color=colour)
    label = f"{name}: $\\lambda_2$ = {values[1]:.4f}"
    axes.loglog(fine[lines > 1e-13], lines[lines > 1e-13], color=colour, label=label)
axes.set(xlabel="k", ylim=(1e-9, 3), title="Bias of CD-k: dots enumerated, lines sums of geometric sequences")
axes.legend(frameon=False)
lesson.figure(figure, "bias")

# %% [markdown]
# ## The constant, by annealing
#
# For machines too large to enumerate, annealed importance sampling leads samples from a model without connections,
# whose $Z_0$ is known, over M temperatures to the machine, and collects
#
# $$ \log w = \sum_{k=1}^{M} \bigl[\log p^*_{\beta_k}(v_k) - \log p^*_{\beta_{k-1}}(v_k)\bigr], \qquad
# \mathbb E\, Z_0\, w = Z \text{ for every schedule}. $$
#
# With 100 runs and an interval of 95 %, on the machine of the exact gradient: the mean of the weights is right for few
# temperatures as for many, and of many intervals 95 % should hold the true log Z.

# %%
theta = machines["exact"]
log_z, base = rbm.log_partition(*theta), rbm.ais_base(x)
for M in (10, 100):
    label = f"annealing, M={M}"
    estimates = [rbm.draw_ais(*theta, base=base, betas=M, runs=100, rng=rng) for _ in range(p.repeats)]
    ratio = np.exp(np.array([estimate.log_z for estimate in estimates]) - log_z)  # (repeats,)
    covered = np.mean([estimate.low <= log_z <= estimate.high for estimate in estimates])
    print(
        f"{label}: Z estimated / Z = {ratio.mean():.4f}, scatter {ratio.std(ddof=1):.3f}, intervals that hold: {covered:.1%}"
    )
    lesson.claim(
        f"{label}: standard errors of the mean of Z estimated / Z off 1",
        predicted=6,
        measured=abs(ratio.mean() - 1) / ratio.std(ddof=1) * np.sqrt(p.repeats),
        relation="<=",
    )
    lesson.claim(
        f"{label}: part of the 95 % intervals that hold log Z",
        predicted=0.95,
        measured=covered,
        tolerance=0.02 + 6 * np.sqrt(0.95 * 0.05 / p.repeats),
        because="6 binomial standard errors; and 0.02 since weights are skewed and the interval is that of a normal law",
    )

# %% [markdown]
# ## Images, and what to watch
#
# Now 28 x 28 pixels, by CD-1, the program as people run it. With 12 hidden units the likelihood is still exact: a sum
# over 4096 hidden states. Beside it the two numbers that need no Z: the reconstruction error, and the
# pseudo-likelihood
#
# $$ \mathrm{PL}(x) = \sum_i \log p(x_i \mid x_{-i}) = -\sum_i \mathrm{sp}\bigl(F(x) - F(\tilde x^{(i)})\bigr), \qquad
# \tilde x^{(i)} = x \text{ with unit } i \text{ flipped}. $$
#
# Both sides, from the joint table above:

# %%
p_v = joint.sum(axis=1) / Z  # (32,)
flipped = np.arange(32)[:, None] ^ (1 << np.arange(5))  # (32, 5) codes
lesson.claim(
    "pseudo-likelihood: conditionals from the joint table = free energies",
    predicted=np.log(p_v[:, None] / (p_v[:, None] + p_v[flipped])).sum(axis=1),
    measured=rbm.log_pseudo_likelihood(V, W, b, a),
    tolerance=5 * loose,
    because="five units, " + reason,
)

digits = data.load(p.data, n_train=p.images, n_test=1000, seed=p.seed, dtype=np.float64).flat()
images, test = ((part > 0.5).astype(float) for part in (digits.x_train, digits.x_test))  # (images, 784), (1000, 784)
machine = rbm.RBM.for_data(images, p.hidden, rng=rng)
particles, watching, frames = images[:12], np.random.default_rng((p.seed, 1)), []


def watch(epoch, theta, record):
    """Keep the filters, and 12 chains that go on from where they were, by 20 steps after each epoch."""
    global particles
    moving = rbm.RBM(*theta)
    particles = moving.sample(12, steps=20, start=particles, rng=watching)  # (12, 784)
    frames.append((theta.W, moving.visible((moving.hidden(particles) > 0.5).astype(float)), record))


history = machine.fit(images, epochs=p.epochs, x_test=test, exact_units=16, rng=rng, progress="images", on_epoch=watch)
if history.interrupted:
    raise KeyboardInterrupt
alone = rbm.ais_base(images)  # the model of independent pixels
independent = (test @ alone - np.logaddexp(0, alone).sum()).mean()
last = history.epochs[-1]
print(f"test log-likelihood {last.test_log_likelihood:.2f} nats, of independent pixels {independent:.2f}")
lesson.claim(
    "nats of test log-likelihood above independent pixels",
    predicted=8,
    measured=last.test_log_likelihood - independent,
    relation=">",
    full_only=True,
)
lesson.claim(
    "reconstruction error after the last epoch / after the first",
    predicted=0.95,
    measured=last.reconstruction / history.epochs[0].reconstruction,
    relation="<",
    full_only=True,
)

# %% [markdown]
# **And if Z were out of reach?** Annealing again, 100 runs, from uniform pixels and from independent ones with the
# data's means. Few temperatures give *too small* a log Z, hence too good a likelihood ($\mathbb E \log \hat Z \le \log
# \mathbb E \hat Z = \log Z$), and error bars that do not know what was never seen. Prediction: from uniform pixels with
# 10 temperatures the estimate is too small by many of its own standard errors; from independent pixels with 300 it is
# right.

# %%
log_z, temperatures = machine.log_partition(), (3, 10, 30, 100, 300)
found = {
    (name, M): rbm.draw_ais(*machine.parameters, base=base, betas=M, runs=100, rng=rng, progress=f"{name}, M={M}")
    for name, base in (("uniform", np.zeros(784)), ("independent", alone))
    for M in temperatures
}
for (name, M), estimate in found.items():
    print(
        f"{name:11s} M = {M:3d}: log Z estimated - exact = {estimate.log_z - log_z:+8.3f} +- {estimate.std_error:.3f}"
    )
poor, good = found["uniform", 10], found["independent", 300]
lesson.claim(
    "from uniform pixels, M=10: log Z estimated - log Z, in standard errors",
    predicted=-6,
    measured=(poor.log_z - log_z) / poor.std_error,
    relation="<",
)
lesson.claim(
    "from independent pixels, M=300: log Z",
    predicted=log_z,
    measured=good.log_z,
    tolerance=6 * good.std_error,
    because="6 standard errors of the mean of 100 weights",
)

figure, axes = plt.subplots(1, 3, figsize=(14, 4))
epochs = np.arange(1, p.epochs + 1)
for name, colour in (("log_likelihood", BLUE), ("test_log_likelihood", LIGHT), ("pseudo_likelihood", GREY)):
    axes[0].plot(epochs, history.column(name), color=colour, label=name.replace("_", " "))
axes[0].axhline(independent, color=RED, ls=":", label="independent pixels (test)")
axes[0].set(xlabel="epoch", title="Nats per image")
axes[0].legend(frameon=False)
axes[1].plot(epochs, history.column("reconstruction"), color=GREY)
axes[1].set(xlabel="epoch", title="Reconstruction error")
for name, colour in (("uniform", RED), ("independent", BLUE)):
    points = [found[name, M] for M in temperatures]
    bars = [6 * point.std_error for point in points]
    axes[2].errorbar(temperatures, [point.log_z - log_z for point in points], bars, fmt="o-", color=colour, label=name)
axes[2].axhline(0, color=GREY, ls=":")
axes[2].set(xscale="log", yscale="symlog", xlabel="temperatures", title="log Z annealed - exact, 6 standard errors")
axes[2].legend(frameon=False, title="from pixels")
lesson.figure(figure, "images")

# %% [markdown]
# The player shows the filters (the columns of W, red against blue) and twelve chains that wander on while the machine
# learns, after every epoch.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")


def tiles(pictures):
    """12 pictures (12, 784) as one of 3 x 4 tiles, (84, 112)."""
    return pictures.reshape(3, 4, 28, 28).swapaxes(1, 2).reshape(84, 112)


filters = left.imshow(np.zeros((84, 112)), cmap="RdBu_r", vmin=-1.5, vmax=1.5)
fantasy = right.imshow(np.zeros((84, 112)), cmap="gray_r", vmin=0, vmax=1)
right.set_title("twelve chains: p(v = 1 | h)")
for axis in (left, right):
    axis.set_axis_off()


def frame(i):
    weights, pictures, record = frames[i]
    filters.set_data(tiles(np.pad(weights, ((0, 0), (0, max(0, 12 - weights.shape[1]))))[:, :12].T))
    fantasy.set_data(tiles(pictures))
    left.set_title(f"filters after epoch {i + 1}: {record.log_likelihood:.1f} nats")


lesson.player(FuncAnimation(figure, frame, frames=len(frames)), "learning", fps=3)

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 04_rbm FILE`.


# %%
def exercise_1(v, W, b, a):
    """The free energies F of the rows of v (N, n_V), (N,), for weights of any size."""
    raise NotImplementedError


def exercise_2(x, v, W, a):
    """CD's direction for W, (n_V, n_H): x (N, n_V) the data, v (N, n_V) where the chains' visible units ended."""
    raise NotImplementedError


def exercise_3(T, factor):
    """The fewest Gibbs steps after which the slowest observable has shrunk by this factor < 1. T: (n, n) the kernel."""
    raise NotImplementedError


def exercise_4(log_weights):
    """The log of the mean of weights given by their logs (R,), which may be far from 0."""
    raise NotImplementedError


# %% [markdown]
# ## The end: what was shown, and what was not
#
# **Shown.** CD's expected direction has a bias that falls with k, at the rates of the chain's eigenvalues; where the
# weights are large those are so near 1 that no practical k helps; a chain that starts at the data cannot know how the
# model shares its probability among them; and the reconstruction error sees none of this.
#
# **Deviations from the papers.** (1) The ascent on bars and stripes follows expectations; Fischer and Igel train with
# sampled chains, and find that the likelihood can diverge. Here it stalls, or falls a little from its best. (2) All
# chains sample both layers; some programs pass the visible *probabilities* on, which is another chain with another
# stationary law. (3) Initial weights are uniform within 1/4 on bars and stripes.
#
# **Not shown.** (1) Persistent chains (`train(..., method="pcd")`): they do not restart at the data, and follow the
# model as long as it moves more slowly than they mix. (2) That CD-1 is bad on images: there it learns well, being
# nearly unbiased while the weights are small, and lesson 05 measures what it misses. (3) Intervals for annealing when
# weights are very unequal: they are then too narrow, as with few temperatures above.
#
# **A limit of the exact numbers.** They sum over 2^n states of the smaller layer: seconds for n = 20, minutes for 25.
#
# **Next.** `minidl/energy/divergence.py` and `minidl/energy/ais.py`. Then lesson 05: chains that know when to stop.

# %%
lesson.result("bars_and_stripes", {name: values[-1] for name, values in likelihood.items()})
lesson.result("second_eigenvalue", {name: spectra[name][0][1] for name in machines})
lesson.result(
    "bias", {name: dict(zip(map(str, ks), np.linalg.norm(biases[name], axis=1), strict=True)) for name in machines}
)
lesson.result(
    "images", {name: history.column(name) for name in ("log_likelihood", "test_log_likelihood", "pseudo_likelihood")}
)
plt.close("all")
lesson.finish()
