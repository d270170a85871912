"""Formats of questions with answers in contexts: published files are read whole, damaged ones say what is wrong."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import damage
import pytest
import real_data

from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.datasets.formats import squad
from ernie_core.errors import BadInput
from ernie_core.tasks.readers import question_answering as reader

ALL: tuple[type[Format], ...] = (
    squad.Cmrc2018, squad.ClueCmrc2018, squad.Drcd, squad.DureaderRobust, squad.Xquad,
)  # fmt: skip


def document(**changes: Any) -> dict[str, Any]:
    """A file with two questions in two paragraphs; changes are of the second question or its paragraph."""
    first = {"id": "DEV_0_QUERY_0", "question": "谁？", "answers": [{"text": "我", "answer_start": 1}]}
    second = {"id": "DEV_1_QUERY_0", "question": "何地？", "answers": [{"text": "天上", "answer_start": 1}]}
    paragraph = {"id": "DEV_1", "context": "在天上。", "qas": [second]}
    for name, value in changes.items():
        place = paragraph if name in ("context", "qas") else second
        if value is None:
            del place[name]
        else:
            place[name] = value
    paragraphs = [{"paragraphs": [{"id": "DEV_0", "context": "是我", "qas": [first]}]}, {"paragraphs": [paragraph]}]
    return {"version": "v1.0", "data": paragraphs}


def rows(path: Path, content: Any, split: str = "train") -> list[Example | Rejected]:
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8")
    return list(squad.Cmrc2018().rows(path, split))


def names_of(folder: Path) -> list[str]:
    files = {path.name: path for path in folder.iterdir() if path.suffix != ".md"}
    return [form.name for form in ALL if form.recognises(files)]


@pytest.mark.parametrize(
    ("data", "name", "counts"),
    [
        ("cmrc2018", "cmrc2018", {"cmrc2018_dev.json": (3216, 3), "cmrc2018_trial.json": (995, 7)}),
        ("drcd_dev", "drcd", {"DRCD_dev.json": (3524, 0)}),
    ],
)
def test_published_files_are_read_whole(data: str, name: str, counts: Mapping[str, tuple[int, int]]) -> None:
    folder = real_data.folder(data)
    (form,) = [form for form in ALL if form.name == name]
    assert names_of(folder) == [name]
    for file, (good, bad) in counts.items():
        found = list(form().rows(folder / file, "train"))
        assert sum(isinstance(row, Example) for row in found) == good
        assert len(found) == good + bad


@pytest.mark.parametrize("language", ["zh", "en", "de"])
def test_xquad_is_read_whole_and_is_test_data_of_one_language(language: str) -> None:
    folder = real_data.folder("xquad")
    path = folder / f"xquad.{language}.json"
    assert squad.Xquad().splits({path.name: path}) == {"test": [path]}
    assert squad.Xquad().facts() == {"metric": "squad"}
    found = list(squad.Xquad().rows(path, "test"))
    assert len(found) == 1190 and all(isinstance(row, Example) and row.values["answers"]["text"] for row in found)
    with pytest.raises(BadInput, match=r"xquad.de.json, xquad.en.json, xquad.zh.json: the same questions in several"):
        squad.Xquad().splits({other.name: other for other in folder.glob("*.json")})


def test_what_a_format_reads_is_what_the_task_reads(tmp_path: Path) -> None:
    source = real_data.folder("cmrc2018") / "cmrc2018_trial.json"
    found = [row.values for row in squad.Cmrc2018().rows(source, "train") if isinstance(row, Example)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    assert len(reader.examples(tmp_path, "train")) == len(found)


def test_one_data_set_is_recognised_by_the_names_and_ids_of_its_files(tmp_path: Path) -> None:
    nested, flat = document(), {"id": "DEV_0_QUERY_0", "context": "是我", "question": "谁？"}
    other = json.loads(re.sub(r"DEV_\w+", "0a25cb4bc1ab6f474c699884e04601e4", json.dumps(nested)))
    for place, (file, content, name) in enumerate([
        ("cmrc2018_dev.json", nested, "cmrc2018"), ("dev.json", nested, "clue/cmrc2018"),
        ("DRCD_dev.json", nested, "drcd"), ("xquad.zh.json", nested, "xquad"), ("dev.json", flat, "clue/cmrc2018"),
        ("dev.json", [flat], "clue/cmrc2018"), ("cmrc2018_dev.json", flat, "clue/cmrc2018"),
        ("dev.json", other, "dureader_robust"),
    ]):  # fmt: skip
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / file).write_text(json.dumps(content))
        assert names_of(folder) == [name], (file, place)


def test_flat_rows_are_the_same_as_nested_ones(tmp_path: Path) -> None:
    nested = [row.values for row in rows(tmp_path / "a.json", document()) if isinstance(row, Example)]
    for content in ("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in nested), json.dumps(nested)):
        found = rows(tmp_path / "b.json", content)
        assert [row.values for row in found if isinstance(row, Example)] == nested
    assert found[0].where == f"{tmp_path}/b.json: question 1"


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    text = json.dumps(document(), indent=1, ensure_ascii=False)
    plain = rows(tmp_path / "a.json", text)
    (tmp_path / "b.json").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    marked = list(squad.Cmrc2018().rows(tmp_path / "b.json", "train"))
    assert [row.values for row in marked if isinstance(row, Example)] == [
        row.values for row in plain if isinstance(row, Example)
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"answers": [{"text": "天上", "answer_start": 2}]},
         'paragraph 2, question 1: answer "天上" is not at character 2, there is "上。": it is at 1'),
        ({"answers": [{"text": "地下", "answer_start": 1}]}, "there is \"天上\": it is nowhere in the context"),
        ({"answers": [{"text": "天上", "answer_start": -1}]},
         'question 1: answer "天上" is not in the context, nothing can be learned from it'),
        ({"answers": [{"text": "天上", "answer_start": "1"}]}, '"answer_start" is "1", no whole number'),
        ({"answers": [{"text": "天上"}]}, 'no "answer_start"'),
        ({"answers": [{"text": " ", "answer_start": 1}]}, '"text" is empty'),
        ({"answers": [{"text": None, "answer_start": 1}]}, '"text" is null, no text'),
        ({"answers": []}, '"answers" is empty, and "is_impossible" is not true'),
        ({"answers": "天上"}, '"answers" is "天上", no list'),
        ({"answers": None}, 'no "answers"'),
        ({"answers": {"text": ["天上"], "answer_start": []}}, '"answers" has 1 texts and 0 starts'),
        ({"question": " "}, '"question" is empty'),
        ({"question": "\ud83d"}, r'"question" holds \ud83d, half of a surrogate pair'),
        ({"question": 5}, '"question" is 5, no text'),
        ({"id": None}, 'question 1: no "id"'),
        ({"id": ["a"]}, '"id" is ["a"], no text'),
        ({"context": ""}, 'paragraph 2: "context" is empty'),
        ({"context": None}, 'paragraph 2: no "context"'),
        ({"qas": {}}, 'paragraph 2: "qas" is {}, no list'),
        ({"qas": [5]}, "paragraph 2, question 1: 5 is no object"),
    ],
)  # fmt: skip
def test_a_damaged_question_is_said_and_the_others_are_read(tmp_path: Path, changes: Any, why: str) -> None:
    path = tmp_path / "cmrc2018_train.json"
    path.write_text(json.dumps(document(**changes)))
    good, bad = squad.Cmrc2018().rows(path, "train")
    assert isinstance(good, Example) and isinstance(bad, Rejected)
    assert why in f"{bad.where}: {bad.why}"
    assert bad.where.startswith(f"{path}: paragraph 2")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"data": [{"paragraphs": [', r"a.json: not JSON \(Expecting value.*the file is cut off or changed, get"),
        ('{"data": {"paragraphs": []}}', r'a.json: no list "data" of articles, as SQuAD has'),
        (b"\xff\xfe{\0", "this is UTF-16, only UTF-8 is read"),
        ("{\"paragraphs\": \"好\"}".encode("gb18030"), "a.json:1: not UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: str | bytes, why: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=why):
        list(squad.Cmrc2018().rows(path, "train"))


def test_an_article_and_a_flat_line_that_are_damaged_are_said(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.json", {"data": [{"title": "无"}, *document()["data"]]})
    assert found[0] == Rejected(f"{tmp_path}/a.json: article 1", 'no "paragraphs"')
    assert len(found) == 3
    found = rows(tmp_path / "b.json", '{"id": "DEV_0_QUERY_0"}\n{"id": \n')
    assert [row.where for row in found] == [f"{tmp_path}/b.json:1", f"{tmp_path}/b.json:2"]
    assert "not JSON" in found[1].why  # type: ignore[union-attr]


def test_answers_that_are_not_in_the_context_count_for_scores_alone(tmp_path: Path) -> None:
    answers = [{"text": "地下", "answer_start": -1}, {"text": "天上", "answer_start": 1}]
    kept = {"text": ["地下", "天上"], "answer_start": [-1, 1]}
    for split in ("train", "dev"):
        assert rows(tmp_path / "a.json", document(answers=answers), split)[1].values["answers"] == kept  # type: ignore[union-attr]
    (_, alone) = rows(tmp_path / "a.json", document(answers=answers[:1]), "dev")
    assert isinstance(alone, Example) and alone.values["answers"] == {"text": ["地下"], "answer_start": [-1]}


def test_a_test_without_answers_gives_none_and_a_question_without_an_answer_empty_lists(tmp_path: Path) -> None:
    for answers in (None, [], [{"text": "", "answer_start": -1}], {"text": [""], "answer_start": [-1]}):
        (_, found) = rows(tmp_path / "a.json", document(answers=answers), "test")
        assert isinstance(found, Example) and "answers" not in found.values
    (_, found) = rows(tmp_path / "a.json", document(answers=[], is_impossible=True))
    assert isinstance(found, Example) and found.values["answers"] == {"text": [], "answer_start": []}


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("flat", [False, True])
def test_whatever_one_value_is_the_rows_that_are_read_are_rows_of_the_task(
    tmp_path: Path, split: str, flat: bool
) -> None:
    path, kept = tmp_path / "a.json", tmp_path / f"{split}.jsonl"
    whole = [row.values for row in rows(path, document()) if isinstance(row, Example)] if flat else document()
    for content in damage.each(whole):
        path.write_text(json.dumps(content))
        try:
            found = list(squad.Cmrc2018().rows(path, split))
        except BadInput:
            continue
        good = [row for row in found if isinstance(row, Example)]
        kept.write_text("".join(json.dumps(row.values) + "\n" for row in good))
        if len({"answers" in row.values for row in good}) == 1:
            assert len(reader.examples(tmp_path, split)) == len(good), content
