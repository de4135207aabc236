"""What every test shares: Hypothesis profiles, figures without a screen, slow tests on demand, release figures."""

import os

# Before NumPy and Matplotlib load: at test sizes BLAS threads only wait for each other, and no screen is needed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"

import pytest
from hypothesis import HealthCheck, settings

# No deadline anywhere: the first call of a compiled function times the compiler.
_SHARED = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=25, **_SHARED)
settings.register_profile("ci", max_examples=50, derandomize=True, **_SHARED)
settings.register_profile("thorough", max_examples=1000, **_SHARED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="run the tests marked slow, which need minutes")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    skip = pytest.mark.skip(reason="slow: runs with --run-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def figures(record_property):
    """A list of lines to show at the end of the session, such as kill rates."""
    lines = []
    yield lines
    for line in lines:
        record_property("figure", line)  # which comes with the report, also from another process


@pytest.fixture
def kills(record_property):
    """Takes down a planted bug: method, name, and what killed it ("laws", "agreement" or "nothing")."""
    return lambda *of: record_property("bug", of)


def pytest_terminal_summary(terminalreporter):
    reports = [report for group in terminalreporter.stats.values() for report in group]
    told = [pair for report in reports if getattr(report, "when", "") == "teardown" for pair in report.user_properties]
    bugs = [value for name, value in told if name == "bug"]
    lines = []
    for method in dict.fromkeys(method for method, _, _ in bugs):
        killer = {bug: by for name, bug, by in bugs if name == method}
        dead, by_laws = (sum(by in which for by in killer.values()) for which in (("laws", "agreement"), ("laws",)))
        lines.append(
            f"planted bugs of {method}: {dead} of {len(killer)} killed, {by_laws} by laws and golden values alone"
        )
        lines += [f"  by agreement alone: {bug}" for bug, by in killer.items() if by == "agreement"]
    lines += [value for name, value in told if name == "figure"]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
