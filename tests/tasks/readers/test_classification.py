"""Reading labelled examples: what is right is read whole, what is wrong is said with file and line."""

from pathlib import Path

import pytest

from ernie_core.errors import BadInput, NotFound
from ernie_core.tasks.readers import classification as reader


def folder(tmp_path: Path, lines: str, labels: str = "negative\npositive\n") -> Path:
    (tmp_path / "train.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "labels.txt").write_text(labels, encoding="utf-8")
    return tmp_path


def read(place: Path) -> tuple[reader.LabelledText, ...]:
    return reader.examples(place, "train", reader.label_names(place))


def test_labels_are_numbered_by_their_line(tmp_path: Path) -> None:
    place = folder(
        tmp_path, '{"id": 7, "text": "好", "label": "positive"}\n\n{"id": "b", "text": "", "label": "negative"}'
    )
    assert read(place) == (reader.LabelledText("7", "好", None, 1), reader.LabelledText("b", "", None, 0))


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    (found,) = read(folder(tmp_path, '{"id": "a", "text": "一\u2028二", "label": "positive"}\n'))
    assert found.text == "一\u2028二"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"id": "a", "text": "好", "label": "great"}',
            r'train.jsonl:2: label "great" is not in labels.txt: negative, pos',
        ),
        (
            '{"id": "a", "text": "好", "label": 1}',
            r'2: "label" is 1, it must be a string.*number from 0, .* "positive"',
        ),
        ('{"id": "a", "text": "好", "label": 2}', r'2: "label" is 2, it must be a string, a line of labels.txt: neg'),
        ('{"id": "a", "text": "好", "label": null}', r'2: "label" is null, it must be a string'),
        ('{"id": "a", "text": "好", "label": true}', r'2: "label" is true, it must be a string'),
        ('{"id": "a", "text": "好", "label": 1e999}', r'2: "label" is Infinity, it must be a string'),
        ('{"id": "a", "text": "好", "label": ["positive"]}', r'2: "label" is \["positive"\], it must be a string'),
        ('{"id": "a", "text": "好", "label": "a\\ud800"}', r'2: label "a\\ud800" is not in labels.txt'),
        ('{"id": null, "text": "好", "label": "positive"}', r'2: "id" is null, it must be a string or a number'),
        ('{"id": true, "text": "好", "label": "positive"}', r'2: "id" is true, it must be a string or a number'),
        ('{"id": "a", "text": "好\\ud83d", "label": "positive"}', r'2: "text" holds \\ud83d, half of a surrogate pair'),
        ('{"id": "\\udc00", "text": "好", "label": "positive"}', r'2: "id" holds \\udc00, half of a surrogate pair'),
        ("[" * 100_000, r"2: not JSON \(nested too deeply"),
        ('{"id": "a", "text": ' + '{"a": ' * 100_000, r"2: not JSON \(nested too deeply"),
        ('{"id": "a", "text": "a\0b", "label": "positive"}', r"2: not JSON \(Invalid control character"),
        ('{"id": "a", "text": "好"}', r'train.jsonl:2: no "label"'),
        ('{"id": "a", "text": 5, "label": "positive"}', r'train.jsonl:2: "text" is 5, it must be a string'),
        ('{"id": "a", "text": "好", "text_pair": null, "label": "positive"}', r'train.jsonl:2: "text_pair" is null'),
        ("[1, 2]", r"train.jsonl:2: not an object"),
        ('{"id": ', r"train.jsonl:2: not JSON"),
    ],
)
def test_a_fault_is_said_with_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    place = folder(tmp_path, f'{{"id": "0", "text": "好", "label": "positive"}}\n{line}\n')
    with pytest.raises(BadInput, match=said):
        read(place)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no examples"):
        read(folder(tmp_path, "\n\n"))


def test_pairs_and_single_texts_do_not_mix(tmp_path: Path) -> None:
    single = '{"id": "a", "text": "好", "label": "positive"}'
    pair = '{"id": "b", "text": "好", "text_pair": "坏", "label": "positive"}'
    with pytest.raises(BadInput, match="give all or none"):
        read(folder(tmp_path, f"{single}\n{pair}\n"))


def test_splits_must_agree_on_pairs() -> None:
    with pytest.raises(BadInput, match="train has no text_pair, dev has text_pair"):
        reader.are_pairs({"train": False, "dev": True})


@pytest.mark.parametrize(
    ("labels", "said"), [("a\n", "at least two"), ("a\n\nb\n", "txt:2"), ("a\nb\na\n", "txt:3.*already in line 1")]
)
def test_labels_must_be_two_or_more_different_names(tmp_path: Path, labels: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(folder(tmp_path, "", labels))


def test_a_missing_split_says_what_task_data_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"dev\.jsonl: no such file, task data is"):
        reader.examples(folder(tmp_path, ""), "dev", ("a", "b"))


def test_a_number_that_is_a_line_of_the_labels_wants_its_quotes(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r'train\.jsonl:1: "label" is 1, .*: put it in quotes, "label": "1"'):
        read(folder(tmp_path, '{"id": "a", "text": "好", "label": 1}', "0\n1\n"))


@pytest.mark.parametrize("mark", ["\u0085", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c"])
def test_only_lf_ends_a_label(tmp_path: Path, mark: str) -> None:
    place = folder(tmp_path, "", f"good{mark}bad\r\nother\r\n")
    assert reader.label_names(place) == (f"good{mark}bad", "other")


def test_of_many_labels_a_few_are_listed_and_reading_them_is_linear(tmp_path: Path) -> None:
    names = [f"label-{n}" for n in range(200_000)]
    place = folder(tmp_path, '{"id": "a", "text": "好", "label": "none"}', "".join(f"{name}\n" for name in names))
    with pytest.raises(BadInput) as said:
        read(place)
    assert str(said.value).endswith("label-3, label-4, ... (200000 in all)")
    assert len(reader.difference(names[:-1], names)) < 250
    assert "label 3 of labels.txt is x, the model's is label-2" in reader.difference(
        [*names[:2], "x", *names[3:]], names
    )
    assert reader.difference(names, tuple(names)) == ""


def test_task_data_in_another_encoding_or_with_other_line_ends_is_named_with_the_remedy(tmp_path: Path) -> None:
    place = folder(tmp_path, "")
    for content, said in (
        ("good\nbad\n".encode("utf-16"), r"labels\.txt: this is UTF-16, .* iconv -f UTF-16 -t UTF-8"),
        ("好\n坏的\n".encode("gb18030"), r"labels\.txt:1: not UTF-8 at byte 0 of the line: .*iconv -f GB18030"),
        (b"good\rbad\r", r"labels\.txt: its lines end in CR alone"),
        (b"go\0od\nbad\n", r"labels\.txt:1: .* is not a label"),
    ):
        (place / "labels.txt").write_bytes(content)
        with pytest.raises(BadInput, match=said):
            reader.label_names(place)
