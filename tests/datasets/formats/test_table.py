"""Tables and JSON lines of one's own: columns, headers, quotes, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest
from labelled import Made, lines, write

from ernie_core.datasets.columns import Columns
from ernie_core.errors import BadInput


def texts(tmp_path: Path, name: str, content: str | bytes, **columns: Any) -> list[tuple[str, ...]]:
    """The examples of a table, as tuples of what they hold."""
    made = _made(tmp_path, name, content, columns)
    return [tuple(row[key] for key in ("id", "text", "text_pair", "label") if key in row) for row in made.rows()]


def _made(tmp_path: Path, name: str, content: str | bytes, columns: dict[str, Any]) -> Made:
    suffix = name.split(".")[1]
    folder = write(tmp_path / "raw", {f"train.{suffix}": content, f"dev.{suffix}": content})
    return Made(folder, format=suffix, columns=Columns(**columns))


def test_a_csv_has_quotes_with_commas_and_lines_in_them(tmp_path: Path) -> None:
    content = 'label,text\na,"one, two"\nb,"said ""no""\nand left"\n\na,three\n'
    assert texts(tmp_path, "a.csv", content) == [
        ("train.csv:2", "one, two", "a"), ("train.csv:3", 'said "no"\nand left', "b"), ("train.csv:6", "three", "a"),
    ]  # fmt: skip


def test_a_tsv_has_none(tmp_path: Path) -> None:
    assert texts(tmp_path, "a.tsv", 'text\tlabel\n"a\tx\nb"\ty\n') == [
        ("train.tsv:2", '"a', "x"),
        ("train.tsv:3", 'b"', "y"),
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"text": "q1", "text_pair": "q2", "label": "same", "id": "n"}, [("7", "a", "b", "0"), ("8", "c", "d", "1")]),
        (
            {"text": 2, "text_pair": 3, "label": 4, "header": True},
            [("train.tsv:2", "a", "b", "0"), ("train.tsv:3", "c", "d", "1")],
        ),
    ],
)  # fmt: skip
def test_columns_are_named_or_numbered(
    tmp_path: Path, columns: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    assert texts(tmp_path, "a.tsv", "n\tq1\tq2\tsame\n7\ta\tb\t0\n8\tc\td\t1\n", **columns) == expected


def test_without_a_header_columns_are_numbers(tmp_path: Path) -> None:
    assert texts(tmp_path, "a.tsv", "a\tx\nb\ty\n", text=1, label=2) == [
        ("train.tsv:1", "a", "x"),
        ("train.tsv:2", "b", "y"),
    ]


def test_json_lines_have_keys(tmp_path: Path) -> None:
    rows = lines({"id": 5, "q": "a", "p": "b", "y": True}, {"id": 6, "q": "c", "p": "d", "y": False})
    assert texts(tmp_path, "a.jsonl", rows, text="q", text_pair="p", label="y") == [
        (5, "a", "b", "true"), (6, "c", "d", "false"),
    ]  # fmt: skip


def test_a_row_of_a_csv_that_is_not_utf_8_is_rejected_alone(tmp_path: Path) -> None:
    content = b'text,label\n"a\nb",x\n' + b'c\xff,y\n"d\xff\ne",y\n' + "好,y\n".encode()
    folder = write(tmp_path / "raw", {"train.csv": content, "dev.csv": "text,label\nz,x\n"})
    made = Made(folder, max_rejected=0.5)
    assert [row["text"] for row in made.rows()] == ["a\nb", "好"]
    rejected = [(row["line"], row["why"], row["begins"]) for row in made.listed("rejected.jsonl")]
    why = "not UTF-8, convert it with iconv -f GB18030 -t UTF-8"
    assert rejected == [(4, why, "c\ufffd,y"), (5, why, "d\ufffd\ne,y")]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbftext,label\na,x\nb,y\n", b"text,label\r\na,x\r\nb,y\r\n"])
def test_marks_of_other_systems_are_no_text(tmp_path: Path, content: bytes) -> None:
    assert texts(tmp_path, "a.csv", content) == [("train.csv:2", "a", "x"), ("train.csv:3", "b", "y")]


@pytest.mark.parametrize(
    ("name", "content", "columns", "said"),
    [
        ("a.csv", 'text,label\na,x\n"b,y\n', {}, r"train.csv:3: not CSV \(unexpected end of data\): put cells with"),
        ("a.csv", "text,label\n\xe4,x\n".encode("latin-1"), {}, r"train.csv:2: not UTF-8, convert it with iconv"),
        ("a.csv", "text,label,\xe4\na,x,b\n".encode("latin-1"), {}, r"train.csv:1: not UTF-8, convert it with iconv"),
        ("a.csv", "text,label\na,x\n".encode("utf-16"), {}, r"this is UTF-16, only UTF-8 is read"),
        ("a.csv", b"text,label\ra,x\r", {}, "lines end in CR alone"),
        ("a.csv", "a;b\nc;d\n", {}, r"the header is a;b \(columns are separated by commas in csv, by tabs in tsv\)"),
        ("a.tsv", "a\tb\n", {"text": 1}, "without a header, columns are numbers from 1: give label"),
        ("a.tsv", "a\tb\n", {"text": 1, "label": 3}, r"label is column 3, there are 2: a, b"),
        ("a.tsv", "a\tb\n", {"text": "a", "label": 2, "header": False}, "text `a` is a name, and there is no header"),
        ("a.tsv", "text\ttext\tlabel\n", {}, "2 columns are called `text`: give its number, from 1"),
        ("a.jsonl", "", {"text": 1}, "text 1: JSON lines have keys"),
        ("a.csv", 'text,label\na,"x\ny"\n', {}, 'train.csv:2: label "x.{2}y" has a line end or a zero byte in it'),
        ("a.csv", "", {"labels": ("a", "a")}, r'labels \["a", "a"\]: each once, not empty'),
        ("a.jsonl", "", {"labels": ("a", "b ")}, "each once, not empty, and without spaces around it"),
        ("a.tsv", b"text\tlabel\n\xff\tx\n", {}, r"train.tsv:2: not UTF-8 at byte 0, convert it with iconv"),
        ("a.jsonl", "{\n", {}, r"train.jsonl:1: not JSON: "),
        ("a.jsonl", "[1]\n", {}, r"train.jsonl:1: not a JSON object"),
        ("a.jsonl", lines({"txt": "a", "label": "x"}), {}, r"train.jsonl:1: no `text`, there are: txt, label"),
        ("a.jsonl", lines({"text": 5, "label": "x"}), {}, r"train.jsonl:1: `text` is 5, it must be a string"),
        ("a.jsonl", lines({"text": "a", "label": 0.5}), {}, r"train.jsonl:1: label 0.5 must be a string or a whole"),
        ("a.jsonl", lines({"text": "a", "label": "x"}), {"split_by": "u"}, r"train.jsonl:1: no `u` to split by"),
        ("a.jsonl", '{"text": "\\ud83d", "label": "x"}\n', {}, r"train.jsonl:1: half of a surrogate pair, \\ud83d"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_on_one_line(
    tmp_path: Path, name: str, content: str | bytes, columns: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        _made(tmp_path, name, content, columns)
