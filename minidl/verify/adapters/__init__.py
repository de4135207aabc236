"""Foreign optimizers as the trajectory functions that contracts judge.

    from minidl.verify import adapt, run

    run("avagrad", torch.optim.Adam)                      # a class: its name says which contract it is held against
    run("avagrad", torch.optim)                           # a module: every optimizer in it that has a contract
    run("avagrad", optax.adam)                            # a factory of transformations
    run("avagrad", my_step)                               # a function step(w, g, state, lr, ...) -> (w, state)
    run("avagrad", adapt(MyOptimizer, function="adam", names={"beta1": "b1"}, fixed={"debias": True}))

An adapter is a function from a foreign object and a contract to a trajectory function (w, gradients, hyperparameters) ->
(T, d). Hyperparameters find their keywords by name; what the foreign optimizer does not have is judged only where it has no
effect (`weight_decay` of 0), and declined elsewhere: not provided, never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minidl.verify.adapters.adapted import KINDS, Adapted, Namespace, is_run, kind_of
from minidl.verify.adapters.hyper import Options

__all__ = ["Adapted", "Namespace", "adapt", "is_run", "kind_of"]


def adapt(
    target: Any,
    *,
    function: str | None = None,
    names: Mapping[str, str] | None = None,
    fixed: Mapping[str, Any] | None = None,
    only: Mapping[str, Any] | None = None,
    kind: str | None = None,
) -> Adapted:
    """Say how an optimizer is to be understood; for `run`, `reproduce` and `contract_tests`.

    target: a class, a factory of transformations, a step function, a module with any of these, or a string naming one
        (`torch.optim:Adam`, `mine.py:Adam`).
    function: the contract that it is held against, where its name does not say it.
    names: from inputs of the contract to its keywords, where they differ: {"alpha": "rho"}, {"beta1": "betas[0]"}.
    fixed: further keywords for it: {"weight_decouple": False}.
    only: inputs that it has no keyword for, with the value that it has: {"variant": "released"}; other cases are declined.
    kind: "class", "transform", "step" or "trajectory", where that cannot be seen from the object.
    Raises ValueError on an unknown kind.
    """
    if kind is not None and kind not in (*KINDS, "trajectory"):
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, trajectory, got {kind!r}")
    return Adapted(target, function, kind, Options(dict(names or {}), dict(fixed or {}), dict(only or {})))
