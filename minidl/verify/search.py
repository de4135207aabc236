"""Run one check over named cases, then generated ones, and bring back the smallest case that breaks it."""

from __future__ import annotations

import contextlib
import copy
import functools
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from minidl.laws.core import Broken, Case, Cases, NotProvided
from minidl.verify.cases import Guard, key, weight

# Enough to shrink what our strategies draw; a slow implementation is cut off by the clock instead.
_SHRINK_CALLS, _SHRINK_SECONDS = 400, 30.0


class Unusable(Exception):
    """The implementation cannot be judged at all: this ends the run, where a broken law would go on.

    report: the report that says so, once `run` has made it.
    """

    report: Any = None


class Stalled(Exception):
    """A call ran into its time limit: this ends the search at the case at hand, without shrinking."""


@dataclass
class Failure:
    """A case that breaks a check, and how. name is empty for generated cases; the case, where none could be drawn."""

    case: Case
    name: str
    error: Exception


@dataclass
class Outcome:
    """What a search saw: how many cases it judged, how many the implementation declined, the smallest failure."""

    cases: int = 0
    declined: int = 0
    why_declined: str = ""
    failure: Failure | None = None


def search(check: Callable[[Case], None], cases: Cases, *, examples: int, seed: int, shrink: bool = True) -> Outcome:
    """Judge every named case, then `examples` generated ones from a fixed seed.

    Without shrink the first failure ends the search. Raises Unusable when the check does.
    """
    from hypothesis.errors import HypothesisDeprecationWarning

    outcome = Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)  # a law's `assume` on a case that is not drawn
        for name, case in cases.named.items():
            error = _judge(check, case, outcome)
            if error is not None and (outcome.failure is None or weight(case) < weight(outcome.failure.case)):
                outcome.failure = Failure(copy.deepcopy(case), name, error)
            if outcome.failure is not None and (not shrink or isinstance(error, Stalled)):
                return outcome
        if cases.generated is None or examples <= 0:
            return outcome
        try:
            drawn = draw(cases.generated, examples, seed)
        except Undrawable as error:
            outcome.failure = Failure({}, "", Broken(str(error)))
            return outcome
        for case in drawn:
            error = _judge(check, case, outcome)
            if error is None:
                continue
            found = [Failure(copy.deepcopy(case), "", error)]
            if shrink and not isinstance(error, Stalled):
                found += _shrink(check, cases.generated, examples, seed)
            found += [outcome.failure] if outcome.failure is not None else []
            outcome.failure = min(reversed(found), key=lambda failure: weight(failure.case))
            break
    return outcome


class Undrawable(Exception):
    """A strategy draws nothing: the laws file is at fault."""


@functools.lru_cache(maxsize=256)
def draw(generated: Callable[[], Any], examples: int, seed: int) -> tuple[Case, ...]:
    """The generated cases: the same for every law, implementation and planted bug, so they are drawn once."""
    drawn: list[Case] = []
    try:
        _given(generated, examples, seed, shrink=False)(drawn.append)
    except Exception as error:
        raise Undrawable(f"no case could be generated ({type(error).__name__}: {error})") from error
    return tuple(drawn)


def _judge(check: Callable[[Case], None], case: Case, outcome: Outcome) -> Exception | None:
    """The error that the check raises on this case, or None. The case comes back as it was."""
    from hypothesis.errors import UnsatisfiedAssumption

    with Guard(case):
        try:
            check(case)
        except Unusable:
            raise
        except UnsatisfiedAssumption:  # the law turns this case away
            return None
        except NotProvided as error:
            outcome.declined += 1
            outcome.why_declined = error.reason or str(error)
            return None
        except Exception as error:
            outcome.cases += 1
            return error
    outcome.cases += 1
    return None


def _given(
    generated: Callable[[], Any], examples: int, seed: int, *, shrink: bool
) -> Callable[[Callable[[Case], Any]], None]:
    """Run a probe on cases from the strategy: Hypothesis with a seed, and without what it remembers between runs."""
    import hypothesis
    from hypothesis import HealthCheck, Phase, Verbosity

    def run(probe: Callable[[Case], Any]) -> None:
        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=examples,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(generated())
        def probed(case: Case) -> None:
            probe(case)

        with _seeded_alone():
            probed()

    return run


def _shrink(check: Callable[[Case], None], generated: Callable[[], Any], examples: int, seed: int) -> list[Failure]:
    """Fail again under Hypothesis, which then looks for a smaller case. Empty if it does not fail again."""
    failures: dict[bytes, Failure] = {}
    last: list[Failure] = []
    stop: list[Unusable] = []
    began, calls = 0.0, 0

    def probe(case: Case) -> None:
        nonlocal began, calls
        if stop:
            return
        if failures:
            calls += 1
            # Past the budget nothing new fails, but what failed before fails again: Hypothesis asks for it once more.
            if calls > _SHRINK_CALLS or time.monotonic() - began > _SHRINK_SECONDS:
                known = failures.get(key(case))
                if known is not None:
                    raise known.error
                return
        try:
            error = _judge(check, case, Outcome())
        except Unusable as unusable:
            stop.append(unusable)
            return
        if error is None or isinstance(error, Stalled):
            return
        if not failures:
            began = time.monotonic()
        last[:] = [Failure(copy.deepcopy(case), "", error)]
        failures[key(case)] = last[0]
        raise error

    with contextlib.suppress(Exception):  # what the probe raised, or Hypothesis on a check that fails on a whim
        _given(generated, examples, seed, shrink=True)(probe)
    if stop:
        raise stop[0]
    return last


@contextlib.contextmanager
def _seeded_alone() -> Iterator[None]:
    """Let the seed alone decide what is drawn.

    Hypothesis also draws constants that it reads in the source of whatever local modules are loaded, and caches them in
    the current directory. Then pytest, the command line and an installed copy would judge on different cases. There is
    no setting for it; where its internals are not what we know, the cases depend on the loaded modules a little.
    """
    try:
        from hypothesis.internal.conjecture import providers

        kept = providers._get_local_constants, providers.CONSTANTS_CACHE
        nothing, fresh = type(providers._local_constants)(), type(providers.CONSTANTS_CACHE)(1024)
    except (ImportError, AttributeError, TypeError):
        yield
        return
    providers._get_local_constants, providers.CONSTANTS_CACHE = lambda: nothing, fresh
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = kept
