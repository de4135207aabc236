"""The laws of the potential, its derivatives, and the link that inverts its slope."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, Golden, agree, identical, law
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.elementwise import close, duals, entries, ratio
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import CALCULUS, WOODWORTH

Z, Z_DEEP, S = entries(), entries((3, 4, 5, 8)), duals()


def _powers(z, depth):
    """Roundings of a power of the parameters at z: of its few operations, and of its exponent times the logarithm."""
    return 16 + 2 * depth * np.abs(oracle.place(z, depth)).astype(float)


# --- the potential ---------------------------------------------------------------------------------------------------------
@law(cases=Z, needs=("potential",), grade="numerical", equation=r"q_D(z) = \int_0^z h_D^{-1}(s)\, ds", source=WOODWORTH)
def integral_of_the_dual_value(impl, case):
    """The potential is the integral of the dual value from 0, to relative precision at every size of z."""
    z, depth = case["z"], case["depth"]
    # its terms are at most 4 times itself; depth 2 has no powers
    ulps = 32 + (2 * _powers(z, depth) if depth > 2 else 0)
    close(impl.potential(z, depth), oracle.potential(z, depth), z, "the potential", ulps=ulps)


@law(cases=Z, needs=("potential",), grade="exact", equation="q(-z) = q(z)", source=WOODWORTH)
def potential_is_even(impl, case):
    """The potential does not see signs, and is 0 at 0 alone."""
    z, depth = np.asarray(case["z"]), case["depth"]
    value = np.asarray(impl.potential(z, depth))
    identical(np.asarray(impl.potential(-z, depth)), value, why="the potential of -z")
    identical(value == 0, z == 0, why="where the potential is 0")


def curvature_at_0(depth):
    """q''(0): 1/2 at depth 2, (D - 2) / (2 D) beyond."""
    return 0.5 if depth == 2 else (depth - 2) / (2 * depth)


@law(
    cases=Z,
    needs=("potential",),
    grade="numerical",
    equation=r"q_2(z) \approx \tfrac{1}{4} z^2, \quad q_D(z) \approx \tfrac{D-2}{4D} z^2",
    source=WOODWORTH,
)
def parabola_near_0(impl, case):
    """Near 0 the potential is a parabola, z^2/4 at depth 2 and (D - 2)/(4 D) z^2 beyond: a squared norm."""
    z = np.exp2(-30.0 - np.arange(6.0))
    half = np.full(6, curvature_at_0(case["depth"]) / 2)
    # the next term is smaller by z^2, below eps; roundings as for every z
    agree(np.asarray(impl.potential(z, case["depth"])) / (z * z), half, why="q(z) / z^2", ulps=64)


@law(
    cases=Z,
    needs=("potential",),
    grade="numerical",
    equation=r"q(z) + \int_0^s h = z s",
    source="Young's inequality",
)
def young_equality(impl, case):
    """Where z is the link of s, the potential of z and the integral of the link up to s add up to z s."""
    z, depth = np.atleast_1d(np.asarray(case["z"], float)), case["depth"]
    z = z[(np.abs(z) > 1e-100) & (np.abs(z) < 1e30)]
    t = oracle.place(z, depth)
    rise = oracle.integral(lambda p, _: oracle.entry(p, depth) * _ds(p, depth), 0, t, oracle.panel(depth))
    product = (oracle.long(z) * oracle.dual(t, depth)).astype(float)
    scale = np.abs(product)
    got = np.asarray(impl.potential(z, depth), float) + rise.astype(float)
    # the potential's own relative rounding, which its share of the sum only lessens
    agree(
        got,
        product,
        why="q + h* where they touch",
        ulps=float(np.max(40 + 2 * _powers(z, depth), initial=40)),
        scale=scale,
    )


def _ds(t, depth):
    return oracle.speed(t, depth) / oracle.steepness(t, depth)


# --- its derivatives -------------------------------------------------------------------------------------------------------
@law(cases=Z, needs=("link_inverse",), grade="numerical", equation=r"h_D(s) = z", source=WOODWORTH)
def dual_value_by_bisection(impl, case):
    """The inverse of the link is the s that bisection finds, to relative precision near 0 too."""
    z, depth = case["z"], case["depth"]
    close(impl.link_inverse(z, depth), oracle.dual_value(z, depth), z, "the dual value", ulps=16)


@law(cases=Z, needs=("link_inverse",), grade="exact", equation=r"h^{-1}(-z) = -h^{-1}(z)", source=WOODWORTH)
def dual_value_is_odd(impl, case):
    """The dual value has the sign of z, and at depth 3 and above it is at most 1."""
    z, depth = np.asarray(case["z"]), case["depth"]
    s = np.asarray(impl.link_inverse(z, depth))
    identical(np.asarray(impl.link_inverse(-z, depth)), -s, why="the dual value of -z")
    identical(np.sign(s), np.sign(z), why="signs")
    if depth > 2:
        identical(np.abs(s) <= 1, np.ones(z.shape, bool), why="|s| <= 1")


@law(cases=Z_DEEP, needs=("link_gap",), grade="numerical", equation=r"1 - |h_D^{-1}(z)|", source=WOODWORTH)
def distance_from_1(impl, case):
    """The gap is what is missing from the dual value to 1, to relative precision where the dual value rounds to 1."""
    z, depth = case["z"], case["depth"]
    close(impl.link_gap(z, depth), oracle.gap(oracle.place(z, depth), depth), z, "the gap", ulps=_powers(z, depth))


@law(cases=Z_DEEP, needs=("link_gap",), grade="numerical", equation=r"g^{-p} - (2 - g)^{-p} = |z|", source=CALCULUS)
def gap_puts_the_entry_back(impl, case):
    """The entry follows from the gap: g^{-D/(D-2)} - (2 - g)^{-D/(D-2)} is |z|."""
    z, depth = np.asarray(case["z"]), case["depth"]
    p = oracle.LONG(depth) / (depth - 2)
    got = np.asarray(impl.link_gap(z, depth))
    g = oracle.long(got)
    back = (g**-p - (2 - g) ** -p).astype(z.dtype)
    # the gap's own roundings, times p g^{-p} (1 + g / (2 - g))
    g = np.asarray(got, float)
    scale = float(p) * (g ** -float(p) + (2 - g) ** -float(p))
    most = _powers(z, depth)
    agree(back, np.abs(z), why="the entry", ulps=float(most.max()), scale=scale * most / most.max())


@law(
    cases=Z,
    needs=("potential_curvature",),
    grade="numerical",
    equation=r"q_D''(z) = 1 / h_D'(h_D^{-1}(z))",
    source=WOODWORTH,
)
def curvature_is_the_flow_s_inverse_speed(impl, case):
    """The curvature is 1 over what both parameters add to the link's slope, also where squares overflow."""
    z, depth = case["z"], case["depth"]
    expected = 1 / oracle.steepness(oracle.place(z, depth), depth)
    # the gap to the power 2 (D - 1)/(D - 2), at most the fourth
    close(impl.potential_curvature(z, depth), expected, z, "the curvature", ulps=4 * _powers(z, depth))


