"""A fine-tuned model that all tests of this folder read."""

from pathlib import Path

import pytest
import tiny_task


@pytest.fixture(scope="session")
def finetuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task model; its data are beside it in `data`."""
    return tiny_task.finetuned(tmp_path_factory.mktemp("task"))
