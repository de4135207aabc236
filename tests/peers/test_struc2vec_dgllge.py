"""The struc2vec of dgllge against the laws: what docs/conformance/struc2vec.md says of it is so."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from conformance_pages import Page

from minidl import graphs

NEEDED = ("ge", "pandas", "joblib", "fastdtw", "gensim", "networkx", "sklearn", "torch")
if any(find_spec(name) is None for name in NEEDED):
    pytest.skip(
        "dgllge 1.0.3 and what it imports are not installed (how: the first lines of docs/conformance/struc2vec.py)",
        allow_module_level=True,
    )

PAGE = Page("struc2vec")
SUBJECTS = [pytest.param(subject, id=subject.title) for subject in PAGE.module.SUBJECTS]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_breaks_is_what_the_page_says_and_why(subject):
    PAGE.breaks_what_it_says(subject)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_page_tells_reasons_cases_and_conclusions(subject):
    PAGE.tells_reasons_cases_and_conclusions(subject)


def test_the_page_was_made_with_what_is_installed():
    PAGE.names_what_was_installed()


def test_fast_dtw_is_recognised():
    assert "`dtw` looks like the planted bug near_the_way_of_half_the_length (behaves exactly like it" in PAGE.text


# --- the findings, without any of our laws -----------------------------------------------------------------------------
def test_equally_far_nodes_get_a_gamma():
    """Eleven nodes, every distance 0: ten probabilities of 1/10 whose rounded mean is below it."""
    f = np.where(np.eye(11) > 0, np.inf, 0.0)
    assert PAGE.module.gamma(f, "official").tolist() == [10] * 11
    assert graphs.gamma(f, "official").tolist() == [0] * 11
    assert graphs.up_probability(np.array([0, 10])) == pytest.approx([0.5, 0.718], abs=5e-4)


def test_a_hub_of_many_leaves_is_too_far_from_all():
    leaves = 800
    cost = PAGE.module.package().utils.cost(leaves, 1)
    assert np.exp(-2 * cost) == 0  # the hub's distance from a leaf once the second ring is added
    p = PAGE.module.transition_rows(np.where(np.eye(3) > 0, np.inf, 2 * cost))
    assert np.isnan(p[~np.eye(3, dtype=bool)]).all()


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="older NumPy makes an int of such arrays")
def test_a_graph_is_refused(tmp_path):
    import networkx as nx

    with pytest.raises(TypeError, match="0-dimensional"), pytest.warns(UserWarning, match="default"):
        PAGE.module.package().Struc2Vec(nx.path_graph(4), temp_path=f"{tmp_path}/", walkLength=3, embedDim=2)


def test_importing_it_switches_warnings_off():
    code = "import warnings, ge; warnings.warn('heard')"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert "heard" not in done.stderr


def test_pairs_that_propose_each_other_count_twice(tmp_path):
    of = PAGE.module.of_graph(*graphs.csr(4, [(0, 1), (1, 2), (2, 3)]), compress=False)
    of.opt2_reduce_sim_calc, of.temp_path = True, f"{tmp_path}/"
    neighbours, _ = of._get_layer_rep(of._compute_structural_distance(None))
    assert sorted(neighbours[0][0]) == [1, 1, 2, 2, 3, 3]


def test_alignments_are_exact_most_of_the_time():
    """Of 400 pairs of sorted degrees; never below the cheapest, and equal sequences cost nothing."""
    rng, off = np.random.default_rng(0), 0
    for _ in range(400):
        a, b = (np.sort(rng.integers(1, 10, rng.integers(1, 12))) for _ in "ab")
        got, cheapest = PAGE.module.dtw(a, b, 0.5), graphs.dtw(a, b, 0.5)
        off += got > cheapest * (1 + 1e-12)
        assert got >= cheapest * (1 - 1e-12)
        assert PAGE.module.dtw(a, a, 0.5) == 0
    assert off < 8
