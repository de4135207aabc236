"""Planted bugs of drawing from a table of aliases."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _drawn(choose):
    """choose(x, i, threshold, alias): the entries, from K u and its whole part."""

    def alias_draw(threshold, alias, u):
        x = np.asarray(u) * len(threshold)
        i = np.minimum(x.astype(np.int64), len(threshold) - 1)
        return np.asarray(choose(x, i, threshold, alias.astype(np.int64)))

    return alias_draw


@planted("alias_draw")
def entry_above_its_threshold(ref):
    """The entry is drawn above its threshold, and its alias below."""
    return _drawn(lambda x, i, threshold, alias: np.where(x - i < threshold[i], alias[i], i))


@planted("alias_draw")
def threshold_for_the_entry(ref):
    """A number on the threshold draws the entry."""
    return _drawn(lambda x, i, threshold, alias: np.where(x - i <= threshold[i], i, alias[i]))


@planted("alias_draw")
def number_itself_for_its_fraction(ref):
    """The threshold is compared with u, whose size has chosen the entry already, not with the fraction of K u."""
    return _drawn(lambda x, i, threshold, alias: np.where(x / len(threshold) < threshold[i], i, alias[i]))


@planted("alias_draw")
def rounded_to_the_nearest(ref):
    """K u is rounded, not cut: the first and last entry get half of what is theirs."""

    def alias_draw(threshold, alias, u):
        x = np.asarray(u) * len(threshold)
        i = np.minimum(np.rint(x).astype(np.int64), len(threshold) - 1)
        return np.where(np.abs(x - i) < threshold[i], i, alias[i].astype(np.int64))

    return alias_draw


@planted("alias_draw")
def aliases_never(ref):
    """Every entry is drawn as often as any other: aliases are not used."""
    return _drawn(lambda x, i, threshold, alias: i)


@planted("alias_draw")
def alias_of_the_alias(ref):
    """The alias is looked up twice."""
    return _drawn(lambda x, i, threshold, alias: np.where(x - i < threshold[i], i, alias[alias[i]]))


@planted("alias_draw")
def threshold_of_the_alias(ref):
    """The fraction is compared with the threshold of the alias."""
    return _drawn(lambda x, i, threshold, alias: np.where(x - i < threshold[alias[i]], i, alias[i]))


@planted("alias_draw")
def flattened(ref):
    """Draws come in one row, whatever the shape of the numbers."""
    return _drawn(lambda x, i, threshold, alias: np.where(x - i < threshold[i], i, alias[i]).ravel())
