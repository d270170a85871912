"""Published data sets, where a machine has them: beside the checkout, or where ERNIE_TEST_DATA says."""

import os
from pathlib import Path

import pytest

HOME = Path(os.environ.get("ERNIE_TEST_DATA", Path(__file__).parents[3] / "shared/data"))


def folder(name: str) -> Path:
    """The folder of a data set; the test is skipped where it is missing."""
    found = HOME / name
    if not found.is_dir():
        pytest.skip(f"{found} is missing, ERNIE_TEST_DATA names the folder of published data")
    return found
