"""Hold scikit-learn's BernoulliRBM against the laws of Boltzmann machines, and write docs/conformance/rbm.md.

python docs/conformance/rbm.py            needs scikit-learn (extra `peers`)
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from common import Subject, adapter, measure, section, table, write

import minidl.energy
from minidl.laws.core import NotProvided
from minidl.laws.mclv_rbm import CONTRACTS
from minidl.verify.report import Report

PAGE = Path(__file__).with_suffix(".md")


# --- the adapter -------------------------------------------------------------------------------------------------------
class Noise(np.random.RandomState):
    """A random state that hands out given numbers: arrays of uniform ones, or always the same integer."""

    def __init__(self, *uniforms: Any, integer: int = 0) -> None:
        self.uniforms, self.integer = iter(uniforms), integer

    def uniform(self, size: Any) -> Any:
        return next(self.uniforms)

    def randint(self, low: int, high: int, size: Any) -> np.ndarray:
        return np.full(size, self.integer)


class Reveal:
    """A "uniform number" u that answers the question u < p with p."""

    def __lt__(self, p: np.ndarray) -> np.ndarray:
        return p


def fitted(W: np.ndarray, b: np.ndarray, a: np.ndarray, **options: Any) -> Any:
    from sklearn.neural_network import BernoulliRBM

    rbm = BernoulliRBM(n_components=len(a), **options)
    rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_ = W.T.copy(), b.copy(), a.copy()
    return rbm


def free_energy(v, W, b, a):
    return fitted(W, b, a)._free_energy(v)


def hidden_probability(v, W, a):
    return fitted(W, 0 * W[:, 0], a).transform(v)


def visible_probability(h, W, b):
    return fitted(W, b, 0 * W[0])._sample_visibles(h, Noise(Reveal()))


def sample_hidden(v, W, a, u):
    return fitted(W, 0 * W[:, 0], a)._sample_hiddens(v, Noise(u)).astype(W.dtype)


def sample_visible(h, W, b, u):
    return fitted(W, b, 0 * W[0])._sample_visibles(h, Noise(u)).astype(W.dtype)


def gibbs_step(h, W, b, a, u_v, u_h):
    v = sample_visible(h, W, b, u_v)
    return v, hidden_probability(v, W, a), sample_hidden(v, W, a, u_h)


def log_pseudo_likelihood(x, W, b, a):
    """score_samples flips one unit that it draws: here each in turn."""
    scores = [fitted(W, b, a, random_state=Noise(integer=i)).score_samples(x) for i in range(len(b))]
    return np.mean(scores, axis=0, dtype=W.dtype)


def pcd_gradient(x, h, W, b, a, u_v, u_h):
    """What partial_fit adds to parameters and chains. So large a learning rate leaves nothing to cancel."""
    if len(u_v) != 1:
        raise NotProvided("pcd_gradient", "BernoulliRBM makes one Gibbs step a batch")
    rate = 2.0**40
    rbm = fitted(W, b, a, batch_size=len(h), learning_rate=rate)
    rbm.h_samples_, rbm.random_state_ = h.astype(W.dtype), Noise(u_v[0], u_h[0])
    rbm.partial_fit(x)
    after = rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_
    return *((new - old) / rate for new, old in zip(after, (W, b, a), strict=True)), rbm.h_samples_


# --- what is judged ----------------------------------------------------------------------------------------------------
def of_rows(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function for states (N, n), which is what scikit-learn takes."""

    @functools.wraps(function)
    def declining(states: np.ndarray, *rest: Any) -> Any:
        if states.ndim != 2:
            raise NotProvided(function.__name__, "states are rows of a matrix here, neither single nor stacked")
        return function(states, *rest)

    return declining


def namespace(*functions: Callable[..., Any]) -> SimpleNamespace:
    return SimpleNamespace(**{function.__name__: of_rows(function) for function in functions})


def of_equal_numbers(x: np.ndarray, h: np.ndarray, *rest: Any) -> Any:
    """pcd_gradient, for batches of as many rows as there are chains."""
    if len(x) != len(h):
        raise NotProvided("pcd_gradient", "as many rows as chains are asked for")
    return pcd_gradient(x, h, *rest)


