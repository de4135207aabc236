"""The runner: verdicts, smallest cases, resemblance to planted bugs, reports."""

import json
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import numpy as np
import pytest
import toy

from minidl import atlas
from minidl.laws.core import Broken, Cases, Contract, NotProvided, holds, identical, law, namespace
from minidl.verify import TargetError, reproduce, run
from minidl.verify.runner import Bench

SOFTPLUS, NORMALISE, DROPOUT = toy.CONTRACTS
BUGS = [pytest.param(contract, bug, id=bug.name) for contract in toy.CONTRACTS for bug in contract.planted]


@pytest.fixture
def toy_in_atlas(monkeypatch):
    row = atlas.Method("toy", "A toy", "nobody, 'Nothing', 1900", "toy", "toy", "99_toy", ("toy",))
    monkeypatch.setitem(atlas.METHODS, "toy", row)


def judge(contract, impl, **settings):
    return run(contract, impl, reference=toy.REFERENCE, examples=20, planted=False, **settings)


def replaced(**functions):
    return namespace(toy.REFERENCE, **functions)


# --- verdicts ------------------------------------------------------------------------------------------------------------
def test_the_reference_holds_and_its_checks_are_counted():
    report = run(toy.CONTRACTS, toy.REFERENCE, reference=toy.REFERENCE, examples=10)
    assert report.exit_code == 0
    assert {row.status for row in report.rows} == {"holds"}
    assert len(report.rows) == 3 + 5 + 7 + 1  # call:pure, outputs, laws, golden
    assert report.row("softplus/reflection").checks == 11  # one named case and ten generated
    assert report.row("dropout/unbiased").checks == 1
    assert report.checks == sum(row.checks for row in report.rows) > 150
    assert sum(len(kills.killed) for kills in report.planted.values()) == 7
    assert "these very cases kill 7 of 7 planted bugs" in report.text()


@pytest.mark.parametrize(("contract", "bug"), BUGS)
def test_every_planted_bug_is_broken_and_named_by_its_behaviour(contract, bug):
    with np.errstate(all="ignore"):
        report = judge(contract, bug.apply(toy.REFERENCE))
    assert report.exit_code == 1
    like = report.resemblances[contract.function]
    assert (like.bug, like.exact) == (bug.name, True)
    assert f"looks like the planted bug {bug.name}" in " ".join(report.text().split())


def test_the_smallest_case_is_found():
    report = judge(NORMALISE, replaced(normalise=lambda x, scale: toy.normalise(x, 1.01 * scale)))
    case = report.row("normalise/agreement:y").breakage.case
    assert case["x"].shape == (2, 1)
    assert set(np.abs(case["x"]).ravel()) == {0.0, 1.0}


def test_a_bug_that_is_not_planted_is_told_by_the_laws_it_breaks():
    def shifted(x, scale):
        y, mean, order = toy.normalise(x, scale)
        return y + 0.125, mean, order

    report = judge(NORMALISE, replaced(normalise=shifted))
    like = report.resemblances["normalise"]
    assert (like.bug, like.exact) == ("wrong_axis", False)
    assert "breaks the same laws: centred" in like.grounds


def test_nothing_is_named_when_nothing_is_alike():
    report = judge(SOFTPLUS, replaced(softplus=lambda x: toy.softplus(x) - 2))
    assert report.exit_code == 1
    assert report.row("softplus/positive").status == "broken"
    assert report.resemblances["softplus"] is None or not report.resemblances["softplus"].exact


def test_missing_functions_are_not_provided_and_never_a_pass():
    report = judge(toy.CONTRACTS, SimpleNamespace(softplus=toy.softplus))
    assert report.exit_code == 0
    assert report.row("normalise/centred").status == "not provided"
    assert report.row("normalise/centred").reason == "it has no normalise"
    assert "not provided: 11 rows, since there is no normalise, dropout" in report.text()
    with pytest.raises(KeyError, match="softplus/reflection"):
        report.row("softplus/missing")


def test_a_target_without_any_of_the_functions_is_unusable():
    report = judge(toy.CONTRACTS, SimpleNamespace(soft_plus=toy.softplus))
    assert report.exit_code == 2
    assert (
        "provides none of the functions judged here (softplus, normalise, dropout); it has soft_plus" in report.text()
    )


def test_a_function_may_decline_some_cases_but_not_all():
    def choosy(x):
        if x.size > 1:
            raise NotProvided("softplus", "scalars only")
        return toy.softplus(x)

    def declining(x):
        raise NotProvided("softplus", "not today")

    row = judge(SOFTPLUS, replaced(softplus=choosy)).row("softplus/agreement:s")
    assert row.status == "holds"
    assert row.declined > 0 < row.cases
    row = judge(SOFTPLUS, replaced(softplus=declining)).row("softplus/agreement:s")
    assert row.status == "not provided"
    assert "not today" in row.reason


