"""Splits of millions of rows: rows of ids in one array, examples that stay in their file; the training is the same."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_task

from ernie_core.errors import BadInput
from ernie_core.tasks.finetune import FineTuning, finetune
from ernie_core.tasks.ragged import Ragged
from ernie_core.tasks.readers import classification
from ernie_core.train.parallel.team import Team


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every train split counts as a large one."""
    monkeypatch.setattr(classification, "LARGE", 0)


def test_rows_in_one_array_are_those_that_were_added() -> None:
    chance = np.random.default_rng(3)
    rows = [chance.integers(0, 250_000, chance.integers(0, 9)).tolist() for _ in range(200)]
    found = Ragged()
    for row in rows:
        found.append(row)
    assert [row.tolist() for row in found] == rows
    assert found.lengths.tolist() == [len(row) for row in rows]
    assert found.flat.tolist() == [number for row in rows for number in row]
    assert found[7].tolist() == rows[7] and len(found) == 200
    with pytest.raises(IndexError):
        found[200]


def test_no_rows_are_an_empty_array() -> None:
    assert Ragged().flat.tolist() == Ragged().lengths.tolist() == list(Ragged()) == []


@pytest.mark.usefixtures("large")
def test_examples_in_their_file_are_the_same_as_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiny_task.task_data(tmp_path / "data", pair=True)
    lines = (data / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (data / "train.jsonl").write_text(
        "\ufeff" + lines[0] + "\n  \n\u00a0\n\u3000 \r\n\x1c\n" + "".join(lines[1:]).rstrip("\n"), encoding="utf-8"
    )
    stored = classification.examples(data, "train", ("negative", "positive"))
    monkeypatch.setattr(classification, "LARGE", 1 << 40)
    kept = classification.examples(data, "train", ("negative", "positive"))
    assert isinstance(kept, tuple) and not isinstance(stored, tuple)
    assert (tuple(stored), len(stored)) == (kept, len(kept))
    assert (stored[5], stored[-1]) == (kept[5], kept[-1])
    assert stored[3:9] == list(kept[3:9]) and stored[::50] == list(kept[::50]) and stored[400:] == []
    with pytest.raises(IndexError):
        stored[320]


@pytest.mark.usefixtures("large")
def test_a_faulty_row_of_a_large_train_is_found_before_the_training(tmp_path: Path) -> None:
    data = tiny_task.task_data(tmp_path / "data")
    with (data / "train.jsonl").open("a") as file:
        file.write(json.dumps({"id": "x", "text": "y", "label": "neutral"}))
    with pytest.raises(BadInput, match=r"train.jsonl:321: label \"neutral\" is not in labels.txt"):
        FineTuning.of(tiny_task.model(tmp_path / "model"), data, tiny_task.QUICK, Team())


def test_a_large_train_gives_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = tiny_task.model(tmp_path / "model"), tiny_task.task_data(tmp_path / "data")
    weights = []
    for name, limit in (("kept", 1 << 40), ("stored", 0)):
        monkeypatch.setattr(classification, "LARGE", limit)
        (tmp_path / name).mkdir()
        finetune(model, data, tmp_path / name, tiny_task.QUICK)
        weights.append((tmp_path / name / "model_state.pdparams").read_bytes())
    assert weights[0] == weights[1]
