"""Adapters: classes, factories of transformations and step functions as the trajectory functions that contracts judge."""

import functools
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import toy
import toy_optim
from foreign_optimizers import (
    Normed,
    PerTensor,
    PlainAdam,
    PlainSGD,
    Transform,
    stateless,
    transform,
    with_default,
    with_dict,
    with_none,
    with_record,
)
from toy_optim import CONTRACTS, REFERENCE

from minidl import optim
from minidl.laws.core import NotProvided
from minidl.verify import TargetError, adapt, reproduce, run
from minidl.verify.adapters.adapted import kind_of, label

SGD, ADAM, NORMED = CONTRACTS


def judge(target, contracts=CONTRACTS, **settings):
    return run(contracts, target, reference=REFERENCE, examples=15, planted=False, **settings)


def adapted(target, function, **settings):
    """The trajectory function that a target becomes."""
    return getattr(adapt(target, function=function, **settings).namespace(CONTRACTS), function)


def inputs(function, **changed):
    contract = next(contract for contract in CONTRACTS if contract.function == function)
    named = next(iter(contract.cases.named.values()))
    return [{**named, **changed}[name] for name in contract.inputs]


def statuses(report, function):
    return {row.status for row in report.rows if row.item.contract.function == function}


# --- what holds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("target", "function"),
    [
        (PlainSGD, "sgd"),
        (optim.SGD, "sgd"),
        (optim.Adam, "adam"),
        (PlainAdam, "adam"),
        (functools.partial(PlainAdam, debias=True), "adam"),
        (transform, "adam"),
        (with_dict, "sgd"),
        (with_none, "sgd"),
        (with_default, "sgd"),
        (with_record, "sgd"),
        (toy_optim.sgd, "sgd"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_right_optimizer_of_any_form_holds(target, function):
    report = judge(adapt(target, function=function))
    assert report.exit_code == 0
    assert statuses(report, function) == {"holds"}
    assert not any(row.declined for row in report.rows)
    assert statuses(report, "normed") == {"not provided"}


def test_float32_stays_float32():
    for target in (PlainSGD, with_none, optim.SGD):
        got = adapted(target, "sgd")(*inputs("sgd", **SGD.cases.named["float32"]))
        assert got.dtype == np.float32


def test_sizes_become_the_tensors_of_one_group():
    for target in (Normed, Transform):
        report = judge(adapt(target, function="normed", only={"variant": "group"}))
        assert statuses(report, "normed") == {"holds"}
        assert report.row("normed/agreement:trajectory").declined > 0
    report = judge(adapt(PerTensor, function="normed", only={"variant": "group"}))
    assert report.row("normed/agreement:trajectory").status == "broken"
    assert report.resemblances["normed"].bug == "per_tensor"


def test_a_run_without_steps_is_empty():
    for target, function in ((PlainSGD, "sgd"), (with_none, "sgd"), (transform, "adam")):
        case = inputs(function, gradients=np.zeros((0, 2)), lr=np.zeros(0))
        assert adapted(target, function)(*case).shape == (0, 2)


def test_names_say_which_contract_a_target_is_held_against():
    class Adam(PlainAdam):
        pass

    class AMS_Grad(PlainAdam):
        pass

    assert statuses(judge(Adam), "adam") == {"holds"}
    assert statuses(judge(Adam), "sgd") == {"not provided"}
    with pytest.raises(TargetError, match=r"AMS_Grad does not say .*--as FUNCTION.*sgd, adam, normed"):
        judge(AMS_Grad)


def test_a_module_is_taken_apart():
    class Sgd(PlainSGD):
        pass

    class Normed:  # of another kind: it takes more than the contract gives
        def __init__(self, params, lr, schedule):
            pass

        def step(self):
            pass

    module = SimpleNamespace(Sgd=Sgd, adam=toy_optim.adam, Normed=Normed, other=1)
    report = judge(module)
    assert statuses(report, "sgd") == statuses(report, "adam") == {"holds"}
    assert statuses(report, "normed") == {"not provided"}
    assert "Normed needs schedule" in report.row("normed/unit_step").reason
    assert report.wiring == {"sgd": "Sgd(params, lr, momentum, weight_decay)"}
    with pytest.raises(TargetError, match="Normed needs schedule"):
        judge(SimpleNamespace(Normed=Normed))


def test_a_switch_of_one_class_is_another_method(monkeypatch):
    monkeypatch.setitem(sys.modules["minidl.verify.adapters.adapted"]._SWITCHES, "normed", ("sgd", ("norm", "normed")))

    class SGD(PlainSGD):
        def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, normed=False):
            super().__init__(params, lr, momentum, weight_decay)
            self.normed = normed

        def step(self):
            if self.normed:
                for p in self.param_groups[0]["params"]:
                    p.data = p.data - self.param_groups[0]["lr"] * p.grad / np.sqrt((p.grad**2).sum())
            else:
                super().step()

    for target in (SGD, SimpleNamespace(SGD=SGD)):
        report = judge(adapt(target, only={"variant": "group"}))
        assert statuses(report, "sgd") == {"holds"}
        assert report.row("normed/unit_step").status == "broken"  # since its norm is each tensor's own
        assert report.wiring["normed"].startswith("SGD(params, lr, normed=True), judged only where variant='group'")


# --- hyperparameters -----------------------------------------------------------------------------------------------------
def test_what_is_not_offered_is_declined_never_passed():
    report = judge(adapt(stateless, function="sgd"))
    row = report.row("sgd/agreement:trajectory")
    assert row.status == "holds"
    assert row.declined > 0
    assert "stateless(w, g, lr), judged only where momentum=0.0, weight_decay=0.0" in report.text()
    with pytest.raises(NotProvided, match=r"stateless has no momentum, so it is judged only where momentum is 0.0"):
        adapted(stateless, "sgd")(*inputs("sgd", momentum=0.9))


def test_an_input_without_a_neutral_value_must_be_said():
    report = judge(adapt(Normed, function="normed"))
    assert report.exit_code == 2
    assert "every case was declined: Normed has no variant: name its own keyword for it" in report.text()
    assert report.wiring == {"normed": "Normed(params, lr), never judged: it has no variant"}


def test_a_setting_can_be_judged_alone():
    settled = adapt(PlainSGD, function="sgd", fixed={"momentum": 0.9}, only={"momentum": 0.9})
    row = judge(settled).row("sgd/agreement:trajectory")
    assert row.status == "holds"
    assert row.declined > 0 < row.cases
    constant = adapt(PlainSGD, function="sgd", only={"lr": 0.1})  # the class's own default
    row = judge(constant).row("sgd/agreement:trajectory")
    assert row.status == "holds"
    assert row.declined > 0 < row.cases
    wrong = adapt(PlainSGD, function="sgd", fixed={"momentum": 0.8}, only={"momentum": 0.9})
    assert judge(wrong).row("sgd/agreement:trajectory").status == "broken"


def test_names_and_fixed_keywords_are_passed_on():
    class Odd:
        def __init__(self, params, lr, rho, coefficients, plain=False):
            self.params, self.lr, self.momentum, self.decay = params, lr, rho, coefficients[1]
            assert plain
            self.buffer = 0

        def step(self):
            (p,) = self.params
            self.buffer = self.momentum * self.buffer + p.grad + self.decay * p.data
            p.data = p.data - self.lr * self.buffer

    names = {"momentum": "rho", "weight_decay": "coefficients[1]"}
    with pytest.raises(TargetError, match=r"no 'beta' for momentum; it takes lr, rho"):
        adapted(Odd, "sgd", names={"momentum": "beta"})
    with pytest.raises(TargetError, match="Odd needs rho, which the contract of sgd does not give"):
        adapted(Odd, "sgd", names={"weight_decay": "coefficients[1]"})
    with pytest.raises(TargetError, match=r"momentum of .* comes from the contract's cases"):
        adapted(PlainSGD, "sgd", fixed={"momentum": 0.9})
    with pytest.raises(TargetError, match="has no 'nesterov' to set; it takes lr, momentum"):
        adapted(PlainSGD, "sgd", fixed={"nesterov": True})
    with pytest.raises(TargetError, match=r"names: no contract judged here has an input 'momentun'; it can be w, grad"):
        adapted(PlainSGD, "sgd", names={"momentun": "momentum"})
    # a tuple of which the contract gives one entry: the others do not exist
    with pytest.raises(IndexError):
        adapted(Odd, "sgd", names=names, fixed={"plain": True})(*inputs("sgd"))


def test_keywords_behind_stars_are_accepted():
    def loose(w, g, state, **keywords):
        return with_none(w, g, state, keywords["rate"], keywords["momentum"], keywords["weight_decay"])

    names = {"lr": "rate", "momentum": "momentum", "weight_decay": "weight_decay"}
    assert statuses(judge(adapt(loose, function="sgd", names=names)), "sgd") == {"holds"}


# --- what goes wrong -----------------------------------------------------------------------------------------------------
def test_writing_into_gradients_is_told_once():
    class Coupled(PlainSGD):
        def step(self):
            for p in self.param_groups[0]["params"]:
                p.grad += self.decay * p.data
            decay, self.decay = self.decay, 0.0
            super().step()
            self.decay = decay

    report = judge(adapt(Coupled, function="sgd"))
    assert [row.item.name for row in report.broken] == ["call:pure"]
    assert report.broken[0].breakage.why == "sgd mutates its input gradients"


def test_a_step_that_moves_its_input_is_told_once():
    def in_place(w, g, state, lr, momentum, weight_decay):
        moved, state = with_none(w, g, state, lr, momentum, weight_decay)
        w[...] = moved
        return w, state

    report = judge(adapt(in_place, function="sgd"))
    assert [row.item.name for row in report.broken] == ["call:pure"]
    assert report.broken[0].breakage.why == "sgd mutates its input w"


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda w, g, state, lr: w, "a step function must return (w, state), and this one returned one ndarray"),
        (lambda w, g, state, lr: (w, 1, 2), "returned 3 values: ndarray, int, int"),
        (lambda w, g, state, lr: None, "returned one NoneType"),
        (lambda w, g, state, lr: (None, {}), "the result is not numeric"),
        (lambda w, g, state, lr: (w[:1], {}), "shape"),
        (lambda w, g, state, lr: (w - lr * g.sum() + np.nan, {}), "trajectory against the reference"),
        (lambda w, g, state, lr: ((w - lr * g).astype(np.float16), {}), "dtype float16 instead of float64"),
        (lambda w, g, state, lr: state["m"], "KeyError: 'm'"),
        (lambda w, g, state, lr: exit(3), "it called sys.exit(3)"),
    ],
)
def test_wrong_results_say_what_they_should_be(step, says):
    report = judge(adapt(step, function="sgd", kind="step"), contracts=[SGD])
    assert report.exit_code == 1
    told = [f"{row.breakage.why}; got {row.breakage.got}" for row in report.broken]
    assert any(says in line for line in told), told


