"""A fresh machine for every test, over environments that are built once."""

import os
from pathlib import Path

import pytest
from machines import Machine


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for each process of the session; each environment is built once for all of them."""
    found = tmp_path_factory.mktemp("home")
    shared = os.environ.get("ERNIE_JOBS_TEST_ENVIRONMENTS")
    built = Path(shared) if shared else tmp_path_factory.getbasetemp().parent / "environments"
    built.mkdir(parents=True, exist_ok=True)
    (found / "environments").symlink_to(built)
    return found


@pytest.fixture
def machine(tmp_path: Path, home: Path) -> Machine:
    """A fresh folder with a corpus."""
    made = Machine(tmp_path, home)
    made.corpus()
    return made
