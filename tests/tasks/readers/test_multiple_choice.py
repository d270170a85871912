"""Reading questions with choices: what is right is read whole, what is wrong is said with file and line."""

import json
from pathlib import Path
from typing import Any

import damage
import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import multiple_choice as reader

GOOD = {"id": 1, "context": "天", "question": "谁？", "choices": ["我", "你"], "label": 1}


def read(folder: Path, *rows: Any, split: str = "train") -> tuple[reader.AskedChoice, ...]:
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return reader.examples(folder, split)


def test_a_row_is_a_question_with_its_choices(tmp_path: Path) -> None:
    found, other = read(tmp_path, GOOD, {**GOOD, "choices": ["我", "你", "他"], "group": "a"})
    assert found == reader.AskedChoice("1", "天", "谁？", ("我", "你"), "", 1)
    assert found.question == ("天", "谁？", ("我", "你"), "") and found.labelled
    assert other.group == "a" and len(other.choices) == 3


def test_test_may_have_no_labels_at_all(tmp_path: Path) -> None:
    bare = {name: value for name, value in GOOD.items() if name != "label"}
    (found,) = read(tmp_path, bare, split="test")
    assert not found.labelled
    with pytest.raises(BadInput, match=r'train.jsonl:1: no "label"'):
        read(tmp_path, bare)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"choices": ["我"]}, r'"choices" is \["我"\], it must be a list of at least two texts'),
        ({"choices": "我你"}, '"choices" is "我你", it must be a list'),
        ({"choices": ["我", " "]}, 'choice " ", it must be a text that is not empty'),
        ({"choices": ["我", 5]}, "choice 5, it must be a text"),
        ({"choices": ["我", "\ud800"]}, r"holds \\ud800, half of a surrogate pair"),
        ({"label": 2}, '"label" is 2, it must be the number of a choice, 0 to 1'),
        ({"label": -1}, '"label" is -1, it must be the number of a choice'),
        ({"label": True}, '"label" is true'),
        ({"label": "1"}, '"label" is "1"'),
        ({"context": None}, '"context" is null, it must be a string'),
        ({"group": 5}, '"group" is 5, it must be a string'),
    ],
)
def test_wrong_rows_are_refused_with_file_and_line(tmp_path: Path, changes: Any, why: str) -> None:
    with pytest.raises(BadInput, match=f"train.jsonl:2: .*{why}"):
        read(tmp_path, GOOD, {**GOOD, **changes})


def test_a_group_has_the_same_choices_everywhere(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r'train.jsonl:2: group "a" has other choices than in .*train.jsonl:1, give all'):
        read(tmp_path, {**GOOD, "group": "a"}, {**GOOD, "group": "a", "choices": ["你", "我"]})


@pytest.mark.parametrize("split", ["train", "test"])
def test_whatever_one_value_is_it_is_read_or_refused_with_its_line(tmp_path: Path, split: str) -> None:
    for row in damage.each({**GOOD, "group": "a"}):
        try:
            found, why = read(tmp_path, row, split=split), ""
        except BadInput as e:
            found, why = (), str(e)
        assert len(found) == 1 or why.startswith(f"{tmp_path}/{split}.jsonl:1: "), row