def test_a_wrong_dtype_is_not_cast_away():
    class Wide(PlainSGD):
        def step(self):
            super().step()
            for p in self.param_groups[0]["params"]:
                p.data = p.data.astype(float)

    breakage = judge(adapt(Wide, function="sgd")).row("sgd/agreement:trajectory").breakage
    assert breakage.why == "trajectory: dtype float64 instead of float32"


def test_errors_of_the_optimizer_are_errors_of_the_function():
    class Failing(PlainSGD):
        def step(self):
            raise OSError("no device")

    breakage = judge(adapt(Failing, function="sgd")).row("sgd/call:pure").breakage
    assert (breakage.why, breakage.got) == ("sgd raised an error", "OSError: no device")
    with pytest.raises(ValueError, match="momentum must be >= 0"):
        adapted(PlainSGD, "sgd")(*inputs("sgd", momentum=-1.0))


def test_a_rate_that_cannot_be_changed_is_declined():
    class Sealed:
        def __init__(self, params, lr, momentum=0.0, weight_decay=0.0):
            self.inner = PlainSGD(params, lr, momentum, weight_decay)

        def step(self):
            self.inner.step()

    row = judge(adapt(Sealed, function="sgd")).row("sgd/call:pure")
    assert row.status == "holds"
    assert row.declined > 0


