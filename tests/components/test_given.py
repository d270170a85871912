"""Files that a person gives are read as they were when the step was planned, or not at all."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from components.contract.task import Task, TaskInput
from components.finetune import Finetune
from components.runtime import inputs, provenance
from components.runtime.reports import Reporter
from components.segment import Segment
from ernie_core.errors import BadInput
from ernie_core.store import open_store


def planned(folder: Path, cls: type, port: str, *files: Path, tags: bool = True) -> Task:
    """A task of a step that reads these files."""
    rows = []
    for file in files:
        data = file.read_bytes()
        row: dict[str, object] = {"name": file.name, "url": file.as_uri(), "size": len(data)}
        rows.append(row | ({"tag": f"sha256:{hashlib.sha256(data).hexdigest()}"} if tags else {}))
    places = {name: str(folder / name) for name in ("scratch", "cache", "progress", "outcome")}
    return Task(
        component=cls.__name__.lower(), name="demo", parameters={}, fingerprint="f", address="demo/f",
        store=(folder / "store").as_uri(), inputs={port: (TaskInput("mine", "text", "f", files=rows),)}, job="demo",
        run="r", spec={"path": "demo.yaml"}, image={}, **places,
    )  # fmt: skip


def bring(task: Task, cls: type) -> object:
    """What the step is given at its first port that is bound."""
    task = Task.from_json(json.loads(json.dumps(task.to_json())))
    (port,) = (port for port in cls.ports() if port.name in task.inputs)
    return inputs.bring(port, task, open_store(task.store), Reporter(Path(task.progress)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "train.jsonl").write_bytes(b"old text")
    return folder / "train.jsonl"


def test_a_folder_of_files_is_brought_as_it_was_planned(file: Path, tmp_path: Path) -> None:
    task = planned(tmp_path, Finetune, "task_data", file)
    folder = bring(task, Finetune)
    assert isinstance(folder, Path) and (folder / file.name).read_bytes() == b"old text"


@pytest.mark.parametrize("data", [b"new text", b"longer text", None])
def test_a_file_that_was_edited_since_is_named_with_its_input(file: Path, tmp_path: Path, data: bytes | None) -> None:
    task = planned(tmp_path, Finetune, "task_data", file)
    file.unlink() if data is None else file.write_bytes(data)
    with pytest.raises(BadInput, match=rf"input `mine`: {file}: changed since it was planned .* run again"):
        bring(task, Finetune)


def test_text_that_is_streamed_is_looked_at_when_it_is_opened(file: Path, tmp_path: Path) -> None:
    task = planned(tmp_path, Segment, "text", file)
    (stream,) = bring(task, Segment)  # type: ignore[misc]
    with stream.open() as text:
        assert text.read() == b"old text"
    file.write_bytes(b"new text")
    with pytest.raises(BadInput, match=rf"{file}: changed since it was planned"):
        stream.open()


def test_nothing_is_said_to_be_made_of_a_file_that_was_edited_meanwhile(file: Path, tmp_path: Path) -> None:
    task = planned(tmp_path, Finetune, "task_data", file)
    bring(task, Finetune)
    inputs.check_given(task, Finetune)
    made = provenance.provenance(task, Finetune, Finetune(), {}, 0.0)
    assert made["inputs"]["task_data"][0]["files"] == [file.as_uri()]
    os.replace(_written(tmp_path / "x", b"new text"), file)
    with pytest.raises(BadInput, match="has the same size but other content"):
        inputs.check_given(task, Finetune)


def test_a_task_of_an_earlier_version_knows_sizes_alone(file: Path, tmp_path: Path) -> None:
    folder, text = (
        planned(tmp_path, Finetune, "task_data", file, tags=False),
        planned(tmp_path, Segment, "text", file, tags=False),
    )
    file.write_bytes(b"new text")
    bring(folder, Finetune)
    (stream,) = bring(text, Segment)  # type: ignore[misc]
    with stream.open() as read:
        assert read.read() == b"new text"
    file.write_bytes(b"longer text")
    with pytest.raises(BadInput, match="had 8 bytes, has 11"):
        stream.open()
    with pytest.raises(BadInput, match="had 8 bytes, has 11"):
        bring(replace(folder, scratch=str(tmp_path / "again")), Finetune)


def test_folders_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xd0\xc2 %41#?")
    folder.mkdir()
    file = _written(folder / "a\\b.txt", b"text")
    (stream,) = bring(planned(tmp_path, Segment, "text", file), Segment)  # type: ignore[misc]
    with stream.open() as text:
        assert text.read() == b"text"


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
