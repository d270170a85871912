"""Texts to tokens, in C++, or with the same result in slow Python."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

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


def make(model: Model, vocab: Sequence[str], ids: Mapping[str, int], unknown: int) -> Kernel:
    """The kernel of a model and a vocabulary."""
    return Slow(model, ids, unknown)


class Slow:
    """The kernel in Python."""

    def __init__(self, model: Model, ids: Mapping[str, int], unknown: int) -> None:
        self._reference = Reference(model, dict(ids), unknown)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text."""
        return [[number for number, _, _ in row] for row in self._reference.encode(list(map(to_bytes, texts)))]

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, with the place of every token in it."""
        import numpy as np

        from ernie_core.text.offsets import TracedTokens

        found = []
        for text in texts:
            raw = to_bytes(text)
            rows = np.array(self._reference.encode([raw])[0], np.int64).reshape(-1, 3)
            # the number of the character in which each byte is
            characters = np.cumsum((np.frombuffer(raw, np.uint8) & 0xC0) != 0x80) - 1
            found.append(TracedTokens(rows[:, 0], characters[rows[:, 1]], characters[rows[:, 2] - 1] + 1))
        return found


def to_bytes(text: str) -> bytes:
    """A text in UTF-8; a lone surrogate becomes bytes that are not, each of which counts as U+FFFD."""
    return text.encode("utf-8", "surrogatepass")
