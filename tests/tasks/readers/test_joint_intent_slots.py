"""Queries with intent and slots: what is right is read whole, what is wrong is said with file and line."""

import json
from pathlib import Path
from typing import Any

import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks.metrics.spans import Span
from ernie_core.tasks.readers import joint_intent_slots as reader
from ernie_core.tasks.readers.joint_intent_slots import Query

INTENTS, SLOTS = ("stop", "play"), ("singer", "song")


def examples(folder: Path, *rows: dict[str, Any], split: str = "train") -> tuple[Query, ...]:
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return reader.examples(folder, split, INTENTS, SLOTS)


def row(*slots: object, intent: object = "play") -> dict[str, Any]:
    return {"id": 1, "text": "来花心", "intent": intent, "slots": list(slots)}


def test_rows_are_queries_with_slots_in_their_order(tmp_path: Path) -> None:
    slots = [{"slot": "song", "start": 1, "end": 3}, {"slot": "singer", "start": 0, "end": 1}]
    assert examples(tmp_path, row(*slots)) == (Query("1", "来花心", 1, (Span("singer", 0, 1), Span("song", 1, 3))),)
    (unknown,) = examples(tmp_path, {"id": 1, "text": "来"}, split="test")
    assert not unknown.labelled


@pytest.mark.parametrize(("faulty", "why"), [
    (row(intent="fly"), 'intent "fly" is not in intent_labels.txt: stop, play'),
    (row(intent=1), "intent 1 is not in intent_labels.txt"),
    (row() | {"slots": {}}, '"slots" is {}, it must be a list, empty for none'),
    (row(["song", 0, 1]), r'\["song", 0, 1\] is not a slot, write it as'),
    (row({"slot": "style", "start": 0, "end": 1}), 'slot "style" is not in slot_labels.txt: singer, song'),
    (row({"slot": "song", "start": 0, "end": "1"}), "start and end must be numbers of characters"),
    (row({"slot": "song", "start": 2, "end": 4}), "slot song is 2 to 4, of a text of 3 characters"),
    (row({"slot": "song", "start": 2, "end": 2}), "slot song is 2 to 2, of a text of 3 characters"),
    (row({"slot": "song", "start": 0, "end": 2}, {"slot": "singer", "start": 1, "end": 3}),
     "slot singer at 1 begins inside of song, which is 0 to 2"),
])  # fmt: skip
def test_a_faulty_row_is_said(tmp_path: Path, faulty: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=rf"train\.jsonl:2: .*{why}"):
        examples(tmp_path, row(), faulty)


def test_slots_are_names_and_not_tags(tmp_path: Path) -> None:
    (tmp_path / "slot_labels.txt").write_text("song\n")
    assert reader.slot_names(tmp_path) == ("song",)
    for name in ("B-song", "O", "PAD"):
        (tmp_path / "slot_labels.txt").write_text(f"singer\n{name}\n")
        with pytest.raises(BadInput, match=rf"slot_labels\.txt:2: `{name}` is a tag, the names of slots are needed"):
            reader.slot_names(tmp_path)
    (tmp_path / "slot_labels.txt").write_text("")
    with pytest.raises(BadInput, match=r"slot_labels\.txt: 0 label\(s\), a classifier needs at least one"):
        reader.slot_names(tmp_path)
