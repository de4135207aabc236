"""Worked examples hold on the references, and the vectors written for other languages come back as they were."""

import json
import shutil

import numpy as np
import pytest
import toy

from minidl import atlas
from minidl.laws.checks import natural_scale
from minidl.laws.core import Cases, Contract, Golden
from minidl.verify import GoldenError, read_golden, run, write_golden
from minidl.verify.golden import MANIFEST
from minidl.verify.tolerance import Reference


def examples():
    for name in atlas.METHODS:
        try:
            contracts = atlas.load_contracts(name)
        except ImportError:  # test_laws.py fails for a method that cannot load
            continue
        for contract in contracts:
            for number, example in enumerate(contract.golden, start=1):
                yield pytest.param(name, contract, example, id=f"{name}-{contract.function}-{number}")


@pytest.mark.parametrize(("name", "contract", "example"), list(examples()))
def test_the_reference_prints_the_worked_example(name, contract, example):
    outputs = contract.call(atlas.load_reference(name), example.inputs)
    for output, printed in example.outputs.items():
        assert np.shape(outputs[output]) == np.shape(printed)
        # half a unit of the last printed decimal, and 8 ulps of the largest value for the rounding of the result
        allowed = 0.5 * 10.0**-example.digits + 8 * np.finfo(float).eps * natural_scale(printed)
        np.testing.assert_allclose(outputs[output], printed, rtol=0, atol=allowed, err_msg=f"{output}: {example.note}")


@pytest.mark.parametrize(
    ("printed", "digits", "holds"),
    [(0.6931, 4, True), (0.6931, 5, False), (0.6932, 4, False), (0.69315, 5, True), (0.0, 0, False), (1.0, 0, True)],
)
def test_printed_digits_are_held_to_half_a_unit_of_the_last(printed, digits, holds):
    example = Golden("softplus", {"x": np.zeros(1)}, {"s": np.array([printed])}, digits, "ln 2")
    contract = Contract("softplus", ("x",), ("s",), toy.SOFTPLUS, "Softplus.", golden=(example,))
    report = run(contract, toy.REFERENCE, reference=toy.REFERENCE, examples=0, planted=False)
    assert (report.row("softplus/golden:1").status == "holds") is holds


# --- vectors for other languages -----------------------------------------------------------------------------------------
MIXED = {
    "x": np.asfortranarray(np.array([[0.1, np.nan], [-0.0, np.inf]])),
    "parts": (np.array([1, 2], dtype=np.int32), 0.1, (np.float32(0.1),)),
    "k": -np.inf,
    "n": 2**60 + 1,
    "on": True,
    "name": "reflect",
    "options": {"axis": None, "pad / width": np.array([1, 2])},
}


def mixed(x, parts, k, n, on, name, options):
    return x * 2, parts[0] > 1


@pytest.fixture
def methods(monkeypatch):
    """An atlas of two methods that this file provides."""
    contract = Contract("mixed", tuple(MIXED), ("y", "above"), Cases(named={"all kinds / of input": MIXED}), "Kinds.")
    monkeypatch.setattr(toy, "MIXED_CONTRACTS", (contract,), raising=False)
    rows = {
        name: atlas.Method(name, f"The {name}", "nobody, 'Nothing', 1900", "toy", "toy", "99_toy")
        for name in ("toy", "mixed")
    }
    monkeypatch.setattr(atlas, "METHODS", rows)
    monkeypatch.setattr(toy, "mixed", mixed, raising=False)
    load = atlas.load_contracts
    monkeypatch.setattr(atlas, "load_contracts", lambda name: (contract,) if name == "mixed" else load(name))
    return rows


def test_vectors_come_back_bit_by_bit(tmp_path, methods):
    manifest = write_golden(tmp_path / "new" / "vectors")
    assert manifest == tmp_path / "new" / "vectors" / MANIFEST
    read = read_golden(manifest.parent)["methods"]
    assert read["toy"]["title"] == "The toy"
    for contract in toy.CONTRACTS:
        function = read["toy"]["functions"][contract.function]
        assert function["inputs"] == list(contract.inputs)
        cases = {case["name"]: case for case in function["cases"]}
        assert set(cases) == set(contract.cases.named)
        for name, case in contract.cases.named.items():
            expected = Reference(contract, toy)(case)
            assert cases[name]["hunts"] == contract.cases.notes.get(name, "")
            for key in contract.inputs:
                np.testing.assert_array_equal(cases[name]["inputs"][key], case[key], strict=True)
            for key, value in expected.outputs.items():
                assert cases[name]["outputs"][key].tobytes() == np.asarray(value).tobytes()
                assert cases[name]["tolerance"][key] == expected.tolerance[key].max()
    (printed,) = read["toy"]["functions"]["softplus"]["printed"]
    assert (printed["digits"], printed["hunts"]) == (4, "ln 2 at zero")
    np.testing.assert_array_equal(printed["outputs"]["s"], [0.6931, 1.3133])


