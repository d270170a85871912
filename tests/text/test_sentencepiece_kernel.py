"""The kernel, its slow twin and the sentencepiece package find the same pieces, whatever comes before a word."""

import random

import numpy as np
import pieces
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core.text.basics import SPECIALS
from ernie_core.text.sentencepiece import kernel, rules
from ernie_core.text.sentencepiece.reference import Reference

sentencepiece = pytest.importorskip("sentencepiece")
AWKWARD = (
    "ab cé \t\u3000\u00a0▁▁ 12２²½,.，。！～“”’—…中国日本がカﾊﾟ한각ก็ไทยकिтД\u0301\u0300\u200b\u200d\ufeff\u00adﬁﷺ\0\r\n"
    "<unk>[MASK]😀🇫🇷\U00020000"
)
OPTIONS = {
    "of ERNIE-M's kind": {},
    "with a rule of its own for no character": {"normalization_rule_name": "identity"},
    "that folds case": {"normalization_rule_name": "nmt_nfkc_cf"},
    "that keeps spaces": {"remove_extra_whitespaces": False},
    "without a space before a text": {"add_dummy_prefix": False},
    "with pieces across words": {"split_by_whitespace": False},
    "with symbols of its own": {"user_defined_symbols": "ab,é!,北京,<x>,a"},
    "with symbols it ignores": {"control_symbols": "<c>"},
}
many = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", params=OPTIONS)
def raw(request) -> bytes:
    return pieces.trained(**OPTIONS[request.param])


def expected(package, tokenizer, text: str) -> list[int]:
    """The ids by the package's pieces and the rule for their parts."""
    found = package.encode(text, out_type=str)
    tokens = [piece[begin:end] for piece in found for begin, end in rules.parts(piece)]
    # unknown characters in a row are one token, which may be spelt like a special one
    return [tokenizer.unk_id if t in SPECIALS else tokenizer.ids.get(t, tokenizer.unk_id) for t in tokens]


def check(raw: bytes, texts: list[str]) -> None:
    package, tokenizer = sentencepiece.SentencePieceProcessor(model_proto=raw), pieces.tokenizer(raw)
    slow = kernel.Slow(tokenizer.model, tokenizer.vocab, tokenizer.unk_id)
    wanted = [expected(package, tokenizer, text) for text in texts]
    assert slow.ids(texts) == wanted
    for _ in range(2):  # the second time with words that are known
        assert tokenizer.encode_all(texts) == wanted


def test_sentences_have_the_pieces_of_the_package(raw):
    check(raw, pieces.sentences(200))


@many
@given(text=st.text(AWKWARD, max_size=60))
def test_awkward_characters_have_the_pieces_of_the_package(text):
    check(pieces.trained(), [text])


@many
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_has_the_pieces_of_the_package(text):
    check(pieces.trained(), [text])


def test_awkward_texts_have_the_pieces_of_the_package_with_any_option(raw):
    rng = random.Random(3)
    check(raw, ["".join(rng.choices(AWKWARD + "bab<x>", k=rng.randint(0, 40))) for _ in range(150)])


def test_equal_paths_are_decided_as_in_the_package_behind_any_text():
    """Many paths have nearly the same sum: which is best depends on rounding, so on the text before."""
    rng = random.Random(1)
    letters = {"▁": -1.9, "a": -1.1, "b": -2.3}
    longer = ("ab", "ba", "aa", "aba", "bab", "abab", "▁a", "▁b", "▁ab", "▁ba")
    given = {**letters, **{piece: sum(letters[letter] for letter in piece) for piece in longer}}
    raw = pieces.written([("<unk>", 0, 2), *((piece, score, 1) for piece, score in given.items())])
    words = ["".join(rng.choices("ab", k=rng.randint(2, 14))) for _ in range(300)]
    check(raw, [" ".join(rng.choices(words, k=rng.choice((1, 5, 80, 600)))) for _ in range(60)])


def test_a_space_counts_as_the_first_of_a_word_and_a_mark_does_not():
    tokenizer = pieces.tokenizer()
    for twin in (tokenizer._kernel, kernel.Slow(tokenizer.model, tokenizer.vocab, tokenizer.unk_id)):
        found = twin.flat(["house,write 1 house", "", "x"])
        begins = np.frombuffer(found.begins, np.uint8)
        tokens = [tokenizer.vocab[number] for number in np.frombuffer(found.ids, np.int32)]
        assert np.frombuffer(found.counts, np.int32).tolist()[1:] == [0, 1]
        assert [token for token, begin in zip(tokens, begins, strict=True) if begin][-3:] == [
            "1",
            tokens[-2],
            tokens[-1],
        ]
        assert not begins[tokens.index(",")]


def test_a_lone_surrogate_is_unknown_to_both():
    tokenizer = pieces.tokenizer()
    slow = kernel.Slow(tokenizer.model, tokenizer.vocab, tokenizer.unk_id)
    texts = ["a\ud800b", "\udfff", "house \ud83d"]
    assert tokenizer.encode_all(texts) == slow.ids(texts)
    assert tokenizer.unk_id in tokenizer.encode("\udfff")


def test_a_memory_of_words_is_bounded():
    tokenizer = pieces.tokenizer()
    rng = random.Random(2)
    for _ in range(4):
        tokenizer.encode_all(["".join(rng.choices("abcdefgh", k=9)) for _ in range(100_000)])
    assert tokenizer._kernel._native.words_kept() <= 1 << 18


def test_the_kernel_and_its_twin_find_the_same_places():
    tokenizer = pieces.tokenizer()
    slow = kernel.Slow(tokenizer.model, tokenizer.vocab, tokenizer.unk_id)
    rng = random.Random(4)
    texts = ["".join(rng.choices(AWKWARD, k=rng.randint(0, 40))) for _ in range(300)]
    for one, two in zip(tokenizer.trace(texts), slow.trace(texts), strict=True):
        assert (one.ids.tolist(), one.starts.tolist(), one.ends.tolist()) == (
            two.ids.tolist(), two.starts.tolist(), two.ends.tolist()
        )  # fmt: skip


def test_the_twin_is_used_where_the_kernel_is_missing(monkeypatch):
    monkeypatch.setattr(kernel.native, "load", lambda name, without: None)
    tokenizer = pieces.tokenizer()
    assert isinstance(tokenizer._kernel, kernel.Slow)
    assert isinstance(tokenizer._kernel._reference, Reference)
    assert tokenizer.tokenize("house, house") == pieces.tokenizer().tokenize("house, house")
