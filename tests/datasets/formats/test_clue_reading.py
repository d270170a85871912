"""Formats of questions with choices: published files are read whole, damaged ones say what is wrong."""

import json
from pathlib import Path
from typing import Any

import damage
import pytest
import real_data

from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.clue_reading import C3, Chid
from ernie_core.errors import BadInput
from ernie_core.tasks.readers import multiple_choice as reader

IDIOMS = ["一丝不苟", "画蛇添足", "名副其实"]
TEXTS = {"content": ["他#idiom7#，又#idiom8#。", "无", "是#idiom9#"], "candidates": IDIOMS}
FEW = {"id": 1500, "candidates": IDIOMS, "content": "有时候#idiom#，是吗", "answer": 2}
QUESTION = {"question": "做什么?", "choice": ["旅行", "工作", "家庭"], "answer": "工作"}


def values(found: list[Example | Rejected]) -> list[Any]:
    assert all(isinstance(row, Example) for row in found), found
    return [row.values for row in found if isinstance(row, Example)]


def chid(path: Path, *rows: Any, split: str = "train") -> list[Example | Rejected]:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return list(Chid().rows(path, split))


def c3(path: Path, *documents: Any, split: str = "train") -> list[Example | Rejected]:
    path.write_text(json.dumps(documents, ensure_ascii=False), "utf-8")
    return list(C3().rows(path, split))


@pytest.mark.parametrize(
    ("form", "data", "file", "count"),
    [
        (Chid, "clue_chid", "test_public.json", 2002), (Chid, "clue_chid", "dev_few_all.json", 202),
        (C3, "clue_c3", "c3-d-train.json", 5856), (C3, "clue_c3", "c3-d-dev.json", 1825),
    ],
)  # fmt: skip
def test_published_files_are_read_whole_and_the_task_reads_them(
    tmp_path: Path, form: type[Chid | C3], data: str, file: str, count: int
) -> None:
    folder = real_data.folder(data)
    files = {path.name: path for path in folder.glob("*.json")}
    assert [other.name for other in (Chid, C3) if other.recognises(files)] == [form.name]
    rows = values(list(form().rows(folder / file, "train")))
    assert len(rows) == count
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(reader.examples(tmp_path, "train")) == count


def test_the_blanks_of_a_line_share_its_candidates_and_its_group(tmp_path: Path) -> None:
    (tmp_path / "train_answer.json").write_text('{"#idiom7#": 2, "#idiom8#": 0, "#idiom9#": 1}')
    found = values(chid(tmp_path / "train.json", TEXTS))
    assert [row["question"] for row in found] == [row["id"] for row in found] == ["#idiom7#", "#idiom8#", "#idiom9#"]
    assert [row["label"] for row in found] == [2, 0, 1]
    assert {row["group"] for row in found} == {"train:1"} and found[2]["context"] == "是#idiom9#"
    rows = [{**TEXTS, "answers": {"text": [], "candidate_id": [2, 0, 1]}}]
    assert [row["label"] for row in values(chid(tmp_path / "dev.json", *rows))] == [2, 0, 1]
    assert all("label" not in row for row in values(chid(tmp_path / "test1.1.json", TEXTS, split="test")))


def test_a_line_of_fewclue_is_one_question_of_its_own(tmp_path: Path) -> None:
    assert values(chid(tmp_path / "train_few_all.json", FEW)) == [
        {"id": 1500, "context": FEW["content"], "question": "#idiom#", "choices": IDIOMS, "label": 2}
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**FEW, "answer": 3}, "the answer for #idiom# is 3, it must be 0 to 2"),
        ({**FEW, "answer": "2"}, 'the answer for #idiom# is "2", it must be 0 to 2'),
        ({**FEW, "content": "没有"}, '"content" has no blank such as #idiom12#'),
        ({**FEW, "content": "有#idiom#，是#idiom#"}, '"content" has the blank #idiom# more than once in a text: give'),
        ({**FEW, "candidates": ["一"]}, '"candidates" has 1 text(s), at least two are needed'),
        ({**FEW, "candidates": ["一", " "]}, '"candidates" is empty'),
        ({"content": "", "answer": 0}, 'no "candidates"'),
        ({"candidates": IDIOMS}, 'no "content"'),
        ({**FEW, "content": 5}, '"content" is 5, no list'),
        ({name: FEW[name] for name in ("candidates", "content", "answer")}, 'no "id"'),
        (TEXTS, "no answer for #idiom7#, neither here nor in the file of answers beside it"),
        ([], "[] is no object"),
    ],
)
def test_a_damaged_line_of_chid_is_said_and_the_others_are_read(tmp_path: Path, row: Any, why: str) -> None:
    first, *bad, last = chid(tmp_path / "train.json", FEW, row, FEW)
    assert isinstance(first, Example) and isinstance(last, Example)
    assert isinstance(bad[0], Rejected) and why in bad[0].why
    assert bad[0].where.startswith(f"{tmp_path}/train.json:2")


