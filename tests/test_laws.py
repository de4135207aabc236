"""Every law of the atlas on every implementation of its method: the reference and its twins."""

import importlib
import inspect

import pytest
from hypothesis import settings

from minidl import atlas
from minidl.laws.checks import natural_scale
from minidl.verify.pytest_support import conclude
from minidl.verify.runner import Bench
from minidl.verify.subject import provides

EXAMPLES = settings().max_examples  # 25, 100 or 1000, by the Hypothesis profile


def judged():
    """A parameter per implementation, contract, law and output; a method that cannot load fails in the test below."""
    for name, method in atlas.METHODS.items():
        try:
            bench = Bench.of(name, examples=EXAMPLES)
        except ImportError:
            continue
        for module in (method.reference, *method.twins):
            implementation = importlib.import_module(module)
            for item in bench.all_items():
                if all(provides(implementation, function) for function in item.needs):  # a twin has the hot ones only
                    yield pytest.param(bench, implementation, item, id=f"{name}-{module}-{item.id}")


@pytest.mark.parametrize(("bench", "implementation", "item"), list(judged()))
def test_law(bench, implementation, item):
    conclude(bench, bench.judge(item, implementation, target=repr(implementation.__name__)))


@pytest.mark.parametrize("name", atlas.METHODS)
def test_the_atlas_names_what_exists(name):
    method = atlas.method(name)
    assert method.name == name
    assert method.title
    assert method.paper
    contracts = atlas.load_contracts(name)
    reference = atlas.load_reference(name)
    assert contracts
    for contract in contracts:
        assert callable(getattr(reference, contract.function))
        assert contract.laws or contract.golden, f"{contract.function} is held against its own reference alone"
        assert contract.planted, f"nothing shows that the contract of {contract.function} can fail"
    assert set(atlas.twins(name)) == set(method.twins)


@pytest.mark.parametrize("name", [name for name, method in atlas.METHODS.items() if method.twins])
def test_twins_have_functions_of_the_same_names_and_signatures(name):
    reference = atlas.load_reference(name)
    for twin in atlas.twins(name).values():
        shared = [contract.function for contract in atlas.load_contracts(name) if provides(twin, contract.function)]
        assert shared, f"{twin.__name__} has none of the method's functions"
        for function in shared:
            ours, theirs = (inspect.signature(getattr(module, function)).parameters for module in (reference, twin))
            assert list(theirs) == list(ours)[: len(theirs)], f"{twin.__name__}.{function}"


@pytest.mark.parametrize("name", atlas.METHODS)
def test_every_output_is_judged_tightly_somewhere(name):
    """A tolerance near the result's own size lets everything pass: one named case at least must be well posed."""
    bench = Bench.of(name)
    for contract in bench.contracts:
        answers = [bench.references[contract.function](case) for case in contract.cases.named.values()]
        for output in contract.outputs:
            if output in contract.free:
                continue
            told = [answer for answer in answers if natural_scale(answer.outputs[output]) > 0]
            tightest = min((answer.looseness(output) for answer in told), default=1.0)
            assert tightest < 1e-6, f"{contract.function}: {output} has a relative tolerance of {tightest:.1g} at best"


def test_an_unknown_method_lists_the_near_names():
    with pytest.raises(ValueError, match="did you mean gated_residual"):
        atlas.method("gated_residuals")
    with pytest.raises(ValueError, match="there are: autograd"):
        atlas.method("xyz")