def test_errors_of_the_target_are_broken_with_type_message_and_traceback():
    def failing(x, u, p):
        raise OSError("no such device")

    report = judge(DROPOUT, replaced(dropout=failing))
    broken = report.row("dropout/call:pure").breakage
    assert broken.why == "dropout raised an error"
    assert broken.got == "OSError: no such device"
    assert "in failing" in broken.traceback
    assert "in failing" not in report.text()
    # a law may expect an error: this one asks for another
    assert report.row("dropout/refuses_certain_loss").status == "broken"
    assert "y never came: see call:pure" in report.text()


def test_sys_exit_in_the_target_is_an_error_like_any_other():
    report = judge(SOFTPLUS, replaced(softplus=lambda x: exit(3)))
    assert "sys.exit(3)" in report.row("softplus/call:pure").breakage.got


# --- claims, known failures ----------------------------------------------------------------------------------------------
def kinked():
    cases = Cases(named={"at": {"x": np.zeros(1)}, "off": {"x": np.ones(1)}})

    @law(cases=cases, needs=("step",), grade="exact", policy="kink")
    def zero_at_the_kink(impl, case):
        """The derivative of relu is 0 at 0."""
        identical(impl.step(np.zeros(1)), np.zeros(1), why="at 0")

    return Contract(
        "step", ("x",), ("d",), cases, "relu's derivative.", (zero_at_the_kink,), kink=lambda case: not case["x"].all()
    )


def test_another_subgradient_can_be_claimed():
    reference = SimpleNamespace(step=lambda x: (x > 0) * 1.0)
    other = SimpleNamespace(step=lambda x: (x >= 0) * 1.0)
    assert len(run(kinked(), other, reference=reference).broken) == 2
    report = run(kinked(), other, reference=reference, claims={"kink": "any-subgradient"})
    assert report.exit_code == 0
    assert report.row("step/zero_at_the_kink").status == "claimed otherwise"
    assert report.row("step/agreement:d").checks == 1
    wrong = SimpleNamespace(step=lambda x: (x >= 0) * 2.0)
    assert run(kinked(), wrong, reference=reference, claims={"kink": "any-subgradient"}).exit_code == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"claims": {"knik": "minidl"}}, "unknown claim 'knik'"),
        ({"claims": {"kink": "mine"}}, "minidl or any-subgradient"),
        ({"functions": ["softmax"]}, "no contract for softmax"),
        ({"known": {"softplus/reflexion": "?"}}, "near are softplus/reflection"),
        ({"known": {"softplus/reflection": " "}}, "needs a reason"),
    ],
)
def test_unknown_settings_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        judge(SOFTPLUS, toy.REFERENCE, **settings)


def test_known_failures_have_a_reason_and_an_unexpected_pass_is_told():
    with np.errstate(all="ignore"):
        report = judge(
            SOFTPLUS,
            SOFTPLUS.planted[0].apply(toy.REFERENCE),
            known={
                "softplus/agreement:s": "overflows above 709",
                "softplus/reflection": "overflows above 709",
                "softplus/positive": "should not be here",
            },
        )
    assert report.exit_code == 0
    assert report.row("softplus/reflection").status == "known"
    assert "unexpected pass: softplus/positive holds; take it off" in report.text()


# --- laws that would pass silently ---------------------------------------------------------------------------------------
def test_a_law_that_checks_nothing_is_broken_on_everyone():
    @law(cases=SOFTPLUS.cases, needs=("softplus",), grade="exact")
    def idle(impl, case):
        """It compares nothing."""
        impl.softplus(case["x"])

    @law(cases=Cases(generated=toy.vectors), needs=("softplus",), grade="exact")
    def never(impl, case):
        """It assumes what never is."""
        from hypothesis import assume

        assume(False)

    @law(cases=SOFTPLUS.cases, needs=("softplus",), grade="exact")
    def misspelt(impl, case):
        """It fails before it compares."""
        holds(bool(imlp.softplus), why="?")  # noqa: F821

    contract = Contract("softplus", ("x",), ("s",), SOFTPLUS.cases, "Softplus.", (idle, never, misspelt))
    report = judge(contract, toy.REFERENCE)
    assert "not one check ran" in report.row("softplus/idle").breakage.why
    assert report.row("softplus/never").breakage.why == "no case met the law's assumptions"
    assert "could not be evaluated" in report.row("softplus/misspelt").breakage.why
    assert Bench.of(contract, reference=toy.REFERENCE).broken_by(contract, toy.REFERENCE) == ["misspelt"]


def test_a_strategy_that_fails_is_no_pass():
    def failing():
        raise RuntimeError("no strategy")

    @law(cases=Cases(generated=failing), needs=("softplus",), grade="exact")
    def undrawable(impl, case):
        """It never sees a case."""
        holds(True, why="nothing")

    contract = Contract("softplus", ("x",), ("s",), SOFTPLUS.cases, "Softplus.", (undrawable,))
    why = judge(contract, toy.REFERENCE).row("softplus/undrawable").breakage.why
    assert why == "no case could be generated (RuntimeError: no strategy)"
    assert Bench.of(contract, reference=toy.REFERENCE).broken_by(contract, toy.REFERENCE) == []