@pytest.mark.parametrize(
    ("target", "settings", "says"),
    [
        (PlainSGD, {"function": "sdg"}, "no optimizer's contract is called 'sdg'; there are sgd, adam, normed"),
        (transform(0.1), {}, "name the function that makes it"),
        (ModuleType("empty"), {"function": "sgd"}, "name a class or function in it"),
        (
            type("Sgd", (), {"__init__": lambda self, params, lr: None, "step": lambda self, grads: None}),
            {},
            r"Sgd.step\(\) needs grads, and reads no .grad",
        ),
        (
            type("Unreadable", (), {"step": 1, "__signature__": 3}),
            {"kind": "class", "function": "sgd"},
            "cannot be read",
        ),
    ],
)
def test_what_cannot_be_adapted_says_why(target, settings, says):
    with pytest.raises(TargetError, match=says):
        judge(adapt(target, **settings))


def test_only_optimizers_are_adapted():
    with pytest.raises(TargetError, match="only runs of optimizers can be adapted, and none is judged here"):
        run(toy.CONTRACTS, adapt("toy", fixed={"x": 1}), reference=toy.REFERENCE)
    with pytest.raises(ValueError, match="kind must be one of class, transform, step, trajectory"):
        adapt("toy", kind="klass")


# --- names and lines -----------------------------------------------------------------------------------------------------
def test_kinds_are_seen():
    assert [kind_of(thing) for thing in (PlainSGD, transform, Transform, with_none, stateless)] == [
        "class",
        "transform",
        "transform",
        "step",
        "step",
    ]
    assert [kind_of(thing) for thing in (toy_optim.sgd, toy_optim, REFERENCE, 3, len, functools.partial(PlainSGD))] == [
        None,
        None,
        None,
        None,
        None,
        "class",
    ]


