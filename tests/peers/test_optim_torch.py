"""The optimizers beside torch.optim, 200 steps on the same gradients."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from minidl.autograd import Tensor  # noqa: E402
from minidl.optim import SGD, Adagrad, Adam, AdamW, AMSGrad, Nadam, RMSprop  # noqa: E402
from minidl.optim.nadam import NadamHyper, momentum, step  # noqa: E402

torch.set_num_threads(1)  # at these sizes threads only wait for each other
STEPS = 200
SHAPES = [(), (1,), (3,), (4, 5), (130, 127)]  # the last one is too large to be packed with the others
AMSGRAD = functools.partial(torch.optim.Adam, amsgrad=True)
THEIRS = {"initial_accumulator": "initial_accumulator_value"}
CASES = [
    (SGD, torch.optim.SGD, dict(lr=0.05)),
    (SGD, torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    (SGD, torch.optim.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.02)),
    (SGD, torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.02)),
    (SGD, torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True, maximize=True)),
    (RMSprop, torch.optim.RMSprop, dict(lr=0.05)),
    (RMSprop, torch.optim.RMSprop, dict(lr=0.05, alpha=0.9, eps=1e-3, weight_decay=0.02, maximize=True)),
    (RMSprop, torch.optim.RMSprop, dict(lr=0.05, momentum=0.9)),
    (RMSprop, torch.optim.RMSprop, dict(lr=0.05, centered=True)),
    (RMSprop, torch.optim.RMSprop, dict(lr=0.05, alpha=0.9, momentum=0.9, centered=True, weight_decay=0.02)),
    (Adagrad, torch.optim.Adagrad, dict(lr=0.5)),
    (Adagrad, torch.optim.Adagrad, dict(lr=0.5, lr_decay=0.1, eps=1e-3, weight_decay=0.02)),
    (Adagrad, torch.optim.Adagrad, dict(lr=0.5, initial_accumulator=0.1, maximize=True)),
    (Adam, torch.optim.Adam, dict(lr=0.05)),
    (Adam, torch.optim.Adam, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3)),
    (Adam, torch.optim.Adam, dict(lr=0.05, weight_decay=0.02, maximize=True)),
    (Adam, torch.optim.Adam, dict(lr=0.05, amsgrad=True)),
    (AMSGrad, AMSGRAD, dict(lr=0.05)),
    (AMSGrad, AMSGRAD, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.02, maximize=True)),
    (AdamW, torch.optim.AdamW, dict(lr=0.05)),
    (AdamW, torch.optim.AdamW, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1, maximize=True)),
    (Nadam, torch.optim.NAdam, dict(lr=0.05)),
    (Nadam, torch.optim.NAdam, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3, momentum_decay=0.1)),
    (Nadam, torch.optim.NAdam, dict(lr=0.05, weight_decay=0.02, maximize=True)),
]


@pytest.fixture
def double():
    """torch keeps NAdam's product of momenta in its default dtype, whatever the parameters are."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def gradients(rng, shapes):
    """Noise around a drift, of sizes that differ from entry to entry by powers of ten; about one in five is missing."""
    sizes = [10.0 ** rng.uniform(-3, 2, s) for s in shapes]
    for t in range(STEPS):
        yield [
            None if t % 7 and rng.random() < 0.2 else size * (rng.standard_normal(size.shape) + 0.3) for size in sizes
        ]


def compare(make, peer, settings, tolerance, dtype=np.float64):
    """Both on the same gradients, some of which are missing; after every step the parameters must agree.

    The tolerance is relative to the largest that a tensor has been: what was rounded then stays when it comes near 0.
    """
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(s).astype(dtype) for s in SHAPES]
    ours = [Tensor(w, requires_grad=True) for w in start]
    theirs = [torch.tensor(w, requires_grad=True) for w in start]
    one, other = (
        make(ours, **settings),
        peer(theirs, foreach=False, **{THEIRS.get(k, k): v for k, v in settings.items()}),
    )
    moved, largest = 0.0, [np.abs(w).max() for w in start]
    for present in gradients(rng, SHAPES):
        for p, q, g in zip(ours, theirs, present, strict=True):
            p.grad = None if g is None else Tensor(np.asarray(g, dtype))
            q.grad = None if g is None else torch.tensor(np.asarray(g, dtype))
        one.step()
        other.step()
        for i, (p, q, w) in enumerate(zip(ours, theirs, start, strict=True)):
            got, expected = p.data, q.detach().numpy()
            assert got.dtype == expected.dtype == dtype
            moved, largest[i] = max(moved, np.abs(expected - w).max()), max(largest[i], np.abs(expected).max())
            assert np.abs(got - expected).max() <= tolerance * largest[i]
    assert moved > 1


@pytest.mark.parametrize(("make", "peer", "settings"), CASES)
def test_two_hundred_steps(make, peer, settings, double):
    """To 1e-12: a step rounds about ten times, each by eps / 2 of a parameter or of its move; 200 x 10 x 1.1e-16 = 2e-13."""
    compare(make, peer, settings, 1e-12)


@pytest.mark.parametrize(("make", "peer", "settings"), CASES)
def test_float32(make, peer, settings, double):
    """The same count in float32: 200 x 10 x 6e-8."""
    compare(make, peer, settings, 1.2e-4, np.float32)


def test_nadam_beside_torch_with_its_default_dtype():
    r"""torch keeps $P_t = \prod_{i \le t} \mu_i$ in float32 by default, hence with a relative error of 2 t u, u = 2^-24
    (\mu_t and the product round once each per step).

    P enters as 1 / (1 - P), whose relative error is P / (1 - P) times that, so step t may be off by
    2 t u P_t / (1 - P_t) times the sum of its two terms. The product falls like 2^-t, so only the first steps contribute.
    What else differs is in the 1e-12 of the test above.
    """
    rng = np.random.default_rng(1)
    grads = rng.standard_normal((STEPS, 5))
    hyper = NadamHyper(lr=0.05)
    w, state, bound = np.ones(5), {}, np.zeros(5)
    theirs = torch.ones(5, dtype=torch.float64, requires_grad=True)
    peer = torch.optim.NAdam([theirs], lr=0.05)
    assert torch.get_default_dtype() == torch.float32
    worst = 0.0
    for t, g in enumerate(grads, 1):
        w, state = step(w, g, state, hyper)
        theirs.grad = torch.tensor(g)
        peer.step()
        mu, mu_next, product = momentum(t, hyper), momentum(t + 1, hyper), state["product"]
        root = np.sqrt(state["v"] / (1 - hyper.beta2**t)) + hyper.eps
        terms = np.abs(mu_next * state["m"]) / (1 - product * mu_next) + np.abs((1 - mu) * g) / (1 - product)
        bound += hyper.lr * terms / root * 2 * t * 2.0**-24 * product / (1 - product)
        error = np.abs(w - theirs.detach().numpy())
        assert (error <= bound + 1e-12).all()
        worst = max(worst, error.max())
    assert worst > 1e-10  # the cause is real: with a float64 product the difference is below 1e-12
    assert bound.max() < 1e-7
