"""Words with tags: what is right is read whole, what is wrong is said with file and line."""

import json
from pathlib import Path

import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import token_classification as reader
from ernie_core.tasks.readers.token_classification import TaggedWords

NAMES = ("B-PER", "I-PER", "O")


def examples(folder: Path, *rows: object, split: str = "train") -> tuple[TaggedWords, ...]:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return reader.examples(folder, split, NAMES)


def tags(folder: Path, *lines: str) -> tuple[str, ...]:
    (folder / "labels.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return reader.tag_names(folder)


def test_rows_are_words_and_ids_of_tags(tmp_path: Path) -> None:
    row = {"id": 7, "tokens": ["你", " ", "Li"], "labels": ["B-PER", "O", "I-PER"]}
    assert examples(tmp_path, row) == (TaggedWords("7", ("你", " ", "Li"), (0, 2, 1)),)


def test_a_test_without_tags_is_not_labelled(tmp_path: Path) -> None:
    (example,) = examples(tmp_path, {"id": 1, "tokens": ["你"]}, split="test")
    assert example.tags is None and not example.labelled


@pytest.mark.parametrize(("row", "why"), [
    ({"id": 1, "tokens": ["a", "b"], "labels": ["O"]}, "2 tokens and 1 labels: give every token one"),
    ({"id": 1, "tokens": ["a"], "labels": ["B-LOC"]}, 'label "B-LOC" of token 0, "a", is not in labels.txt: B-PER'),
    ({"id": 1, "tokens": "ab", "labels": ["O", "O"]}, '"tokens" is "ab", it must be a list of strings'),
    ({"id": 1, "tokens": ["a"], "labels": [2]}, r'"labels" is \[2\], it must be a list of strings'),
    ({"id": 1, "tokens": [], "labels": []}, '"tokens" is empty, an example needs at least one'),
    ({"id": 1, "tokens": ["\ud800"], "labels": ["O"]}, r'"tokens" 0 holds \\ud800, half of a surrogate pair'),
    ({"id": 1, "tokens": ["a"]}, 'no "labels"'),
    ("{", "not JSON"),
])  # fmt: skip
def test_a_faulty_row_is_said(tmp_path: Path, row: object, why: str) -> None:
    with pytest.raises(BadInput, match=rf"train\.jsonl:2: {why}"):
        examples(tmp_path, {"id": 0, "tokens": ["a"], "labels": ["O"]}, row)


def test_tags_are_checked(tmp_path: Path) -> None:
    assert tags(tmp_path, "O", "B-PER.NAM", "S-a-b") == ("O", "B-PER.NAM", "S-a-b")
    for name in ("PER", "B-", "X-PER", "b-PER"):
        with pytest.raises(BadInput, match=rf"labels\.txt:2: `{name}` is not a tag: it must be O, or B-"):
            tags(tmp_path, "O", name)
    with pytest.raises(BadInput, match=r"labels\.txt: no tag `O`, which words outside"):
        tags(tmp_path, "B-PER", "I-PER")


@pytest.mark.parametrize(("names", "wanted"), [("I-A O", "IO"), ("B-A I-A O", "BIO"), ("B-A I-A E-A O", "BIOES")])
def test_the_scheme_is_the_smallest_that_has_the_prefixes(tmp_path: Path, names: str, wanted: str) -> None:
    assert reader.scheme(tmp_path, names.split()) == wanted


def test_a_scheme_that_is_told_must_fit_the_tags(tmp_path: Path) -> None:
    told = {"task": "token_classification", "scheme": "BIOES"}
    (tmp_path / "task.json").write_text(json.dumps(told))
    assert reader.scheme(tmp_path, ["B-A", "O"]) == "BIOES"
    (tmp_path / "task.json").write_text(json.dumps(told | {"scheme": "BIO"}))
    with pytest.raises(BadInput, match=r"task\.json: scheme BIO has no S-, which tags of labels\.txt begin with"):
        reader.scheme(tmp_path, ["B-A", "S-A", "O"])
    (tmp_path / "task.json").write_text(json.dumps(told | {"scheme": "BILOU"}))
    with pytest.raises(BadInput, match='"scheme" is "BILOU", choose from: IO, BIO, BIOES'):
        reader.scheme(tmp_path, ["B-A", "O"])


def test_words_are_characters_if_nearly_all_have_one() -> None:
    assert reader.characters([tuple("天" * 99), ("2026",)])
    assert not reader.characters([("New", "York")])
