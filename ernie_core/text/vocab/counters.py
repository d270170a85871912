"""Counting code points and runs of letters in word-cut JSON lines, in C, or with the same result in Python."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Protocol

from ernie_core import native
from ernie_core.text import normalise, wordcut

LATIN = re.compile("[a-z0-9]+")
_APART, _LETTER, _OTHER, _DROPPED, _MIXED = range(1, 6)

Locate = Callable[[int], str]
"""Returns the place of a byte of a block, for messages."""


class Counts(Protocol):
    """A counter of the lines of blocks."""

    def add(self, block: bytes, at: int, lines: int, place: Locate) -> tuple[int, int]:
        """Count at most `lines` lines from offset `at` on; returns the offset after them, and their number."""
        ...

    def runs(self) -> Counter[bytes]:
        """Runs since the last call that may be words, with counts."""
        ...

    def codes(self) -> Mapping[int, int]:
        """Counts of code points."""
        ...


def make(every_script: bool) -> Counts:
    """A counter; it leaves out runs that cannot be words of Latin letters, or of any script with `every_script`."""
    compiled = _native()
    return _Python() if compiled is None else _Native(compiled, every_script)


def kind(character: str) -> int:
    """The class of a character within a run of letters, as in `_census.pyx`."""
    parts = [part for piece in normalise.pieces(f"a{character}b") for part in normalise.parts(piece)]
    if parts == ["ab"]:
        return _DROPPED
    if len(parts) == 1:
        return _LETTER if LATIN.fullmatch(parts[0]) else _OTHER
    return _APART if parts[0] == "a" and parts[-1] == "b" else _MIXED


class _Native:
    def __init__(self, compiled: ModuleType, every: bool) -> None:
        self._counter = compiled.Counter(every)
        for code in normalise.HAN:
            self._counter.learn(code, _APART)

    def add(self, block: bytes, at: int, lines: int, place: Locate) -> tuple[int, int]:
        """Count at most `lines` lines from offset `at` on."""
        done = 0
        while True:
            at, more, why = self._counter.feed(block, at, lines - done)
            done += more
            if why >= 0:
                self._counter.learn(why, kind(chr(why)))
            elif why == -2:
                end = block.find(b"\n", at) + 1 or len(block)
                self._add_json(block[at:end], place(at))
                at, done = end, done + 1
            else:
                return at, done

    def runs(self) -> Counter[bytes]:
        """Runs since the last call that may be words, with counts."""
        return Counter(self._counter.runs().splitlines())

    def codes(self) -> Mapping[int, int]:
        """Counts of code points."""
        found: dict[int, int] = self._counter.counts()
        return found

    def _add_json(self, line: bytes, place: str) -> None:
        """Count a line of JSON in another spelling than that of this project."""
        text = json.dumps({"text": wordcut.text(line, place)}, ensure_ascii=False)
        self.add(text.encode(errors="ignore") + b"\n", 0, 1, lambda _: place)


class _Python:
    def __init__(self) -> None:
        self._codes, self._runs = Counter[int](), Counter[bytes]()

    def add(self, block: bytes, at: int, lines: int, place: Locate) -> tuple[int, int]:
        """Count at most `lines` lines from offset `at` on."""
        done = 0
        while done < lines and at < len(block):
            end = block.find(b"\n", at) + 1 or len(block)
            for sentence in map("".join, wordcut.sentences(block[at:end], place(at))):
                self._codes.update(map(ord, sentence))
                self._runs.update(piece.encode() for piece in normalise.pieces(sentence))
            at, done = end, done + 1
        return at, done

    def runs(self) -> Counter[bytes]:
        """Runs since the last call that may be words, with counts."""
        found, self._runs = self._runs, Counter()
        return found

    def codes(self) -> Mapping[int, int]:
        """Counts of code points."""
        return self._codes


def _native() -> ModuleType | None:
    return native.load(
        "ernie_core.text.vocab._census", "characters are counted about 100 times slower, with equal counts"
    )
