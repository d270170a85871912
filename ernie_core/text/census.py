"""What a corpus is made of: its characters, and its Latin words, as the tokenizer sees them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ernie_core.errors import Stopped
from ernie_core.progress import Progress, Stop
from ernie_core.text import normalise, wordcut

HELD_OUT = 100
"""One document in so many is left out of the counts, to measure a vocabulary on."""
_MANY = 1 << 21
_LATIN = re.compile("[a-z0-9]+")


@dataclass
class Census:
    """Counts of characters and of Latin words after normalisation; `held_out` are sentences that were not counted."""

    characters: Counter[str] = field(default_factory=Counter)
    latin: Counter[str] = field(default_factory=Counter)
    held_out: list[str] = field(default_factory=list)
    documents: int = 0


def take(folders: Sequence[Path], *, held_out_size: int, progress: Progress, stop: Stop) -> Census:
    """Count the word-cut text of all folders. At most `held_out_size` characters are kept to measure on."""
    census, pieces, room = Census(), Counter[str](), held_out_size
    parts = [part for folder in folders for part in wordcut.parts(folder)]
    total, before = sum(part.stat().st_size for part in parts), 0
    for part in parts:
        for end, document in wordcut.read(part):
            if stop():
                raise Stopped(f"stopped after {census.documents} documents")
            census.documents += 1
            held_out = census.documents % HELD_OUT == 0 and room > 0
            for sentence in map("".join, document):
                if held_out:
                    census.held_out.append(sentence)
                    room -= len(sentence)
                else:
                    pieces.update(normalise.pieces(sentence))
            if len(pieces) > _MANY:
                _count(census, pieces)
            progress(before + end, total, "B", documents=census.documents)
        before += part.stat().st_size
    _count(census, pieces)
    return census


def _count(census: Census, pieces: Counter[str]) -> None:
    """Move counts of pieces to those of characters and words; memory stays bounded because rare words are forgotten."""
    for piece, count in pieces.items():
        for part in normalise.parts(piece):
            for character in part:
                census.characters[character] += count
            if len(part) < 100 and _LATIN.fullmatch(part):
                census.latin[part] += count
    pieces.clear()
    while len(census.latin) > _MANY:
        census.latin = Counter({word: n - 1 for word, n in census.latin.items() if n > 1})
