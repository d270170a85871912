"""Many texts at once have the ids that each of them has alone."""

import random

import pytest

from ernie_core.text import bulk
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

TOKENIZER = WordPieceTokenizer(
    (*SPECIALS, *"天地好坏的abc1290。，!-㐀豈", "##a", "##b", "##1", "hotel", "##s", "wi", "##fi", "straße", "e", "##e")
)
ALPHABET = [
    *"天地好坏的未知abcXYZ1290。，!- \t\n\r", "hotels", "WiFi", "Straße", "é", "e\u0301", "İ", "ﬁ", "\u3000", "\u00a0",
    "\u200b", "\ufeff", "\ufffd", "\x00", "\x85", "\u2028", "㐀", "豈", "\U00020000", "\U0001f600", "\ud800", "[MASK]",
    "ǅ", "ß", "Σ", "½", "가", "か", "ก็", "\u0300",
]  # fmt: skip


def texts(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(ALPHABET, k=chance.choice([0, 0, 1, 2, 5, 40]))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_it_is_equal_to_a_loop_over_the_texts(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SMALL", 0)
    monkeypatch.setattr(bulk, "BLOCK", 50 if seed % 2 else 1 << 20)
    found = texts(seed, 300)
    assert TOKENIZER.encode_all(found) == [TOKENIZER.encode(text) for text in found]


@pytest.mark.parametrize("found", [[], [""], ["", ""], ["a"], ["天"], [" "], ["ab", "ab"], ["a", "", "b"], ["\u200b"]])
def test_edges(found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SMALL", 0)
    assert TOKENIZER.encode_all(found) == [TOKENIZER.encode(text) for text in found]


def test_every_code_point_is_cut_as_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SMALL", 0)
    found = [f"a{chr(code)}b" for code in range(0, 0x30000, 7)]
    assert TOKENIZER.encode_all(found) == [TOKENIZER.encode(text) for text in found]
