"""Projection onto a polytope by the dual active-set method: the exact answer after finitely many steps."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(np.float64).eps)
_ROUNDS = 100  # times the number of constraints: far more than was ever seen
_STUCK = "rounding keeps the projection from ending: are points of x nearly equal? Merge them"


def onto_polytope(y: np.ndarray, normals: np.ndarray, bound: float) -> np.ndarray:
    r"""The point r nearest to y with $|n_j^\top r| \le$ bound for all columns $n_j \ne 0$ of `normals` (N, P). y, r: (N,).

    It begins with r = y, where no constraint is in force, and lets in the most violated one at a time; r is always y minus
    a combination of the normals in force, with weights that never become negative. A constraint whose weight falls to 0
    leaves. Goldfarb and Idnani, A numerically stable dual method for solving strictly convex quadratic programs, 1983,
    section 3; the quadratic form is the identity here.
    Raises RuntimeError if it does not settle, which needs normals that are parallel to within rounding.
    """
    normals = np.concatenate([normals, -normals], axis=1)  # (N, 2P), for n^T r <= bound
    sizes = np.linalg.norm(normals, axis=0)
    normals, bounds = normals / sizes, bound / sizes
    rounding = 16 * len(y) * EPS * (np.linalg.norm(y) + bounds)
    r, active, weights = y, [], np.zeros(0)
    for _ in range(_ROUNDS * (1 + len(sizes))):
        excess = normals.T @ r - bounds - rounding
        excess[active] = -1.0  # they hold with equality
        if excess.max(initial=-1.0) <= 0:
            return r
        active, weights = _let_in(int(excess.argmax()), active, weights, r, normals, bounds)
        r = y - normals[:, active] @ weights
    raise RuntimeError(_STUCK)


@np.errstate(over="ignore", divide="ignore")  # a quotient beyond float64 is as good as infinity
def _let_in(
    new: int, active: list[int], weights: np.ndarray, r: np.ndarray, normals: np.ndarray, bounds: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Raise the new constraint's weight until it holds, dropping on the way those whose weight would become negative."""
    n, weight = normals[:, new], 0.0
    while True:  # at most once for each constraint in force, for one leaves
        along = np.linalg.lstsq(normals[:, active], n, rcond=None)[0]  # (A,) how the weights in force give way
        apart = n - normals[:, active] @ along  # (N,) what is left of n at right angles to them
        free = np.linalg.norm(apart) > 64 * len(n) * EPS
        holds_at = (n @ r - bounds[new]) / (apart @ n) if free else np.inf
        leaves_at = np.full(len(active), np.inf)
        np.divide(weights, along, out=leaves_at, where=along > 0)
        if not free and not np.isfinite(leaves_at).any():
            raise RuntimeError(_STUCK)  # r = 0 satisfies every constraint, so exact arithmetic does not get here
        if holds_at <= leaves_at.min(initial=np.inf):
            return [*active, new], np.append(weights - holds_at * along, weight + holds_at)
        gone = int(leaves_at.argmin())
        step = leaves_at[gone]
        r, weights, weight = r - step * apart, np.delete(weights - step * along, gone), weight + step
        active = active[:gone] + active[gone + 1 :]
