"""Vocabularies that others made."""

import json

import pieces
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


OWN = "[PAD]\n[CLS]\n[SEP]\n[MASK]\n[UNK]\n研\n"
WRITTEN = pieces.written([("<unk>", 0.0, 2), ("▁", -1.0, 1), ("研", -2.0, 1)])


@pytest.mark.parametrize("other", ["LICENSE.txt", "labels.txt", "requirements.txt", "old/vocab.txt", "a.vocab.txt"])
@pytest.mark.parametrize("sentencepiece", [False, True])
def test_other_texts_beside_a_vocabulary_are_left_alone(tmp_path, other, sentencepiece):
    (tmp_path / "theirs/old").mkdir(parents=True)
    (tmp_path / "theirs/vocab.txt").write_text(OWN, encoding="utf-8")
    (tmp_path / "theirs" / other).write_text("anything\n", encoding="utf-8")
    if sentencepiece:
        (tmp_path / "theirs/sentencepiece.bpe.model").write_bytes(WRITTEN)
    (tmp_path / "ours").mkdir()
    assert adopt.adopt(tmp_path / "theirs", tmp_path / "ours")["size"] == 6
    assert (tmp_path / "ours/sentencepiece.bpe.model").is_file() == sentencepiece


def test_the_names_of_paddlenlp_are_found(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/ernie_m.vocab.txt").write_text(OWN, encoding="utf-8")
    (tmp_path / "theirs/ernie_m.sentencepiece.bpe.model").write_bytes(WRITTEN)
    (tmp_path / "theirs/other.model").write_bytes(b"")
    (tmp_path / "theirs/LICENSE.txt").write_text("anything\n", encoding="utf-8")
    (tmp_path / "ours").mkdir()
    assert adopt.adopt(tmp_path / "theirs", tmp_path / "ours")["size"] == 6


@pytest.mark.parametrize("sentencepiece", [False, True])
def test_a_folder_of_texts_none_of_which_has_the_name_is_refused_with_the_names(tmp_path, sentencepiece):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(OWN, encoding="utf-8")
    if sentencepiece:
        (tmp_path / "m.model").write_bytes(WRITTEN)
    with pytest.raises(NotFound, match=r"found a\.txt, b\.txt: .* name the right one vocab\.txt"):
        adopt.adopt(tmp_path, tmp_path)


def test_a_text_beside_a_model_without_a_list_is_not_taken_for_one_without_a_word(tmp_path):
    (tmp_path / "m.model").write_bytes(WRITTEN)
    (tmp_path / "LICENSE.txt").write_text("Do as you like.\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"LICENSE\.txt: .*; if this is no vocabulary, leave it out"):
        adopt.adopt(tmp_path, tmp_path)
