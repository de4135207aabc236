"""The laws of the limit of infinitely wide matrix factorisations, for measurements that commute."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Contract, Golden, law
from minidl.laws.kernel_rich import factors as fac
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH

# --- the law of infinite width ---------------------------------------------------------------------------------------------
WIDTHS = fac.laws_of_width()


def _limit_law(impl, case, **changed):
    matrix, values, nu = (
        np.asarray(part) for part in impl.width_law(*((case | changed)[name] for name in ("a", "y", "mu")))
    )
    return matrix, values, nu


def _room(case, sigma):
    """How far entries of the matrix may be: each eigenvalue's own room, and turns of a basis that is rounded."""
    off = known.wiggle(case["spectra"], case["y"], sigma, float(np.sqrt(case["mu"] / 2)), 2)
    p = len(sigma)
    return float(np.linalg.norm(off)) + 64 * p * p * EPS * float(np.abs(sigma).max()) * float(
        np.linalg.cond(case["spectra"])
    )


@law(cases=WIDTHS, needs=("width_law",), grade="numerical", equation=r"\langle A_m, M \rangle = y_m", source=WOODWORTH)
def wide_limit_fits(impl, case):
    """The limit is symmetric and fits the measurements."""
    matrix, _, _ = _limit_law(impl, case)
    size = (np.abs(case["a"]) * np.abs(matrix)).sum(axis=(1, 2)) + np.abs(case["y"])
    ulps = known.slack(case["spectra"]) * len(matrix)
    compare((long(case["a"]) * long(matrix)).sum(axis=(1, 2)).astype(float), case["y"], EPS * ulps * size, why="<A, M>")
    compare(matrix, matrix.T, 16 * len(matrix) * EPS * float(np.abs(matrix).max()), why="its transpose")


@law(
    cases=WIDTHS,
    needs=("width_law",),
    grade="numerical",
    equation=r"M = \mu \sinh(\textstyle\sum_m \nu_m A_m)",
    source=WOODWORTH,
)
def hyperbolic_sine_of_the_measurements(impl, case):
    """In the measurements' common basis the limit is diagonal, mu sinh of a combination of their spectra."""
    matrix, values, nu = _limit_law(impl, case)
    basis, spectra, mu = case["basis"], case["spectra"], case["mu"]
    inside = (long(basis).T @ long(matrix) @ long(basis)).astype(float)
    sigma = np.diag(inside)
    room = _room(case, sigma)
    compare(inside - np.diag(sigma), np.zeros_like(inside), room, why="off the diagonal")
    compare(values, np.sort(sigma)[::-1], room, why="the eigenvalues, in descending order")
    angle = np.arcsinh(long(sigma) / mu)
    # an eigenvalue that is off by the room moves its arcsinh by that over mu cosh
    off = room / (mu * np.cosh(angle)).astype(float)
    wanted = (long(nu) @ long(spectra)).astype(float)
    compare(
        wanted, angle.astype(float), off + EPS * known.slack(spectra) * (np.abs(nu) @ np.abs(spectra)), why="sum nu A"
    )


@law(
    cases=WIDTHS,
    needs=("width_law",),
    grade="numerical",
    equation=r"\langle \lambda, \mu \sinh(\nu \lambda) \rangle = y",
    source=WOODWORTH,
)
def one_measurement_by_bisection(impl, case):
    """For one measurement bisection of its dual finds the eigenvalues."""
    spectrum, target = case["spectra"][:1], case["y"][:1] if case["y"][0] else np.ones(1)
    sigma = known.one_example(spectrum[0], target[0], np.sqrt(long(case["mu"]) / 2), 2).astype(float)
    one = {"a": case["a"][:1], "y": target, "mu": case["mu"], "spectra": spectrum}
    matrix, values, _ = _limit_law(impl, one)
    room = _room(one, sigma)
    compare(values, np.sort(sigma)[::-1], room, why="the eigenvalues")
    compare(matrix, (case["basis"] * sigma) @ case["basis"].T, room, why="the matrix")


