"""Three small optimizers with contracts, to test adapters on: momentum descent, Adam, and descent by a group's norm."""

from types import SimpleNamespace

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, law, planted


# --- the reference -------------------------------------------------------------------------------------------------------
def sgd(w, gradients, lr, momentum, weight_decay):
    """Heavy-ball descent; the decay is coupled."""
    if momentum < 0:
        raise ValueError(f"momentum must be >= 0, got {momentum}")
    rows, buffer = np.empty_like(gradients), np.zeros_like(w)
    for t, g in enumerate(gradients):
        buffer = momentum * buffer + g + weight_decay * w
        w = w - lr[t] * buffer
        rows[t] = w
    return rows


def adam(w, gradients, lr, beta1, beta2, eps):
    """Adam with both bias corrections; eps outside the corrected root."""
    rows, m, v = np.empty_like(gradients), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        w = w - lr[t - 1] / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + eps)
        rows[t - 1] = w
    return rows


def normed(w, gradients, sizes, lr, variant):
    """Descent along g / |g|, with the norm over the whole group ("group") or the largest entry ("largest")."""
    rows = np.empty_like(gradients)
    for t, g in enumerate(gradients):
        size = np.sqrt((g * g).sum()) if variant == "group" else np.abs(g).max()
        w = w - lr[t] * g / size
        rows[t] = w
    return rows


REFERENCE = SimpleNamespace(sgd=sgd, adam=adam, normed=normed, __name__="toy_optim")


# --- cases ---------------------------------------------------------------------------------------------------------------
def case(seed, steps, d, dtype=np.float64, **numbers):
    rng = np.random.default_rng(seed)
    arrays = {"w": rng.normal(size=d), "gradients": rng.normal(size=(steps, d)), "lr": 0.1 / np.arange(1, steps + 1)}
    return {name: array.round(2).astype(dtype) for name, array in arrays.items()} | numbers


def runs(**choices):
    def generated():
        from hypothesis import strategies as st

        @st.composite
        def build(draw):
            d = draw(st.integers(1, 3))
            drawn = {name: draw(st.sampled_from(values)) for name, values in choices.items()}
            made = case(draw(st.integers(0, 99)), draw(st.integers(1, 4)), d, **drawn)
            if "sizes" in choices:
                made["sizes"] = (1, d - 1) if d > 1 and made["sizes"] else (d,)
            return made

        return build()

    return generated


NUMBERS = {
    "sgd": {"momentum": [0.0, 0.9], "weight_decay": [0.0, 0.1]},
    "adam": {"beta1": [0.9, 0.0], "beta2": [0.999, 0.5], "eps": [1e-8, 0.1]},
    "normed": {"sizes": [0, 1], "variant": ["group", "largest"]},
}
CASES = {
    "sgd": Cases(
        {
            "plain": case(0, 3, 2, momentum=0.9, weight_decay=0.0),
            "decayed": case(1, 3, 2, momentum=0.0, weight_decay=0.1),
            "float32": case(2, 3, 3, np.float32, momentum=0.9, weight_decay=0.0),
        },
        runs(**NUMBERS["sgd"]),
        {"decayed": "decay that is forgotten"},
    ),
    "adam": Cases({"typical": case(3, 4, 2, beta1=0.9, beta2=0.999, eps=0.1)}, runs(**NUMBERS["adam"])),
    "normed": Cases({"two": case(4, 2, 3, sizes=(1, 2), variant="group")}, runs(**NUMBERS["normed"])),
}


def call(impl, function, case, **changed):
    inputs = next(contract.inputs for contract in CONTRACTS if contract.function == function)
    return getattr(impl, function)(*({**case, **changed}[name] for name in inputs))


# --- laws ----------------------------------------------------------------------------------------------------------------
@law(cases=CASES["sgd"], needs=("sgd",), grade="numerical", equation=r"w_t = w_0 - \sum_i \eta_i g_i")
def plain_descent(impl, case):
    """Without momentum and decay the gradients add up."""
    got = call(impl, "sgd", case, momentum=0.0, weight_decay=0.0)
    moves = case["lr"][:, None] * case["gradients"]
    agree(
        got,
        case["w"] - moves.cumsum(axis=0),
        why="the sums",
        ulps=8,
        scale=np.abs(case["w"]) + np.abs(moves).sum(axis=0),
    )


@law(cases=CASES["adam"], needs=("adam",), grade="numerical", equation=r"|w_t - w_{t-1}| = \eta_t")
def constant_gradients(impl, case):
    """Under constant gradients and eps = 0 each step is the learning rate."""
    d = len(case["w"])
    got = call(impl, "adam", case, w=np.zeros(d), gradients=np.ones((len(case["lr"]), d)), eps=0.0)
    steps = -np.outer(case["lr"].cumsum(), np.ones(d))
    agree(got, steps, why="the steps", ulps=40, scale=float(case["lr"].sum()))


@law(cases=CASES["normed"], needs=("normed",), grade="numerical", equation=r"\|w_1 - w_0\|_2 = \eta_1")
def unit_step(impl, case):
    """The first step of the group is as long as the learning rate."""
    got = call(impl, "normed", case, w=np.zeros_like(case["w"]), variant="group")
    agree(np.sqrt((got[0] ** 2).sum()), case["lr"][0], why="the length", ulps=8)


# --- planted bugs --------------------------------------------------------------------------------------------------------
@planted("sgd")
def forgotten_decay(ref):
    """Weight decay is ignored."""
    return lambda w, g, lr, momentum, weight_decay: ref.sgd(w, g, lr, momentum, 0.0)


@planted("adam")
def uncorrected(ref):
    """No bias correction."""

    def adam(w, gradients, lr, beta1, beta2, eps):
        t = np.arange(1, len(lr) + 1)
        rate = lr * (1 - beta1**t) / np.sqrt(1 - beta2**t)
        rows = ref.adam(w, gradients, rate, beta1, beta2, eps)
        return rows

    return adam


@planted("normed")
def per_tensor(ref):
    """The norm is each tensor's own."""

    def normed(w, gradients, sizes, lr, variant):
        cuts = np.cumsum(sizes)[:-1]
        parts = zip(np.split(w, cuts), np.split(gradients, cuts, axis=1), sizes, strict=True)
        return np.concatenate([ref.normed(p, g, (n,), lr, variant) for p, g, n in parts], axis=1)

    return normed


CONTRACTS = (
    Contract(
        function="sgd",
        inputs=("w", "gradients", "lr", "momentum", "weight_decay"),
        outputs=("trajectory",),
        cases=CASES["sgd"],
        statement="Heavy-ball descent.",
        laws=(plain_descent,),
        planted=(forgotten_decay,),
        golden=(
            Golden(
                "sgd",
                {
                    "w": np.array([1.0]),
                    "gradients": np.array([[1.0], [1.0]]),
                    "lr": np.array([0.5, 0.5]),
                    "momentum": 0.5,
                    "weight_decay": 0.0,
                },
                {"trajectory": np.array([[0.5], [-0.25]])},
                15,
                "the buffer after two steps",
            ),
        ),
    ),
    Contract(
        function="adam",
        inputs=("w", "gradients", "lr", "beta1", "beta2", "eps"),
        outputs=("trajectory",),
        cases=CASES["adam"],
        statement="Adam.",
        laws=(constant_gradients,),
        planted=(uncorrected,),
    ),
    Contract(
        function="normed",
        inputs=("w", "gradients", "sizes", "lr", "variant"),
        outputs=("trajectory",),
        cases=CASES["normed"],
        statement="Descent along the normalised gradient of a group.",
        laws=(unit_step,),
        planted=(per_tensor,),
    ),
)
