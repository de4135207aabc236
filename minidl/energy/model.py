"""A restricted Boltzmann machine as an object: train it, ask it, sample from it, save it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from minidl.border import generator
from minidl.energy import border
from minidl.energy.exact import log_likelihood, log_partition
from minidl.energy.rbm import _step, free_energy, hidden_probability, visible_probability
from minidl.energy.results import Parameters
from minidl.energy.training import History, initial_parameters, train
from minidl.energy.units import sigmoid
from minidl.files import replacing


class RBM:
    """A machine with weights W (n_V, n_H), visible biases b (n_V,) and hidden biases a (n_H,), float64 or float32.

        rbm = RBM.for_data(x, 16, rng=rng)
        history = rbm.fit(x, method="lvs", k=10, epochs=20, rng=rng)
        rbm.log_likelihood(x).mean()

    Its methods are the pure functions of `minidl.energy` with the parameters filled in; they raise as those do.
    """

    def __init__(self, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> None:
        """Raises ValueError for shapes that do not fit and numbers that are not finite. The arrays are copied."""
        self.W, self.b, self.a = (array.copy() for array in border.parameters(W, b, a))

    @classmethod
    def for_data(cls, x: np.ndarray, n_hidden: int, *, rng: np.random.Generator, dtype: Any = np.float64) -> RBM:
        """A machine as training starts from: small random weights, visible biases from the means of x (N, n_V)."""
        u = generator(rng).random((np.shape(x)[-1] if np.ndim(x) else 0, border.count("n_hidden", n_hidden)))
        return cls(*(array.astype(dtype) for array in initial_parameters(x, u)))

    @property
    def parameters(self) -> Parameters:
        """W, b, a."""
        return Parameters(self.W, self.b, self.a)

    def __repr__(self) -> str:
        return f"RBM({self.W.shape[0]} visible, {self.W.shape[1]} hidden units, {self.W.dtype})"

    def fit(self, x: np.ndarray, *, rng: np.random.Generator, **options: Any) -> History:
        """Go on training from the present parameters; options as in `train`. Ctrl-C keeps what was learned."""
        *learned, history = train(x, self.parameters, rng=rng, **options)
        self.W, self.b, self.a = learned
        return history

    def free_energy(self, v: np.ndarray) -> np.ndarray:
        """F(v), so that log p(v) = -F(v) - log Z. v: (..., n_V). Returns (...,)."""
        return free_energy(v, *self.parameters)

    def hidden(self, v: np.ndarray) -> np.ndarray:
        """p(h = 1 | v), the features of v. v: (..., n_V). Returns (..., n_H)."""
        return hidden_probability(v, self.W, self.a)

    def visible(self, h: np.ndarray) -> np.ndarray:
        """p(v = 1 | h). h: (..., n_H). Returns (..., n_V)."""
        return visible_probability(h, self.W, self.b)

    def log_partition(self) -> float:
        """log Z, exactly; ValueError where neither layer is small enough to enumerate."""
        return log_partition(*self.parameters)

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """log p(x) of each row of x (N, n_V), exactly. Returns (N,)."""
        return log_likelihood(x, *self.parameters)

    def sample(self, n: int, *, steps: int, rng: np.random.Generator, start: np.ndarray | None = None) -> np.ndarray:
        """n visible states after this many Gibbs steps, each chain from a random state, or from start (n, n_V).

        Returns (n, n_V) zeros and ones. They follow the model only as far as the chains have forgotten where they
        started.
        """
        n, steps, rng = border.count("n", n), border.count("steps", steps, 0), generator(rng)
        (n_V, n_H), dtype = self.W.shape, self.W.dtype
        if start is None:
            start = rng.random((n, n_V)) < 0.5
        v = border.batch("start", start, n_V, dtype)
        if len(v) != n:
            raise ValueError(f"start must hold a state for each of the {n} chains, got {len(v)}")
        h = (rng.random((n, n_H), dtype) < sigmoid(v @ self.W + self.a)).astype(dtype)
        for _ in range(steps):
            v, _, h = _step(h, *self.parameters, rng.random((n, n_V), dtype), rng.random((n, n_H), dtype))
        return v

    def save(self, path: str | Path) -> Path:
        """Write W, b and a to a .npz file, whole or not at all. Returns the path."""
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"a machine is saved as .npz, got {str(path)!r}: name it {path.stem}.npz")
        with replacing(path) as beside:
            np.savez(beside, W=self.W, b=self.b, a=self.a)
        return path

    @classmethod
    def load(cls, path: str | Path) -> RBM:
        """Read what `save` wrote. Raises FileNotFoundError, or ValueError for a file that holds no machine."""
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = [arrays[name] for name in Parameters._fields]
        except (ValueError, KeyError, BadZipFile, EOFError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{path} holds no Boltzmann machine (arrays W, b and a in a .npz file): {error}"
            ) from error
        return cls(*found)
