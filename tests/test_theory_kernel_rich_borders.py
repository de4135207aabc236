"""What the functions of kernel and rich regimes refuse, and what they say: data, parameters, scales, depths and times."""

import numpy as np
import pytest

from minidl.theory import kernel_rich as K

X, Y = np.array([[1.0, 2, 0.5], [0, 1, -1]]), np.array([1.0, 2])
U, V = np.full(3, 0.5), np.full(3, 0.4)
NAN, INF = np.where(np.arange(6).reshape(2, 3) == 4, np.nan, X), np.array([np.inf, 1])
DATA = {
    "x with a nan": (dict(x=NAN), ValueError, r"x must be finite, got nan at \(1, 1\)"),
    "y infinite": (dict(y=INF), ValueError, r"y must be finite, got inf at \(0,\)"),
    "x a vector": (dict(x=X[0]), ValueError, r"x must have shape \(n, d\), got \(3,\)"),
    "no example": (dict(x=X[:0]), ValueError, r"x must have shape \(n, d\), got \(0, 3\)"),
    "y too long": (dict(y=np.ones(3)), ValueError, r"y must have shape \(2,\), got \(3,\)"),
    "x complex": (dict(x=X + 0j), TypeError, "x must hold real numbers, got complex128"),
    "y of words": (dict(y=np.array(["a", "b"])), TypeError, "y must hold real numbers"),
}
START = {
    "u too short": (dict(u=np.ones(2)), ValueError, r"u must have shape \(3,\), got \(2,\)"),
    "v a matrix": (dict(v=np.ones((3, 1))), ValueError, r"v must have shape \(3,\)"),
    "u not a number": (dict(u=np.array([1, np.nan, 1])), ValueError, "u must be finite"),
}
DEPTH = {
    "depth 1": (dict(depth=1), ValueError, "depth must be at least 2, got 1: u - v is linear"),
    "depth 0": (dict(depth=0), ValueError, "depth must be at least 1, got 0"),
    "half a depth": (dict(depth=2.5), TypeError, "depth must be an integer, got 2.5"),
    "a depth of true": (dict(depth=True), TypeError, "depth must be an integer"),
}
POSITIVE = {
    "u zero": (
        dict(u=np.array([1.0, 0, 1])),
        ValueError,
        r"must be positive, got 0.0 at \(1,\): .* start from a scale",
    ),
    "v negative": (dict(v=np.array([1.0, 1, -1])), ValueError, r"must be positive, got -1.0 at \(2,\)"),
}
TIMES = {
    "times of floats": (dict(times=[0.0, 1.0]), TypeError, "times must hold integers, numbers of steps, got float64"),
    "no time": (dict(times=np.array([], int)), ValueError, r"times must have shape \(K,\) with at least one"),
    "times that descend": (dict(times=[3, 2]), ValueError, "ascend strictly from 0 or later"),
    "a time twice": (dict(times=[2, 2]), ValueError, "ascend strictly"),
    "before the start": (dict(times=[-1, 2]), ValueError, "ascend strictly"),
}
STEP = {
    "no step": (dict(step_size=0.0), ValueError, "step_size must be a finite number above 0, got 0"),
    "a step of nan": (dict(step_size=np.nan), ValueError, "step_size must be a finite number"),
    "a step of words": (dict(step_size="small"), TypeError, "step_size must be a number, got 'small'"),
}
FLOW_TIMES = {
    "a nan among times": (dict(times=[0, np.nan]), ValueError, "times must be finite"),
    "flow back": (dict(times=[1.0, 0.5]), ValueError, "ascend strictly"),
}
SCALE = {
    "alpha 0": (dict(alpha=0), ValueError, "alpha must be a finite number above 0, got 0"),
    "alpha negative": (dict(alpha=-1.0), ValueError, "alpha must be a finite number above 0"),
    "alpha nan": (dict(alpha=np.nan), ValueError, "alpha must be a finite number above 0, got nan"),
    "alpha infinite": (dict(alpha=np.inf), ValueError, "alpha must be a finite number above 0"),
    "alpha an array": (dict(alpha=np.ones(3)), TypeError, "alpha must be a number"),
    "alpha of nearly nothing": (dict(alpha=1e-200), ValueError, "use min_l1 or min_l2 for the limits"),
}
UNSOLVABLE = {
    "contradiction": (
        dict(x=X[[0, 0]]),
        ValueError,
        r"no beta has X beta = y: .* misses y\[\d\].* rank 1 in 3 dimensions",
    ),
    "a row of zeros": (dict(x=X * [[1], [0]]), ValueError, r"misses y\[1\] = 2 by 2 .*Drop contradictory rows"),
    "too many examples": (
        dict(x=np.array([[1.0], [1]]), y=np.array([1.0, 2])),
        ValueError,
        "2 examples of rank 1 in 1 dimensions",
    ),
}
MISFIT = {name: UNSOLVABLE[name] for name in ("contradiction", "a row of zeros")}
WHOLE = dict(x=X, y=Y, u=U, v=V, depth=2, times=[0, 1], step_size=0.01, alpha=0.5)
FUNCTIONS = {
    K.flow_velocity: ("x y u v depth", DATA | START | DEPTH),
    K.gradient_descent: ("x y u v times step_size depth", DATA | START | DEPTH | TIMES | STEP),
    K.gradient_flow: ("x y u v times depth", DATA | START | DEPTH | POSITIVE | FLOW_TIMES),
    K.flow_limit: ("x y u v depth", DATA | START | DEPTH | POSITIVE | MISFIT),
    K.tangent_kernel: ("x u v depth", START | DEPTH | {name: DATA[name] for name in DATA if "y" not in DATA[name][0]}),
    K.predictor: ("u v depth", DEPTH),
    K.conserved: ("u v depth", DEPTH | POSITIVE),
    K.min_potential: ("x y alpha depth", DATA | DEPTH | SCALE | UNSOLVABLE),
    K.min_bregman: ("x y u v depth", DATA | DEPTH | POSITIVE),
    K.min_l2: ("x y", DATA | UNSOLVABLE),
    K.min_l1: ("x y", DATA | UNSOLVABLE),
}


