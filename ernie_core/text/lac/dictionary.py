"""LAC's dictionaries: the net's units of characters and words, and the words of its dictionary pass."""

import math
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput

CODES = 0x110000
_LONGEST = 3
"""Most code points of a word of the dictionary pass; only runs of letters and digits are longer units."""

_RUN = re.compile("[A-Za-z0-9]+")


@dataclass(frozen=True)
class Dictionary:
    """The dictionaries in a model's folder `conf`."""

    words: dict[str, int]
    """Character or word -> unit."""
    replaced: dict[str, str]
    """Replacements of characters before look-up: half width for full width, simplified for traditional."""
    tags: tuple[str, ...]
    """Name of each tag; one that ends in `B` or `S` begins a word."""
    cuts: frozenset[str]
    """Words of up to three characters."""
    total: int
    """Total count of those words."""

    @cached_property
    def single(self) -> np.ndarray:
        """The unit of every code point, int32."""
        units = np.full(CODES, self.words["OOV"], np.int32)
        for word, unit in self.words.items():
            if len(word) == 1:
                units[ord(word)] = unit
        for before, after in self.replaced.items():
            units[ord(before)] = self.words.get(after, self.words["OOV"])
        return units

    @cached_property
    def begins(self) -> np.ndarray:
        """Whether a tag begins a word, bool [256]."""
        found = np.zeros(256, bool)
        found[: len(self.tags)] = [tag.endswith(("B", "S")) for tag in self.tags]
        return found

    @cached_property
    def scores(self) -> tuple[float, ...]:
        """Score of a word of one, two and three characters in a segmentation; its own count is not used."""
        return tuple(math.log(length) - math.log(self.total) for length in range(1, _LONGEST + 1))

    def unit(self, word: str) -> int:
        """The unit of a word of several characters, -1 if it has none."""
        return self.words.get(self.replaced.get(word, word), self.words["OOV"]) if word in self.words else -1

    def tokens(self) -> tuple[list[str], list[str]]:
        """Words of two and three characters in either dictionary; longer runs with a unit."""
        known = {word for word in self.words if 1 < len(word) <= _LONGEST}
        short = known | {word for word in self.cuts if len(word) > 1}
        return sorted(short), sorted(w for w in self.words if len(w) > _LONGEST and _RUN.fullmatch(w))


def read(conf: Path) -> Dictionary:
    """The dictionaries of a model."""
    names = dict(_pairs(conf / "tag.dic"))
    cuts = [line.split(" ") for line in _lines(conf / "small_seg.dic") if line]
    if any(len(word) > _LONGEST for word, _ in cuts):
        raise BadInput(f"{conf / 'small_seg.dic'}: a word of more than {_LONGEST} characters: install lac again")
    return Dictionary(
        words={word: int(unit) for unit, word in _pairs(conf / "word.dic")},
        replaced=dict(_pairs(conf / "q2b.dic")),
        tags=tuple(names[str(n)] for n in range(len(names))),  # of two lines with one number the later one counts
        cuts=frozenset(word for word, _ in cuts),
        total=sum(int(count) for _, count in cuts),
    )


def _pairs(path: Path) -> list[tuple[str, str]]:
    found = (line.split("\t") for line in _lines(path))
    return [(parts[0], parts[1]) for parts in found if len(parts) == 2]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")
