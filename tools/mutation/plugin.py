"""What pytest does while faults are tried: it measures tests, or runs chosen ones in an order.

With $MUTATION_MEASURE, a folder: which lines every test runs, in processes that it starts too, and
how long it takes. With $MUTATION_TESTS, a JSON list of tests: those, in that order; the first
failure and every test that begins are told to $MUTATION_SAID.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

MEASURE, CHOSEN = os.environ.get("MUTATION_MEASURE"), os.environ.get("MUTATION_TESTS")
CONTEXT = "MUTATION_TEST"
_seconds: dict[str, float] = {}
_unfit: set[str] = set()

if MEASURE:
    import coverage

    _coverage = coverage.Coverage(config_file=f"{MEASURE}/coveragerc", data_suffix="main")
    _coverage.start()
    os.environ["COVERAGE_PROCESS_START"] = f"{MEASURE}/coveragerc"


def _say(*event: str) -> None:
    with open(os.environ["MUTATION_SAID"], "a") as file:
        file.write(json.dumps(event) + "\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the chosen tests, in their order."""
    if CHOSEN:
        by_id = {item.nodeid: item for item in items}
        items[:] = [by_id[test] for test in json.loads(Path(CHOSEN).read_text()) if test in by_id]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Lines that run from here on are this test's."""
    os.environ[CONTEXT] = item.nodeid
    if MEASURE:
        _coverage.switch_context(item.nodeid)
    result = yield
    if MEASURE:
        _coverage.switch_context("")
    return result


def pytest_runtest_logstart(nodeid: str) -> None:
    """Tells which test was running, if it never ends."""
    if CHOSEN:
        _say("begun", nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Tells of a file of tests that cannot even be imported."""
    if CHOSEN and report.failed:
        _say("failed", report.nodeid, str(report.longrepr)[-300:])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up durations; tells of failures."""
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration
    if report.outcome != "passed":
        _unfit.add(report.nodeid)
    if CHOSEN and report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        _say("failed", report.nodeid, str(crash.message if crash else report.longrepr)[:300])


def pytest_sessionfinish() -> None:
    """Keeps what was measured."""
    if MEASURE:
        _coverage.stop()
        _coverage.save()
        fit = {test: spent for test, spent in _seconds.items() if test not in _unfit}
        Path(MEASURE, "seconds.json").write_text(json.dumps(fit))