def test_marks_of_a_file_and_lines_that_are_no_json_are_survived(tmp_path: Path) -> None:
    text = json.dumps(FEW, ensure_ascii=False)
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + f"{text}\r\n\r\n{text[:-5]}\r\n".encode())
    good, bad = Chid().rows(tmp_path / "a.json", "train")
    assert isinstance(good, Example) and isinstance(bad, Rejected)
    assert bad.where == f"{tmp_path}/a.json:3" and bad.why.startswith("not JSON: ")
    (tmp_path / "train_answer.json").write_text("[1]")
    with pytest.raises(BadInput, match=r"train_answer.json: not an object such as {\"#idiom12#\": 3}"):
        chid(tmp_path / "train.json", TEXTS)


def test_questions_of_c3_have_four_choices(tmp_path: Path) -> None:
    many = {"question": "几?", "choice": list("一二三四五"), "answer": "四", "id": 7}
    found = values(c3(tmp_path / "c3-d-train.json", [["男：你好", "", "女：好"], [QUESTION, many], "47-275"]))
    assert found[0] == {
        "id": "47-275-1", "context": "男：你好\n\n女：好", "question": "做什么?",
        "choices": ["旅行", "工作", "家庭", "无效答案"], "label": 1,
    }  # fmt: skip
    assert (found[1]["id"], found[1]["choices"], found[1]["label"]) == (7, ["一", "二", "三", "四"], 3)
    bare = {"question": "几?", "choice": ["一", "二"], "id": 0}
    (row,) = values(c3(tmp_path / "test1.1.json", [["天"], [bare], "x"], split="test"))
    assert row["id"] == 0 and "label" not in row


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (
            [["天"], [{**QUESTION, "answer": "睡觉"}], "x"],
            'document 2, question 1: answer "睡觉" is none of the choices',
        ),
        ([["天"], [{**QUESTION, "choice": list("一二三四五"), "answer": "五"}], "x"], "that are kept, the first 4"),
        ([["天"], [{**QUESTION, "choice": []}], "x"], '"choice" is empty'),
        ([["天"], [{**QUESTION, "choice": ["一", ""]}], "x"], '"choice" is empty'),
        ([["天"], [{**QUESTION, "question": ""}], "x"], '"question" is empty'),
        ([["天"], [{"question": "谁"}], "x"], 'no "choice"'),
        ([["天"], [{"question": "谁", "choice": ["一"]}], "x"], 'no "answer"'),
        ([["天"], [5], "x"], "5 is no object"),
        ([[" "], [QUESTION], "x"], 'document 2: "context" is empty'),
        ([[5], [QUESTION], "x"], "line 5 of the context is no text"),
        ([["天"], [QUESTION]], "is not [[line, ...], [question, ...], id]"),
        ([["天"], [QUESTION], None], '"id" is null, no text'),
    ],
)
def test_a_damaged_document_of_c3_is_said_and_the_others_are_read(tmp_path: Path, document: Any, why: str) -> None:
    good = [["地"], [QUESTION], "1"]
    first, bad, last = c3(tmp_path / "c3-d-train.json", good, document, good)
    assert isinstance(first, Example) and isinstance(bad, Rejected) and isinstance(last, Example)
    assert why in f"{bad.where}: {bad.why}" and bad.where.startswith(f"{tmp_path}/c3-d-train.json: document 2")


def test_a_file_of_c3_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c3-d-train.json"
    path.write_text("[[[")
    with pytest.raises(BadInput, match=r"c3-d-train.json: not JSON \(.*the file is cut off or changed, get it again"):
        list(C3().rows(path, "train"))
    path.write_text("{}")
    with pytest.raises(BadInput, match="no list of documents, as C3 is"):
        list(C3().rows(path, "train"))


def test_both_kinds_of_texts_of_c3_are_one_split(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("d-train.json", "m-train.json", "c3-d-dev.json", "test1.1.json")}
    found = {split: [path.name for path in paths] for split, paths in C3().splits(files).items()}
    assert found == {"train": ["m-train.json", "d-train.json"], "dev": ["c3-d-dev.json"], "test": ["test1.1.json"]}


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("form", [Chid, C3])
def test_whatever_one_value_is_the_rows_that_are_read_are_rows_of_the_task(
    tmp_path: Path, form: type[Chid | C3], split: str
) -> None:
    texts = {**TEXTS, "answers": {"candidate_id": [2, 0, 1]}}
    path, kept = tmp_path / "a.json", tmp_path / f"{split}.jsonl"
    for content in damage.each([texts, FEW] if form is Chid else [[["天"], [QUESTION, QUESTION], "1"]]):
        path.write_text("\n".join(map(json.dumps, content)) if form is Chid else json.dumps(content))
        good = [row for row in form().rows(path, split) if isinstance(row, Example)]
        kept.write_text("".join(json.dumps(row.values) + "\n" for row in good))
        if len({"label" in row.values for row in good}) == 1:
            assert len(reader.examples(tmp_path, split)) == len(good), content
