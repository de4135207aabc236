"""scikit-learn's BernoulliRBM against the laws: what docs/conformance/rbm.md says of it is so."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from minidl import energy
from minidl.verify.runner import Bench
from minidl.verify.tolerance import quiet

pytest.importorskip("sklearn", reason="scikit-learn is not installed (pip install 'minidl[peers]')")
from sklearn.neural_network import BernoulliRBM

SCRIPT = Path(__file__).parents[2] / "docs" / "conformance" / "rbm.py"
PAGE = SCRIPT.with_suffix(".md").read_text(encoding="utf-8")


def load():
    spec = importlib.util.spec_from_file_location("conformance_of_machines", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(SCRIPT.parent))  # where a script finds its neighbours
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPT.parent))
    return module


conformance = load()
SUBJECTS = [pytest.param(subject, id=subject.title) for subject in conformance.SUBJECTS]


def statuses(subject):
    """Every row of a subject with its status; the first case that breaks one is enough."""
    settings = {"functions": subject.functions, "examples": conformance.EXAMPLES, "seed": conformance.SEED}
    bench = Bench.of(subject.judged, reference=subject.reference, **settings)
    with quiet():
        rows = [bench.judge(item, subject.target, shrink=False, timed=False) for item in bench.all_items()]
    return {row.item.id: row.status for row in rows}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_breaks_is_what_the_page_says_and_why(subject):
    found = statuses(subject)
    assert {row for row, status in found.items() if status == "broken"} == set(subject.known)
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
        assert all(row.partition("/")[2] in section for row in rows)


def test_the_page_was_made_with_what_is_installed():
    for told in conformance.versions(conformance.SUBJECTS):
        assert told in PAGE, f"{told} is another one now: write the page anew"


def test_the_failure_is_recognised():
    """Unequal numbers of rows and chains are a planted bug, and the page names it."""
    assert "`pcd_gradient` looks like the planted bug sums_of_unequal_numbers (behaves exactly like it" in PAGE


# --- the findings, without any of our laws -----------------------------------------------------------------------------
def test_a_small_batch_counts_the_chains_too_often():
    """Ten chains of three units, one row of zeros: the mean of no unit changes by more than 1, yet biases fall further."""
    moved = []
    for rows in (10, 1):
        rbm = BernoulliRBM(n_components=2, batch_size=10, learning_rate=1.0, random_state=0)
        rbm.partial_fit(np.zeros((rows, 3)))
        moved.append(rbm.intercept_visible_)
    assert (moved[0] >= -1).all()
    np.testing.assert_allclose(moved[1], 10 * moved[0], rtol=1e-14)


def test_one_more_row_spoils_a_fit():
    """200 rows are two batches of 100; 201 rows add one whose single row stands against a hundred chains."""
    x = (np.random.default_rng(0).random((201, 6)) < [0.1, 0.3, 0.5, 0.5, 0.7, 0.9]).astype(float)
    found = []
    for rows in (200, 201):
        rbm = BernoulliRBM(n_components=2, batch_size=100, n_iter=20, random_state=0).fit(x[:rows])
        theta = rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_
        found.append(energy.log_likelihood(x[:200], *theta).mean())
    assert found[0] > -4
    assert found[1] < found[0] - 1


def test_partial_fit_returns_nothing():
    assert BernoulliRBM(n_components=2, random_state=0).partial_fit(np.zeros((10, 3))) is None
    assert "self : BernoulliRBM" in BernoulliRBM.partial_fit.__doc__


def test_pseudo_likelihoods_agree_on_average():
    """Over all choices of the unit that is flipped, which the page's adapter makes in turn."""
    x = np.array([[1.0, 0, 1], [0, 0, 1]])
    rbm = BernoulliRBM(n_components=2, batch_size=2, random_state=0).fit(x)
    theta = rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_
    got = conformance.log_pseudo_likelihood(x, *theta)
    np.testing.assert_allclose(got, energy.log_pseudo_likelihood(x, *theta), rtol=1e-14)