# --- lines that reproduce ------------------------------------------------------------------------------------------
WRONG = """
import numpy as np
import toy

softplus, dropout = toy.softplus, toy.dropout

def normalise(x, scale):
    y, mean, order = toy.normalise(x, scale)
    return y * 1.5 + 1, mean, order[::-1].copy()
"""


def test_every_line_that_reproduces_a_failure_does(tmp_path, toy_in_atlas, capsys):
    file = tmp_path / "mine.py"
    file.write_text(WRONG)
    report = run("toy", str(file), examples=20, planted=False)
    assert {row.item.name for row in report.broken} == {"agreement:y", "agreement:order", "centred", "ordered"}
    for row in report.broken:
        assert "\n" not in row.breakage.reproduce
        with pytest.raises(Broken) as caught:
            exec(row.breakage.reproduce, {})
        assert caught.value.why == row.breakage.why
        assert caught.value.error == row.breakage.error
    file.write_text("from toy import *")
    for row in report.broken:
        exec(row.breakage.reproduce, {})
        assert f"{row.item.id} holds on this case" in capsys.readouterr().out


def test_lines_for_contracts_of_ones_own_speak_of_the_callers_variables():
    with np.errstate(all="ignore"):
        impl = SOFTPLUS.planted[0].apply(toy.REFERENCE)
        for row in judge(SOFTPLUS, impl).broken:
            scope = {"contracts": SOFTPLUS, "impl": impl, "reference": toy.REFERENCE}
            with pytest.raises(Broken):
                exec(row.breakage.reproduce, scope)


def test_reproduce_takes_laws_and_cases_by_name(toy_in_atlas, capsys):
    reproduce("toy", "centred", "toy", "column_major")
    assert capsys.readouterr().out == "normalise/centred holds on this case\n"
    reproduce("toy", "softplus/golden:1", "toy", "golden:1")
    for name, case, says in [
        ("centered", "column_major", "near are .*normalise/centred"),
        ("call:pure", "column_major", "the name of several"),
        ("centred", "colum_major", "near are column_major"),
    ]:
        with pytest.raises(ValueError, match=says):
            reproduce("toy", name, "toy", case)
    with pytest.raises(ValueError, match="did you mean toy"):
        reproduce("toi", "centred", "toy", "column_major")
    with pytest.raises(TargetError):
        reproduce("toy", "centred", "no_such_module", "column_major")


# --- reports -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def failing_report():
    return run(
        toy.CONTRACTS,
        replaced(softplus=lambda x: np.log(1 + np.exp(x)), dropout=None),
        reference=toy.REFERENCE,
        examples=5,
        known={"normalise/ordered": "it holds"},
        target="mine\x00.py",
    )


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_the_text_says_all_there_is_to_know(failing_report):
    failing_report.lesson = "99_toy"
    text = " ".join(failing_report.text().split())
    for line in [
        "softplus call:pure holds 6 6",
        "agreement:s BROKEN 6 6",
        "not provided: 5 rows, since there is no dropout",
        "unexpected pass: normalise/ordered holds; take it off the known failures (it holds)",
        "BROKEN softplus/reflection",
        "law Softplus minus its mirror image is the identity.",
        r"equation s(x) - s(-x) = x",
        "source algebra",
        "case borders (hunts: overflow of exp above 709, and lost digits below -37)",
        "off by inf at entry (4,); the tolerance there is",
        "lesson minidl run 99_toy",
    ]:
        assert line in text


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_json_and_junit_agree_with_the_rows(failing_report):
    document = json.loads(failing_report.json())
    assert document["exit_code"] == 1
    assert document["counts"] == {"holds": 8, "broken": 2, "unexpected pass": 1, "not provided": 5}
    assert document["checks"] == failing_report.checks
    assert document["planted"]["softplus"] == {"killed": ["overflowing", "half"], "survived": []}
    broken = next(row for row in document["rows"] if row["id"] == "softplus/agreement:s")["broken"]
    assert broken["error"] == "inf"
    assert broken["reproduce"].startswith("import numpy as np; from minidl.verify import reproduce; ")
    root = ET.fromstring(failing_report.junit())
    assert (root.get("tests"), root.get("failures"), root.get("skipped"), root.get("errors")) == ("16", "2", "5", "0")
    assert len(root.findall("testcase")) == 16
    assert len(root.findall("testcase/failure")) == 2
    assert "BROKEN  softplus/reflection" in "".join(failure.text for failure in root.iter("failure"))


def test_an_unusable_target_is_an_error_in_every_form():
    report = judge(SOFTPLUS, SimpleNamespace())
    assert json.loads(report.json())["unusable"] == report.unusable != ""
    root = ET.fromstring(report.junit())
    assert root.get("errors") == "1"
    assert root.find("testcase[@name='target']/error").get("type") == "TargetError"
