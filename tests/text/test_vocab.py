"""Vocabularies made from a corpus."""

import json

import pytest

from ernie_core.errors import BadInput, Refused
from ernie_core.text import normalise, vocab
from ernie_core.text.tokenizer import SPECIALS, Tokenizer
from ernie_core.text.wordcut import Writer


def corpus(folder, *sentences: str):
    folder.mkdir()
    writer = Writer(folder, 1 << 20)
    for sentence in sentences:
        writer.write([sentence.split()])
    writer.close()
    return folder


def build(tmp_path, words, **options) -> tuple[Tokenizer, dict]:
    out = tmp_path / "vocab"
    out.mkdir()
    vocab.build([words], out, **options)
    return Tokenizer.from_folder(out), json.loads((out / "report.json").read_text(encoding="utf-8"))


def yields(tokenizer: Tokenizer, token: str) -> bool:
    """Whether some text has this token. A piece never mixes letters and digits, so one of each suffices in front."""
    if not token.startswith("##") or token == "##":
        return tokenizer.tokenize(token) == [token]
    return any(tokenizer.tokenize(before + token[2:])[-1] == token for before in "7a")


def test_every_token_of_a_vocabulary_can_occur(tokenizer):
    unreachable = [token for token in tokenizer.vocab[len(SPECIALS) :] if not yields(tokenizer, token)]
    assert unreachable == []
    assert len(set(tokenizer.vocab)) == tokenizer.size


def test_the_order_is_specials_then_han_by_count_then_the_rest_of_han(tokenizer):
    assert tokenizer.vocab[:6] == (*SPECIALS, "的")
    assert sum(map(normalise.is_han, tokenizer.vocab)) == 20902
    assert tokenizer.vocab.index("龥") > tokenizer.vocab.index("㎎" if "㎎" in tokenizer.ids else "的")


def test_ties_go_by_code_point(tmp_path):
    tokenizer, _ = build(tmp_path, corpus(tmp_path / "words", "乙 甲 丙 丙"), han="seen")
    assert tokenizer.vocab[5:8] == ("丙", "乙", "甲")


def test_latin_is_learnt_in_lower_case(tokenizer):
    assert not [token for token in tokenizer.vocab[5:] if token != token.lower()]
    assert tokenizer.tokenize("Windows VISTA") == ["windows", "vista"]


def test_runs_of_full_width_digits_and_of_kana_are_known(tmp_path):
    words = corpus(tmp_path / "words", *["１９９８年 カラオケ привет 한국"] * 3)
    tokenizer, _ = build(tmp_path, words, min_count=3)
    for text in ("１９９８", "８９１", "オカラケ", "тевирп", "국한"):
        assert "[UNK]" not in tokenizer.tokenize(text), text


def test_any_ascii_is_known_whatever_the_corpus(tmp_path):
    tokenizer, report = build(tmp_path, corpus(tmp_path / "words", "甲"), han="seen")
    text = "".join(map(chr, range(32, 127)))
    assert "[UNK]" not in tokenizer.tokenize(text)
    assert report["english"] == 0
    assert "too little Latin text" in report["no_english_because"]


def test_the_same_words_give_the_same_bytes(words, vocabulary, tmp_path):
    vocab.build([words], tmp_path)
    for file in vocabulary.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()


def test_what_has_no_room_is_said_pieces_first(tmp_path, words):
    tokenizer, report = build(tmp_path, words, size=21200)
    assert tokenizer.size == 21200
    assert report["dropped"]["english"]["count"] > 0
    assert "characters" not in report["dropped"]
    assert "１" in tokenizer.ids


def test_seen_han_are_cut_from_the_rarest(tmp_path):
    words = corpus(tmp_path / "words", "甲 甲 甲 乙 乙 丙")
    tokenizer, report = build(tmp_path, words, size=5 + 104 + 2, han="seen")
    assert tokenizer.vocab[5:7] == ("甲", "乙")
    assert report["dropped"]["han"]["count"] == 1
    assert report["unknown_characters"] == [{"character": "丙", "count": 1}]


@pytest.mark.parametrize(("size", "han", "least"), [(20000, "all", 21011), (100, "seen", 109)])
def test_a_size_that_cannot_hold_what_must_be_held_is_refused(tmp_path, size, han, least):
    words = corpus(tmp_path / "words", "甲")
    with pytest.raises(BadInput, match=f"size {size} .*at least {least}"):
        vocab.build([words], tmp_path, size=size, han=han)


def test_words_without_text_are_refused(tmp_path):
    with pytest.raises(BadInput, match="no text"):
        vocab.build([corpus(tmp_path / "words", "\u200b")], tmp_path)


def test_unknown_shares_are_measured_on_documents_that_were_not_counted(tmp_path):
    words = corpus(tmp_path / "words", *["甲 乙"] * 99, "犇 甲")
    _, report = build(tmp_path, words, han="seen")
    assert (report["documents"], report["held_out_tokens"], report["unk_rate"]) == (100, 2, 0.5)


def test_another_unicode_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(normalise, "UNICODE", "12.0.0")
    with pytest.raises(Refused, match=r"Unicode 13.*with Python 3"):
        vocab.build([tmp_path], tmp_path)
