"""What a corpus is made of: its characters, and its words of letters, as the tokenizer sees them."""

import functools
import importlib
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol

from ernie_core.errors import Stopped
from ernie_core.progress import Progress, Stop
from ernie_core.text import normalise, wordcut

HELD_OUT = 100
"""One document in so many is left out of the counts, to measure a vocabulary on."""
BLOCK = 1 << 20
"""Bytes that are counted, or left out of a sample, together."""
LONGEST = 100
"""Characters; a longer word teaches nothing."""
_MANY = 1 << 21
_LATIN = re.compile("[a-z0-9]+")
_APART, _LETTER, _OTHER, _DROPPED, _MIXED = range(1, 6)


@dataclass
class Census:
    """Counts of characters and of words after normalisation; `held_out` are sentences that were not counted.

    Words are runs of Latin letters and digits, or, where every script was asked for, of any letters but Han.
    """

    characters: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    held_out: list[str] = field(default_factory=list)
    documents: int = 0
    bytes: int = 0
    """Bytes of files that were read."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a part: those that begin at one of `BLOCK` bytes from a place on."""

    part: Path
    begin: int


Place = Callable[[int], str]
"""Where a byte of a block is, for people."""


class Counts(Protocol):
    """Something that counts the lines of blocks."""

    def add(self, block: bytes, at: int, lines: int, place: Place) -> tuple[int, int]:
        """Count so many lines from a place on; the place behind them, and how many there were. `place` spells it."""
        ...

    def runs(self) -> Counter[bytes]:
        """What of the text since the last time may be words."""
        ...

    def codes(self) -> Mapping[int, int]:
        """How often each code point occurs."""
        ...


def take(
    folders: Sequence[Path],
    *,
    held_out_size: int,
    sample: int | None = None,
    every_script: bool = False,
    progress: Progress,
    stop: Stop,
) -> Census:
    """Count the word-cut text of all folders, or of blocks spread evenly over it that have `sample` bytes together.

    At most `held_out_size` bytes of lines, spread likewise, are kept to measure on.
    """
    census, runs = Census(), Counter[bytes]()
    native = _native()
    counts: Counts = _Python() if native is None else _Native(native, every_script)
    chosen = blocks([part for folder in folders for part in wordcut.parts(folder)], sample)
    kept = 0
    for number, block in enumerate(chosen, 1):
        if stop():
            raise Stopped(f"stopped after {census.documents} documents")
        begin, text = _read(block)
        place = functools.partial(_spell, block.part, begin)
        census.bytes += len(text)
        at = 0
        while at < len(text):
            at, lines = counts.add(text, at, HELD_OUT - 1 - census.documents % HELD_OUT, place)
            census.documents += lines
            if at < len(text) and census.documents % HELD_OUT == HELD_OUT - 1:
                end = text.find(b"\n", at) + 1 or len(text)
                if kept < held_out_size * number // len(chosen):
                    census.held_out.extend(map("".join, wordcut.sentences(text[at:end], place(at))))
                    kept += end - at
                else:
                    counts.add(text, at, 1, place)
                census.documents += 1
                at = end
        runs.update(counts.runs())
        if len(runs) > _MANY:
            _learn(census, runs, every_script)
        progress(number, len(chosen), "blocks", documents=census.documents)
    _learn(census, runs, every_script)
    census.characters.update(characters(counts.codes()))
    return census


def blocks(parts: Sequence[Path], sample: int | None) -> list[Block]:
    """The blocks of all parts in their order, or so many of them, evenly spread, as make up the sample."""
    every = [Block(part, begin) for part in parts for begin in range(0, part.stat().st_size, BLOCK)]
    wanted = len(every) if sample is None else min(len(every), -(-sample // BLOCK))
    return [block for n, block in enumerate(every) if (n + 1) * wanted // len(every) > n * wanted // len(every)]


def characters(codes: Mapping[int, int]) -> Counter[str]:
    """Counts of code points as counts of what normalisation makes of them."""
    found = Counter[str]()
    for code, count in codes.items():
        for character in "".join(part for piece in normalise.pieces(chr(code)) for part in normalise.parts(piece)):
            found[character] += count
    return found


def kind(character: str) -> int:
    """What a character is to the run of letters that it stands in: a class of `_census.pyx`."""
    parts = [part for piece in normalise.pieces(f"a{character}b") for part in normalise.parts(piece)]
    if parts == ["ab"]:
        return _DROPPED
    if len(parts) == 1:
        return _LETTER if _LATIN.fullmatch(parts[0]) else _OTHER
    return _APART if parts[0] == "a" and parts[-1] == "b" else _MIXED


def _read(block: Block) -> tuple[int, bytes]:
    with block.part.open("rb") as file:
        if block.begin:
            file.seek(block.begin - 1)
            file.readline()
        begin = file.tell()
        text = file.read(max(0, block.begin + BLOCK - begin))
        return begin, text if text.endswith(b"\n") or not text else text + file.readline()


def _spell(part: Path, begin: int, at: int) -> str:
    return f"{part} at byte {begin + at}"


def _learn(census: Census, runs: Counter[bytes], every_script: bool) -> None:
    """Move counts of runs to those of words; memory stays bounded because rare words are forgotten."""
    for run, count in runs.items():
        for piece in normalise.pieces(run.decode()):
            for part in normalise.parts(piece):
                if len(part) < LONGEST and (len(part) > 1 if every_script else _LATIN.fullmatch(part)):
                    census.words[part] += count
    runs.clear()
    while len(census.words) > _MANY:
        census.words = Counter({word: n - 1 for word, n in census.words.items() if n > 1})


class _Native:
    def __init__(self, native: ModuleType, every: bool) -> None:
        self._counter = native.Counter(every)
        for code in normalise.HAN:
            self._counter.learn(code, _APART)

    def add(self, block: bytes, at: int, lines: int, place: Place) -> tuple[int, int]:
        """Count so many lines from a place on."""
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
        """What of the text since the last time may be words."""
        return Counter(self._counter.runs().splitlines())

    def codes(self) -> Mapping[int, int]:
        """How often each code point occurs."""
        found: dict[int, int] = self._counter.counts()
        return found

    def _add_json(self, line: bytes, place: str) -> None:
        """Count a line that is JSON, but not as it is written here."""
        text = json.dumps({"text": wordcut.text(line, place)}, ensure_ascii=False)
        self.add(text.encode(errors="ignore") + b"\n", 0, 1, lambda _: place)


class _Python:
    def __init__(self) -> None:
        self._codes, self._runs = Counter[int](), Counter[bytes]()

    def add(self, block: bytes, at: int, lines: int, place: Place) -> tuple[int, int]:
        """Count so many lines from a place on."""
        done = 0
        while done < lines and at < len(block):
            end = block.find(b"\n", at) + 1 or len(block)
            for sentence in map("".join, wordcut.sentences(block[at:end], place(at))):
                self._codes.update(map(ord, sentence))
                self._runs.update(piece.encode() for piece in normalise.pieces(sentence))
            at, done = end, done + 1
        return at, done

    def runs(self) -> Counter[bytes]:
        """What of the text since the last time may be words."""
        found, self._runs = self._runs, Counter()
        return found

    def codes(self) -> Mapping[int, int]:
        """How often each code point occurs."""
        return self._codes


@functools.cache
def _native() -> ModuleType | None:
    try:
        return importlib.import_module("ernie_core.text._census")
    except ImportError:
        warnings.warn(
            "the compiled counter of characters is missing: the same counts, about 100 times slower; "
            "`python setup.py build_ext --inplace` compiles it",
            RuntimeWarning,
            stacklevel=3,
        )
        return None
