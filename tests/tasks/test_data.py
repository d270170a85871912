"""Reading labelled examples: what is right is read whole, what is wrong is said with file and line."""

from pathlib import Path

import pytest

from ernie_core.errors import BadInput, NotFound
from ernie_core.tasks import data


def folder(tmp_path: Path, lines: str, labels: str = "negative\npositive\n") -> Path:
    (tmp_path / "train.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "labels.txt").write_text(labels, encoding="utf-8")
    return tmp_path


def read(place: Path) -> tuple[data.Example, ...]:
    return data.examples(place, "train", data.label_names(place))


def test_labels_are_numbered_by_their_line(tmp_path: Path) -> None:
    place = folder(
        tmp_path, '{"id": 7, "text": "好", "label": "positive"}\n\n{"id": "b", "text": "", "label": "negative"}'
    )
    assert read(place) == (data.Example("7", "好", None, 1), data.Example("b", "", None, 0))


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
        ('{"id": "a", "text": "好", "label": 1}', r"train.jsonl:2: label 1 is not in labels.txt"),
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
    single, pair = data.Example("a", "好", None, 0), data.Example("b", "好", "坏", 0)
    with pytest.raises(BadInput, match="train has no text_pair, dev has text_pair"):
        data.are_pairs({"train": [single], "dev": [pair]})


@pytest.mark.parametrize(
    ("labels", "said"), [("a\n", "at least two"), ("a\n\nb\n", "txt:2"), ("a\nb\na\n", "txt:3.*twice")]
)
def test_labels_must_be_two_or_more_different_names(tmp_path: Path, labels: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(folder(tmp_path, "", labels))


def test_a_missing_split_says_what_task_data_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"dev\.jsonl: no such file, task data is"):
        data.examples(folder(tmp_path, ""), "dev", ("a", "b"))
