"""minidl: deep-learning methods written from scratch in NumPy, to read, to run, and to hold other code against.

    import minidl as dl
    x = dl.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                      # Tensor([2., 4., 6.])

Submodules load at first use, so that `import minidl` costs little more than `import numpy`.
"""

from importlib import import_module

__version__ = "0.1.0"

_SUBMODULES = frozenset(
    (
        *("atlas", "autograd", "bits", "cli", "data", "energy", "graphs", "laws", "lesson", "nn", "optim", "residual"),
        *("theory", "verify", "vision"),
    ),
)


def __getattr__(name: str):
    if name in _SUBMODULES:
        return import_module(f"minidl.{name}")
    autograd = import_module("minidl.autograd")
    if name in autograd.__all__:
        return getattr(autograd, name)
    raise AttributeError(f"module 'minidl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES, *import_module("minidl.autograd").__all__])