@pytest.mark.parametrize(
    ("function", "what"),
    [pytest.param(f, what, id=f"{f.__name__}-{what}") for f, (_, wrong) in FUNCTIONS.items() for what in wrong],
)
def test_bad_input_is_an_error_that_says_what_came(function, what):
    names, wrong = FUNCTIONS[function]
    changes, kind, message = wrong[what]
    given = WHOLE | changes
    with pytest.raises(kind, match=message):
        function(*(given[name] for name in names.split()))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_they_take(function):
    function(*(WHOLE[name] for name in FUNCTIONS[function][0].split()))


def test_elementwise_functions():
    for function in (K.potential, K.potential_curvature, K.link, K.link_slope, K.link_inverse):
        with pytest.raises(ValueError, match="must be finite"):
            function([1, np.nan])
        with pytest.raises(TypeError, match="must hold real numbers"):
            function(1j)
        with pytest.raises(ValueError, match="at least 2, got 1"):
            function(0.5, 1)
    for function in (K.link, K.link_slope):
        for outside in (1, -1.0, [0.5, 3]):
            with pytest.raises(ValueError, match="strictly between -1 and 1 at depth 3 or more"):
                function(outside, 3)
        with pytest.raises(ValueError, match="beyond the floats"):
            function(1e4)
    with pytest.raises(ValueError, match="link_gap needs depth 3 or more"):
        K.link_gap(1.0, 2)
    with pytest.raises(ValueError, match="is beyond float64"):
        K.penalty([1e300], 1e-20)
    with pytest.raises(ValueError, match=r"beta must have shape \(d,\)"):
        K.penalty(1.0, 1.0)
    for function in (K.bregman, K.parameters_of):
        with pytest.raises(ValueError, match="v0 must be positive"):
            function([1.0], [1.0], [0.0])
        with pytest.raises(ValueError, match=r"u0 must have shape \(2,\)"):
            function([1.0, 2.0], [1.0], [1.0, 1.0])
        with pytest.raises(ValueError, match=r"u0 \*\* 6 must lie between 1e-250 and 1e250"):
            function([1.0], [1e60], [1.0], 5)


def test_descent_that_diverges_says_so():
    with pytest.raises(ValueError, match=r"diverged within 60 steps of 1: take smaller ones; .* stability_edge"):
        K.gradient_descent(X, Y, U, V, [0, 1, 60], 1.0)
    with pytest.raises(ValueError, match="diverged within 60 steps of 1"):
        K.factor_descent(np.ones((1, 2, 2)), [9.0], np.ones((2, 3)), np.ones((2, 3)), [60], 1.0)


