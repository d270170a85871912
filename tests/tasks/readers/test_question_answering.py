"""Reading questions with answers: what is right is read whole, what is wrong is said with file and line."""

import json
from pathlib import Path
from typing import Any

import damage
import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import question_answering as reader

GOOD = {"id": 1, "context": "在天上。", "question": "何地？", "answers": {"text": ["天上"], "answer_start": [1]}}


def read(folder: Path, *rows: Any, split: str = "train") -> tuple[reader.AskedContext, ...]:
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return reader.examples(folder, split)


def test_a_row_is_a_question_with_its_answers(tmp_path: Path) -> None:
    none = {**GOOD, "answers": {"text": [], "answer_start": []}}
    found, other = read(tmp_path, GOOD, none)
    assert found == reader.AskedContext("1", "在天上。", "何地？", (reader.Answer("天上", 1),))
    assert found.question == ("何地？", "在天上。") and found.texts == ("天上",) and found.labelled
    assert other.answers == () and other.texts == ("",) and other.located is None and other.labelled
    assert reader.have_unanswered([found, other]) and not reader.have_unanswered([found])


def test_the_answer_to_learn_is_the_first_in_the_context(tmp_path: Path) -> None:
    answers = {"text": ["地下", "天上"], "answer_start": [-1, 1]}
    (found,) = read(tmp_path, {**GOOD, "answers": answers})
    assert found.located == reader.Answer("天上", 1) and found.texts == ("地下", "天上")
    nowhere = {**GOOD, "answers": {"text": ["地下"], "answer_start": [-1]}}
    (found,) = read(tmp_path, nowhere, split="dev")
    assert found.located is None and not reader.have_unanswered([found])
    with pytest.raises(BadInput, match=r"train.jsonl:1: no answer is in the context, nothing can be learned"):
        read(tmp_path, nowhere)


def test_test_may_have_no_answers_at_all(tmp_path: Path) -> None:
    bare = {name: value for name, value in GOOD.items() if name != "answers"}
    (found,) = read(tmp_path, bare, split="test")
    assert not found.labelled and found.texts == ("",)
    with pytest.raises(BadInput, match=r'train.jsonl:1: no "answers"'):
        read(tmp_path, bare)
    with pytest.raises(BadInput, match=r'test.jsonl:2: some rows have "answers" and some have not'):
        read(tmp_path, bare, GOOD, split="test")


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"text": ["天上"], "answer_start": [2]}, 'answer "天上" is not at character 2, there is "上。": it is at 1'),
        ({"text": ["天上"], "answer_start": [99]}, 'not at character 99, there is "": it is at 1'),
        ({"text": ["地"], "answer_start": [0]}, "it is nowhere in the context"),
        ({"text": ["天上"], "answer_start": [-2]}, "answer_start -2, it must be a number of characters from 0, or -1"),
        ({"text": ["天上"], "answer_start": [True]}, "answer_start true, it must be a number"),
        ({"text": ["天上"], "answer_start": ["1"]}, 'answer_start "1", it must be a number'),
        ({"text": [""], "answer_start": [0]}, 'answer "", it must be a text that is not empty'),
        ({"text": ["\ud800"], "answer_start": [0]}, r"holds \\ud800, half of a surrogate pair"),
        ({"text": ["天上"], "answer_start": []}, 'write {"text": .*, with empty lists if there is no answer'),
        ([{"text": "天上", "answer_start": 1}], '"answers" is .*, write {"text"'),
        (None, '"answers" is null, write {"text"'),
    ],
)
def test_wrong_answers_are_refused_with_file_and_line(tmp_path: Path, answers: Any, why: str) -> None:
    with pytest.raises(BadInput, match=f"train.jsonl:2: .*{why}"):
        read(tmp_path, GOOD, {**GOOD, "answers": answers})


@pytest.mark.parametrize("split", ["train", "test"])
def test_whatever_one_value_is_it_is_read_or_refused_with_its_line(tmp_path: Path, split: str) -> None:
    for row in damage.each(GOOD):
        try:
            found, why = read(tmp_path, row, split=split), ""
        except BadInput as e:
            found, why = (), str(e)
        assert len(found) == 1 or why.startswith(f"{tmp_path}/{split}.jsonl:1: "), row
