"""A bar for what takes more than a few seconds; silent without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(progress: bool | str, what: str, total: int, done: int = 0) -> Iterator[Callable[[int], object]]:
    """A function that tells how many more of `total` are done. progress: False for no bar; a word goes before `what`."""
    if not progress:
        yield lambda more: None
        return
    from tqdm.auto import tqdm

    label = f"{progress}: {what}" if isinstance(progress, str) else what
    with tqdm(total=total, initial=done, desc=label, leave=False, disable=None) as shown:
        yield shown.update