@law(
    cases=Z,
    needs=("potential_curvature",),
    grade="numerical",
    equation=r"q_D''(0) = \tfrac{D - 2}{2 D}, \quad q_D''(-z) = q_D''(z)",
    source=WOODWORTH,
)
def curvature_at_and_across_0(impl, case):
    """At 0 the curvature is 1/2 at depth 2 and (D - 2)/(2 D) beyond; it does not see signs."""
    z, depth = np.asarray(case["z"]), case["depth"]
    agree(np.asarray(impl.potential_curvature(np.zeros(1), depth))[0], curvature_at_0(depth), why="q''(0)", ulps=16)
    there, back = (np.asarray(impl.potential_curvature(side, depth)) for side in (z, -z))
    identical(back, there, why="the curvature at -z")


# --- the link --------------------------------------------------------------------------------------------------------------
def defined(s, depth):
    """The link by its definition in long double, by the odd terms of its binomial series near 0."""
    s = oracle.long(s)
    if depth == 2:
        return 2 * np.sinh(s)
    p = oracle.LONG(depth) / (depth - 2)
    near, term, series = np.where(np.abs(s) < 0.25, s, 0), 2 * p, 0
    for k in range(1, 60, 2):  # 0.25^60 is far below any rounding
        series = series + term * near**k
        term = term * (p + k) * (p + k + 1) / ((k + 1) * (k + 2))
    return np.where(np.abs(s) < 0.25, series, (1 - s) ** -p - (1 + s) ** -p)


