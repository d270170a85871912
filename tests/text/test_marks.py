"""Whole-word marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.text import normalise, wordcut
from ernie_core.text.basics import SPECIALS
from ernie_core.text.ids import marks
from ernie_core.text.ids.marks import Marker
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


def marked(tokenizer: Tokenizer, words: list[str]) -> list[str]:
    names = [*tokenizer.vocab, *marks.extension(tokenizer.vocab)]
    return [names[number] for number in Marker(tokenizer).encode(words)]


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        ("研究生 研究 生命", "研 ##究 ##生 研 ##究 生 ##命"),
        ("卡拉ok", "卡 ##拉 ok"),
        ("卡拉 ok", "卡 ##拉 ok"),
        ("T恤", "t 恤"),
        ("“研究", "“ 研 ##究"),
        ("ok吧", "ok 吧"),
        ("第１", "第 １"),
        ("研，究", "研 [UNK] 究"),
        ("研犇究", "研 [UNK] 究"),
        ("研\u200b究", "研 ##究"),
        ("研\u0301究", "研 ##究"),
        ("研\0究", "研 ##究"),
        ("研 \0 究", "研 究"),
        ("研 \u0301 究", "研 究"),
        ("a b", "a ##b"),
        ("研   究", "研 究"),
        ("", ""),
    ],
)
def test_a_han_token_is_marked_after_a_han_token_of_its_word(tiny, words, tokens):
    assert marked(tiny, wordcut.split(words)) == tokens.split()


def test_a_compatibility_ideograph_is_the_han_that_it_stands_for():
    tokenizer = WordPieceTokenizer((*SPECIALS, "豈", "研"))
    assert marked(tokenizer, ["研\uf900"]) == ["研", "##豈"]


def test_extension_ids_follow_the_vocabulary_in_its_order(tiny):
    extension = marks.extension(tiny.vocab)
    assert list(extension)[:3] == ["##研", "##究", "##生"]
    assert list(extension.values()) == list(range(tiny.size, tiny.size + 9))


def test_a_marked_form_that_the_vocabulary_holds_needs_no_extension_id():
    vocab = (*SPECIALS, "研", "##究", "究", "##a")
    assert marks.extension(vocab) == {"##研": 9}
    assert Marker(WordPieceTokenizer(vocab)).encode(["研究研"]) == [5, 6, 9]
    assert marks.fold(vocab) == [0, 1, 2, 3, 4, 5, 7, 7, 8, 5]


CHARACTERS = "研究生命卡拉恤犇okTa１，“\u0301\u200b\0\u3000 \uf900が가\ud800"
WORDS = st.lists(st.text(CHARACTERS, min_size=1, max_size=5), max_size=12)


@given(WORDS)
def test_folding_the_marks_gives_the_plain_ids(words):
    tokenizer = WordPieceTokenizer((*SPECIALS, *"研究生命恤豈a１，“", "##究", "ok", "##k", "か", "##a"))
    fold = marks.fold(tokenizer.vocab)
    assert [fold[number] for number in Marker(tokenizer).encode(words)] == tokenizer.encode("".join(words))


@given(WORDS)
def test_marks_are_where_a_slow_walk_over_code_points_puts_them(words):
    tokenizer = WordPieceTokenizer((*SPECIALS, *"研究生命恤豈a１，“", "##究", "ok", "##k", "か", "##a"))
    assert marked(tokenizer, words) == slow_walk(tokenizer, words)


def slow_walk(tokenizer: Tokenizer, words: list[str]) -> list[str]:
    """Tokens of every piece with the word of the piece's first code point, then the rule word for word."""
    pieces: list[tuple[str, int]] = []
    new = True
    for number, word in enumerate(words):
        for char in "".join(normalise.TABLE[ord(c)] for c in word):
            if char.isspace():
                new = True
            elif new:
                pieces.append((char, number))
                new = False
            else:
                pieces[-1] = (pieces[-1][0] + char, pieces[-1][1])
    tokens = [(token, number) for piece, number in pieces for token in tokenizer.tokenize(piece)]
    found = []
    for (before, its), (token, number) in zip([("", -1), *tokens], tokens, strict=False):
        joined = normalise.is_han(token) and normalise.is_han(before) and its == number
        found.append(f"##{token}" if joined else token)
    return found


def test_on_real_words_folding_gives_the_plain_ids(tokenizer, words):
    fold = marks.fold(tokenizer.vocab)
    marker, share = Marker(tokenizer), [0, 0]
    _, documents = zip(*wordcut.read(wordcut.parts(words)[-1]), strict=True)
    for sentence in (s for document in documents[:2000] for s in document):
        ids = marker.encode(sentence)
        assert [fold[number] for number in ids] == tokenizer.encode("".join(sentence))
        share[0] += sum(number >= tokenizer.size for number in ids)
        share[1] += len(ids)
    assert 0.2 < share[0] / share[1] < 0.5
