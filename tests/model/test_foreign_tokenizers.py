"""Vocabularies of others: read in every form, and refused where texts would become other tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from ernie_core import errors
from ernie_core.model import foreign
from ernie_core.model.foreign import tokenizer_files
from ernie_core.text import tokenizer
from tests.support import foreign_models as made
from tests.support import real_data


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    return made.folder(tmp_path / "hf", made.CONFIG, made.bert(made.CONFIG))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def whole(**changes: Any) -> str:
    """A `tokenizer.json` of Hugging Face."""
    vocab = {token: number for number, token in enumerate(made.TOKENS)}
    normalizer = {"type": "BertNormalizer", "lowercase": True, "strip_accents": None, "handle_chinese_chars": True}
    return json.dumps({"normalizer": normalizer, "model": {"type": "WordPiece", "vocab": vocab}} | changes)


def test_ids_after_tabs_are_the_order(theirs: Path, out: Path) -> None:
    rows = [f"{token}\t{number}\n" for number, token in enumerate(made.TOKENS)]
    (theirs / "vocab.txt").write_text("".join(reversed(rows)), encoding="utf-8")
    foreign.convert(theirs, out)
    assert tokenizer.open(out).vocab == made.TOKENS


def test_a_tokenizer_in_one_file_has_its_vocabulary_in_it(theirs: Path, out: Path) -> None:
    (theirs / "vocab.txt").unlink()
    (theirs / "tokenizer.json").write_text(whole(), encoding="utf-8")
    foreign.convert(theirs, out)
    assert tokenizer.open(out).vocab == made.TOKENS


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"tokenizer_config.json": '{"do_lower_case": false}'}, "do_lower_case is `false`, ours computes `true`"),
        ({"tokenizer_config.json": '{"tokenizer_class": "RobertaTokenizer"}'}, "only WordPiece of BERT and ERNIE"),
        ({"tokenizer_config.json": '{"do_lower_case": true, "do_lower_case": true}'}, "stands there twice"),
        ({"vocab.txt": "[PAD]\t0\n[CLS]\t2\n"}, "vocab.txt:2: the id 2 of `.CLS.`"),
        ({"vocab.txt": None}, "vocab.txt: no such file: bring the vocabulary"),
        (
            {"vocab.txt": None, "tokenizer.json": whole(model={"type": "BPE", "vocab": {}})},
            "is a tokenizer of type `BPE`",
        ),
        ({"vocab.txt": None, "tokenizer.json": whole(normalizer={"lowercase": False})}, "lowercase is `false`"),
        (
            {
                "vocab.txt": None,
                "tokenizer.json": whole(model={"vocab": {"a\nb": 5} | dict(zip(made.TOKENS, range(5), strict=False))}),
            },
            "contain line breaks",
        ),
        ({"tokenizer.json": whole(normalizer={"lowercase": False})}, "tokenizer.json: lowercase is `false`"),
        ({"tokenizer.json": whole(normalizer={"lowercase": True, "strip_accents": False})}, "strip_accents is `false`"),
        ({"tokenizer.json": whole(normalizer=None)}, "its normalizer is `null`, ours computes `BertNormalizer`"),
        (
            {"vocab.txt": None, "tokenizer.json": whole(normalizer={"type": "Sequence", "normalizers": []})},
            "its normalizer is `Sequence`, ours computes `BertNormalizer`",
        ),
        ({"tokenizer.json": whole(model={"type": "Unigram", "vocab": []})}, "is a tokenizer of type `Unigram`"),
        ({"vocab.txt": "[PAD]\t0\n[PAD]\t0\nb\t2\n"}, "vocab.txt: no token has the id 1, but one has 2"),
        ({"vocab.txt": "\n".join((*made.TOKENS, "more"))}, "51 tokens, its weights 50: these files are of different"),
    ],
)
def test_a_tokenizer_that_would_give_other_tokens_is_refused(
    theirs: Path, out: Path, files: dict[str, str | None], words: str
) -> None:
    for name, text in files.items():
        (theirs / name).unlink(missing_ok=True) if text is None else (theirs / name).write_text(text, encoding="utf-8")
    with pytest.raises((errors.BadInput, errors.NotFound), match=words):
        foreign.convert(theirs, out)


def test_an_id_that_stands_twice_with_one_token_is_read(theirs: Path, out: Path) -> None:
    rows = [f"{token}\t{number}\n" for number, token in enumerate(made.TOKENS)]
    (theirs / "vocab.txt").write_text("".join((*rows, rows[3])), encoding="utf-8")
    foreign.convert(theirs, out)
    assert tokenizer.open(out).vocab == made.TOKENS


@pytest.mark.parametrize("file", ["vocab.txt", "tokenizer.json"])
def test_a_fault_of_the_vocabulary_names_the_file_that_was_brought(theirs: Path, out: Path, file: str) -> None:
    tokens = [token for token in made.TOKENS if token != "[MASK]"]
    (theirs / "vocab.txt").unlink()
    vocab = {token: number for number, token in enumerate(tokens)}
    text = "\n".join(tokens) if file == "vocab.txt" else whole(model={"vocab": vocab})
    (theirs / file).write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadInput, match=r"`\[MASK\]` is missing") as wrong:
        foreign.convert(theirs, out)
    assert str(theirs / file) in str(wrong.value) and str(out) not in str(wrong.value)


@pytest.mark.parametrize(
    ("file", "count"),
    [("ernie_1.0_vocab", 17964), ("ernie_3.0_base_zh_vocab", 39980), ("bert_base_chinese_vocab", 21128)],
)
def test_published_vocabularies_are_read(tmp_path: Path, file: str, count: int) -> None:
    (tmp_path / "vocab.txt").write_bytes((real_data.folder("vocab") / f"{file}.txt").read_bytes())
    (tmp_path / "out").mkdir()
    assert tokenizer_files.convert(tmp_path, tmp_path / "out") == count
