"""What a lesson needs: parameters, claims, figures, players, progress, and where its output goes.

    from minidl.lesson import Lesson

    lesson = Lesson(
        "06_struc2vec",
        title="struc2vec: what a node looks like, not where it is",
        question="Can two nodes be alike that never meet?",
        params=dict(seed=0, steps=1500),
        quick=dict(steps=50),
        help=dict(steps="training steps"),
        seconds=12,
    )
    p = lesson.params
    ...
    lesson.claim("mirrored nodes are nearest", predicted=1.0, measured=share, relation=">=", tolerance=0.05)
    lesson.finish()

The call comes before NumPy is imported (so that `threads=` can still take effect) and uses literals only: `minidl
lessons` and `minidl run NAME --help` read it without running the file. The same file runs as a script, through
`minidl run`, and cell by cell in an editor or notebook, where the defaults apply.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, TypeVar

import minidl
from minidl.errors import UserError, is_user_error
from minidl.files import replacing, write_json, write_text
from minidl.lesson_claims import Claim, ClaimFailed, judge, table
from minidl.lesson_params import Declaration, parse

__all__ = ["Claim", "ClaimFailed", "Lesson"]

T = TypeVar("T")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
# brief comes from `minidl run`: a failure prints its kind and message, and the traceback only with --debug.
OPTIONS = {"quick": False, "out": "", "debug": False, "help": False, "brief": False}
_RECORDED = ("numpy", "minidl", "minidl_kernels", "numba", "matplotlib")
_FILE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


class Lesson:
    """One run of a lesson.

    name: the stem of the lesson's file. title, question: one line each. params: the parameters and their defaults,
    which give their types (bool, int, float, str, or a tuple of one of these). quick: values that replace them in a
    quick run. help, choices: per parameter. seconds: typical duration. threads: number of BLAS threads to run with.

    Attributes: params (one attribute per parameter), quick (bool), out (folder of the results), claims.
    Raises ValueError for a declaration that contradicts itself. Run as a script it reads the command line, and ends
    with exit code 2 for a parameter that it does not know.
    """

    params: SimpleNamespace

    def __init__(
        self,
        name: str,
        *,
        title: str = "",
        question: str = "",
        params: Mapping[str, Any] | None = None,
        quick: Mapping[str, Any] | None = None,
        help: Mapping[str, str] | None = None,
        choices: Mapping[str, tuple] | None = None,
        seconds: float | None = None,
        threads: int | None = None,
    ) -> None:
        self.declaration = Declaration(
            name, title, question, params or {}, quick or {}, help or {}, choices or {}, seconds, threads
        )
        self.name = name
        self.claims: list[Claim] = []
        self._results: dict[str, Any] = {}
        self._files: list[str] = []
        self._started = time.perf_counter()
        self._status = "running"
        # A lesson is a script when Python was started on its file; in a notebook or an editor's console it is not,
        # although its code runs as __main__ there too.
        self._script = _is_script(sys._getframe(1).f_globals)
        options, given = self._read_command_line() if self._script else (dict(OPTIONS), {})
        self.quick: bool = options["quick"]
        self.params = SimpleNamespace(**self.declaration.values(given, quick=self.quick))
        self.out = Path(options["out"] or Path("out") / name)
        if threads is not None:
            _limit_threads(threads)
        if self._script:
            if not _interactive():
                self._options = options
                sys.excepthook = self._ended_by
                _draw_to_files_only()
            # Figures of this run beside the results of an older one would be told apart by nobody.
            self._write_results()

    # -- claims and results ----------------------------------------------------------------------------------------

    def claim(
        self,
        text: str,
        *,
        predicted: Any,
        measured: Any,
        tolerance: float | None = None,
        relation: str = "==",
        holds: bool | None = None,
        because: str = "",
        full_only: bool = False,
        mean: float | None = None,
    ) -> Claim:
        """Put a prediction beside its measurement; `finish` prints and asserts the table.

        predicted, measured: numbers, or arrays of one shape. relation: measured <relation> predicted, one of "==", "<",
        "<=", ">", ">=", "between" (predicted=(low, high)), loosened by the tolerance (default 0). because: where the
        tolerance comes from. holds: decides instead, for what is no number. full_only: a quick run, whose
        training is too short for the claim, measures without judging. mean: with `--seeds`, the mean of the measurements
        must also stand in the relation to this value. Raises ValueError or TypeError for a claim that cannot be judged.
        """
        if any(text == other.text for other in self.claims):
            # In an editor a cell runs again and again; in a script two rows of one name are a mistake.
            if self._script:
                raise ValueError(f"the claim {text!r} is already made: give each claim a text of its own")
            self.claims = [other for other in self.claims if other.text != text]
        made = judge(
            text,
            predicted=predicted,
            measured=measured,
            tolerance=tolerance,
            relation=relation,
            holds=holds,
            because=because,
            mean=mean,
            judged=not (full_only and self.quick),
        )
        self.claims.append(made)
        return made

    def result(self, name: str, value: Any) -> None:
        """Keep a value (numbers, arrays, and lists and dicts of these) for results.json."""
        self._results[name] = value

    def finish(self) -> None:
        """Print the claims, write results.json, and raise ClaimFailed that names the claims that do not hold."""
        failed = [claim for claim in self.claims if claim.holds is False]
        self._status = "failed" if failed else "complete"
        self._write_results()
        if self.claims:
            rows = [claim.cells() for claim in self.claims]
            print("\n" + table(("claim", "predicted", "measured", "tolerance", "holds"), rows))
            for claim in self.claims:
                if claim.because:
                    print(f"  tolerance of {claim.text!r}: {claim.because}")
        print(f"\n{self._written()}")
        if failed:
            names = "; ".join(claim.text for claim in failed)
            raise ClaimFailed(f"{len(failed)} of {len(self.claims)} claims do not hold: {names}")

    # -- figures, players, progress --------------------------------------------------------------------------------

    def figure(self, figure: Any, name: str) -> Path:
        """Save a Matplotlib figure as `<out>/<name>.png`; shown in a notebook or console, closed elsewhere.

        Raises ValueError for a name that is no plain file name, UserError when the folder cannot be written.
        """
        figure = getattr(figure, "figure", figure)  # an Axes knows its figure, and a figure is its own
        path = self._target(name, ".png")
        with _remedied(path), replacing(path) as beside:
            # No software version in the file: equal figures are equal bytes.
            figure.savefig(beside, dpi=120, bbox_inches="tight", metadata={"Software": None})
        self._remember(path)
        self._show(figure)
        return path

    def player(self, animation: Any, name: str, *, fps: float = 4) -> Path:
        """Save a Matplotlib animation as `<out>/<name>.html`: one file that steps frame by frame in a browser, offline.

        Raises as `figure` does.
        """
        from minidl.lesson_player import player_page

        path = self._target(name, ".html")
        page = player_page(animation, title=f"{self.name}: {name}", fps=fps)
        with _remedied(path):
            write_text(path, page)
        self._remember(path)
        _close(animation._fig)  # Matplotlib offers no public name for it
        if _in_ipython():
            from IPython.display import HTML, display

            display(HTML(page))
        return path

    def progress(self, iterable: Iterable[T], desc: str = "", total: int | None = None) -> Iterable[T]:
        """The iterable with a progress bar on stderr, which is silent where nobody watches (no terminal)."""
        from tqdm import tqdm

        return tqdm(iterable, desc=desc or None, total=total, disable=None, leave=False, dynamic_ncols=True)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _read_command_line(self) -> tuple[dict[str, Any], dict[str, Any]]:
        words = ["--help" if word == "-h" else word for word in sys.argv[1:]]
        try:
            options, given = parse(self.declaration, OPTIONS, words)
        except UserError as error:
            print(f"minidl: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        if options.get("help"):
            print(self.declaration.title)
            print(f"\nusage: python {sys.argv[0]} [--param value ...] [--quick] [--out DIR] [--debug]\n")
            print("\n".join(self.declaration.parameter_lines()))
            raise SystemExit(0)
        return {**OPTIONS, **options}, given

    def _target(self, name: str, suffix: str) -> Path:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(f"a figure's name is a plain file name without folder, such as 'depth'; got {name!r}")
        return self.out / (name if name.endswith(suffix) else name + suffix)

    def _remember(self, path: Path) -> None:
        if path.name not in self._files:
            self._files.append(path.name)

    def _written(self) -> str:
        return f"{', '.join([*self._files, 'results.json'])} in {self.out}"

    def _show(self, figure: Any) -> None:
        if _in_ipython():
            from IPython.display import display

            display(figure)
            _close(figure)  # an open figure would be shown a second time at the end of the cell
        elif _interactive():
            figure.show()
        else:
            _close(figure)

    def _write_results(self, **more: Any) -> Path:
        path = self.out / "results.json"
        loaded = {name: sys.modules[name] for name in _RECORDED if name in sys.modules}
        record = {
            "lesson": self.name,
            "title": self.declaration.title,
            "status": self._status,
            "interrupted": self._status == "interrupted",
            "quick": self.quick,
            "seed": getattr(self.params, "seed", None),
            "parameters": vars(self.params),
            "claims": [claim.record() for claim in self.claims],
            "results": self._results,
            "files": self._files,
            "elapsed_seconds": round(time.perf_counter() - self._started, 3),
            "versions": {
                "python": platform.python_version(),
                "minidl": minidl.__version__,
                **{name: module.__version__ for name, module in loaded.items() if hasattr(module, "__version__")},
            },
            "platform": platform.platform(),
            "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
            **more,
        }
        with _remedied(path):
            write_json(path, record)
        return path

    def _ended_by(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """The exception hook of a script: keep what there is, say what happened, choose the exit code."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C must not cost the results
        if not isinstance(error, ClaimFailed):
            interrupted = isinstance(error, KeyboardInterrupt)
            self._status = "interrupted" if interrupted else "failed"
            try:
                self._write_results(error=None if interrupted else f"{kind.__name__}: {error}")
            except UserError as unwritable:
                if not is_user_error(error):  # else it is most likely the one that is about to be told
                    print(f"minidl: {unwritable}", file=sys.stderr)
            if interrupted:
                print(f"\nminidl: interrupted; {self._written()}", file=sys.stderr)
                raise SystemExit(130)
        raise SystemExit(report_error(error, brief=self._options["brief"], debug=self._options["debug"]))


