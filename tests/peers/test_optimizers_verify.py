"""The optimizers of other libraries against the laws: what docs/conformance/optimizers.md says of each is so."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from minidl.optim.trajectories import rmsprop
from minidl.verify.runner import Bench
from minidl.verify.targets import opened
from minidl.verify.tolerance import quiet

SCRIPT = Path(__file__).parents[2] / "docs" / "conformance" / "optimizers.py"
PAGE = SCRIPT.with_suffix(".md").read_text(encoding="utf-8")


def load():
    spec = importlib.util.spec_from_file_location("conformance_of_optimizers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


conformance = load()
SUBJECTS = [pytest.param(subject, id=subject.title) for subject in conformance.SUBJECTS]


def statuses(subject):
    """Every row of a subject with its status; the first case that breaks one is enough."""
    settings = {"functions": subject.functions, "examples": conformance.EXAMPLES, "seed": conformance.SEED}
    bench = Bench.of(subject.method, **settings)
    target = subject.target() if callable(subject.target) else subject.target
    with opened(target, bench.contracts, bench.reference) as implementation, quiet():
        rows = [bench.judge(item, implementation, shrink=False, timed=False) for item in bench.all_items()]
    return {row.item.id: row.status for row in rows}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_breaks_is_what_the_page_says_and_why(subject):
    pytest.importorskip(subject.package)
    found = statuses(subject)
    broken = {row for row, status in found.items() if status == "broken"}
    assert broken == set(subject.known)
    for function in subject.functions:
        count = Counter(status for row, status in found.items() if row.startswith(f"{function}/"))
        assert count["holds"] > 0
        line = f"| {subject.title} | `{function}` | {count.total()} | {count['holds']} | {count['broken'] or '-'} |"
        assert line in PAGE, f"{line} is not in the page: write it anew"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_page_tells_reasons_cases_and_conclusions(subject):
    (section,) = re.findall(rf"^## {re.escape(subject.title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert subject.conclusion in section
    assert section.count("The smallest case, of ") == len(subject.breaks)
    for reason, rows in subject.breaks.items():
        assert f"**Breaks: {reason}.**" in section
        for row in rows:
            assert row.partition("/")[2] in section


def test_the_page_was_made_with_what_is_installed():
    for package in dict.fromkeys(subject.package for subject in conformance.SUBJECTS):
        pytest.importorskip(package)
        assert f"{package} {conformance.version(package)}" in PAGE, f"{package} is another one now: write the page anew"


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