def test_the_vectors_of_the_atlas_come_back(tmp_path):
    manifest = read_golden(write_golden(tmp_path / "vectors").parent)
    assert set(manifest["methods"]) == set(atlas.METHODS)
    for name in atlas.METHODS:
        contracts = atlas.load_contracts(name)
        functions = manifest["methods"][name]["functions"]
        for contract in contracts:
            cases = functions[contract.function]["cases"]
            assert [case["name"] for case in cases] == list(contract.cases.named)
            for case in cases:
                want = contract.call(atlas.load_reference(name), case["inputs"])  # the vectors are enough to call it
                for output, value in want.items():
                    np.testing.assert_allclose(
                        case["outputs"][output], np.asarray(value), rtol=0, atol=case["tolerance"][output]
                    )


def test_every_kind_of_input_travels(tmp_path, methods):
    write_golden(tmp_path / "vectors", ["mixed"])
    (case,) = read_golden(tmp_path / "vectors")["methods"]["mixed"]["functions"]["mixed"]["cases"]
    got = case["inputs"]
    assert got["x"].tobytes() == MIXED["x"].tobytes()
    assert got["x"].flags.c_contiguous  # row-major on disk, whatever it was in memory
    assert got["parts"][0].dtype == np.int32
    assert got["parts"][1] == 0.1
    assert got["parts"][2][0] == np.float32(0.1)
    assert (got["k"], got["n"], got["on"], got["name"]) == (-np.inf, 2**60 + 1, True, "reflect")
    assert got["options"]["axis"] is None
    assert got["options"]["pad / width"].tolist() == [1, 2]
    assert case["outputs"]["above"].tolist() == [False, True]
    text = (tmp_path / "vectors" / MANIFEST).read_text()
    json.loads(text, parse_constant=pytest.fail)  # NaN and Infinity are not JSON
    for file in (tmp_path / "vectors").rglob("*.npy"):
        assert all(part.replace(".npy", "").replace("_", "").replace("-", "").isalnum() for part in file.parts[-3:])


def test_earlier_vectors_are_replaced_and_other_files_are_not(tmp_path, methods):
    target = tmp_path / "vectors"
    write_golden(target)
    (target / "toy" / "stale.npy").write_text("stale")
    write_golden(target, ["toy"])
    assert list(read_golden(target)["methods"]) == ["toy"]
    assert not (target / "toy" / "stale.npy").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["vectors"]  # nothing is left beside it
    (target / MANIFEST).write_text("{}")
    with pytest.raises(GoldenError, match="holds other files: name a new or empty directory"):
        write_golden(target)
    assert (target / MANIFEST).read_text() == "{}"
    (tmp_path / "file").write_text("")
    with pytest.raises(GoldenError, match="is no directory"):
        write_golden(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert write_golden(tmp_path / "empty", ["toy"]).exists()


def test_a_failure_leaves_nothing_behind(tmp_path, methods, monkeypatch):
    monkeypatch.setattr(toy, "dropout", lambda x, u, p: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_golden(tmp_path / "vectors", ["toy"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="did you mean toy"):
        write_golden(tmp_path / "vectors", ["toi"])


def test_altered_vectors_are_refused(tmp_path, methods):
    target = tmp_path / "vectors"
    write_golden(target, ["toy"])
    file = next(target.rglob("in_x.npy"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(GoldenError, match="SHA-256 differs"):
        read_golden(target)
    file.unlink()
    with pytest.raises(GoldenError, match="cannot be read"):
        read_golden(target)
    for text, says in [("{", "is not JSON"), ("[]", "is no minidl-golden manifest")]:
        (target / MANIFEST).write_text(text)
        with pytest.raises(GoldenError, match=says):
            read_golden(target)
    shutil.rmtree(target)
    with pytest.raises(GoldenError, match="write it with write_golden"):
        read_golden(target)
