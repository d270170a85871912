"""The chart is rendered by the real helm."""

from pathlib import Path

import helm as helms
import pytest


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    return helms.program(tmp_path_factory.mktemp("package"))
