"""Exported models that all tests of this folder read."""

from pathlib import Path

import pytest
import tiny_task

from ernie_core.compress import inference


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model; the data it learned from are in `data` beside it."""
    return _export(tmp_path_factory.mktemp("single"), pair=False)


@pytest.fixture(scope="session")
def exported_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for pairs of texts."""
    return _export(tmp_path_factory.mktemp("pairs"), pair=True)


def _export(folder: Path, pair: bool) -> Path:
    finetuned = tiny_task.finetuned(folder, pair=pair)
    out, scratch = folder / "inference", folder / "scratch"
    out.mkdir()
    scratch.mkdir()
    inference.build(finetuned, None, out, scratch)
    return out
