"""Tokens with their places in the text: equal ids, and places that a slow rule by characters finds too."""

import random
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ernie_core.text import normalise
from ernie_core.text.basics import SPECIALS
from ernie_core.text.offsets import OffsetTable
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.wordpiece import cutting
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

TOKENIZER = WordPieceTokenizer((*SPECIALS, *"abcdeσςß研究生。，～", *(f"##{c}" for c in "abcdeσß"), "ab", "##cd", "ss"))
RUDE = st.text(
    st.one_of(
        st.sampled_from(
            "aAbcdeÁéÅΣσςİß研究生。，～ \t\n\u3000\u200b\u0301\u0323\u0345\u2028\x85\x1c\ufffd\ue000가힣ﬁＡ½"
        ),
        st.characters(exclude_categories=()),
    ),
    max_size=40,
)


def slow(tokenizer: Tokenizer, text: str) -> list[tuple[int, int, int]]:
    """Id, start and end of every token: one character of the text after the other, no tables, no pieces kept."""
    words: list[list[tuple[str, int]]] = [[]]
    for at, char in enumerate(text):
        for becomes in normalise.TABLE[ord(char)]:
            if becomes.isspace():
                words.append([])
            else:
                words[-1].append((becomes, at))
    found = []
    for word in words:
        letters = [(c, at) for char, at in word for c in unicodedata.normalize("NFD", char.lower())]
        swapped = True
        while swapped:  # canonical order: neighbouring marks change places until their classes rise
            swapped = False
            for k in range(len(letters) - 1):
                one, two = (unicodedata.combining(letters[k + i][0]) for i in range(2))
                if one > two > 0:
                    letters[k : k + 2] = letters[k + 1], letters[k]
                    swapped = True
        parts: list[list[list[object]]] = [[]]
        for letter, at in letters:
            if unicodedata.category(letter) == "Mn":
                if parts[-1]:
                    parts[-1][-1][2] = max(parts[-1][-1][2], at)  # type: ignore[call-overload]
            elif normalise.stands_alone(letter):
                parts += [[[letter, at, at]], []]
            elif letter.isspace():
                parts.append([])
            else:
                parts[-1].append([letter, at, at])
        for part in filter(None, parts):
            cut = cutting.cut("".join(str(letter) for letter, _, _ in part), tokenizer.ids)
            sizes = [(tokenizer.unk_id, len(part))] if cut is None else []
            for place, number in enumerate(cut or ()):
                sizes.append((number, len(tokenizer.vocab[number]) - 2 * bool(place)))
            for number, size in sizes:
                span, part = part[:size], part[size:]
                found.append((number, min(s for _, s, _ in span), max(e for _, _, e in span) + 1))  # type: ignore
    return found


@settings(max_examples=200)
@given(st.lists(RUDE, max_size=4))
@example(["e\u0345\u0323a", "", "\u0301", "İbσΣς"])
def test_ids_are_those_of_encode_and_places_those_of_the_slow_rule(texts: list[str]) -> None:
    for text, found in zip(texts, TOKENIZER.trace(texts), strict=True):
        assert found.ids.tolist() == TOKENIZER.encode(text)
        assert list(zip(*(part.tolist() for part in (found.ids, found.starts, found.ends)), strict=True)) == slow(
            TOKENIZER, text
        )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("研究 生。", ["研", "究", "生", "。"]),
        ("ABcd", ["AB", "cd"]),
        ("a\u200bB研", ["a\u200bB", "研"]),
        ("ÁC", ["Á", "C"]),
        ("A\u0301c\u0301d。", ["A\u0301", "c\u0301d", "。"]),
        ("xyz a", ["xyz", "a"]),
        ("\ud800研", ["研"]),
        ("～～", ["～", "～"]),
        ("a" + "b" * 100, ["a" + "b" * 100]),
        ("", []),
        (" \n", []),
    ],
)
def test_a_token_stands_for_what_is_written(text: str, pieces: list[str]) -> None:
    (found,) = TOKENIZER.trace([text])
    assert [text[a:b] for a, b in zip(found.starts, found.ends, strict=True)] == pieces


def test_many_distinct_pieces_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = WordPieceTokenizer(TOKENIZER.vocab)
    monkeypatch.setattr(OffsetTable, "limit", 10)
    for n in range(100):
        (found,) = tokenizer.trace([f"研 a{n} 究"])
        assert found.ids.tolist() == tokenizer.encode(f"研 a{n} 究")
    assert len(tokenizer._offsets._known) <= 13


def test_every_code_point_is_traced_as_it_is_encoded() -> None:
    chance = random.Random(1)
    texts = [f"a{chr(code)}b" for code in chance.sample(range(0x110000), 5000)]
    for text, found in zip(texts, TOKENIZER.trace(texts), strict=True):
        assert found.ids.tolist() == TOKENIZER.encode(text), hex(ord(text[1]))