def slope_defined(s, depth):
    """Its derivative, by definition."""
    s = oracle.long(s)
    if depth == 2:
        return 2 * np.cosh(s)
    p = oracle.LONG(depth) / (depth - 2)
    return p * ((1 - s) ** (-p - 1) + (1 + s) ** (-p - 1))


@law(
    cases=S,
    needs=("link",),
    grade="numerical",
    equation=r"h_D(s) = (1-s)^{-D/(D-2)} - (1+s)^{-D/(D-2)}, \quad h_2(s) = 2 \sinh s",
    source=WOODWORTH,
)
def link_by_its_series(impl, case):
    """The link is its definition, to relative precision near 0, where its two powers cancel, and near 1."""
    s, depth = case["s"], case["depth"]
    close(impl.link(s, depth), defined(s, depth), s, "the link", ulps=16 + 2 * depth * ratio(s, depth))


@law(
    cases=S,
    needs=("link",),
    grade="numerical",
    equation=r"h_3 = \frac{6 s + 2 s^3}{(1 - s^2)^3}, h_4 = \frac{4 s}{(1 - s^2)^2}",
)
def rational_at_depths_3_and_4(impl, case):
    """At depths 3 and 4 the link is a rational function."""
    s = np.asarray(case["s"])
    s = s[np.abs(s) < 1]
    wide = oracle.long(s)
    rest = (1 - wide) * (1 + wide)
    for depth, value in ((3, (6 * wide + 2 * wide**3) / rest**3), (4, 4 * wide / rest**2)):
        close(
            impl.link(s, depth), value, s, f"depth {depth}", ulps=np.max(16 + 2 * depth * ratio(s, depth), initial=16)
        )


@law(cases=S, needs=("link",), grade="exact", equation="h(-s) = -h(s)", source=WOODWORTH)
def link_is_odd(impl, case):
    """The link has the sign of s."""
    s, depth = np.asarray(case["s"]), case["depth"]
    there = np.asarray(impl.link(s, depth))
    # two powers that exchange their places
    identical(np.sign(there), np.sign(s), why="signs")
    agree(np.asarray(impl.link(-s, depth)), -there, why="the link of -s", ulps=4, scale=np.abs(there).astype(float))


@law(
    cases=S,
    needs=("link_slope",),
    grade="numerical",
    equation=r"h_D'(s) = \tfrac{D}{D-2} [(1-s)^{-(2D-2)/(D-2)} + (1+s)^{-(2D-2)/(D-2)}]",
    source=WOODWORTH,
)
def slope_by_its_definition(impl, case):
    """The slope is the derivative of the link, to relative precision."""
    s, depth = case["s"], case["depth"]
    close(impl.link_slope(s, depth), slope_defined(s, depth), s, "the slope", ulps=16 + 4 * depth * ratio(s, depth))


@law(cases=S, needs=("link_slope", "link"), grade="numerical", equation=r"h(b) - h(a) = \int_a^b h'(s)\, ds")
def slope_adds_up_to_the_link(impl, case):
    """Over half of the way to the border, the slope's integral is what the link rises."""
    depth = case["depth"]
    for end in np.unique(np.clip(np.abs(np.ravel(case["s"]).astype(float)), 0.01, 0.5))[:3]:
        nodes, weights = (part.astype(float) for part in oracle.gauss())
        got = end * (weights @ np.asarray(impl.link_slope(end * nodes, depth)))
        want = float(np.asarray(impl.link(np.array([end]), depth))[0])
        # a sum of positive terms; 24 nodes on [0, 1/2], half as far as the pole at 1, leave less than eps
        agree(got, want, why=f"from 0 to {end:.3g}", ulps=64)


