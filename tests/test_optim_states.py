"""Saving and loading optimizers: resuming is bit by bit, what does not fit is refused, files are whole or absent."""

import math
import re

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.laws.core import identical
from minidl.optim import (
    SGD,
    AdaBound,
    AdaBoundW,
    Adagrad,
    Adam,
    AdamW,
    AMSBound,
    AMSGrad,
    AvaGrad,
    AvaGradW,
    DelayedAdam,
    MomentumSGD,
    Nadam,
    RMSprop,
)

CASES = {
    "sgd": (SGD, dict(lr=0.05)),
    "momentum": (SGD, dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "rmsprop": (RMSprop, dict(weight_decay=0.1)),
    "rmsprop_centred": (RMSprop, dict(centered=True, momentum=0.9)),
    "adagrad": (Adagrad, dict(lr_decay=0.1, initial_accumulator=0.5)),
    "adam": (Adam, dict(maximize=True)),
    "adam_amsgrad": (Adam, dict(amsgrad=True)),
    "amsgrad": (AMSGrad, dict(weight_decay=0.1)),
    "adamw": (AdamW, dict()),
    "nadam": (Nadam, dict(momentum_decay=0.1)),
    "delayed_adam": (DelayedAdam, dict(betas=(0.5, 0.9))),
    "avagrad_paper": (AvaGrad, dict(variant="paper")),
    "avagrad_released": (AvaGrad, dict(variant="released", weight_decay=0.1)),
    "avagrad_synced": (AvaGrad, dict()),
    "avagradw": (AvaGradW, dict(variant="released", weight_decay=0.1)),
    "adabound": (AdaBound, dict(gamma=0.1)),
    "amsbound": (AMSBound, dict(gamma=0.1)),
    "adaboundw": (AdaBoundW, dict(gamma=0.1, weight_decay=0.01)),
    "momentum_sgd": (MomentumSGD, dict(gamma=0.1, schedule="upper")),
}
SHAPES = [{"w": (2, 3), "b": (3,), "scale": (), "large": (130, 131)}, {"w": (4,), "empty": (0, 2), "s": ()}]
STEPS, BREAK = 14, 6
cases = pytest.mark.parametrize(("make", "settings"), CASES.values(), ids=CASES)


def groups(values, dtype):
    """Two groups of named tensors, the second with a rate of its own; one large tensor lies by columns."""
    tensors = [{k: Tensor(np.array(v, dtype), requires_grad=True) for k, v in group.items()} for group in values]
    return [{"params": tensors[0]}, {"params": tensors[1], "lr": 0.02}], [p for g in tensors for p in g.values()]


def gradients(dtype):
    """For every step, with tensors that join late, come and go, and a step without any."""
    rng = np.random.default_rng(5)
    flat = [s for group in SHAPES for s in group.values()]
    for t in range(STEPS):
        grads = [rng.standard_normal(s).astype(dtype) for s in flat]
        missing = [t == 9 or (t < 3 and i in (1, 2, 5)) or (t > 3 and rng.random() < 0.3) for i in range(len(flat))]
        yield [None if gone else g for gone, g in zip(missing, grads, strict=True)]


def train(optimizer, tensors, steps, dtype):
    for t, grads in enumerate(gradients(dtype)):
        if t not in steps:
            continue
        if t == BREAK - 1:
            optimizer.set_hyper(lr=0.01)
        for p, g in zip(tensors, grads, strict=True):
            p.grad = None if g is None else Tensor(g)
        optimizer.step(forget=t % 2 == 0)


@cases
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("through", ["dict", "file"])
def test_resuming_is_bit_by_bit(make, settings, dtype, through, tmp_path):
    rng = np.random.default_rng(2)
    start = [{k: np.array(rng.standard_normal(s), order="F") for k, s in group.items()} for group in SHAPES]
    params, tensors = groups(start, dtype)
    whole = make(params, **settings)
    train(whole, tensors, range(BREAK), dtype)

    values = [{k: p.numpy() for k, p in group["params"].items()} for group in params]
    again, fresh = groups(values, dtype)
    resumed = make(again, **settings)
    if through == "file":
        resumed.load(whole.save(tmp_path / "state.npz"))
    else:
        resumed.load_state_dict(whole.state_dict())
    assert resumed.groups[0][1].lr == 0.01  # the state brings the hyperparameters

    for optimizer, members in ((whole, tensors), (resumed, fresh)):
        train(optimizer, members, range(BREAK, STEPS), dtype)
    for p, q in zip(tensors, fresh, strict=True):
        assert q.dtype == dtype
        identical(q.data, p.data, why=f"shape {p.shape}")
    assert repr(whole.state_dict()) == repr(resumed.state_dict())


def adam(names=("w", "b"), shapes=((2,), (3,)), dtype=np.float64, **settings):
    params = {n: Tensor(np.ones(s, dtype), requires_grad=True) for n, s in zip(names, shapes, strict=True)}
    optimizer = Adam(params, **settings)
    for p in params.values():
        p.grad = Tensor(np.full(p.shape, 0.5, dtype))
    optimizer.step()
    return optimizer


def test_what_a_state_holds():
    optimizer = adam(lr=0.3)
    state = optimizer.state_dict()
    assert state["optimizer"] == "Adam"
    (group,) = state["groups"]
    assert group["hyper"]["lr"] == 0.3
    assert group["shared"] == {}
    entry = group["tensors"]["b"]
    assert (entry["shape"], entry["dtype"], entry["state"]["t"]) == ((3,), "float64", 1)
    identical(entry["state"]["m"], np.full(3, 0.5 * (1 - 0.9)), why="m")
    assert AvaGrad([Tensor([1.0], requires_grad=True)]).state_dict()["groups"][0]["tensors"]["0"]["state"] == {}


def test_a_state_is_a_copy():
    optimizer = adam()
    state = optimizer.state_dict()
    before = repr(state)
    (tensors, _) = optimizer.groups[0]
    for _ in range(2):
        optimizer.step()
    assert repr(state) == before
    other = adam()
    other.load_state_dict(state)
    other.step()
    assert repr(state) == before
    state["groups"][0]["tensors"]["w"]["state"]["m"][:] = 7.0
    assert other.state_dict()["groups"][0]["tensors"]["w"]["state"]["m"][0] != 7.0
    assert len(tensors) == 2


def test_order_of_names_does_not_matter():
    one, other = adam(("w", "b"), ((2,), (3,))), adam(("b", "w"), ((3,), (2,)))
    one.step()
    other.load_state_dict(one.state_dict())
    assert other.state_dict()["groups"][0]["tensors"]["b"]["state"]["t"] == 2


REFUSED = {
    "class": (lambda s: s | {"optimizer": "Nadam"}, "the state belongs to Nadam, and this is Adam"),
    "groups": (lambda s: s | {"groups": s["groups"] * 2}, "the state has 2 groups of parameters, this optimizer 1"),
    "missing part": (lambda s: {"groups": s["groups"]}, "this is no state of an optimizer: it lacks 'optimizer'"),
    "no state": (lambda s: 3, "this is no state of an optimizer"),
    "no tensors": (lambda s: s | {"groups": [{"hyper": s["groups"][0]["hyper"]}]}, "it lacks 'tensors'"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_states_that_do_not_fit(change, message):
    optimizer = adam()
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(change(optimizer.state_dict()))
    assert repr(optimizer.state_dict()) == before


def test_tensors_that_do_not_fit():
    for other, message in (
        (
            adam(("w", "c")),
            r"group 0 holds other tensors than the state: not in the state \['b'\], only in the state \['c'\]",
        ),
        (adam(("w",), ((2,),)), r"not in the state \['b'\], only in the state \[\]"),
        (adam(shapes=((2,), (4,))), r"'b' in group 0 is of a float64\(4,\) tensor, and this one is float64\(3,\)"),
        (adam(dtype=np.float32), r"'w' in group 0 is of a float32\(2,\) tensor, and this one is float64\(2,\)"),
    ):
        optimizer = adam()
        before = repr(optimizer.state_dict())
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(other.state_dict())
        assert repr(optimizer.state_dict()) == before


def test_contents_that_have_been_changed():
    def edited(where, **changes):
        state = adam().state_dict()
        group = state["groups"][0]
        {"hyper": group["hyper"], "state": group["tensors"]["b"]["state"]}[where].update(changes)
        return state

    for state, message in (
        (edited("hyper", lr=-1.0), "lr must be a finite number"),
        (edited("hyper", rate=1.0), "the state's hyperparameters of group 0 are"),
        (edited("state", m=np.zeros(4)), r"m of 'b' in group 0 must be a float64\(3,\) array, got float64\(4,\)"),
        (edited("state", v=np.zeros(3, np.float32)), r"v of 'b' in group 0 must be a float64\(3,\) array, got float32"),
        (edited("state", v=[0.0, 0.0, 0.0]), "v of 'b' in group 0 must be an array or a number, got list"),
    ):
        with pytest.raises(ValueError, match=message):
            adam().load_state_dict(state)


def test_files_hold_named_arrays_and_exact_numbers(tmp_path):
    optimizer = adam(lr=math.pi / 10)
    path = optimizer.save(tmp_path / "new folder" / "state.of.adam")  # any suffix, folders are made
    assert [f.name for f in path.parent.iterdir()] == ["state.of.adam"]
    with np.load(path, allow_pickle=False) as file:
        assert {"format", "optimizer", "0/names", "0/hyper/lr", "0/0/array/m", "0/1/number/t"} <= set(file.files)
        assert file["0/hyper/lr"] == math.pi / 10
        assert file["0/names"].tolist() == ["w", "b"]
        assert str(file["optimizer"]) == "Adam"


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    optimizer, path = adam(), tmp_path / "state.npz"
    optimizer.save(path)
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="no space"):
        optimizer.save(path)
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["state.npz"]


def test_files_that_are_no_state(tmp_path):
    optimizer = adam()
    text, array, other, cut = (tmp_path / name for name in ("a.npz", "b.npy", "c.npz", "d.npz"))
    text.write_text("hello")
    np.save(array, np.ones(3))
    np.savez(other, w=np.ones(3))
    cut.write_bytes(optimizer.save(tmp_path / "whole.npz").read_bytes()[:-100])
    (tmp_path / "empty.npz").write_bytes(b"")
    for path in (text, array, other, cut, tmp_path / "empty.npz"):
        with pytest.raises(ValueError, match=re.escape(f"{path} is no state of an optimizer: give a file that save")):
            optimizer.load(path)
    pickled = tmp_path / "e.npz"
    np.savez(pickled, optimizer=np.array({"a": 1}, dtype=object))
    with pytest.raises(ValueError, match="is no state of an optimizer"):
        optimizer.load(pickled)
    with pytest.raises(FileNotFoundError):
        optimizer.load(tmp_path / "nowhere.npz")
    with np.load(tmp_path / "whole.npz") as file:
        np.savez(tmp_path / "later.npz", **{key: file[key] for key in file.files} | {"format": 2})
    with pytest.raises(ValueError, match="has format 2, and this version of minidl reads 1"):
        optimizer.load(tmp_path / "later.npz")


def test_an_error_in_a_step_keeps_the_state():
    """eps = 0 and an entry without any gradient: the step is refused, and the next one goes on from where it was."""
    p, q = Tensor([1.0, 1.0], requires_grad=True), Tensor([1.0, 1.0], requires_grad=True)
    optimizers = [Adam([x], eps=0.0, lr=0.1) for x in (p, q)]
    for x, optimizer in zip((p, q), optimizers, strict=True):
        x.grad = Tensor([1.0, -2.0])
        optimizer.step()
    optimizers[0].set_hyper(beta2=0.0)
    p.grad = Tensor([0.0, 1.0])
    before = p.numpy()
    with pytest.raises(ValueError, match="entry 0 has a second moment of 0"):
        optimizers[0].step()
    identical(p.data, before, why="refused")
    optimizers[0].set_hyper(beta2=0.999)
    for x, optimizer in zip((p, q), optimizers, strict=True):
        x.grad = Tensor([0.5, 0.5])
        optimizer.step()
    identical(p.data, q.data, why="as if nothing had been tried")
