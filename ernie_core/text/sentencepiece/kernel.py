"""Texts to tokens, in C++, or with the same result in slow Python."""

import itertools
from array import array
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from ernie_core import native
from ernie_core.text.sentencepiece import rules
from ernie_core.text.sentencepiece.model import Model
from ernie_core.text.sentencepiece.reference import Reference

if TYPE_CHECKING:
    from ernie_core.text.offsets import TracedTokens

SLOWLY = "texts are encoded about 500 times slower, and equal"
"""The warning if the kernel is missing."""


class Kernel(Protocol):
    """Encodes texts."""

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        ...

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        ...

    def flat(self, texts: Sequence[str]) -> "tuple[array[int], array[int]]":
        """The ids of all texts, one after the other, and the number of each; int32."""
        ...


def make(model: Model, vocab: Sequence[str], ids: Mapping[str, int], unknown: int) -> Kernel:
    """The kernel of a model and a vocabulary."""
    compiled = native.load("ernie_core.text.sentencepiece._sentencepiece", SLOWLY)
    return Slow(model, ids, unknown) if compiled is None else Fast(compiled, model, vocab, unknown)


class Fast:
    """The kernel in C++. It remembers words, so only one thread at a time is in it: it keeps the interpreter's lock."""

    def __init__(self, compiled: ModuleType, model: Model, vocab: Sequence[str], unknown: int) -> None:
        pieces, piece_starts = _joined(model.pieces)
        tokens, token_starts = _joined(vocab)
        digits = array("I", itertools.chain.from_iterable(rules.digit_ranges()))
        self._native = compiled.Kernel(
            pieces, piece_starts, model.scores.tobytes(), model.types, model.unknown, model.charsmap,
            model.dummy_prefix, model.squeeze, tokens, token_starts, unknown, digits.tobytes(),
        )  # fmt: skip

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        ids, counts = self.flat(texts)
        flat, ends = ids.tolist(), list(itertools.accumulate(counts, initial=0))
        return [flat[begin:end] for begin, end in itertools.pairwise(ends)]

    def flat(self, texts: Sequence[str]) -> "tuple[array[int], array[int]]":
        """The ids of all texts, one after the other, and the number of each; int32."""
        ids, counts = self._native.flat(list(map(to_bytes, texts)))
        return array("i", ids), array("i", counts)

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        return [_traced(raw, array("i", self._native.trace(raw))) for raw in map(to_bytes, texts)]


class Slow:
    """The kernel in Python."""

    def __init__(self, model: Model, ids: Mapping[str, int], unknown: int) -> None:
        self._reference = Reference(model, dict(ids), unknown)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        return [[number for number, _, _ in row] for row in self._reference.encode(list(map(to_bytes, texts)))]

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        found = []
        for raw in map(to_bytes, texts):
            rows = itertools.chain.from_iterable(self._reference.encode([raw])[0])
            found.append(_traced(raw, array("i", rows)))
        return found

    def flat(self, texts: Sequence[str]) -> "tuple[array[int], array[int]]":
        """The ids of all texts, one after the other, and the number of each; int32."""
        found = self.ids(texts)
        return array("i", itertools.chain.from_iterable(found)), array("i", map(len, found))


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
