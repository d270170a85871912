"""A fresh machine for every test, over environments that are built once."""

import os
from pathlib import Path

import pytest
from machines import Machine


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session, so that each environment is built once."""
    return Path(os.environ.get("ERNIE_JOBS_TEST_HOME") or tmp_path_factory.mktemp("home"))


@pytest.fixture
def machine(tmp_path: Path, home: Path) -> Machine:
    """A fresh folder with a corpus."""
    made = Machine(tmp_path, home)
    made.corpus()
    return made
