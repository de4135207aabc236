"""A small lesson, a shelf of lessons, and how to run one: shared by the tests of lessons and the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.font_manager  # noqa: F401  its cache is built here, not with a message on a lesson's stderr

TOY = '''
# %% [markdown]
# # A toy
# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "07_toy",
    title="A toy of a lesson",
    question="Is two more than one?",
    params=dict(seed=0, steps=100, rate=1e-3, data="blobs", long=False, sizes=(1, 2), end=""),
    quick=dict(steps=10),
    help=dict(steps="numbers to draw"),
    choices=dict(data=("blobs", "mnist")),
    seconds=2,
    threads=1,
)
p = lesson.params
import os
import numpy as np
import matplotlib.pyplot as plt

# %%
figure, axes = plt.subplots()
axes.plot(range(p.steps))
lesson.figure(figure, "steps")
lesson.result("draws", np.arange(p.steps) * p.rate)
lesson.result("threads", os.environ["OPENBLAS_NUM_THREADS"])
for _ in lesson.progress(range(3), "counting"):
    pass
if p.end == "wait":
    import time

    print("waiting", flush=True)
    time.sleep(60)
if p.end == "crash":
    raise KeyError("a fault of the lesson")
if p.end == "user":
    from minidl.errors import UserError

    raise UserError("no such file: get it with a command")
lesson.claim("seed is small", predicted=2, measured=p.seed, relation="<", mean=1.5)
lesson.claim("steps are many", predicted=100, measured=p.steps, relation=">=", full_only=True)
lesson.finish()


def exercise_1(x):
    """Twice x."""
    ...
'''


def start(*words, cwd, **options):
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    # A backend that has no display to draw on: a lesson must not care.
    environment |= {"MPLBACKEND": "TkAgg", "PYTHONWARNINGS": "error"}
    environment.pop("DISPLAY", None)
    # A shell that runs the tests in the background makes them, and what they start, deaf to Ctrl-C.
    listen = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", listen, sys.executable, *map(str, words)],
        cwd=cwd,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def run(*words, cwd):
    child = start(*words, cwd=cwd)
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def results(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def shelve(folder: Path) -> Path:
    """Write four toy lessons, a README and a module that lessons could import into a new folder."""
    folder.mkdir()
    for name in ("00_autograd", "06_struc2vec", "07_toy", "07_walks"):
        (folder / f"{name}.py").write_text(TOY.replace("07_toy", name), encoding="utf-8")
    (folder / "README.md").write_text("the path\n", encoding="utf-8")
    (folder / "helper.py").write_text("", encoding="utf-8")
    return folder
