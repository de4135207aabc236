"""The contracts of the toy and of every method of the atlas, each ready to judge with."""

import toy
from hypothesis import settings

from minidl import atlas
from minidl.verify.runner import Bench

EXAMPLES = settings().max_examples


def benches():
    yield "toy", Bench.of(toy.CONTRACTS, reference=toy, examples=EXAMPLES)
    for name in atlas.METHODS:
        try:
            yield name, Bench.of(name, examples=EXAMPLES)
        except ImportError:  # test_laws.py fails for a method that cannot load
            continue


BENCHES = dict(benches())
