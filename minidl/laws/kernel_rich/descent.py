"""The laws of gradient descent on diagonal nets."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Case, Cases, Contract, Golden, holds, identical, law
from minidl.laws.kernel_rich import nets as net
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.diagonal_cases import WORKED, nets
from minidl.laws.kernel_rich.oracle import long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import CALCULUS, WOODWORTH


# --- cases -----------------------------------------------------------------------------------------------------------------
def _steps(rng: np.random.Generator, case: Case) -> Case:
    """A step size at which the first step is well below the edge of stability, and some times."""
    kernel = net.largest_eigenvalue(
        net.jacobian(case["x"], case["u"], case["v"], case["depth"]).T
        @ net.jacobian(case["x"], case["u"], case["v"], case["depth"])
    )
    residual = float(net.sizes(case)[0].sum())
    curved = case["depth"] ** 2 * residual * float(np.abs(case["x"]).max())
    times = np.unique(rng.integers(0, 16, int(rng.integers(1, 5))))
    if times[-1] == 0:
        times = np.array([0, 3])
    return {"times": times, "step_size": float(0.2 / (kernel + curved))}


def _runs() -> Cases:
    cases = nets(signs=True, fill=_steps)
    flat = np.full(2, 0.5)
    named = {name: case | {"times": np.array([0, 1, 2, 7, 20])} for name, case in cases.named.items()}
    named["start_alone"] = cases.named["depth_2"] | {"times": np.array([0])}
    named["long"] = WORKED | {"u": flat, "v": flat.copy(), "depth": 3, "times": np.array([1, 300]), "step_size": 0.02}
    named["late"] = cases.named["depth_4"] | {"times": np.array([9])}
    notes = {"start_alone": "no step is taken", "late": "nothing is recorded before the ninth step"}
    return Cases(named=named, generated=cases.generated, notes=notes)


RUNS = _runs()


def _run(impl, case, **changed):
    """u, v, loss."""
    case = case | changed
    path = impl.gradient_descent(*(case[name] for name in ("x", "y", "u", "v", "times", "step_size", "depth")))
    return tuple(np.asarray(part) for part in path)


def _width(case):
    return np.result_type(case["x"], case["y"], case["u"], case["v"])


def _agree(got, expected, off, width, why):
    """u, v within what rounding may carry them, and the losses."""
    for name, part, want in zip(("u", "v"), got, expected, strict=False):
        compare(part, want.astype(width), 2 * off[0][:, None], why=f"{why}: {name}")
    compare(got[2], expected[2].astype(width), 2 * off[1], why=f"{why}: loss")


# --- laws ------------------------------------------------------------------------------------------------------------------
@law(
    cases=RUNS,
    needs=("gradient_descent",),
    grade="numerical",
    equation=r"(u, v)_{t+1} = (u, v)_t - \eta \nabla L((u, v)_t)",
    source=WOODWORTH,
)
def steps_along_the_gradient(impl, case):
    """Each step goes along the gradient of the loss, found by complex steps, in both sides at once."""
    width = _width(case)
    u, v, value, off, loose = net.descended(case, float(np.finfo(width).eps))
    got = _run(impl, case)
    holds(all(part.dtype == width for part in got), why="the dtype is kept", got=[part.dtype for part in got])
    _agree(got, (u, v, value), (off, loose), width, "the run")


@law(cases=RUNS, needs=("gradient_descent",), grade="exact", equation=r"(u, v)_0 = (u_0, v_0)")
def start_is_recorded(impl, case):
    """At time 0 the parameters are those given, and one row stands for every recorded time."""
    times = case["times"] if case["times"][0] == 0 else np.concatenate([[0], case["times"]])
    u, v, value = _run(impl, case, times=times)
    identical(u[0], case["u"].astype(_width(case)), why="u at time 0")
    identical(v[0], case["v"].astype(_width(case)), why="v at time 0")
    holds(
        (len(u), len(v), len(value)) == (len(times),) * 3, why="a row for every time", got=u.shape, expected=len(times)
    )


@law(
    cases=RUNS,
    needs=("gradient_descent",),
    grade="exact",
    equation=r"(u, v)_{s+t}(u_0, v_0) = (u, v)_t((u, v)_s)",
    source=CALCULUS,
)
def runs_continue(impl, case):
    """A run that starts where another one was recorded goes on as that one did, and what is recorded changes nothing."""
    end = int(case["times"][-1])
    every = _run(impl, case, times=np.arange(end + 1))
    for part, whole in zip(_run(impl, case), every, strict=True):
        identical(part, whole[case["times"]], why="rows recorded alone")
    half = end // 2
    rest = _run(impl, case, u=every[0][half].copy(), v=every[1][half].copy(), times=np.arange(end - half + 1))
    for part, whole in zip(rest, every, strict=True):
        identical(part, whole[half:], why=f"from step {half} on")


@law(
    cases=RUNS,
    needs=("gradient_descent",),
    grade="numerical",
    equation=r"L_k = \|X (u_k^D - v_k^D) - y\|^2",
    source=WOODWORTH,
)
def losses_are_of_the_same_row(impl, case):
    """The loss of a row is that of its parameters, after the step."""
    x, y, depth, width = case["x"], case["y"], case["depth"], _width(case)
    u, v, value = _run(impl, case)
    eps = float(np.finfo(width).eps)
    for k in range(len(value)):
        expected = net.loss(x, y, u[k], v[k], depth)
        residual, _ = net.sizes(case, u[k], v[k])
        here = np.abs((net.outputs(x, u[k], v[k], depth) - long(y)).astype(float))
        off = eps * net.roundings(case) * residual
        allowed = float((off * (2 * here + off)).sum()) + len(y) * eps * float(expected)
        compare(value[k], expected.astype(width), allowed, why=f"row {k}")


@law(
    cases=RUNS,
    needs=("gradient_descent",),
    grade="numerical",
    equation=r"x_i \to -x_i,\ u_i \leftrightarrow v_i; \quad i \to \pi(i)",
)
def features_mirrored_and_permuted(impl, case):
    """Features of the opposite sign exchange the sides; the order of features and of examples does not matter."""
    x, y, u, v, width = case["x"], case["y"], case["u"], case["v"], _width(case)
    _, _, _, off, loose = net.descended(case, float(np.finfo(width).eps))
    plain = _run(impl, case)
    flip = np.arange(len(u)) % 2 == 0
    got = _run(impl, case, x=np.where(flip, -x, x), u=np.where(flip, v, u), v=np.where(flip, u, v))
    want = np.where(flip, plain[1], plain[0]), np.where(flip, plain[0], plain[1]), plain[2]
    _agree(got, want, (2 * off, 2 * loose), width, "mirrored")
    turned = _run(impl, case, x=x[::-1, ::-1].copy(), y=y[::-1].copy(), u=u[::-1].copy(), v=v[::-1].copy())
    _agree(turned, (plain[0][:, ::-1], plain[1][:, ::-1], plain[2]), (2 * off, 2 * loose), width, "in reverse order")


@law(
    cases=RUNS,
    needs=("gradient_descent",),
    grade="numerical",
    equation=r"(c X, c y, \eta / c^2): (u, v)_t; \quad (c u_0, c v_0, c^D y, \eta c^{2-2D}): c (u, v)_t",
    source="dimensional analysis",
)
def units_do_not_matter(impl, case):
    """In other units of the data or of the parameters, the step size converted, the run is the same up to its unit."""
    x, y, u, v, step, depth, width = (*(case[k] for k in ("x", "y", "u", "v", "step_size", "depth")), _width(case))
    _, _, _, off, loose = net.descended(case, float(np.finfo(width).eps))
    plain = _run(impl, case)
    got = _run(impl, case, x=4 * x, y=4 * y, step_size=step / 16)
    _agree(got, (plain[0], plain[1], 16 * plain[2]), (2 * off, 32 * loose), width, "data times 4")
    unit = 2.0**depth
    got = _run(impl, case, u=2 * u, v=2 * v, y=y * y.dtype.type(unit), step_size=step * 4 / unit**2)
    want = (2 * plain[0], 2 * plain[1], plain[2] * width.type(unit**2))
    _agree(got, want, (4 * off, 2 * unit**2 * loose), width, "parameters times 2")


@law(
    cases=RUNS, needs=("gradient_descent",), grade="exact", equation=r"X \beta_0 = y \Rightarrow (u, v)_t = (u_0, v_0)"
)
def interpolants_stay(impl, case):
    """From parameters that predict the targets exactly no step leads away, and the loss is 0."""
    x, u, v = ((np.round(case[name].astype(float) * 4) / 4) for name in ("x", "u", "v"))
    y = (x * (u ** case["depth"] - v ** case["depth"])).sum(axis=1)  # sums of multiples of 4^-6, exact
    got = _run(impl, case, x=x, y=y, u=u, v=v)
    for part, start in zip(got, (u, v, np.zeros(())), strict=True):
        identical(part, np.broadcast_to(start, part.shape), why="no move")


def tiled(case, features, examples):
    """A large net that runs as a small one: features and examples told many times, in another order, among empty ones.

    With m copies of each feature and k of each example the residuals are m X beta - y, and so the parameters those of the
    data sqrt(m k) X, sqrt(k/m) y; the loss is m times theirs. m and k are powers of 4, so that nothing of this rounds.
    Returns both cases, and where the features and examples went.
    """
    x, y, d = case["x"], case["y"], case["x"].shape[1]
    rng = np.random.default_rng(0)
    columns, rows = rng.permutation(features * d + 3), rng.permutation(examples * len(y) + 1)
    wide = np.zeros((len(rows), len(columns)), x.dtype)
    wide[: examples * len(y), : features * d] = np.tile(x, (examples, features))
    targets = np.concatenate([np.tile(y, examples), np.zeros(1, y.dtype)])
    u, v = (np.concatenate([np.tile(case[name], features), np.full(3, 0.25, x.dtype)]) for name in "uv")
    step = case["step_size"] / (features * examples)
    large = {"x": wide[rows][:, columns], "y": targets[rows], "u": u[columns], "v": v[columns], "step_size": step}
    small = {"x": x * x.dtype.type((features * examples) ** 0.5), "y": y * y.dtype.type((examples / features) ** 0.5)}
    return case | large, case | small | {"step_size": step}, columns


@law(
    cases=Cases(named={name: RUNS.named[name] for name in ("depth_2", "depth_3", "more_examples", "single", "worked")}),
    needs=("gradient_descent",),
    grade="numerical",
    equation=r"X \to \mathbf{1}_{k \times m} \otimes X",
    source="equal features move alike",
)
def large_nets_of_copies(impl, case):
    """A net with many copies of each feature and example runs as the small one does, and what has no data does not move."""
    d, width = case["x"].shape[1], _width(case)
    for features, examples in ((4, 1), (16, 4), (256, 16)):
        large, small, columns = tiled(case, features, examples)
        u, v, value, off, loose = net.descended(small, float(np.finfo(width).eps))
        place = np.where(columns < features * d, columns % d, -1)
        # sums over so many more entries and examples
        longer = net.roundings(large) / net.roundings(small)
        got = _run(impl, large)
        for name, part, want in zip("uv", got, (u, v), strict=False):
            compare(part[:, place >= 0], want.astype(width)[:, place[place >= 0]], 2 * longer * off[:, None], why=name)
            identical(part[:, place < 0], np.full((len(part), 3), 0.25, width), why=f"{name} of features without data")
        wanted = (features * value).astype(width)
        compare(got[2], wanted, 2 * features * longer * loose, why="losses")


@law(
    cases=RUNS,
    needs=("train_diagonal",),
    grade="numerical",
    equation=r"u_0 = v_0 = \alpha \mathbf{1}",
    source=WOODWORTH,
)
def training_begins_flat(impl, case):
    """Training by scale is descent from u = v = alpha."""
    width = _width(case)
    flat = np.full(case["x"].shape[1], 0.5, width)
    case = case | {"u": flat, "v": flat.copy(), "step_size": case["step_size"] / 4}
    u, v, value, off, loose = net.descended(case, float(np.finfo(width).eps))
    found = impl.train_diagonal(case["x"], case["y"], case["times"], case["step_size"], alpha=0.5, depth=case["depth"])
    _agree(tuple(np.asarray(part) for part in found), (u, v, value), (off, loose), width, "training")


# --- contract --------------------------------------------------------------------------------------------------------------
# The worked net: u = v = 1/2, x = (1, 0.4), y = 1, step 1/8. The slope at 0 is g = -2 x; u grows by 2 u g / 8.
_U = np.array([[0.5, 0.5], [0.75, 0.6]])
_V = np.array([[0.5, 0.5], [0.25, 0.4]])
_LOSSES = np.array([1.0, 0.1764])  # beta = (1/2, 1/5) predicts 0.58

DESCENT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "gradient_descent",
        ("x", "y", "u", "v", "times", "step_size", "depth"),
        ("u", "v", "loss"),
        RUNS,
        "Gradient descent on a diagonal net, recorded at some steps.",
        laws=(
            steps_along_the_gradient,
            start_is_recorded,
            runs_continue,
            losses_are_of_the_same_row,
            features_mirrored_and_permuted,
            units_do_not_matter,
            interpolants_stay,
            large_nets_of_copies,
            training_begins_flat,
            two_layers_by_default("gradient_descent", RUNS, ("x", "y", "u", "v", "times", "step_size", "depth")),
        ),
        planted=bugs_of("gradient_descent"),
        golden=(
            Golden(
                "gradient_descent",
                WORKED
                | {
                    "u": np.full(2, 0.5),
                    "v": np.full(2, 0.5),
                    "times": np.array([0, 1]),
                    "step_size": 0.125,
                    "depth": 2,
                },
                {"u": _U, "v": _V, "loss": _LOSSES},
                15,
                "one step by hand",
            ),
        ),
    ),
)
