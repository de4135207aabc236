"""Planted bugs of tours."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid


def _walk(
    ref,
    S,
    start,
    W,
    b,
    a,
    u_v,
    u_h,
    *,
    home=None,
    rows=lambda live: live,
    visible=lambda u, p: u < p,
    record=lambda before, after: before,
    leave=True,
):
    """Tours with another test of being back, other noise, another visible layer, or another record."""
    home = home or (lambda h, live: ref.in_set(h, S))
    h, R = np.asarray(start, W.dtype), len(start)
    length, completed, last = np.zeros(R, np.int64), np.zeros(R, bool), np.asarray(start).astype(np.uint8)
    live, states, owner = np.arange(R), [last[:0]], [np.arange(0)]
    for t in range(len(u_v)):
        p = sigmoid(h @ W.T + b)
        v = visible(u_v[t, rows(live)], p).astype(W.dtype)
        after = (u_h[t, rows(live)] < sigmoid(v @ W + a)).astype(W.dtype)
        states.append(record(h, after).astype(np.uint8))
        owner.append(live)
        back = home(after, live)
        length[live], last[live] = t + 1, after
        completed[live] = completed[live] | back
        if leave:
            live, after = live[~back], after[~back]
        h = after
        if live.size == 0:
            break
    return length, completed, last, np.concatenate(states), np.concatenate(owner)


def _touring(**changed):
    return lambda ref: lambda S, start, W, b, a, u_v, u_h: _walk(ref, S, start, W, b, a, u_v, u_h, **changed)


@planted("run_tours")
def tested_before_the_first_step(ref):
    """The set is tested before a step is taken: every tour is over where it starts."""

    def run_tours(S, start, W, b, a, u_v, u_h):
        R, octets = len(start), np.asarray(start).astype(np.uint8)
        return np.zeros(R, np.int64), np.ones(R, bool), octets, octets[:0], np.arange(0)

    return run_tours


@planted("run_tours")
def home_is_the_start(ref):
    """A tour ends only when it is back at its own start, not anywhere in the set."""

    def run_tours(S, start, W, b, a, u_v, u_h):
        def home(h, live):
            return (h == np.asarray(start, W.dtype)[live]).all(axis=1)

        return _walk(ref, S, start, W, b, a, u_v, u_h, home=home)

    return run_tours


@planted("run_tours")
def tours_go_on(ref):
    """Tours that are back go on, and their later visits are counted too."""
    return _touring(leave=False)(ref)


@planted("run_tours")
def unfinished_called_complete(ref):
    """Tours that met the cap are called complete, with the cap for their length."""

    def run_tours(*inputs):
        found = ref.run_tours(*inputs)
        return found._replace(completed=np.ones_like(found.completed))

    return run_tours


@planted("run_tours")
def noise_by_place_in_line(ref):
    """Tours take their noise by their place among those that are left, not by their own number."""
    return _touring(rows=lambda live: np.arange(len(live)))(ref)


@planted("run_tours")
def mean_of_the_visible_layer(ref):
    """The mean of v is passed on instead of a sample: tours of another chain, to which Kac's theorem says nothing here."""
    return _touring(visible=lambda u, p: p)(ref)


@planted("run_tours")
def returning_state_included(ref):
    """What is recorded is the state after each step: the returning state instead of the start."""
    return _touring(record=lambda before, after: after)(ref)


@planted("run_tours")
def membership_by_a_filter(ref):
    """Membership is tested by the number of units that are on, which has false positives: tours end too early."""

    def run_tours(S, start, W, b, a, u_v, u_h):
        def home(h, live):
            return np.isin(h.sum(axis=1), np.asarray(S, W.dtype).sum(axis=1))

        return _walk(ref, S, start, W, b, a, u_v, u_h, home=home)

    return run_tours


@planted("run_tours")
def unfinished_left_out(ref):
    """The visits of unfinished tours are not recorded, as if a cap had never been met."""

    def run_tours(*inputs):
        found = ref.run_tours(*inputs)
        kept = found.completed[found.owner]
        return found._replace(states=found.states[kept], owner=found.owner[kept])

    return run_tours


@planted("run_tours")
def length_counts_both_ends(ref):
    """The length of a completed tour counts the state that ends it."""

    def run_tours(*inputs):
        found = ref.run_tours(*inputs)
        return found._replace(length=found.length + found.completed)

    return run_tours


@planted("run_tours")
def last_step_not_tested(ref):
    """A tour that comes back in the last step is called unfinished."""

    def run_tours(S, start, W, b, a, u_v, u_h):
        found = ref.run_tours(S, start, W, b, a, u_v, u_h)
        return found._replace(completed=found.completed & (found.length < len(u_v)))

    return run_tours


@planted("run_tours")
def new_start_in_place_of_the_old(ref):
    """A tour that is back goes on from there as the next one under the same number, and only the last is told."""

    def run_tours(S, start, W, b, a, u_v, u_h):
        found = ref.run_tours(S, start, W, b, a, u_v, u_h)
        K = len(u_v)
        again = np.flatnonzero(found.completed & (found.length < K))
        length, completed, last = found.length.copy(), found.completed.copy(), found.last.copy()
        for r in again:
            n = length[r]
            more = ref.run_tours(S, last[r : r + 1], W, b, a, u_v[n:, r : r + 1], u_h[n:, r : r + 1])
            length[r], completed[r], last[r] = more.length[0], more.completed[0], more.last[0]
        return found._replace(length=length, completed=completed, last=last)

    return run_tours
