"""Vocabularies made from a corpus."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core.errors import BadInput, Refused
from ernie_core.progress import never, silent
from ernie_core.store.files import below
from ernie_core.text import basics, normalise
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.basics import SPECIALS
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.vocab import build as vocab
from ernie_core.text.vocab import census, counters
from ernie_core.text.wordcut import WordsWriter


def take(folder, *, sample=None, **options) -> census.Census:
    files = below(folder)
    (piece,) = vocab.pieces(files)
    choice = census.choose(files, piece, sample)
    return census.take(files, choice, **{"held_out_size": 0, **options}, progress=silent, stop=never)


def corpus(folder, *sentences: str):
    folder.mkdir()
    writer = WordsWriter(folder, 1 << 20)
    for sentence in sentences:
        writer.write([sentence.split()])
    writer.close()
    return folder


def build(tmp_path, words, **options) -> tuple[Tokenizer, dict]:
    out = tmp_path / "vocab"
    out.mkdir()
    vocab.build([words], out, **options)
    return tokenizers.open(out), json.loads((out / "report.json").read_text(encoding="utf-8"))


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


@pytest.mark.parametrize("han", ["all", "seen"])
def test_the_least_size_is_known_without_a_corpus(tmp_path, han):
    tokenizer, _ = build(tmp_path, corpus(tmp_path / "words", "甲"), size=basics.least_size(han), han=han)
    assert tokenizer.size == basics.least_size(han)


def test_words_without_text_are_refused(tmp_path):
    with pytest.raises(BadInput, match="no text"):
        vocab.build([corpus(tmp_path / "words", "\u200b")], tmp_path)


def test_unknown_shares_are_measured_on_documents_that_were_not_counted(tmp_path):
    words = corpus(tmp_path / "words", *["甲 乙"] * 99, "犇 甲")
    _, report = build(tmp_path, words, han="seen")
    assert (report["documents"], report["held_out_tokens"], report["unk_rate"]) == (100, 2, 0.5)


@pytest.mark.parametrize("held_out", [[], ["\u200b"], ["\ue000 \u200b"]])
def test_what_was_measured_on_nothing_is_not_there(tmp_path, held_out):
    """Nothing was held out, or nothing of it is a character to a tokenizer: neither is a share of 0."""
    figures = vocab.build([corpus(tmp_path / "words", *["甲 乙"] * (99 if held_out else 40), *held_out)], tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["held_out_characters"], report["held_out_tokens"]) == (0, 0)
    assert not {"coverage", "unk_rate"} & (figures.keys() | report.keys())


def test_another_unicode_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(normalise, "UNICODE", "12.0.0")
    with pytest.raises(Refused, match=r"Unicode 13.*with Python 3"):
        vocab.build([corpus(tmp_path / "words", "甲")], tmp_path)


def test_the_whole_recipe_learns_pieces_of_every_script_but_han(tmp_path):
    words = corpus(tmp_path / "words", *["カラオケ 屋 привет ， мир hello ， １９９８ 研究 한국어"] * 300)
    tokenizer, report = build(tmp_path, words, recipe="whole", han="seen", min_count=3)
    assert tokenizer.tokenize("カラオケ привет １９９８") == ["カラオケ", "привет", "１９９８"]
    assert tokenizer.tokenize("한국어") == [unicodedata.normalize("NFD", "한국어")]
    assert [t for t in tokenizer.vocab if sum(map(normalise.is_han, t.removeprefix("##"))) and len(t) > 1] == []
    assert [t for t in tokenizer.vocab[len(SPECIALS) :] if not yields(tokenizer, t)] == []
    assert report["recipe"] == "whole" and report["pieces"] > 0
    assert len(set(tokenizer.vocab)) == tokenizer.size <= 40000


def test_the_whole_recipe_on_the_real_corpora_has_no_token_that_cannot_occur(words, tmp_path):
    tokenizer, report = build(tmp_path, words, recipe="whole", size=24000)
    assert [t for t in tokenizer.vocab[len(SPECIALS) :] if not yields(tokenizer, t)] == []
    assert report["unk_rate"] < 0.001


def test_a_report_has_the_coverage_of_what_was_held_out(words, vocabulary, tmp_path):
    report = json.loads((vocabulary / "report.json").read_text(encoding="utf-8"))
    assert 0.999 < report["coverage"] <= 1
    assert report["held_out_characters"] > 10_000
    assert len(report["unknown_characters"]) <= 50
    assert report["bytes"] == sum(part.stat().st_size for part in words.glob("part-*.jsonl"))


AWKWARD = '中研ａá１9Aab-_.,。 \u3000\t\x00\x1f\u0301é한カк〇\u200b"\\/\n😀\U0001d15e\u2028İΣ'


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(AWKWARD, max_size=30), max_size=4), min_size=1, max_size=5), st.booleans())
def test_the_compiled_counter_counts_as_python_does(tmp_path_factory, documents, every):
    folder = tmp_path_factory.mktemp("counted")
    rows = ["\n".join(sentences) + "\n" for sentences in documents]
    lines = [json.dumps({"text": row}, ensure_ascii=n % 3 == 1) for n, row in enumerate(rows)]
    (folder / "part-00000.jsonl").write_bytes("\n".join(lines).encode() + b"\n")

    fast = take(folder, every_script=every)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counters, "_native", lambda: None)
        assert fast == take(folder, every_script=every)


def test_every_character_counts_alone_doubled_and_inside_words_as_in_python(tmp_path, monkeypatch):
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"]
    writer = WordsWriter(tmp_path, 1 << 30)
    for begin in range(0, len(characters), 500):
        writer.write([[c, "a" + c + "b", "，", c * 2] for c in characters[begin : begin + 500 : 7]])
    writer.close()
    fast = take(tmp_path)
    monkeypatch.setattr(counters, "_native", lambda: None)
    assert fast == take(tmp_path)


def test_a_sample_is_spread_over_the_corpus_and_the_same_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(census, "BLOCK", 100)
    writer = WordsWriter(tmp_path, 600)
    for n in range(300):
        writer.write([[chr(0x4E00 + n)]])
    writer.close()
    files = below(tmp_path)
    (piece,) = vocab.pieces(files)
    assert len(files) > 1
    every = blocks(census.choose(files, piece, None))
    some = blocks(census.choose(files, piece, 2000))
    assert len(some) == 20 < len(every)
    assert {every.index(block) * 20 // len(every) for block in some} == set(range(20))
    counted = take(tmp_path, sample=2000)
    assert counted == take(tmp_path, sample=2000)
    assert 1500 < counted.bytes < 2500
    full = take(tmp_path, sample=1 << 40)
    assert (full.documents, sum(full.characters.values())) == (300, 300)


def blocks(choice: census.Choice) -> list[tuple[int, int]]:
    spans = [stretch.span for stretch in choice.stretches]
    return [(span.file, begin) for span in spans for begin in range(span.begin, span.end, census.BLOCK)]


def test_what_is_held_out_is_spread_over_the_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(census, "BLOCK", 1000)
    writer = WordsWriter(tmp_path, 1 << 20)
    for n in range(2000):
        writer.write([[chr(0x4E00 + n)]])
    writer.close()
    counted = take(tmp_path, held_out_size=180)
    places = [ord(sentence) - 0x4E00 for sentence in counted.held_out]
    assert 5 <= len(places) <= 10
    assert places[0] < 500 and places[-1] > 1500


@pytest.mark.parametrize("line", [b"{", b'{"text": "a', b'{"text": "\xff"}', b'{"text": 1}', b'{"text": "\x01"}'])
def test_words_that_are_not_words_are_refused_with_their_place(tmp_path, line):
    (tmp_path / "part-00000.jsonl").write_bytes(b'{"text": "a\\n"}\n' + line + b"\n")
    with pytest.raises(BadInput, match=r"part-00000\.jsonl at byte 16: not a JSON object"):
        take(tmp_path)
