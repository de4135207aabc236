"""The optimizers of other libraries against the laws: what docs/conformance/optimizers.md says of each is so."""

import numpy as np
import pytest
from conformance_pages import Page

from minidl.optim.trajectories import rmsprop

PAGE = Page("optimizers")
SUBJECTS = [pytest.param(subject, id=subject.title) for subject in PAGE.module.SUBJECTS]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_breaks_is_what_the_page_says_and_why(subject):
    pytest.importorskip(subject.package)
    PAGE.breaks_what_it_says(subject)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_page_tells_reasons_cases_and_conclusions(subject):
    PAGE.tells_reasons_cases_and_conclusions(subject)


def test_the_page_was_made_with_what_is_installed():
    for subject in PAGE.module.SUBJECTS:
        pytest.importorskip(subject.package)
    PAGE.names_what_was_installed()


def test_torch_overwrites_the_gradient_of_nesterov_under_foreach():
    """The finding without any of our code."""
    torch = pytest.importorskip("torch")
    seen = []
    for foreach in (False, True):
        p = torch.zeros(2, requires_grad=True)
        p.grad = torch.ones(2)
        torch.optim.SGD([p], lr=1.0, momentum=0.9, nesterov=True, foreach=foreach).step()
        seen.append(p.grad.tolist())
    assert seen[0] == [1.0, 1.0]
    assert seen[1] == pytest.approx([1.9, 1.9])


def test_torch_reads_strided_gradients_wrongly_when_fused():
    """The finding without any of our code: the parameters after one step of size 1 from 0 are minus the gradient."""
    torch = pytest.importorskip("torch")
    seen = []
    for fused in (False, True):
        p = torch.zeros(3, requires_grad=True)
        p.grad = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])[:, 0]
        torch.optim.SGD([p], lr=1.0, fused=fused).step()
        seen.append(p.tolist())
    assert seen == [[-1.0, -2.0, -3.0], [-1.0, -10.0, -2.0]]


def test_a_drop_of_the_rate_waits_in_the_buffer_of_optax():
    """The finding without any of our code: after the learning rate drops to 0, RMSprop with momentum still moves."""
    optax, jnp = pytest.importorskip("optax"), pytest.importorskip("jax.numpy")
    torch = pytest.importorskip("torch")
    transform = optax.rmsprop(lambda count: [0.1, 0.0][int(count)], decay=0.99, eps_in_sqrt=False, momentum=0.9)
    w = jnp.zeros(1)
    p = torch.zeros(1, requires_grad=True)
    peer = torch.optim.RMSprop([p], lr=0.1, momentum=0.9)
    state, moves = transform.init(w), []
    for lr in (0.1, 0.0):
        updates, state = transform.update(jnp.ones(1), state, w)
        p.grad, peer.param_groups[0]["lr"], before = torch.ones(1), lr, p.item()
        peer.step()
        moves.append((float(updates[0]), p.item() - before))
    assert moves[0][0] == pytest.approx(moves[0][1], rel=1e-6)
    assert moves[1][0] == pytest.approx(0.9 * moves[0][0], rel=1e-6)
    assert moves[1][1] == 0.0


def test_torch_centred_rmsprop_becomes_nan_along_a_constant_gradient():
    """The finding without the laws; the reference computes the same variance without cancellation."""
    torch = pytest.importorskip("torch")
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    peer = torch.optim.RMSprop([p], lr=0.01, alpha=0.9, centered=True)
    steps = 0
    while not p.isnan() and steps < 1000:
        p.grad = torch.full((1,), 0.1, dtype=torch.float64)
        peer.step()
        steps += 1
    assert steps == 331
    ours = rmsprop(np.zeros(1), np.full((1000, 1), 0.1), np.full(1000, 0.01), 0.9, 1e-8, 0.0, True, 0.0)
    assert np.isfinite(ours).all()