@law(cases=Z, needs=("link", "link_inverse"), grade="numerical", equation=r"h(h^{-1}(z)) = z")
def link_undoes_its_inverse(impl, case):
    """Through the inverse and back is where one began, as far as the dual value has digits."""
    z, depth = np.asarray(case["z"]), case["depth"]
    narrow = z.dtype == np.float32
    z = z[np.abs(z) < (1e2 if narrow else 1e8)]
    s = impl.link_inverse(z, depth)
    t = oracle.place(z, depth)
    # 16 ulp of s, and the roundings of the link
    scale = (np.abs(oracle.dual(t, depth)) * oracle.steepness(t, depth) + np.abs(z)).astype(float)
    ulps = np.max(16 + 2 * _powers(z, depth), initial=16)
    agree(np.asarray(impl.link(s, depth)), z, why="h of its inverse", ulps=float(ulps), scale=scale)


# --- contracts -------------------------------------------------------------------------------------------------------------
_AT = np.array([0.1, 1.0, 10.0])
_PRINTED = {
    2: [0.0024994796, 0.2451438476, 14.9263443855],
    3: [0.0008329481, 0.0799434978, 3.8262229069],
    4: [0.0012492202, 0.1183510857, 5.0825005973],
    5: [0.0014989023, 0.1408211849, 5.6880371338],
}
_SMALL = {2: 1 / 4, 3: 1 / 12, 4: 1 / 8, 5: 3 / 20}

POTENTIAL_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "potential",
        ("z", "depth"),
        ("q",),
        Z,
        "What an entry of the predictor costs.",
        laws=(
            integral_of_the_dual_value,
            potential_is_even,
            parabola_near_0,
            young_equality,
            two_layers_by_default("potential", Z, ("z", "depth")),
        ),
        planted=bugs_of("potential"),
        golden=(
            *(
                Golden(
                    "potential", {"z": _AT, "depth": depth}, {"q": np.array(q)}, 10, f"depth {depth} at 0.1, 1 and 10"
                )
                for depth, q in _PRINTED.items()
            ),
            *(
                Golden(
                    "potential",
                    {"z": np.array([2.0**-30]), "depth": depth},
                    {"q": np.array([c * 2.0**-60])},
                    33,
                    f"the coefficient of z^2 at depth {depth}, which is {c:.6g}",
                )
                for depth, c in _SMALL.items()
            ),
        ),
    ),
    Contract(
        "potential_curvature",
        ("z", "depth"),
        ("curvature",),
        Z,
        "The potential's second derivative.",
        laws=(
            curvature_is_the_flow_s_inverse_speed,
            curvature_at_and_across_0,
            two_layers_by_default("potential_curvature", Z, ("z", "depth")),
        ),
        planted=bugs_of("potential_curvature"),
        golden=tuple(
            Golden(
                "potential_curvature",
                {"z": np.zeros(1), "depth": depth},
                {"curvature": np.array([2 * c])},
                15,
                f"twice the coefficient of z^2 at depth {depth}",
            )
            for depth, c in _SMALL.items()
        ),
    ),
    Contract(
        "link",
        ("s", "depth"),
        ("z",),
        S,
        "The entry of the predictor, over alpha^D, at a dual value.",
        laws=(
            link_by_its_series,
            rational_at_depths_3_and_4,
            link_is_odd,
            two_layers_by_default("link", S, ("s", "depth")),
        ),
        planted=bugs_of("link"),
    ),
    Contract(
        "link_slope",
        ("s", "depth"),
        ("slope",),
        S,
        "The link's derivative.",
        laws=(
            slope_by_its_definition,
            slope_adds_up_to_the_link,
            two_layers_by_default("link_slope", S, ("s", "depth")),
        ),
        planted=bugs_of("link_slope"),
    ),
    Contract(
        "link_inverse",
        ("z", "depth"),
        ("s",),
        Z,
        "The dual value of an entry: the potential's slope.",
        laws=(
            dual_value_by_bisection,
            dual_value_is_odd,
            link_undoes_its_inverse,
            two_layers_by_default("link_inverse", Z, ("z", "depth")),
        ),
        planted=bugs_of("link_inverse"),
    ),
    Contract(
        "link_gap",
        ("z", "depth"),
        ("gap",),
        Z_DEEP,
        "What is missing from the dual value to 1.",
        laws=(distance_from_1, gap_puts_the_entry_back),
        planted=bugs_of("link_gap"),
    ),
)
