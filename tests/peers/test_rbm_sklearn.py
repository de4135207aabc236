"""scikit-learn's BernoulliRBM against the laws: what docs/conformance/rbm.md says of it is so."""

import numpy as np
import pytest

from minidl import energy

pytest.importorskip("sklearn", reason="scikit-learn is not installed (pip install 'minidl[peers]')")
from conformance_pages import Page
from sklearn.neural_network import BernoulliRBM

PAGE = Page("rbm")
SUBJECTS = [pytest.param(subject, id=subject.title) for subject in PAGE.module.SUBJECTS]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_breaks_is_what_the_page_says_and_why(subject):
    PAGE.breaks_what_it_says(subject)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_page_tells_reasons_cases_and_conclusions(subject):
    PAGE.tells_reasons_cases_and_conclusions(subject)


def test_the_page_was_made_with_what_is_installed():
    PAGE.names_what_was_installed()


def test_the_failure_is_recognised():
    """Unequal numbers of rows and chains are a planted bug, and the page names it."""
    assert "`pcd_gradient` looks like the planted bug sums_of_unequal_numbers (behaves exactly like it" in PAGE.text


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
    got = PAGE.module.log_pseudo_likelihood(x, *theta)
    np.testing.assert_allclose(got, energy.log_pseudo_likelihood(x, *theta), rtol=1e-14)
