"""Options of the whole suite."""

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what each test took and how it ended in the folder that the environment names, for .ci/summary."""
    folder = os.environ.get("ERNIE_TEST_TIMES")
    if folder and "PYTEST_XDIST_WORKER" not in os.environ:
        with open(Path(folder, "tests.txt"), "a", encoding="utf-8") as file:
            file.write(f"{report.duration:.3f} {report.outcome} {report.nodeid}\n")
