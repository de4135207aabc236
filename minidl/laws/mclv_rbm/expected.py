"""The laws of contrastive divergence in expectation: what its average over all noise is, and what it tends to."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Contract, Golden, law
from minidl.laws.mclv_rbm.cases import EXPECTED, GENTLE, HINTON, THETA, WORKED, WORKED_X, phases
from minidl.laws.mclv_rbm.copies import chains_side_by_side_are_independent
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import bits, machine
from minidl.laws.mclv_rbm.phases import FIELDS, PARTS, after_steps, agree_means, positive
from minidl.laws.mclv_rbm.planted import bugs_of

MOVED = r"\sum_v p_{data}(v)\, (T_{vis}^k)(v, \cdot)\; v\, \hat h(v)^\top"


def _slack(m, k):
    """A step multiplies by two tables of conditional probabilities, and sums over the states of either layer."""
    return (k + 1) * (2 * m.terms + 2.0**m.n_V + 2.0**m.n_H)


@law(cases=EXPECTED, needs=("expected_cd_statistics",), grade="numerical", equation=MOVED, source=HINTON)
def law_of_the_data_moved_by_the_kernel(impl, case):
    """The expected negative phase is that of the data's law after k steps of the visible chain, all states visited."""
    m, x, k = machine(case), case["x"], case["k"]
    expected = m.visible_side(after_steps(m, x, k))
    got = impl.expected_cd_statistics(x, *theta(case), k)
    agree_means(m, got, expected, width=np.float64, ulps=_slack(m, k) + len(x))


@law(cases=EXPECTED, needs=("expected_cd_gradient",), grade="numerical", equation=MOVED, source=HINTON)
def data_minus_their_law_moved(impl, case):
    """The expected gradient is the data's side minus that of their law after k steps of the visible chain."""
    m, x, k = machine(case), case["x"], case["k"]
    data, model = positive(m, x), m.visible_side(after_steps(m, x, k))
    # the data's side in the precision of the parameters, the model's in double precision
    width = np.result_type(*theta(case))
    agree_means(
        m,
        impl.expected_cd_gradient(x, *theta(case), k),
        [p - n for p, n in zip(data, model, strict=True)],
        width=width,
        ulps=_slack(m, k) + len(x),
        names=FIELDS,
        scale=[p + n for p, n in zip(data, model, strict=True)],
    )


def _under_the_machine(call, m):
    """The mean over visible states with the machine's probabilities of what a single row gives."""
    total = [0.0] * 3
    for x, p in zip(bits(m.n_V), np.asarray(m.p_v, np.float64), strict=True):
        total = [part + p * np.asarray(got, np.float64) for part, got in zip(total, call(x[None]), strict=True)]
    return total


@law(
    cases=THETA,
    needs=("expected_cd_statistics",),
    grade="numerical",
    equation=r"\sum_x p(x)\, E[\mathrm{CD}_k \mid x] = \langle v h^\top \rangle",
    source=HINTON,
)
def machine_is_stationary(impl, case):
    """If the data's law is the machine's, the negative phase is the machine's own moments after any number of steps."""
    m = machine(case)
    for k in (1, 3):
        got = _under_the_machine(lambda x, k=k: impl.expected_cd_statistics(x, *theta(case), k), m)
        agree_means(m, got, m.moments, width=np.float64, ulps=2 * _slack(m, k))


@law(
    cases=THETA,
    needs=("expected_cd_gradient",),
    grade="numerical",
    equation=r"p_{data} = p \Rightarrow E[\hat g_k] = 0",
    source=HINTON,
)
def no_gradient_at_the_machine(impl, case):
    """If the data's law is the machine's, the expected gradient is 0 for every k."""
    m, width = machine(case), np.result_type(*theta(case))
    for k in (1, 3):
        got = _under_the_machine(lambda x, k=k: impl.expected_cd_gradient(x, *theta(case), k), m)
        zero = [np.zeros(part.shape) for part in m.moments]
        ulps = 2 * _slack(m, k)
        agree_means(m, got, zero, width=width, ulps=ulps, names=FIELDS, scale=[2 * part for part in m.moments])


LONG_RUN = 60


@law(
    cases=GENTLE,
    needs=("expected_cd_statistics",),
    grade="numerical",
    equation=r"|E[\mathrm{CD}_k] - \langle \cdot \rangle| \le \lambda_2^k / \sqrt{\min p}",
    source="spectral bound of reversible chains",
)
def bias_falls_with_the_steps(impl, case):
    """The expected negative phase comes to the machine's moments as fast as the visible chain's second eigenvalue says."""
    m, x = machine(case), case["x"]
    half = np.asarray(
        m.joint / np.sqrt(np.outer(m.p_v, m.p_h)), np.float64
    )  # half half^T is the kernel in another basis
    second = np.linalg.svd(half, compute_uv=False)[1] ** 2
    worst = 1 / np.sqrt(float(m.p_v.min()))
    for k in (1, 4, LONG_RUN):
        reach = worst * min(second + 8 * np.finfo(float).eps, 1.0) ** k
        got = impl.expected_cd_statistics(x, *theta(case), k)
        for name, part, mean in zip(PARTS, got, m.moments, strict=True):
            rounding = np.finfo(float).eps * m.size * (m.terms + _slack(m, k))
            compare(part, np.asarray(mean, np.float64), reach + rounding, why=f"{name} after {k} steps")


# --- contracts ---------------------------------------------------------------------------------------------------------
_PRINTED = {
    1: [[0.4497275854, 0.1265983911], [0.5074198021, 0.2284479576]],
    2: [[0.4408699695, 0.1240921838], [0.5048454817, 0.2294795227]],
    10: [[0.4399022410, 0.1238185376], [0.5045802553, 0.2296009050]],
}
_GRADIENT = dict(
    dW=[[0.0875239226, 0.0222831939], [-0.0120220249, 0.0047521742]],
    db=[0.1207538775, -0.0077712935],
    da=[0.0277284961, -0.0243504976],
)

EXPECTED_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "expected_cd_statistics",
        ("x", "W", "b", "a", "k"),
        PARTS,
        EXPECTED,
        "The expectation of CD-k's negative phase over its noise.",
        laws=(
            law_of_the_data_moved_by_the_kernel,
            machine_is_stationary,
            bias_falls_with_the_steps,
            chains_side_by_side_are_independent,
        ),
        planted=bugs_of("expected_cd_statistics"),
        golden=tuple(
            Golden(
                "expected_cd_statistics",
                WORKED | {"x": WORKED_X, "k": k},
                {"vh": np.array(vh)},
                10,
                f"the worked data after {k} steps",
            )
            for k, vh in _PRINTED.items()
        ),
        exact=("x",),
    ),
    Contract(
        "expected_cd_gradient",
        ("x", "W", "b", "a", "k"),
        FIELDS,
        EXPECTED,
        "The expectation of CD-k's gradient over its noise.",
        laws=(data_minus_their_law_moved, no_gradient_at_the_machine),
        planted=bugs_of("expected_cd_gradient"),
        golden=(
            Golden(
                "expected_cd_gradient",
                WORKED | {"x": WORKED_X, "k": 40},
                {name: np.array(value) for name, value in _GRADIENT.items()},
                10,
                "after 40 steps it is the worked gradient of the likelihood",
            ),
        ),
        exact=("x",),
        terms=phases,
    ),
)
