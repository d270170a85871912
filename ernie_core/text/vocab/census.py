"""Counts of a corpus: its characters, and its words of letters, as the tokenizer sees them."""

import functools
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ernie_core.errors import Stopped
from ernie_core.progress import Progress, Stop
from ernie_core.store.files import StoredFile
from ernie_core.text import normalise, wordcut
from ernie_core.text.pieces import Piece, Span
from ernie_core.text.vocab import counters

HELD_OUT = 100
"""One document in this many is held out of the counts, for measuring a vocabulary."""
BLOCK = 1 << 20
"""Bytes that are counted, or left out of a sample, as one block."""
LONGEST = 100
"""Characters from which a word is ignored."""
NAME = "counts.json"
_MANY = 1 << 21


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
    """Number of bytes of the files that were read."""
    scale: int = 1
    """Number of occurrences in the text for one in `words`."""
    left_out: int = 0
    """Number of times that `chunks.add` left out a chunk."""

    def add(self, other: "Census", *, forget: bool = True) -> None:
        """Add the counts of the text after this. With `forget`, rare words may be dropped to bound memory."""
        self.characters.update(other.characters)
        self.words.update(other.words)
        self.held_out += other.held_out
        self.documents += other.documents
        self.bytes += other.bytes
        self.left_out += other.left_out
        if forget:
            self.forget()

    def forget(self) -> None:
        """Decrease every word's count by one until there are not too many words."""
        while len(self.words) > _MANY:
            self.words = Counter({word: n - 1 for word, n in self.words.items() if n > 1})

    def save(self, folder: Path) -> None:
        """Write the counts; equal counts give equal bytes."""
        (folder / NAME).write_text(json.dumps(vars(self), sort_keys=True), encoding="ascii")


def load(folder: Path) -> Census:
    """Read what `save` wrote."""
    found = json.loads((folder / NAME).read_text(encoding="ascii"))
    return Census(**{**found, "characters": Counter(found["characters"]), "words": Counter(found["words"])})


@dataclass(frozen=True)
class Stretch:
    """Consecutive blocks of a part as a span; `first` is the number of its first block among all chosen ones."""

    span: Span
    first: int


@dataclass(frozen=True)
class Choice:
    """The blocks of a piece that are counted, and the number of those in all pieces."""

    stretches: tuple[Stretch, ...]
    total: int

    @property
    def size(self) -> int:
        """Number of bytes of the blocks."""
        return sum(stretch.span.end - stretch.span.begin for stretch in self.stretches)


def choose(words: Sequence[StoredFile], piece: Piece, sample: int | None) -> Choice:
    """The blocks of a piece, or those in a sample of `sample` bytes, which is spread evenly over all pieces.

    A block belongs to the piece in which it begins, and blocks begin at multiples of their size, so the choice does not
    depend on the division into pieces.
    """
    counts = [-(-file.size // BLOCK) if wordcut.is_part(file) else 0 for file in words]
    before = [0, *itertools.accumulate(counts)]
    total = before[-1]
    wanted = total if sample is None else min(total, -(-sample // BLOCK))
    found: list[Stretch] = []
    for span in piece:
        for begin in range(-(-span.begin // BLOCK) * BLOCK, span.end, BLOCK):
            n = before[span.file] + begin // BLOCK
            if (n + 1) * wanted // total == n * wanted // total:
                continue
            block = Span(span.file, begin, min(begin + BLOCK, words[span.file].size))
            last = found[-1].span if found else None
            if last and (last.file, last.end) == (block.file, block.begin):
                found[-1] = Stretch(Span(last.file, last.begin, block.end), found[-1].first)
            else:
                found.append(Stretch(block, n * wanted // total))
    return Choice(tuple(found), wanted)


def take(
    words: Sequence[StoredFile],
    choice: Choice,
    *,
    held_out_size: int,
    every_script: bool = False,
    progress: Progress,
    stop: Stop,
) -> Census:
    """Count the word-cut text of the blocks.

    This piece's share of `held_out_size` bytes of lines, spread over the blocks of all pieces, is held out.
    """
    census, runs = Census(), Counter[bytes]()
    counts = counters.make(every_script)
    kept = 0
    for due, part, begin, text in blocks(words, choice, held_out_size):
        if stop():
            raise Stopped(f"stopped after {census.documents} documents")
        place = functools.partial(_spell, part, begin)
        census.bytes += len(text)
        at = 0
        while at < len(text):
            at, lines = counts.add(text, at, HELD_OUT - 1 - census.documents % HELD_OUT, place)
            census.documents += lines
            if at < len(text) and census.documents % HELD_OUT == HELD_OUT - 1:
                end = text.find(b"\n", at) + 1 or len(text)
                if kept < due:
                    census.held_out.extend(map("".join, wordcut.sentences(text[at:end], place(at))))
                    kept += end - at
                else:
                    counts.add(text, at, 1, place)
                census.documents += 1
                at = end
        runs.update(counts.runs())
        if len(runs) > _MANY:
            _learn(census, runs, every_script)
        progress(census.bytes, choice.size, "B", documents=census.documents)
    _learn(census, runs, every_script)
    census.characters.update(characters(counts.codes()))
    return census


def blocks(words: Sequence[StoredFile], choice: Choice, held_out_size: int) -> Iterator[tuple[int, str, int, bytes]]:
    """Lines of the chosen blocks: the bytes to hold out by then, the part, the offset in it, and the lines."""
    held_before = 0
    if choice.stretches:
        held_before = held_out_size * choice.stretches[0].first // choice.total
    for stretch in choice.stretches:
        part, span = words[stretch.span.file], stretch.span
        for begin, text in wordcut.blocks(part, span, BLOCK):
            reached = min(begin + len(text), span.end) - span.begin
            number = stretch.first + -(-reached // BLOCK)
            yield held_out_size * number // choice.total - held_before, part.name, begin, text


def characters(codes: Mapping[int, int]) -> Counter[str]:
    """Counts of normalised characters, from counts of code points."""
    found = Counter[str]()
    for code, count in codes.items():
        for character in "".join(part for piece in normalise.pieces(chr(code)) for part in normalise.parts(piece)):
            found[character] += count
    return found


def _spell(part: str, begin: int, at: int) -> str:
    return f"{part} at byte {begin + at}"


def _learn(census: Census, runs: Counter[bytes], every_script: bool) -> None:
    """Add the counts of runs to those of words."""
    for run, count in runs.items():
        for piece in normalise.pieces(run.decode()):
            for part in normalise.parts(piece):
                if len(part) < LONGEST and (len(part) > 1 if every_script else counters.LATIN.fullmatch(part)):
                    census.words[part] += count
    runs.clear()
    census.forget()
