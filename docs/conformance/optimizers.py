"""Hold the optimizers of other libraries against the laws, and write docs/conformance/optimizers.md.

    python docs/conformance/optimizers.py            needs torch, optax, pytorch_optimizer, torch_optimizer (extra `peers`)

What each breaks, and why, stands in optimizers_known.json: the page is written only if the runs agree with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from common import Subject, measure, section, table, write

from minidl.verify import adapt
from minidl.verify.adapters import Adapted
from minidl.verify.report import Report

PAGE = Path(__file__).with_suffix(".md")
# subject -> row -> why it breaks: for each subject what `minidl verify --known` takes
KNOWN = json.loads(Path(__file__).with_name("optimizers_known.json").read_text(encoding="utf-8"))


def subject(title: str, *rest: Any) -> Subject:
    """A subject with what is known to break of it."""
    return Subject(title, *rest, known=KNOWN.get(title, {}))


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
    subject(
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
    subject(
        "torch.optim, foreach=True",
        "torch",
        "avagrad",
        adapt("torch.optim", fixed={"foreach": True}),
        ("sgd", "rmsprop", "adagrad", "adam", "amsgrad", "adamw"),
        "The numbers are right. After `SGD(nesterov=True, foreach=True).step()` without weight decay, `.grad` holds "
        "the Nesterov direction and no longer the gradient: log, clip or accumulate gradients before the step, or pass "
        "`foreach=False`. (`foreach` is the default on CUDA.)",
    ),
    subject(
        "torch.optim, fused=True",
        "torch",
        "avagrad",
        adapt("torch.optim", fixed={"fused": True}),
        ("sgd", "adagrad", "adam", "amsgrad", "adamw"),
        "On contiguous gradients all laws hold. On others, such as a column of a matrix, the result is silently wrong on the "
        "CPU. Gradients that autograd makes have their parameter's layout; make those contiguous that you assign yourself.",
    ),
    subject(
        "torch.optim, fused=True, gradients made contiguous",
        "torch",
        "avagrad",
        contiguous,
        ("sgd", "adagrad", "adam", "amsgrad", "adamw"),
        "The fused kernels compute the same as the loops.",
    ),
    subject(
        "optax",
        "optax",
        "avagrad",
        adapt("optax"),
        ("sgd", "rmsprop", "adagrad", "adam", "amsgrad", "adamw"),
        "`sgd`, `adam` and `adamw` are torch's, to the last digits. `rmsprop`, `adagrad` and `amsgrad` are other formulas "
        "under the same names: learning rates and eps do not carry over, least of all where gradients are small beside "
        f"eps, and curves of the two libraries are not comparable. {NO_DEFAULTS}",
    ),
    subject(
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
    subject(
        "pytorch_optimizer.AvaGrad, weight_decouple=False",
        "pytorch_optimizer",
        "avagrad",
        adapt("pytorch_optimizer:AvaGrad", fixed={"weight_decouple": False}, only={"variant": "released"}),
        ("avagrad",),
        "It is the authors' released form, to rounding, the stale normaliser included; the paper's form it does not "
        "offer. Coupled weight decay is added to `.grad` in place (as in the authors' code): gradients that are read "
        "after the step contain it.",
    ),
    subject(
        "pytorch_optimizer.AvaGrad, as AvaGradW",
        "pytorch_optimizer",
        "avagrad",
        adapt("pytorch_optimizer:AvaGrad", function="avagradw", only={"variant": "released"}),
        ("avagradw",),
        "Its default, `weight_decouple=True`, is not quite the authors' AvaGradW: one decay more, in the first step. "
        "After that step the two are the same from there on; in practice a factor 1 - lr * weight_decay in the start.",
    ),
    subject(
        "pytorch_optimizer.AdaBound, weight_decouple=False",
        "pytorch_optimizer",
        "adabound",
        adapt("pytorch_optimizer:AdaBound", fixed={"weight_decouple": False}),
        ("adabound", "amsbound"),
        "AdaBound and AMSBound of the authors' code for gradients of ordinary size. The 1e-15 is an eps of 3e-8 that "
        "cannot be turned off: where gradients are of that size and the band is open, moves come out too small. Coupled "
        "weight decay is added to `.grad` in place.",
    ),
    subject(
        "pytorch_optimizer.AdaBound, as AdaBoundW",
        "pytorch_optimizer",
        "adabound",
        adapt("pytorch_optimizer:AdaBound", function="adaboundw"),
        ("adaboundw",),
        "The default decay is AdamW's, multiplied by the learning rate; the authors' AdaBoundW multiplies by nothing. At "
        "`lr=1e-3` the same `weight_decay` is a thousand times weaker here. `fixed_decay=True` is the authors' form.",
    ),
    subject(
        "pytorch_optimizer.AdaBound, fixed_decay=True, as AdaBoundW",
        "pytorch_optimizer",
        "adabound",
        adapt("pytorch_optimizer:AdaBound", function="adaboundw", fixed={"fixed_decay": True}),
        ("adaboundw",),
        "The authors' AdaBoundW but for the 1e-15 (see above).",
    ),
    subject(
        "torch_optimizer.AdaBound",
        "torch_optimizer",
        "adabound",
        adapt("torch_optimizer:AdaBound"),
        ("adabound", "amsbound"),
        "AdaBound and AMSBound of the authors' code, in every law that it accepts the inputs of. It takes `gamma` below 1 "
        "only, which is no restriction in practice (the default is 1e-3); the limit of a closing band is out of its reach.",
    ),
)


def page(reports: Sequence[Report]) -> str:
    """The page of all subjects."""
    lines = [
        "# Optimizers of other libraries, held against the laws",
        "",
        "Written by `python docs/conformance/optimizers.py`; `tests/peers/test_optimizers_verify.py` holds the page against "
        "new runs.",
        "",
        f"{measure(SUBJECTS, reports)} One thread, CPU.",
        "",
        "Each optimizer is called as its own documentation says (the line under its title), with every hyperparameter taken "
        "from the case. Rows are laws, worked examples, agreement with the reference, and `call:pure` (inputs left alone, "
        "results that repeat). A row is not provided where the library does not have what its cases need. Differences are "
        "no verdict on quality: they say that a name means another formula there.",
        "",
        *table(SUBJECTS, reports, "optimizer"),
        "",
    ]
    for judged, report in zip(SUBJECTS, reports, strict=True):
        lines += section(judged, report)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(write(PAGE, SUBJECTS, page, Path(__file__)))
