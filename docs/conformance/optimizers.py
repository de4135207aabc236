"""Hold the optimizers of other libraries against the laws, and write docs/conformance/optimizers.md.

    python docs/conformance/optimizers.py            needs torch, optax, pytorch_optimizer, torch_optimizer (extra `peers`)

What each breaks, and why, stands in optimizers_known.json: the page is written only if the runs agree with it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from minidl.files import write_text
from minidl.verify import adapt, run
from minidl.verify.adapters import Adapted
from minidl.verify.cases import weight
from minidl.verify.report import Report, Row
from minidl.verify.text import short_case

PAGE = Path(__file__).with_suffix(".md")
EXAMPLES, SEED = 25, 0
# subject -> row -> why it breaks: for each subject what `minidl verify --known` takes
KNOWN = json.loads(Path(__file__).with_name("optimizers_known.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Subject:
    """An optimizer to be judged. package: that it is in; conclusion: what a user should know, or do."""

    title: str
    package: str
    method: str
    target: Adapted | Callable[[], Adapted]
    functions: tuple[str, ...]
    conclusion: str

    @property
    def known(self) -> dict[str, str]:
        """The rows that break, each with its reason."""
        return KNOWN.get(self.title, {})

    @property
    def breaks(self) -> dict[str, list[str]]:
        """The reasons, each with its rows."""
        reasons: dict[str, list[str]] = {}
        for row, reason in self.known.items():
            reasons.setdefault(reason, []).append(row)
        return reasons


def contiguous() -> Adapted:
    """torch's optimizers with gradients made contiguous before each step."""
    import torch

    def step(self: Any, closure: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = p.grad.contiguous()
        return type(self).__base__.step(self, closure)

    kinds = (torch.optim.SGD, torch.optim.Adagrad, torch.optim.Adam, torch.optim.AdamW)
    made = {kind.__name__: type(kind.__name__, (kind,), {"step": step}) for kind in kinds}
    return adapt(SimpleNamespace(**made), fixed={"fused": True})


NO_DEFAULTS = "Call it with the hyperparameters of the formula that you mean, not with another library's defaults."
SUBJECTS = (
    Subject(
        "torch.optim",
        "torch",
        "avagrad",
        adapt("torch.optim"),
        ("sgd", "rmsprop", "adagrad", "adam", "amsgrad", "adamw"),
        "All laws hold. These six are what this library means by their names, and may be used as ground truth for others. One "
        "weakness lies beyond these short runs: `RMSprop(centered=True)` subtracts two averages that become equal along a "
        "constant gradient; with a gradient of 0.1 and `alpha=0.9` a negative number comes under the root, and NaN into "
        "the parameters, at step 331 (float64). The reference here computes the same variance without subtraction.",
    ),
    Subject(
        "torch.optim, foreach=True",
        "torch",
        "avagrad",
        adapt("torch.optim", fixed={"foreach": True}),
        ("sgd", "rmsprop", "adagrad", "adam", "amsgrad", "adamw"),
        "The numbers are right. After `SGD(nesterov=True, foreach=True).step()` without weight decay, `.grad` holds "
        "the Nesterov direction and no longer the gradient: log, clip or accumulate gradients before the step, or pass "
        "`foreach=False`. (`foreach` is the default on CUDA.)",
    ),
    Subject(
        "torch.optim, fused=True",
        "torch",
        "avagrad",
        adapt("torch.optim", fixed={"fused": True}),
        ("sgd", "adagrad", "adam", "amsgrad", "adamw"),
        "On contiguous gradients all laws hold. On others, such as a column of a matrix, the result is silently wrong on the "
        "CPU. Gradients that autograd makes have their parameter's layout; make those contiguous that you assign yourself.",
    ),
    Subject(
        "torch.optim, fused=True, gradients made contiguous",
        "torch",
        "avagrad",
        contiguous,
        ("sgd", "adagrad", "adam", "amsgrad", "adamw"),
        "The fused kernels compute the same as the loops.",
    ),
    Subject(
        "optax",
        "optax",
        "avagrad",
        adapt("optax"),
        ("sgd", "rmsprop", "adagrad", "adam", "amsgrad", "adamw"),
        "`sgd`, `adam` and `adamw` are torch's, to the last digits. `rmsprop`, `adagrad` and `amsgrad` are other formulas "
        "under the same names: learning rates and eps do not carry over, least of all where gradients are small beside "
        f"eps, and curves of the two libraries are not comparable. {NO_DEFAULTS}",
    ),
    Subject(
        "optax.rmsprop, eps_in_sqrt=False",
        "optax",
        "avagrad",
        adapt("optax:rmsprop", fixed={"eps_in_sqrt": False}),
        ("rmsprop",),
        "Its documentation says that `eps_in_sqrt=False` matches PyTorch. That holds at a constant learning rate, or "
        "without momentum. Under a schedule with momentum the two part: here the buffer holds moves, and goes on with "
        "the learning rate of their time; in PyTorch it holds directions, and a drop of the learning rate takes effect "
        "at once.",
    ),
    Subject(
        "pytorch_optimizer.AvaGrad, weight_decouple=False",
        "pytorch_optimizer",
        "avagrad",
        adapt("pytorch_optimizer:AvaGrad", fixed={"weight_decouple": False}, only={"variant": "released"}),
        ("avagrad",),
        "It is the authors' released form, to rounding, the stale normaliser included; the paper's form it does not "
        "offer. Coupled weight decay is added to `.grad` in place (as in the authors' code): gradients that are read "
        "after the step contain it.",
    ),
    Subject(
        "pytorch_optimizer.AvaGrad, as AvaGradW",
        "pytorch_optimizer",
        "avagrad",
        adapt("pytorch_optimizer:AvaGrad", function="avagradw", only={"variant": "released"}),
        ("avagradw",),
        "Its default, `weight_decouple=True`, is not quite the authors' AvaGradW: one decay more, in the first step. "
        "After that step the two are the same from there on; in practice a factor 1 - lr * weight_decay in the start.",
    ),
    Subject(
        "pytorch_optimizer.AdaBound, weight_decouple=False",
        "pytorch_optimizer",
        "adabound",
        adapt("pytorch_optimizer:AdaBound", fixed={"weight_decouple": False}),
        ("adabound", "amsbound"),
        "AdaBound and AMSBound of the authors' code for gradients of ordinary size. The 1e-15 is an eps of 3e-8 that "
        "cannot be turned off: where gradients are of that size and the band is open, moves come out too small. Coupled "
        "weight decay is added to `.grad` in place.",
    ),
    Subject(
        "pytorch_optimizer.AdaBound, as AdaBoundW",
        "pytorch_optimizer",
        "adabound",
        adapt("pytorch_optimizer:AdaBound", function="adaboundw"),
        ("adaboundw",),
        "The default decay is AdamW's, multiplied by the learning rate; the authors' AdaBoundW multiplies by nothing. At "
        "`lr=1e-3` the same `weight_decay` is a thousand times weaker here. `fixed_decay=True` is the authors' form.",
    ),
    Subject(
        "pytorch_optimizer.AdaBound, fixed_decay=True, as AdaBoundW",
        "pytorch_optimizer",
        "adabound",
        adapt("pytorch_optimizer:AdaBound", function="adaboundw", fixed={"fixed_decay": True}),
        ("adaboundw",),
        "The authors' AdaBoundW but for the 1e-15 (see above).",
    ),
    Subject(
        "torch_optimizer.AdaBound",
        "torch_optimizer",
        "adabound",
        adapt("torch_optimizer:AdaBound"),
        ("adabound", "amsbound"),
        "AdaBound and AMSBound of the authors' code, in every law that it accepts the inputs of. It takes `gamma` below 1 "
        "only, which is no restriction in practice (the default is 1e-3); the limit of a closing band is out of its reach.",
    ),
)


def judge(subject: Subject) -> Report:
    """The report on a subject, with what it is known to break."""
    return run(
        subject.method,
        subject.target if isinstance(subject.target, Adapted) else subject.target(),
        functions=subject.functions,
        known=subject.known,
        examples=EXAMPLES,
        seed=SEED,
        planted=False,
    )


def surprises(report: Report) -> list[str]:
    """The rows that are not as the page says: broken without a reason, or holding in spite of one."""
    wrong = [row for row in report.rows if row.status not in ("holds", "known", "not provided")]
    return [f"{row.item.id}: {row.status}" for row in wrong]


# --- the page --------------------------------------------------------------------------------------------------------
def verdicts(subject: Subject, report: Report) -> list[str]:
    """A line of the table per function."""
    lines = []
    for function in subject.functions:
        rows = [row for row in report.rows if row.item.contract.function == function]
        count = Counter(row.status for row in rows)
        lines.append(
            f"| {subject.title} | `{function}` | {len(rows)} | {count['holds']} | {count['known'] or '-'} "
            f"| {count['not provided'] or '-'} |"
        )
    return lines


def section(subject: Subject, report: Report) -> list[str]:
    """Everything about one subject."""
    lines = [f"## {subject.title}", ""]
    lines += [f"`{function}` is `{call}`  " for function, call in report.wiring.items()]
    holding = [row.item.name for row in report.rows if row.status == "holds"]
    absent = [row for row in report.rows if row.status == "not provided"]
    lines += ["", f"{len(holding)} rows hold:", "", *_listed(report, "holds")]
    if absent:
        lines += ["", f"{len(absent)} rows are not provided, since the cases that they need are not offered:", ""]
        lines += _listed(report, "not provided")
    for reason, names in subject.breaks.items():
        rows = [report.row(name) for name in names]
        lines += ["", f"**Breaks: {reason}.**", "", *_listed(report, "known", names), "", *_smallest(rows)]
        for function in dict.fromkeys(name.partition("/")[0] for name in names):
            like = report.resemblances.get(function)
            if like is not None and len(names) > 1:
                lines += ["", f"`{function}` {like}"]
    return [*lines, "", f"**Conclusion.** {subject.conclusion}", ""]


def _listed(report: Report, status: str, names: Sequence[str] = ()) -> list[str]:
    """The rows of a status, a line per function."""
    found: dict[str, list[str]] = {}
    for row in report.rows:
        if row.status == status and (not names or row.item.id in names):
            found.setdefault(row.item.contract.function, []).append(row.item.name)
    return [f"- `{function}`: {', '.join(rows)}" for function, rows in found.items()]


def _smallest(rows: Sequence[Row]) -> list[str]:
    """The smallest case among the rows, laws first."""
    row = min(rows, key=lambda row: (row.item.kind not in ("law", "call"), weight(row.breakage.case)))
    broken, law = row.breakage, row.item.law
    lines = [f"The smallest case, of {row.item.name}: {row.item.statement}"]
    if law is not None and law.equation:
        lines += ["", f"$${law.equation}$$"]
    named = f"{broken.case_name} ({broken.note}): " if broken.note else ""
    told = {"case": named + short_case(row.item.contract, broken.case), "found": broken.why}
    told |= {"expected": broken.expected, "got": broken.got} if broken.got else {}
    if broken.error is not None:
        told["off by"] = f"{broken.error:.3g}, {broken.excess:.2g} times the tolerance"
    lines += ["", "```text", *(f"{label:<9} {text}" for label, text in told.items()), "```"]
    return lines


def page(reports: Sequence[Report]) -> str:
    """The page of all subjects."""
    packages = dict.fromkeys(subject.package for subject in SUBJECTS)
    versions = [f"{package} {version(package)}" for package in packages] + [f"numpy {reports[0].versions['numpy']}"]
    checks = sum(report.checks for report in reports)
    lines = [
        "# Optimizers of other libraries, held against the laws",
        "",
        "Written by `python docs/conformance/optimizers.py`; `tests/peers/test_optimizers_verify.py` holds the page against "
        "new runs.",
        "",
        f"{', '.join(versions)}; {EXAMPLES} generated cases per row beside the named ones, seed {SEED}; "
        f"{checks:,} checks in all. One thread, CPU.",
        "",
        "Each optimizer is called as its own documentation says (the line under its title), with every hyperparameter taken "
        "from the case. Rows are laws, worked examples, agreement with the reference, and `call:pure` (inputs left alone, "
        "results that repeat). A row is not provided where the library does not have what its cases need. Differences are "
        "no verdict on quality: they say that a name means another formula there.",
        "",
        "| optimizer | as | rows | hold | break | not provided |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for subject, report in zip(SUBJECTS, reports, strict=True):
        lines += verdicts(subject, report)
    lines.append("")
    for subject, report in zip(SUBJECTS, reports, strict=True):
        lines += section(subject, report)
    return "\n".join(lines).rstrip() + "\n"


def version(package: str) -> str:
    """The installed version of an import package, without the build's suffix."""
    name = metadata.packages_distributions()[package][0]
    return metadata.version(name).partition("+")[0]


def main() -> int:
    reports = []
    for subject in SUBJECTS:
        print(subject.title, flush=True)
        reports.append(judge(subject))
        for line in surprises(reports[-1]):
            print(f"  {line}")
    if any(map(surprises, reports)):
        print("the runs do not agree with what this script says: find out why, and say so in optimizers_known.json")
        return 1
    write_text(PAGE, page(reports))
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
