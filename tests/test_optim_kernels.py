"""impl="kernels": large tensors change in place and agree with the reference; nobody who looks at old values notices."""

import subprocess
import sys

import numpy as np
import pytest
from test_optim_states import BREAK, CASES, SHAPES, STEPS, groups, train

from minidl.autograd import Tensor
from minidl.implementations import implementation
from minidl.laws.core import agree, identical
from minidl.optim import SGD, Adam, AvaGrad, RMSprop

cases = pytest.mark.parametrize(("make", "settings"), CASES.values(), ids=CASES)
SHAPE = (130, 130)  # above the size from which tensors go to a kernel


def trained(make, settings, dtype, impl, steps=range(STEPS)):
    rng = np.random.default_rng(2)
    params, tensors = groups([{k: rng.standard_normal(s) for k, s in group.items()} for group in SHAPES], dtype)
    optimizer = make(params, impl=impl, **settings)
    train(optimizer, tensors, steps, dtype)
    return optimizer, params, tensors


@cases
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels_agree_with_the_reference(make, settings, dtype):
    """Two groups, of which one has a large tensor; gradients come and go, lr changes between."""
    _, _, expected = trained(make, settings, dtype, "reference")
    _, _, got = trained(make, settings, dtype, "kernels")
    for p, q in zip(expected, got, strict=True):
        assert q.dtype == dtype
        # either side rounds about ten times a step, each time eps / 2 of a parameter or of its move
        scale = max(np.abs(p.data).max(initial=0), 1)
        agree(q.data, p.data, ulps=10 * STEPS, scale=scale, why=f"shape {p.shape}")


@cases
@pytest.mark.parametrize("then", ["kernels", "reference"])
def test_resuming_in_either_implementation(make, settings, then, tmp_path):
    """In the same one bit by bit; a state from kernels is a state for the reference too."""
    whole, params, tensors = trained(make, settings, np.float64, "kernels", range(BREAK))
    values = [{k: p.numpy() for k, p in group["params"].items()} for group in params]
    again, fresh = groups(values, np.float64)
    resumed = make(again, impl=then, **settings)
    resumed.load(whole.save(tmp_path / "state.npz"))
    for optimizer, members in ((whole, tensors), (resumed, fresh)):
        train(optimizer, members, range(BREAK, STEPS), np.float64)
    for p, q in zip(tensors, fresh, strict=True):
        if then == "kernels":
            identical(q.data, p.data, why=f"shape {p.shape}")
        else:
            agree(q.data, p.data, ulps=10 * STEPS, scale=max(np.abs(p.data).max(initial=0), 1), why=f"shape {p.shape}")


def parameter(seed=0, order="C"):
    rng = np.random.default_rng(seed)
    p = Tensor(np.array(rng.standard_normal(SHAPE), order=order), requires_grad=True)
    p.grad = Tensor(rng.standard_normal(SHAPE))
    return p


@cases
def test_large_tensors_change_in_place(make, settings):
    p = parameter()
    optimizer = make([p], impl="kernels", **settings)
    before = id(p._value)
    for _ in range(3):
        optimizer.step()
    assert id(p._value) == before or make.__name__ == "Nadam"  # which has no kernel
    with pytest.raises(ValueError, match="read-only"):
        p.data[0] = 1.0


@pytest.mark.parametrize("hold", [lambda p: p.data, lambda p: p.detach(), lambda p: p.data.T, lambda p: (p * p).sum()])
@pytest.mark.parametrize("make", [Adam, AvaGrad, lambda p, impl: SGD(p, momentum=0.9, impl=impl)])
def test_whoever_holds_the_old_values_keeps_them(make, hold):
    p = parameter()
    held, start, gradient = hold(p), p.numpy(), p.grad.numpy()
    optimizer = make([p], impl="kernels")
    for _ in range(3):
        optimizer.step()
    assert not np.array_equal(p.data, start)
    identical(p.grad.data, gradient, why="gradients are never written into")
    if isinstance(held, Tensor) and held.requires_grad:
        p.grad = None
        held.backward()
        identical(p.grad.data, 2 * start, why="the tape keeps the values that it saw")
    else:
        values = held.data if isinstance(held, Tensor) else held
        identical(values, start if values.flags.c_contiguous else start.T, why="held")


