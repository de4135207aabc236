"""Modules: names of parameters and state in nested containers, sharing, save and load, damaged files, sequences."""

import copy
import io
import pickle
import zipfile

import numpy as np
import pytest

import minidl.nn.module as module_file
from minidl.autograd import Tensor, relu
from minidl.laws.core import identical
from minidl.nn import BatchNorm, Dropout, Embedding, Linear, Module, Sequential


def rng(seed=0):
    return np.random.default_rng(seed)


def leaf(*values):
    return Tensor(np.array(values, float), requires_grad=True)


class Holder(Module):
    """A module that holds what it is given."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


def net(dtype=np.float64, seed=0):
    return Sequential(
        Linear(4, 3, rng=rng(seed), dtype=dtype),
        BatchNorm(3, dtype=dtype),
        relu,
        Linear(3, 2, rng=rng(seed + 1), dtype=dtype),
    )


def same_state(one, other):
    one, other = one.state(), other.state()
    assert list(one) == list(other)
    for name in one:
        identical(one[name], other[name], why=name, signed_zero=True)


# --- the tree ------------------------------------------------------------------------------------------------------------
def test_names_follow_attributes_and_positions():
    model = Holder(body=net(), scale=leaf(1.0))
    assert list(model.parameters()) == [
        "body.layers.0.weight",
        "body.layers.0.bias",
        "body.layers.1.gamma",
        "body.layers.1.beta",
        "body.layers.3.weight",
        "body.layers.3.bias",
        "scale",
    ]
    running = {"body.layers.1.running_mean", "body.layers.1.running_variance"}
    assert set(model.state()) == set(model.parameters()) | running
    assert model.parameter_count() == 12 + 3 + 3 + 3 + 6 + 2 + 1


def test_lists_tuples_and_dicts_nest():
    model = Holder(
        towers=[(Linear(2, 1, rng=rng()), None), [Linear(3, 1, rng=rng(), bias=False)]],
        heads={"left": Linear(4, 1, rng=rng()), "right": {"deep": (leaf(1.0), [leaf(2.0, 3.0)])}},
        tables=[np.zeros(2), [np.ones(3)]],
        other=["text", 3, relu, {"n": 1}, {1, 2}],
    )
    assert list(model.parameters()) == [
        "towers.0.0.weight",
        "towers.0.0.bias",
        "towers.1.0.weight",
        "heads.left.weight",
        "heads.left.bias",
        "heads.right.deep.0",
        "heads.right.deep.1.0",
    ]
    assert set(model.state()) - set(model.parameters()) == {"tables.0", "tables.1.0"}
    assert model.parameter_count() == 3 + 3 + 5 + 3
    state = {name: a + 1 for name, a in model.state().items()}
    model.load_state(state)
    for name, value in model.state().items():
        identical(value, state[name], why=name)


def test_what_is_shared_counts_once():
    table = Embedding(5, 3, rng=rng())
    tied = Holder(one=table, again=[table], out=Holder(weight=table.weight))
    assert list(tied.parameters()) == ["one.weight"]
    assert tied.parameter_count() == 15
    assert list(tied.state()) == ["one.weight", "out.weight"]  # a module once, a tensor under every module that has it
    other = Embedding(5, 3, rng=rng(1))
    tied.load_state({"one.weight": other.weight.data, "out.weight": other.weight.data})
    identical(tied.out.weight.data, other.weight.data, why="still tied")
    assert tied.out.weight is table.weight


def test_a_way_back_up_is_not_followed():
    child = Holder(weight=leaf(1.0))
    parent = Holder(child=child)
    child.parent = parent
    assert list(parent.parameters()) == ["child.weight"]
    assert list(child.parameters()) == ["weight"]


def test_constants_and_computed_tensors():
    """A constant is state, not a parameter; a kept activation is neither, or every call would change what the module is."""
    model = Holder(w=leaf(2.0), frozen=Tensor([1.0]), last=None)
    model.last = model.w * 3
    assert list(model.parameters()) == ["w"]
    assert list(model.state()) == ["w", "frozen"]
    model.w.requires_grad = False
    assert model.parameters() == {}
    assert model.parameter_count() == 0


def test_what_cannot_be_named_or_replaced_is_an_error():
    with pytest.raises(TypeError, match=r"layers is a set.*list or a dict"):
        Holder(layers={Linear(2, 1, rng=rng())}).parameters()
    with pytest.raises(TypeError, match=r"array moments\.0 stands in a tuple.*use a list"):
        Holder(moments=(np.zeros(2), np.ones(2))).state()
    with pytest.raises(ValueError, match=r"two values of this Holder are called 'a\.b'.*rename"):
        Holder(a={"b": leaf(1.0)}, **{"a.b": leaf(2.0)}).parameters()


def test_zero_grad():
    model = net()
    model(np.ones((3, 4)), training=True).sum().backward()
    assert all(p.grad is not None for p in model.parameters().values())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters().values())


def test_a_module_without_a_call_says_so():
    with pytest.raises(TypeError, match="Holder does not say how to compute: define __call__"):
        Holder()(np.ones(3))


# --- state ---------------------------------------------------------------------------------------------------------------
def test_state_is_a_copy():
    model = net()
    before = model.state()
    for value in model.state().values():
        value += 1
    for name, value in model.state().items():
        identical(value, before[name], why=name)


def test_load_state_takes_over_everything_and_shares_nothing():
    one, other = net(seed=0), net(seed=5)
    one(rng(1).standard_normal((6, 4)), training=True)
    state = one.state()
    other.load_state(state)
    same_state(one, other)
    x = rng(2).standard_normal((3, 4))
    identical(one(x).data, other(x).data, why="outputs")
    for value in state.values():
        value += 1
    same_state(one, other)
    other.load_state(one.parameters() | {k: v for k, v in one.state().items() if "running" in k})  # tensors will do
    same_state(one, other)


def test_load_state_keeps_dtypes_and_the_tensors_themselves():
    small, large = net(np.float32), net(np.float64, seed=3)
    tensors = list(small.parameters().values())
    small.load_state(large.state())
    assert all(a is b for a, b in zip(tensors, small.parameters().values(), strict=True))
    for name, value in small.state().items():
        identical(value, large.state()[name].astype(np.float32), why=name)


def spoil(change):
    state = net().state()
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("layers.0.bias"), r"missing \['layers\.0\.bias'\], unknown nothing.*sizes it was saved with"),
        (lambda s: s.update(extra=np.ones(1)), r"missing nothing, unknown \['extra'\]"),
        (lambda s: s.update({"layers.3.bias": np.ones(3)}), r"layers\.3\.bias has shape \(3,\) .* and \(2,\)"),
        (lambda s: s.update({"layers.3.bias": np.ones((1, 2))}), r"layers\.3\.bias has shape \(1, 2\)"),
        (lambda s: s.update({"layers.3.bias": np.array(["a", "b"])}), r"layers\.3\.bias holds <U1 .* and float64"),
        (lambda s: s.update({"layers.3.bias": np.ones(2) * 1j}), r"layers\.3\.bias holds complex128"),
        (lambda s: s.update({"layers.3.bias": [None, None]}), r"layers\.3\.bias holds object"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    model = net(seed=5)
    before = model.state()
    with pytest.raises(ValueError, match=message):
        model.load_state(spoil(change))
    for name, value in model.state().items():
        identical(value, before[name], why=name)


def test_load_state_of_a_module():
    with pytest.raises(TypeError, match=r"got Sequential: pass module\.state\(\)"):
        net().load_state(net())


# --- files ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_save_and_load_give_every_bit_back(tmp_path, dtype):
    one, other = net(dtype), net(dtype, seed=5)
    one(rng(1).standard_normal((6, 4)).astype(dtype), training=True)
    one.parameters()["layers.3.bias"].assign(np.array([-0.0, np.nan], dtype))
    one.parameters()["layers.0.bias"].assign(np.array([np.inf, np.finfo(dtype).smallest_subnormal, 1 / 3], dtype))
    path = one.save(tmp_path / "net.npz")
    other.load(path)
    same_state(one, other)
    with np.load(path, allow_pickle=False) as archive:  # an ordinary .npz
        assert set(archive.files) == set(one.state())
        identical(archive["layers.0.weight"], one.layers[0].weight.data, why="read by NumPy")


@pytest.mark.parametrize("name", ["net", "net.npz", "net.v1", "deep/er/net", "net.v1.npz"])
def test_load_takes_the_path_that_save_took(tmp_path, name):
    one, other = net(), net(seed=5)
    written = one.save(str(tmp_path / name))
    assert written.suffix == ".npz"
    other.load(str(tmp_path / name))
    same_state(one, other)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == [written]


def test_any_attribute_name_can_be_saved(tmp_path):
    """np.savez has parameters of its own, such as `file`."""
    one, other = (Holder(file=leaf(v), allow_pickle=leaf(v + 1), fp=leaf(v + 2)) for v in (1.0, 5.0))
    other.load(one.save(tmp_path / "a"))
    same_state(one, other)


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    model = net()
    path = model.save(tmp_path / "net")
    before = path.read_bytes()
    model.layers[0].weight.assign(np.zeros((4, 3)))
    written, write = [], module_file.np.lib.format.write_array

    def full_disk(entry, value, **keywords):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(value)
        write(entry, value, **keywords)

    monkeypatch.setattr(module_file.np.lib.format, "write_array", full_disk)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_objects_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        Holder(names=np.array([{}], object)).save(tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*net\.npz: give the path that save\(\) returned"):
        net().load(tmp_path / "net")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(FileNotFoundError):
        net().load(tmp_path / "folder")


def test_foreign_files(tmp_path):
    path = tmp_path / "net.npz"
    contents = {
        "empty": b"",
        "text": b"layers.0.weight = 3\n",
        "pickle": pickle.dumps({"layers.0.weight": np.ones(3)}),
    }
    np.save(tmp_path / "array.npy", np.ones(3))
    contents["one array"] = (tmp_path / "array.npy").read_bytes()
    with open(tmp_path / "objects", "wb") as file:
        np.savez(file, **{"layers.0.weight": np.array([{}], object)})
    contents["pickled objects"] = (tmp_path / "objects").read_bytes()
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("layers.0.weight.npy", b"no array")
    contents["another archive"] = (tmp_path / "zip").read_bytes()
    for what, content in contents.items():
        path.write_bytes(content)
        model = net()
        with pytest.raises(ValueError, match=r"is not a \.npz file written by save|does not fit"):
            model.load(path)
        same_state(model, net()), what
    Linear(2, 2, rng=rng()).save(path)
    with pytest.raises(ValueError, match=r"does not fit this Sequential: missing \['layers.0.bias'"):
        net().load(path)


class Trap:
    """Unpickling it writes a file: what a pickle from a stranger could do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_loading_runs_no_code(tmp_path):
    path, sprung = tmp_path / "net.npz", tmp_path / "sprung"
    model = Holder(w=leaf(1.0))
    with open(path, "wb") as file:
        np.savez(file, w=np.array([Trap(sprung)], object))
    archive = path.read_bytes()
    for content in (archive, pickle.dumps(Trap(sprung)), pickle.dumps({"w": Trap(sprung)}, protocol=0)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a \.npz file written by save"):
            model.load(path)
        assert not sprung.exists()
    with np.load(io.BytesIO(archive), allow_pickle=True) as unsafe, unsafe["w"][0]:
        assert sprung.exists()  # the trap works


def test_damaged_files_raise_or_give_the_right_numbers(tmp_path):
    """Every byte flipped, and every length: damage is an error, unless it hit what holds no data (a date, a comment)."""
    model, path = Linear(3, 2, rng=rng()), tmp_path / "net.npz"
    content = model.save(path).read_bytes()
    damaged = [content[:n] for n in range(0, len(content), 3)]
    for i in range(len(content)):
        flipped = bytearray(content)
        flipped[i] ^= 0xFF
        damaged.append(bytes(flipped))
    errors = 0
    for content in damaged:
        path.write_bytes(content)
        other = Linear(3, 2, rng=rng(1))
        try:
            other.load(path)
        except ValueError:
            errors += 1
            same_state(other, Linear(3, 2, rng=rng(1)))
        else:
            same_state(other, model)
    assert errors > len(damaged) / 2


# --- Python's own copies -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies_are_independent(duplicate):
    model = Sequential(Linear(4, 3, rng=rng()), BatchNorm(3), Linear(3, 2, rng=rng(1)))
    twin = duplicate(model)
    same_state(model, twin)
    before = model.state()
    twin(rng(1).standard_normal((5, 4)), training=True).sum().backward()
    for p in twin.parameters().values():
        assert p.grad is not None
        p.assign(p.data + 1)
    for name, value in model.state().items():
        identical(value, before[name], why=name)
    assert all(p.grad is None for p in model.parameters().values())


# --- Sequential ----------------------------------------------------------------------------------------------------------
def test_sequential_applies_one_after_the_other():
    model = net()
    x = rng(1).standard_normal((5, 4))
    first, norm, _, last = model.layers
    identical(model(x).data, last(relu(norm(first(x)))).data, why="inference")
    identical(Sequential()(x), x, why="nothing to apply")


def test_sequential_hands_training_and_generator_on():
    model = Sequential(Sequential(Dropout(0.5)), BatchNorm(4))
    x = np.ones((8, 4))
    identical(model(x).data, BatchNorm(4)(x).data, why="inference drops nothing")
    dropped = Dropout(0.5)(x, training=True, rng=rng(3))
    identical(model(x, training=True, rng=rng(3)).data, BatchNorm(4)(dropped, training=True).data, why="training")
    assert model.layers[1].running_mean.any()
    with pytest.raises(ValueError, match="Dropout draws noise in training"):
        model(x, training=True)


@pytest.mark.parametrize("layer", ["relu", None, [relu, relu], Linear, 3])
def test_sequential_refuses_what_is_no_layer(layer):
    with pytest.raises(TypeError, match=r"modules and functions one by one, got .*Sequential\(\*layers\)"):
        Sequential(relu, layer)
