"""Errors that a person can put right, and the wording of suggestions."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable

__all__ = ["UserError", "is_user_error", "near"]


class UserError(ValueError):
    """The input cannot be used; the message says what was expected, what came, and the remedy.

    The command line prints the message alone and exits with code 2.
    """


def is_user_error(error: BaseException) -> bool:
    """Whether the message alone tells the person what to do: a UserError, or a DataError of minidl.data."""
    if isinstance(error, UserError):
        return True
    # A DataError can only have been raised by a package that is already loaded, and loading it here would load NumPy.
    data = sys.modules.get("minidl.data.errors")
    return data is not None and isinstance(error, data.DataError)


def near(word: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' when a known name is close to the word, '' otherwise."""
    known = list(known)
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, n=3, cutoff=0.6)
    if not close:
        return ""
    return f" Did you mean {' or '.join(repr(folded[name]) for name in close)}?"
