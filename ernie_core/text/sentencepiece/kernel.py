"""Texts to tokens, in C++, or with the same result in slow Python."""

import itertools
from array import array
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ernie_core import native
from ernie_core.text.basics import SPECIALS
from ernie_core.text.sentencepiece import rules
from ernie_core.text.sentencepiece.model import Model
from ernie_core.text.sentencepiece.reference import Reference

if TYPE_CHECKING:
    from ernie_core.text.offsets import TracedTokens

SLOWLY = "texts are encoded about 500 times slower, and equal"
"""The warning if the kernel is missing."""


class Flat(NamedTuple):
    """Tokens of several texts."""

    ids: bytes
    """int32, those of all texts."""
    counts: bytes
    """int32, the number of each text."""
    begins: bytes
    """For every token 1 if a word begins with it, as spaces say it: at the beginning of a text, or behind one."""


class Kernel(Protocol):
    """Encodes texts."""

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        ...

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        ...

    def flat(self, texts: Sequence[str]) -> "Flat":
        """The ids of all texts, one after the other."""
        ...


def make(model: Model, vocab: Sequence[str], unknown: int) -> Kernel:
    """The kernel of a model and a vocabulary."""
    compiled = native.load("ernie_core.text.sentencepiece._sentencepiece", SLOWLY)
    return Slow(model, vocab, unknown) if compiled is None else Fast(compiled, model, vocab, unknown)


class Fast:
    """The kernel in C++. It remembers words, so only one thread at a time is in it: it keeps the interpreter's lock."""

    def __init__(self, compiled: ModuleType, model: Model, vocab: Sequence[str], unknown: int) -> None:
        pieces, piece_starts = _joined(model.pieces)
        # no text has an empty token: the names of special tokens are ordinary text
        tokens, token_starts = _joined(["" if token in SPECIALS else token for token in vocab])
        digits = array("I", itertools.chain.from_iterable(rules.digit_ranges()))
        self._native = compiled.Kernel(
            pieces, piece_starts, model.scores.tobytes(), model.types, model.unknown, model.charsmap,
            model.dummy_prefix, model.squeeze, tokens, token_starts, unknown, digits.tobytes(),
        )  # fmt: skip

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        found: list[list[int]] = self._native.ids(list(map(to_bytes, texts)))
        return found

    def flat(self, texts: Sequence[str]) -> "Flat":
        """The ids of all texts, one after the other."""
        return Flat(*self._native.flat(list(map(to_bytes, texts))))

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        return [_traced(raw, array("i", self._native.trace(raw))) for raw in map(to_bytes, texts)]


class Slow:
    """The kernel in Python."""

    def __init__(self, model: Model, vocab: Sequence[str], unknown: int) -> None:
        ids = {token: number for number, token in enumerate(vocab) if token not in SPECIALS}
        self._reference = Reference(model, ids, unknown)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        return [[token.id for token in row] for row in self._reference.encode(list(map(to_bytes, texts)))]

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        found = []
        for raw in map(to_bytes, texts):
            tokens = self._reference.encode([raw])[0]
            found.append(_traced(raw, array("i", [n for t in tokens for n in (t.id, t.begin, t.end)])))
        return found

    def flat(self, texts: Sequence[str]) -> "Flat":
        """The ids of all texts, one after the other."""
        rows = self._reference.encode(list(map(to_bytes, texts)))
        tokens = [token for row in rows for token in row]
        ids, counts = array("i", [token.id for token in tokens]), array("i", map(len, rows))
        return Flat(ids.tobytes(), counts.tobytes(), bytes(token.begins_word for token in tokens))


def to_bytes(text: str) -> bytes:
    """A text in UTF-8; a lone surrogate becomes bytes that are not, each of which counts as U+FFFD."""
    return text.encode("utf-8", "surrogatepass")


def _joined(texts: Sequence[str]) -> tuple[bytes, bytes]:
    """Texts one after the other, and where each begins, int64, and the end."""
    raw = [text.encode() for text in texts]
    return b"".join(raw), array("q", itertools.accumulate(map(len, raw), initial=0)).tobytes()


def _traced(raw: bytes, tokens: "array[int]") -> "TracedTokens":
    """Tokens whose places are bytes, with characters instead."""
    import numpy as np  # the command line reads vocabularies without it

    from ernie_core.text.offsets import TracedTokens

    ids, begins, ends = np.frombuffer(tokens, np.int32).reshape(-1, 3).T.astype(np.int64)
    # the number of the character in which each byte is
    characters = np.cumsum((np.frombuffer(raw, np.uint8) & 0xC0) != 0x80) - 1
    return TracedTokens(ids, characters[begins], characters[ends - 1] + 1)