@law(
    cases=WIDTHS,
    needs=("width_law", "min_potential"),
    grade="numerical",
    equation=r"\sigma = \arg\min Q_\alpha,\ \alpha^2 = \mu / 2",
    source=WOODWORTH,
)
def eigenvalues_of_least_penalty(impl, case):
    """The eigenvalues are the diagonal net's interpolant of the spectra, at alpha^2 = mu/2."""
    sigma, nu = (
        np.asarray(part)
        for part in impl.min_potential(case["spectra"], case["y"], float(np.sqrt(case["mu"] / 2)), 2)[:2]
    )
    matrix, values, dual = _limit_law(impl, case)
    room = _room(case, sigma)
    compare(values, np.sort(sigma)[::-1], room, why="the eigenvalues")
    compare(matrix, (case["basis"] * sigma) @ case["basis"].T, room, why="the matrix")
    slack = known.slack(case["spectra"])
    slope = float(np.min(case["mu"] * np.sqrt(1 + (sigma / case["mu"]) ** 2)))
    compare(dual, nu, 4 * slack * (EPS * np.abs(nu).max() + room / slope), why="the dual")


@law(
    cases=WIDTHS,
    needs=("width_law",),
    grade="numerical",
    equation=r"M(R A R^\top) = R M R^\top, \quad M(c y; c \mu) = c M(y; \mu)",
)
def turned_and_scaled(impl, case):
    """Measurements in another basis turn the limit; larger targets and mu scale it; a sign of both flips it."""
    matrix, _, _ = _limit_law(impl, case)
    room = 4 * _room(case, np.diag(case["basis"].T @ matrix @ case["basis"]))
    turn = fac.turn(len(matrix), 9)
    turned = turn @ case["a"] @ turn.T
    turned = (turned + np.swapaxes(turned, 1, 2)) / 2
    compare(_limit_law(impl, case, a=turned)[0], turn @ matrix @ turn.T, room, why="turned")
    compare(_limit_law(impl, case, y=8 * case["y"], mu=8 * case["mu"])[0], 8 * matrix, 8 * room, why="times 8")
    compare(_limit_law(impl, case, y=-case["y"])[0], -matrix, room, why="targets of the other sign")
    nothing = np.concatenate([np.zeros((1, *matrix.shape)), case["a"]])
    compare(
        _limit_law(impl, case, a=nothing, y=np.append(0.0, case["y"]))[0], matrix, room, why="a measurement of 0 before"
    )
    units = np.exp2(np.where(np.arange(len(case["a"])) % 2, -30.0, 30.0))
    changed = {"a": units[:, None, None] * case["a"], "y": units * case["y"]}
    compare(_limit_law(impl, case, **changed)[0], matrix, room, why="each measurement in units of its own")
    compare(
        _limit_law(impl, case, a=changed["a"][::-1] / 2.0**9, y=changed["y"][::-1] / 2.0**9)[0],
        matrix,
        room,
        why="in reverse order",
    )


# --- contracts -------------------------------------------------------------------------------------------------------------
_DIAGONALS = {
    2.0: (0.8365992735, 0.3270175073, 0.1629686180),
    0.2: (0.9013947303, 0.2008409741, 0.0913444004),
    0.02: (0.9714980948, 0.0607695288, 0.0209704685),
}
_DIAGONAL = {"a": np.diag([1.0, 0.4, 0.2])[None], "y": np.ones(1)}

WIDTH_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "width_law",
        ("a", "y", "mu"),
        ("matrix", "eigenvalues", "dual"),
        WIDTHS,
        "Where an infinitely wide factorisation ends, for measurements that commute.",
        laws=(
            wide_limit_fits,
            hyperbolic_sine_of_the_measurements,
            one_measurement_by_bisection,
            eigenvalues_of_least_penalty,
            turned_and_scaled,
        ),
        planted=bugs_of("width_law"),
        golden=tuple(
            Golden(
                "width_law",
                _DIAGONAL | {"mu": mu},
                {"eigenvalues": np.array(values), "matrix": np.diag(values)},
                10,
                f"one diagonal measurement (1, 0.4, 0.2), target 1, mu = {mu:g}",
            )
            for mu, values in _DIAGONALS.items()
        ),
    ),
)
