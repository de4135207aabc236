r"""Networks of unbounded width and bounded weights, seen in function space: what weight decay draws between points.

Claim. Let a network with one hidden layer of ReLU units on the line be as wide as you like, and charge it for its
weights (not its biases) by their squares. The least cost at which it can compute f is a norm of f alone,

$$\bar R(f) = \max\Bigl(\int |f''|,\; |f'(-\infty) + f'(+\infty)|\Bigr).$$

Hence weight decay on an infinitely wide net is a penalty on how much the function bends, and as it fades, training ends
in interpolants of least $\bar R$. Among these is always a linear spline with its knots at data points; there may be many
others.

Equations. $h(x) = \sum_{i=1}^k v_i [w_i x + b_i]_+ + b_0$ with the cost $C = \frac12 \sum_i (w_i^2 + v_i^2)$.

1. $(w, b, v) \to (cw, cb, v/c)$ keeps h; the best c gives $|v| = |w|$, hence $C \ge \sum_i |v_i w_i| \ge \bar R(h)$.
2. For a piecewise-linear f of slopes $s_0, \dots, s_K$,
   $\bar R(f) = \max(\sum_k |s_k - s_{k-1}|,\; |s_0 + s_K|)$, which a network of at most 2K + 2 units attains
   (`attaining_network`). With an unpenalised term $a x$ only the sum is left.
3. Through points with chord slopes $m_1, \dots, m_{N-1}$, with $V = \sum_i |m_{i+1} - m_i|$ and
   $S = |m_1 + m_{N-1}|$,

$$\min \{\bar R(f) : f(x_i) = y_i\} = \max\Bigl(V, \frac{V + S}2\Bigr).$$

   Proof. Let f have the slopes p and q at its ends, and $d = |p - m_1| + |q - m_{N-1}|$. Between $x_i$ and $x_{i+1}$ the
   mean of f' is $m_i$, so f' passes each $m_i$ in turn, and its variation is at least V + d. And $|p + q| \ge S - d$.
   The larger one is least where both are equal, d = (S - V)/2, or for d = 0 where $S \le V$. The chords with such rays
   attain it. So **the spline that goes on straight beyond the data is optimal only where $S \le V$**: for (0, 0), (1, 1)
   the line costs 2, and $[x]_+$ costs 1.
4. In that proof equality asks that f' be monotone wherever the jumps at $x_i$ and $x_{i+1}$ have one sign, and constant
   where they do not: `optimum_range` is what remains open.
5. With mean squared error, $\min_\theta \frac1N \sum_i (h(x_i) - y_i)^2 + \lambda C$ over every width is the same with
   $\bar R(h)$ in the place of C: a lasso over units (`decay_optimum`). For $\lambda \to 0$ it becomes 3.

Notation. w, b, v: (k,); x, y: (N,), x ascending; knots: (K,) ascending; slopes: (K + 1,) from left to right; a spline is
(knots, slopes, anchor_x, anchor_y) with one point on its graph. All is float64, whatever real numbers come in.

Source. Savarese, Evron, Soudry, Srebro, "How do infinite width bounded norm networks look in function space?", COLT
2019, PMLR 99:2667-2690. Hanin, "Ridgeless Interpolation with Shallow ReLU Networks in 1D is Nearest Neighbor Curvature
Extrapolation", 2021, has all minimisers for the variation alone. Objective and initial weights follow the authors' code
(`lolemacs/bounded-norm-relu`): mean squared error, biases free. It reports only the variation as R, without
$|f'(-\infty) + f'(\infty)|$: the same on its data, where S < V, and wrong in general. It takes gradient steps; here it
is Adam.

Left out. Inputs of more than one dimension (Ongie, Willett, Soudry, Srebro, 2020), more than one hidden layer, functions
that are not piecewise linear (`function_norm` only says what their norm is), and whether training finds the optimum.
"""

from minidl.theory.infinite_width.interpolation import minimum_norm, minimum_norm_interpolant, optimum_range
from minidl.theory.infinite_width.piecewise import function_norm, function_norm_with_skip, spline_value
from minidl.theory.infinite_width.relu_line import (
    as_spline,
    attaining_network,
    balance,
    network,
    path_norm,
    weight_cost,
)
from minidl.theory.infinite_width.results import DecayOptimum, MinimumNorm, Network, Path, Range, Spline
from minidl.theory.infinite_width.training import fit, initial_network, train
from minidl.theory.infinite_width.weight_decay import decay_optimum, objective, objective_gradient

__all__ = [
    "DecayOptimum",
    "MinimumNorm",
    "Network",
    "Path",
    "Range",
    "Spline",
    "as_spline",
    "attaining_network",
    "balance",
    "decay_optimum",
    "fit",
    "function_norm",
    "function_norm_with_skip",
    "initial_network",
    "minimum_norm",
    "minimum_norm_interpolant",
    "network",
    "objective",
    "objective_gradient",
    "optimum_range",
    "path_norm",
    "spline_value",
    "train",
    "weight_cost",
]