def test_the_rest_of_nets_and_solvers():
    with pytest.raises(ValueError, match="impl must be one of 'reference', 'kernels', got 'fast'"):
        K.train_diagonal(X, Y, [1], 0.1, alpha=1.0, impl="fast")
    with pytest.raises(ValueError, match="alpha must be a finite number above 0"):
        K.train_diagonal(X, Y, [1], 0.1, alpha=0.0, impl="reference")
    with pytest.raises(ValueError, match="tangent kernel is 0"):
        K.stability_edge(X, np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"beta must have shape \(3,\)"):
        K.squared_loss(X, Y, np.ones(2))
    for name in ("residual", "rtol"):
        with pytest.raises(ValueError, match=f"{name} must be a finite number"):
            K.flow_limit(X, Y, U, V, **{name: 0.0})
    with pytest.raises(ValueError, match=r"dual must have shape \(2,\), got \(3,\)"):
        K.min_potential(X, Y, 0.1, 2, np.ones(3))
    with pytest.raises(ValueError, match="alphas must be positive"):
        K.potential_path(X, Y, [1.0, 0.0])
    with pytest.raises(ValueError, match=r"alphas must have shape \(K,\)"):
        K.potential_path(X, Y, [])
    for eps in (0.0, 1.0):
        with pytest.raises(ValueError, match="eps must be a finite number strictly between 0 and 1"):
            K.sufficient_scales([1.0], [1.0], eps)
    with pytest.raises(ValueError, match="b1 and b2 must not be 0"):
        K.sufficient_scales([0.0], [0.0], 0.5)


def test_the_sparse_regression():
    with pytest.raises(ValueError, match="sparsity must be at most d = 3, the number of features, got 4"):
        K.sparse_regression(X, Y, 4)
    with pytest.raises(ValueError, match="sparsity must be at least 1"):
        K.sparse_regression(X, Y, 0)
    with pytest.raises(TypeError, match=r"rng must be a NumPy generator, got 3: pass rng=np.random.default_rng\(3\)"):
        K.draw_sparse_regression(rng=3)
    with pytest.raises(ValueError, match="noise_variance must be a finite number above 0"):
        K.draw_sparse_regression(noise_variance=-1.0, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="n must be an integer"):
        K.draw_sparse_regression(n=2.0, rng=np.random.default_rng(0))


A, T = np.ones((2, 3, 4)), np.ones(2)
FU, FV = np.ones((3, 5)), np.ones((4, 5))
FACTORS = {
    "one matrix": ((A[0], T, FU, FV), r"a must have shape \(m, p, r\), got \(3, 4\)"),
    "y too long": ((A, np.ones(3), FU, FV), r"y must have shape \(2,\)"),
    "u of other rows": ((A, T, FV, FV), r"u must have shape \(3, k\), got \(4, 5\)"),
    "v of other width": ((A, T, FU, FV[:, :2]), r"v must have shape \(4, 5\), got \(4, 2\)"),
    "a nan": ((A, T, FU, np.nan * FV), "v must be finite"),
}


@pytest.mark.parametrize("what", FACTORS)
def test_factors(what):
    (a, y, u, v), message = FACTORS[what]
    functions = [K.factor_velocity, K.factor_limit]
    functions += [lambda *given: K.factor_descent(*given, [1], 0.1), lambda *given: K.factor_flow(*given, [1.0])]
    if "y" not in what:
        functions.append(lambda a, y, u, v: K.factor_kernel(a, u, v))
    for function in functions:
        with pytest.raises(ValueError, match=message):
            function(a, y, u, v)


def test_the_rest_of_factorisation():
    with pytest.raises(ValueError, match="mu must be a finite number above 0"):
        K.scaled_factors(FU, FV, 0.0)
    with pytest.raises(ValueError, match=r"noise_v must have shape \(r, 5\)"):
        K.scaled_factors(FU, FV.T, 1.0)
    with pytest.raises(TypeError, match="rng must be a NumPy generator"):
        K.draw_factors(2, 2, 2, 1.0, rng=None)
    with pytest.raises(ValueError, match=r"a must hold square matrices \(m, p, p\), got \(2, 3, 4\)"):
        K.width_law(A, T, 1.0)
    lopsided, turn = np.array([[0.0, 1], [0, 0]]), np.array([[0.0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"symmetric matrices, a\[0\] is not"):
        K.width_law(lopsided[None], [1.0], 1.0)
    with pytest.raises(ValueError, match=r"matrices that commute, a\[0\] and a\[1\] do not"):
        K.width_law(np.array([np.diag([1.0, 2]), turn]), T, 1.0)
    with pytest.raises(ValueError, match="no beta has X beta = y"):
        K.width_law(np.zeros((1, 2, 2)), [1.0], 1.0)
    for function in (K.product_velocity, K.spectrum_velocity):
        with pytest.raises(ValueError, match=r"gradient must have shape \(3, 4\)"):
            function(A[0], A[0].T, 2)
        with pytest.raises(ValueError, match="depth must be at least 1"):
            function(A[0], A[0], 0)