def test_labels_lead_back_to_the_target():
    assert label(optim.SGD) == ("minidl.optim.sgd:SGD", "'minidl.optim.sgd:SGD'")
    assert label(optim) == ("minidl.optim", "'minidl.optim'")
    assert label("mine.py:Adam") == ("mine.py:Adam", "'mine.py:Adam'")
    assert label(SimpleNamespace()) == ("SimpleNamespace", "impl")
    text, source = label(adapt("mine.py:Fast", function="adam", fixed={"a": True}, only={"variant": "released"}))
    assert text == "mine.py:Fast (as adam, a=True, where variant is 'released')"
    assert source == "adapt('mine.py:Fast', function='adam', fixed={'a': True}, only={'variant': 'released'})"
    local = type("Local", (PlainSGD,), {})
    assert label(adapt(local, function="sgd"))[1] == "impl"


def test_lines_reproduce_failures_of_adapted_targets(tmp_path, capsys):
    file = tmp_path / "mine.py"
    source = (Path(__file__).parent / "toy_optim.py").read_text()
    file.write_text(
        f"{source}\ndef fast(w, g, state, rate, momentum, weight_decay, slow):\n"
        "    buffer = g + momentum * (0 if state is None else state)\n"
        "    return w - rate * buffer, buffer\n"
    )
    target = adapt(f"{file}:fast", function="sgd", names={"lr": "rate"}, fixed={"slow": True})
    report = judge(target)
    breakage = report.row("sgd/agreement:trajectory").breakage
    assert breakage.reproduce.startswith("import numpy as np; from minidl.verify import adapt, reproduce; reproduce(")
    with pytest.raises(AssertionError) as caught:
        exec(breakage.reproduce, {"contracts": CONTRACTS, "reference": REFERENCE})
    assert caught.value.error == breakage.error
    assert report.resemblances["sgd"].bug == "forgotten_decay"
    reproduce(CONTRACTS, "plain_descent", target, "plain", reference=REFERENCE)
    assert capsys.readouterr().out == "sgd/plain_descent holds on this case\n"


def test_no_library_is_loaded_for_another(tmp_path):
    program = """if True:
        import sys
        import toy_optim, foreign_optimizers
        from minidl.verify import adapt, run
        for target in (foreign_optimizers.PlainSGD, foreign_optimizers.with_none):
            run(toy_optim.CONTRACTS, adapt(target, function="sgd"), reference=toy_optim.REFERENCE, examples=2)
        print(sorted({"torch", "jax", "optax", "numba", "matplotlib"} & set(sys.modules)))
    """
    path = [str(Path(__file__).parent), *sys.path]
    code = f"import sys; sys.path[:] = {path!r}\n{program}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "[]\n"
