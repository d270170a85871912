"""Mixing several corpora by weight: the corpus of any sample, without computing those before it every time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ernie_core.data import index
from ernie_core.data.cache import Cache, Fact
from ernie_core.data.ids import mapped
from ernie_core.errors import Stopped

_CHUNK = 1 << 16
"""Number of samples whose places are in memory."""
_MARK = 1 << 24
"""Number of samples between two marks in the cache, which a restart counts again: 0.1 s for three corpora, 0.6 s
for 24."""


@dataclass
class Mixing:
    """Mixing that always takes the corpus furthest behind its share, so every place depends on all before it.

    Three corpora are counted at some 130 million samples a second, 24 at 28 million: 30 s and 140 s for 4 * 10^9.
    With a cache, the state is kept there every `_MARK` samples and no restart counts more than that.
    """

    weights: np.ndarray
    cache: Cache | None = None
    end: int = 0
    """Number of samples placed so far; the last ones are the chunk in memory."""
    taken: np.ndarray = field(init=False)
    """Number of samples of each corpus among them, int64."""
    chosen: np.ndarray = field(default_factory=lambda: np.empty(0, "uint8"))
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, "int64"))

    def __post_init__(self) -> None:
        self.taken = np.zeros(len(self.weights), "int64")

    def places(self, first: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """For the samples first:first+size: the corpus, and the number of the sample in it."""
        if len(self.weights) == 1:
            return np.zeros(size, "uint8"), np.arange(first, first + size, dtype="int64")
        pieces = []
        for chunk in range(first // _CHUNK, (first + size - 1) // _CHUNK + 1):
            self._move(chunk * _CHUNK)
            a, b = max(0, first - chunk * _CHUNK), min(_CHUNK, first + size - chunk * _CHUNK)
            pieces.append((self.chosen[a:b], self.numbers[a:b]))
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])

    def upcoming(self, first: int) -> list[int]:
        """The number of the next sample of each corpus, from sample `first` on."""
        if len(self.weights) == 1:
            return [first]
        self._move(first // _CHUNK * _CHUNK)
        later = np.bincount(self.chosen[first % _CHUNK :], minlength=len(self.weights))
        return [int(number) for number in self.taken - later]

    def _move(self, start: int) -> None:
        """Compute the chunk that begins at `start`."""
        if self.end == start + _CHUNK:
            return
        self._jump(start)
        while self.end < start:
            if self.cache is not None and self.cache.stop():
                raise Stopped("stopped while counting the mixture of corpora; it is counted again at the next start")
            step = min(start, self.end // _MARK * _MARK + _MARK) - self.end
            index.skip(self.weights, self.taken, self.end, step)
            self._advance(step)
        # New arrays: a batch may still use the last ones.
        self.chosen, self.numbers = np.empty(_CHUNK, "uint8"), np.empty(_CHUNK, "int64")
        index.blend(self.weights, self.taken, start, self.chosen, self.numbers)
        self._advance(_CHUNK)

    def _advance(self, step: int) -> None:
        self.end += step
        if self.end % _MARK == 0 and self.cache is not None and self.cache.maker:
            self.cache.get(self._name(self.end), lambda folder: self._save(folder))

    def _jump(self, start: int) -> None:
        """Jump to the last mark before `start`, or to the beginning, unless counting from here is shorter."""
        here = self.end if self.end <= start else -1
        for mark in range(start // _MARK, max(0, here // _MARK), -1):
            if self.cache is not None and (entry := self.cache.find(self._name(mark * _MARK))):
                self.end, self.taken = mark * _MARK, mapped(entry.folder / "taken.npy").copy()
                return
        if here < 0:
            self.end, self.taken = 0, np.zeros(len(self.weights), "int64")

    def _save(self, folder: Path) -> dict[str, Fact]:
        np.save(folder / "taken.npy", self.taken)
        return {"samples": self.end}

    def _name(self, samples: int) -> str:
        key = hashlib.sha256(self.weights.tobytes()).hexdigest()[:16]
        return f"mix-{key}-{samples // _MARK:06d}"


def normalised(weights: Sequence[float]) -> list[float]:
    """Weights that sum to 1, up to rounding."""
    return [weight / sum(weights) for weight in weights]


def shares(weights: Sequence[float]) -> np.ndarray:
    """Weights that sum to 1; divided twice, as in PaddleNLP, since the last bit decides between equals."""
    once = np.array(normalised(weights), "float64")
    return once / once.sum()
