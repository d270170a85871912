"""Vocabularies that others made."""

import json

import pytest

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.vocab import adopt


def adopted(tmp_path, content: str):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/vocab.txt").write_bytes(content.encode())
    (tmp_path / "ours").mkdir()
    figures = adopt.adopt(tmp_path / "theirs", tmp_path / "ours")
    report = json.loads((tmp_path / "ours/report.json").read_text(encoding="utf-8"))
    return tokenizers.open(tmp_path / "ours"), figures, report


def test_a_vocabulary_of_others_keeps_its_ids_and_the_later_of_two_equal_lines(tmp_path):
    lines = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "$", "研", "", "Word", "##s", "$", "[UNK]"]
    tokenizer, figures, report = adopted(tmp_path, "\ufeff" + "\r\n".join(lines) + "\r\n")
    assert tokenizer.encode("研$s") == [5, 9, 10]
    assert tokenizer.vocab[4] == "[unused-line-5]" and tokenizer.vocab[6] == "[unused-line-7]"
    assert report["repeated"] == [{"token": "$", "line": 5, "counts": 10}]
    assert report["empty_lines"] == [7]
    assert "Word" in report["never_yielded_first"]
    assert (figures["size"], figures["repeated"], figures["empty_lines"]) == (11, 1, 1)


def test_a_vocabulary_of_our_own_is_adopted_as_it_is(vocabulary, tmp_path):
    figures = adopt.adopt(vocabulary / "vocab.txt", tmp_path)
    assert (tmp_path / "vocab.txt").read_bytes() == (vocabulary / "vocab.txt").read_bytes()
    assert (figures["repeated"], figures["empty_lines"], figures["never_yielded"]) == (0, 0, 0)


def test_a_vocabulary_without_special_tokens_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"no \[MASK\] \[UNK\]: an ERNIE vocabulary has"):
        adopted(tmp_path, "[PAD]\n[CLS]\n[SEP]\n")


def test_a_folder_that_holds_no_vocabulary_is_refused(tmp_path):
    with pytest.raises(NotFound, match="found none"):
        adopt.adopt(tmp_path, tmp_path)
