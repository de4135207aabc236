"""Hold an implementation against a method's contracts.

from minidl.verify import run
print(run("gated_residual", "my_gate.py").text())
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "run": "runner",
    "Report": "report",
    "reproduce": "repro",
    "adapt": "adapters",
    "load_target": "targets",
    "TargetError": "targets",
    "CommandTarget": "command",
    "contract_tests": "pytest_support",
    "write_golden": "golden",
    "read_golden": "golden",
    "GoldenError": "golden",
    "mutate": "mutants",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Loaded at first use: `minidl verify --help` needs neither the runner nor pytest.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # over the submodule that importing bound to the same name
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