JUDGED = {"package": "sklearn", "judged": CONTRACTS, "reference": minidl.energy}
UNEQUAL = "sums over more or fewer chains than rows are divided by the number of rows like those over the rows"
STATIC = (free_energy, hidden_probability, visible_probability, sample_hidden, sample_visible, gibbs_step)
SUBJECTS = (
    Subject(
        "Energies, conditionals, samples",
        target=namespace(*STATIC),
        functions=tuple(function.__name__ for function in STATIC),
        conclusion="They are the reference's, to rounding, also where weights are so large that naive forms overflow, and "
        "samples are bit for bit the same on the same noise. `transform` may be used as ground truth, and so may `gibbs`, "
        "which is a step of the visible chain: a hidden sample, then a visible one.",
        **JUDGED,
    ),
    Subject(
        "score_samples, every unit flipped in turn",
        target=namespace(log_pseudo_likelihood),
        functions=("log_pseudo_likelihood",),
        conclusion="Averaged over the unit that it flips, `score_samples` is the log-pseudo-likelihood. One call flips one "
        "unit at random in each row and multiplies by the number of units: unbiased, and noisy. Compare means over many rows, "
        "or with the same `random_state`. It is no likelihood.",
        **JUDGED,
    ),
    Subject(
        "partial_fit, as many rows as chains",
        target=SimpleNamespace(pcd_gradient=of_equal_numbers),
        functions=("pcd_gradient",),
        conclusion="A batch of `batch_size` rows is a step of PCD-1, to rounding: hidden probabilities in both phases, chains "
        "that go on from samples of both layers. (The chains start at hidden states of zeros, not at the data; that is a "
        "choice.)",
        **JUDGED,
    ),
    Subject(
        "partial_fit, any number of rows",
        target=namespace(pcd_gradient),
        functions=("pcd_gradient",),
        conclusion="There are always `batch_size` chains. Their sum is divided by the number of rows of the batch, so that the "
        "negative phase counts `batch_size / rows` times. In `fit`, this meets the last batch of every epoch, unless "
        "`batch_size` divides the number of rows; in `partial_fit`, every call with another number of rows. **Give `fit` a "
        "multiple of `batch_size` rows, and `partial_fit` exactly `batch_size` of them.** The table below says what it costs.",
        known={
            f"pcd_gradient/{row}": UNEQUAL
            for row in ("agreement:dW", "agreement:db", "agreement:da", "data_minus_the_ends_of_persistent_chains")
        },
        **JUDGED,
    ),
)


# --- what it costs -----------------------------------------------------------------------------------------------------
UNITS, RATE, BATCH, EPOCHS = 12, 0.1, 64, 40
WHOLE = 28 * BATCH  # rows


def digits() -> np.ndarray:
    """The 1797 handwritten digits that come with scikit-learn, 64 pixels, on where above 7 of 16."""
    from sklearn.datasets import load_digits

    return (load_digits().data > 7).astype(float)


def likelihood(rbm: Any) -> float:
    """The exact mean log-likelihood of the first rows, whatever it was trained on."""
    theta = rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_
    return float(minidl.energy.log_likelihood(digits()[:WHOLE], *theta).mean())


def trained(rows: int) -> float:
    """After fit on this many rows."""
    from sklearn.neural_network import BernoulliRBM

    rbm = BernoulliRBM(UNITS, learning_rate=RATE, batch_size=BATCH, n_iter=EPOCHS, random_state=0)
    return likelihood(rbm.fit(digits()[:rows]))


def partially_trained(batch_size: int) -> float:
    """After 200 calls of partial_fit with all rows."""
    from sklearn.neural_network import BernoulliRBM

    rbm = BernoulliRBM(UNITS, learning_rate=RATE, batch_size=batch_size, random_state=0)
    for _ in range(200):
        rbm.partial_fit(digits()[:WHOLE])
    return likelihood(rbm)


def costs() -> list[str]:
    """What an incomplete batch does to training, without any of our code but the exact likelihood."""
    x = digits()[:WHOLE]
    on = x.mean(axis=0).clip(0.5 / WHOLE, 1 - 0.5 / WHOLE)
    alone = float((x * np.log(on) + (1 - x) * np.log(1 - on)).sum(axis=1).mean())
    lines = [
        "## What an incomplete batch costs",
        "",
        f"`load_digits()`, 64 pixels, on where above 7; {UNITS} hidden units, learning rate {RATE}, `random_state=0`. Exact "
        f"mean log-likelihood of the first {WHOLE} rows, in nats; {alone:.1f} is that of independent pixels.",
        "",
        "| training | log-likelihood |",
        "| --- | --- |",
    ]
    for rows in (WHOLE, WHOLE + 1, 1797):
        last = f"{rows % BATCH} in the last batch" if rows % BATCH else "all batches full"
        lines.append(f"| `fit`, {EPOCHS} epochs, `batch_size={BATCH}`, {rows} rows ({last}) | {trained(rows):.1f} |")
    for size in (WHOLE, 10):
        lines.append(
            f"| `partial_fit`, 200 calls with {WHOLE} rows, `batch_size={size}`{' (the default)' if size == 10 else ''} "
            f"| {partially_trained(size):.1f} |"
        )
    return [
        *lines,
        "",
        "With one row in the last batch, its step pushes down what the chains hold 64 times as hard as it pushes the row up. "
        "With ten chains for 1792 rows there is next to no negative phase, and every feature of `transform` becomes 1.",
        "",
    ]


def page(reports: Sequence[Report]) -> str:
    """The page of all subjects."""
    lines = [
        "# scikit-learn's BernoulliRBM, held against the laws",
        "",
        "Written by `python docs/conformance/rbm.py`; `tests/peers/test_rbm_sklearn.py` holds the page against new runs.",
        "",
        measure(SUBJECTS, reports),
        "",
        "Rows are laws, worked examples, agreement with the reference, and `call:pure` (inputs left alone, results that "
        "repeat). The adapter is at the end of the page.",
        "",
        *table(SUBJECTS, reports, "BernoulliRBM"),
        "",
    ]
    for subject, report in zip(SUBJECTS, reports, strict=True):
        lines += section(subject, report)
    lines += costs()
    lines += [
        "## Beside the laws",
        "",
        "- `partial_fit` returns `None`; its documentation says that it returns the model, as `fit` does. Write "
        "`rbm.partial_fit(x)` and go on with `rbm`.",
        "- Weights are transposed there: `components_` is (hidden, visible), `W` here is (visible, hidden).",
        "",
        *adapter(sys.modules[__name__], "class Noise"),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(write(PAGE, SUBJECTS, page, Path(__file__)))