@contextmanager
def _remedied(path: Path) -> Iterator[None]:
    """Names the remedy when a result cannot be written."""
    try:
        yield
    except OSError as error:
        remedy = "choose another folder with --out DIR"
        raise UserError(f"cannot write {path} ({error.strerror or error}): {remedy}") from error


def report_error(error: BaseException, *, brief: bool, debug: bool) -> int:
    """Print a failure of a lesson to stderr; returns the exit code: 1 for claims that do not hold, 2 for the rest."""
    code = 1 if isinstance(error, ClaimFailed) else 2
    said = code == 1 or is_user_error(error)
    if debug or not (said or brief):
        traceback.print_exception(error)
    elif said:
        print(f"minidl: {error}", file=sys.stderr)
    else:
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[0].filename}:{frames[0].lineno}; --debug shows the traceback)" if frames else ""
        print(f"minidl: {type(error).__name__}: {error}{where}", file=sys.stderr)
    return code


def _is_script(caller: Mapping[str, Any]) -> bool:
    file = caller.get("__file__")
    if caller.get("__name__") != "__main__" or not file or not sys.argv or not sys.argv[0]:
        return False
    return Path(sys.argv[0]).resolve() == Path(file).resolve()


def _in_ipython() -> bool:
    module = sys.modules.get("IPython")
    return module is not None and module.get_ipython() is not None


def _interactive() -> bool:
    """Whether a person sits at a console of this process (also `python -i`)."""
    return _in_ipython() or hasattr(sys, "ps1") or bool(sys.flags.interactive)


def _draw_to_files_only() -> None:
    """Choose Matplotlib's backend that needs no display, whatever the environment asks for."""
    os.environ["MPLBACKEND"] = "Agg"
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].use("Agg")


def _limit_threads(count: int) -> None:
    """Ask the BLAS for `count` threads, which it reads when NumPy loads. The environment's own wish goes first."""
    if any(name in os.environ for name in THREAD_VARIABLES[:3]):
        return
    if "numpy" in sys.modules:
        print(f"note: NumPy was loaded before Lesson(...), too late to keep its BLAS to {count} thread(s)")
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(count)))


def _close(figure: Any) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