def test_tensors_by_columns():
    p, q = parameter(order="F"), parameter(order="F")
    assert not p.data.flags.c_contiguous
    p.grad = q.grad = Tensor(np.asfortranarray(p.grad.data))
    one, other = Adam([p], impl="kernels"), Adam([q])
    for _ in range(3):
        one.step()
        other.step()
    agree(p.data, q.data, ulps=30, why="by columns")


def test_a_state_that_began_in_the_reference_goes_on_in_place():
    """With state arrays by columns, as the reference leaves them."""
    p = parameter(order="F")
    reference = Adam({"p": p})
    reference.step()
    q = Tensor(p.data, requires_grad=True)
    q.grad = p.grad
    kernels = Adam({"p": q}, impl="kernels")
    kernels.load_state_dict(reference.state_dict())
    for _ in range(3):
        reference.step()
        kernels.step()
    agree(q.data, p.data, ulps=30, why="by columns")


@pytest.mark.parametrize("variant", ["paper", "synced", "released"])
def test_the_sum_of_squared_rates_is_made_anew_when_the_rates_change(variant):
    """A kernel sums what the next step needs; changing eps or a beta in between must not leave the old sum."""
    p, q = parameter(), parameter()
    one, other = (AvaGrad([x], variant=variant, impl=impl) for x, impl in ((p, "kernels"), (q, "reference")))
    for change in ({}, {}, dict(eps=1e-3), {}, dict(beta2=0.5), dict(lr=1.0), {}):
        for optimizer in (one, other):
            optimizer.set_hyper(**change)
            optimizer.step()
        agree(p.data, q.data, ulps=100, scale=np.abs(q.data).max(), why=f"after {change}")  # seven steps, as above


def test_a_state_is_a_copy_where_steps_are_in_place():
    p, q = parameter(), parameter()
    one, other = Adam([p], impl="kernels"), Adam([q], impl="kernels")
    one.step()
    state = one.state_dict()
    m = state["groups"][0]["tensors"]["0"]["state"]["m"]
    before = m.copy()
    other.load_state_dict(state)
    one.step()
    identical(m, before, why="taken out")
    other.step()
    identical(m, before, why="put back")


def test_a_state_whose_eps_has_been_edited():
    p, q = parameter(), parameter()
    one, other = AvaGrad([p], impl="kernels"), AvaGrad([q])
    for optimizer in (one, other):
        optimizer.step()
        optimizer.step()
        state = optimizer.state_dict()
        state["groups"][0]["hyper"]["eps"] = 1e-4
        optimizer.load_state_dict(state)
        optimizer.step()
    agree(p.data, q.data, ulps=30, scale=np.abs(q.data).max(), why="the sum is made anew")  # three steps


def test_eps_of_zero_is_found_before_anything_is_written():
    p = parameter()
    p.grad = Tensor(np.zeros(SHAPE))
    start = p.numpy()
    for make in (Adam, RMSprop):
        optimizer = make([p], eps=0.0, impl="kernels")
        with pytest.raises(ValueError, match="has a second moment of 0"):
            optimizer.step()
        identical(p.data, start, why="refused")


# --- where it is resolved --------------------------------------------------------------------------------------------------
def test_implementations_by_name():
    functions = object()
    assert implementation("reference", reference=functions, kernels="nowhere") is functions
    import minidl_kernels.optim

    assert implementation("kernels", reference=None, kernels="minidl_kernels.optim") is minidl_kernels.optim
    for impl in ("numba", "", None, "Kernels"):
        with pytest.raises(ValueError, match="impl must be one of 'reference', 'kernels', got"):
            implementation(impl, reference=None, kernels="minidl_kernels.optim")
    with pytest.raises(ValueError, match="impl must be one of"):
        Adam([parameter()], impl="fast")
    with pytest.raises(ImportError, match=r'impl="kernels" needs minidl_kernels\.nothing .*or use impl="reference"'):
        implementation("kernels", reference=None, kernels="minidl_kernels.nothing")


def test_numba_loads_for_kernels_alone():
    code = (
        "import sys, minidl.optim as o, minidl.optim.trajectories; from minidl.autograd import Tensor; "
        "o.AvaGrad([Tensor([1.0], requires_grad=True)]); assert 'numba' not in sys.modules; "
        "o.Adam([Tensor([1.0], requires_grad=True)], impl='kernels'); assert 'numba' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
