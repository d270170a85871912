"""Event files: what VisualDL and TensorBoard read of them, and that no kill leaves a wrong or a second point."""

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import crc32c
import pytest
from disks import small
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from visualdl import LogReader

from ernie_core.train.monitor import event_files, scalars
from ernie_core.train.monitor.event_files import TENSORBOARD, VISUALDL

TEXTS = {"model_config": '{"hidden_size": 128}', "args": "max_steps: 10"}


def visualdl(folder: Path, tag: str) -> list[tuple[int, float]]:
    """The points of a curve, as VisualDL's own reader finds them."""
    reader = LogReader(file_path=str(folder / VISUALDL.file))
    return [(point.id, round(point.value, 4)) for point in reader.get_data("scalar", tag)]


def tensorboard(folder: Path) -> list[Any]:
    """The events, with their checksums verified, through protobuf and the schema of TensorBoard."""
    data, found = (folder / TENSORBOARD.file).read_bytes(), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        message, sums = data[12 : 12 + size], data[8:12] + data[12 + size : 16 + size]
        assert sums == _masked(data[:8]) + _masked(message)
        found.append(_event_type().FromString(message))
        data = data[16 + size :]
    return found


def _masked(data: bytes) -> bytes:
    crc = crc32c.crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _event_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="events", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in {
        "Tensor": [("dtype", 1, kinds.TYPE_INT32, ""), ("string_val", 8, kinds.TYPE_BYTES, "")],
        "Value": [("tag", 1, kinds.TYPE_STRING, ""), ("simple_value", 2, kinds.TYPE_FLOAT, ""),
                  ("tensor", 8, kinds.TYPE_MESSAGE, "Tensor")],
        "Summary": [("value", 1, kinds.TYPE_MESSAGE, "Value")],
        "Event": [("wall_time", 1, kinds.TYPE_DOUBLE, ""), ("step", 2, kinds.TYPE_INT64, ""),
                  ("file_version", 3, kinds.TYPE_STRING, ""), ("summary", 5, kinds.TYPE_MESSAGE, "Summary")],
    }.items():  # fmt: skip
        message = file.message_type.add(name=name)
        for field, number, kind, type_name in fields:
            label = kinds.LABEL_REPEATED if field in ("value", "string_val") else kinds.LABEL_OPTIONAL
            full = f".events.{type_name}" if type_name else None
            message.field.add(name=field, number=number, type=kind, label=label, type_name=full)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("events.Event"))


def test_both_tools_read_curves_and_texts(tmp_path: Path) -> None:
    view = scalars.begin(tmp_path, 0, TEXTS)
    view(20, {"train/loss": 9.5, "train/learning_rate": 1e-4, "checkpoint/timestamp": 1.8e9})
    view(40, {"train/loss": 9.25, "valid/loss": 9.3})
    assert visualdl(tmp_path, "train/loss") == [(20, 9.5), (40, 9.25)]
    assert visualdl(tmp_path, "valid/loss") == [(40, 9.3)]
    reader = LogReader(file_path=str(tmp_path / VISUALDL.file))
    assert reader.get_data("text", "args")[0].text.encoded_text_string == "max_steps: 10"
    assert "checkpoint/timestamp" not in str(reader.get_tags())
    opening, texts, first, second = tensorboard(tmp_path)
    assert opening.file_version == "brain.Event:2" and opening.wall_time > 1.7e9
    assert {v.tag: v.tensor.string_val[0].decode() for v in texts.summary.value} == TEXTS
    assert first.step == 20 and [v.tag for v in first.summary.value] == ["train/loss", "train/learning_rate"]
    assert second.step == 40 and second.summary.value[0].simple_value == 9.25


def test_a_resume_makes_no_point_twice(tmp_path: Path) -> None:
    view = scalars.begin(tmp_path, 0, TEXTS)
    for step in (20, 40, 60):
        view(step, {"train/loss": float(step)})
    view = scalars.begin(tmp_path, 50, TEXTS)
    view(60, {"train/loss": 61.0})
    assert visualdl(tmp_path, "train/loss") == [(20, 20.0), (40, 40.0), (60, 61.0)]
    assert [event.step for event in tensorboard(tmp_path)] == [0, 0, 20, 40, 60]


@pytest.mark.parametrize("form", [VISUALDL, TENSORBOARD], ids=["VisualDL", "TensorBoard"])
def test_a_file_torn_at_any_byte_goes_on_whole(form: event_files.Format, tmp_path: Path) -> None:
    view = scalars.begin(tmp_path, 0, TEXTS)
    view(300, {"train/loss": 3.0, "train/sop_loss": 0.5})
    before = (tmp_path / form.file).stat().st_size
    view(40_000, {"train/loss": 2.0, "train/sop_loss": 0.25})
    data = (tmp_path / form.file).read_bytes()
    assert event_files.whole(data, form, 39_999) == before
    for cut in range(len(data) + 1):
        kept = event_files.whole(data[:cut], form, 10**7)
        assert kept <= cut and event_files.whole(data[:kept], form, 10**7) == kept
        assert cut < before or kept >= before
    assert event_files.whole(data + bytes(4096), form, 10**7) == len(data)


def test_on_another_machine_the_curves_begin_with_those_of_the_checkpoint(tmp_path: Path) -> None:
    curve = [
        json.dumps({"step": 5, "part": "train", "loss": 4.0}),
        json.dumps({"step": 5, "part": "valid", "loss": 4.5}),
    ]
    view = scalars.begin(tmp_path / "new", 8, TEXTS, curve)
    view(10, {"train/loss": 3.5})
    assert visualdl(tmp_path / "new", "train/loss") == [(5, 4.0), (10, 3.5)]
    assert visualdl(tmp_path / "new", "valid/loss") == [(5, 4.5)]


def test_starting_afresh_leaves_nothing_of_the_run_before(tmp_path: Path) -> None:
    scalars.begin(tmp_path, 0, TEXTS)(20, {"train/loss": 1.0})
    scalars.begin(tmp_path, 0, TEXTS)(20, {"train/loss": 2.0})
    assert visualdl(tmp_path, "train/loss") == [(20, 2.0)]


def test_points_that_find_no_room_are_there_as_soon_as_there_is_some(tmp_path: Path) -> None:
    with small(tmp_path / "small", "1m") as disk:
        folder = disk.folder / "runs"
        disk.fill()
        view = scalars.begin(folder, 0, TEXTS)
        for step in (1, 2):
            with pytest.raises(OSError):
                view(step, {"train/loss": float(step)})
        disk.empty()
        view(3, {"train/loss": 3.0})
        disk.fill()
        with contextlib.suppress(OSError):  # the rest of a block is used up in the middle of a point
            for step in range(4, 4000):
                view(step, {"train/loss": float(step)})
        disk.empty()
        view(4000, {"train/loss": 4000.0})
        assert [step for step, _ in visualdl(folder, "train/loss")][-1] == 4000
        found = [event.step for event in tensorboard(folder) if event.step]
        assert found == sorted(set(found)) and found[-1] == 4000 and 3 in found
