"""The index maps of one part of a corpus, epoch by epoch: built when needed, cached if they are big."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from ernie_core.data import index
from ernie_core.data.cache import Cache, CacheEntry, Fact
from ernie_core.data.ids import mapped
from ernie_core.data.index import Setting
from ernie_core.progress import never

SMALL = 1 << 17
"""Number of documents up to which every process builds its own map: that takes milliseconds, less than a file."""
REVISION = "1"
"""Raised when the same settings give other rows."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the documents: samples start:start+len(rows) of the corpus."""

    number: int
    start: int
    rows: np.ndarray


@dataclass
class Maps:
    """The index maps of all epochs of the documents first:end of a corpus, each with its own seed."""

    docs: np.ndarray
    """Document boundaries of the whole corpus, int64."""
    lens: np.ndarray
    """Number of tokens of each sentence, int32."""
    first: int
    end: int
    setting: Setting
    """The setting of epoch 0; `seed_of` gives the seed of each epoch."""
    seed_of: Callable[[int], int]
    data: str = ""
    """Fingerprint of the corpus."""
    cache: Cache | None = None
    known: dict[int, int] = field(default_factory=lambda: {0: 0})
    """First sample of each epoch that was counted."""

    def holding(self, sample: int) -> Epoch:
        """The epoch with this sample."""
        if self.cache is None or self._small():
            number, start = self._search(sample)
            return Epoch(number, start, index.build(self._slice(), self.lens, self._of(number)))
        if not self.cache.maker:
            return self.cache.wait(lambda: self._found(sample), f"{self._name()}* with sample {sample}")
        return self._found(sample) or self._made(self.cache, *self._search(sample))

    def makes(self) -> bool:
        """Whether this process builds maps for the others."""
        return self.cache is not None and self.cache.maker and not self._small()

    def forget(self, before: int) -> None:
        """Remove the maps of epochs before this one from the cache."""
        for number, entry in self._epochs().items():
            if self.cache is not None and self.cache.maker and number < before:
                self.cache.remove(entry.folder.name)

    def number(self, sample: int) -> int:
        """The number of the epoch with this sample."""
        return self._search(sample)[0]

    def has_samples(self) -> bool:
        """Whether there is at least one sample."""
        return any(len(chunk) for chunk in index.chunks(self._slice(), self.lens, self._of(0)))

    def _small(self) -> bool:
        rows = 0 if self.setting.num_epochs == 1 else self.setting.max_num_samples
        return max(rows, self.end - self.first) <= SMALL

    def _search(self, sample: int) -> tuple[int, int]:
        """The epoch of a sample and its first sample, by counting from the last one known before it."""
        self._learn()
        stop = self.cache.stop if self.cache else never
        start, number = max((start, number) for number, start in self.known.items() if start <= sample)
        # For the first sample of an epoch its end is not needed.
        while sample > start:
            size = index.count(self._slice(), self.lens, self._of(number), stop=stop)
            if sample < start + size:
                break
            number, start = number + 1, start + size
            self.known[number] = start
        return number, start

    def _made(self, cache: Cache, number: int, start: int) -> Epoch:
        def fill(folder: Path) -> dict[str, Fact]:
            rows = index.save(
                folder / "rows.npy",
                self._slice(),
                self.lens,
                self._of(number),
                progress=cache.progress,
                stop=cache.stop,
            )
            return {"epoch": number, "start": start, "rows": rows}

        return _epoch(cache.get(f"{self._name()}{number:06d}", fill))

    def _found(self, sample: int) -> Epoch | None:
        for entry in self._epochs().values():
            start, rows = int(entry.facts["start"]), int(entry.facts["rows"])
            if start <= sample < start + rows and self.cache and (sound := self.cache.find(entry.folder.name)):
                return _epoch(sound)
        return None

    def _learn(self) -> None:
        for number, entry in self._epochs().items():
            start = int(entry.facts["start"])
            self.known |= {number: start, number + 1: start + int(entry.facts["rows"])}

    def _epochs(self) -> dict[int, CacheEntry]:
        entries = self.cache.entries(self._name()).values() if self.cache else ()
        return {int(entry.facts["epoch"]): entry for entry in entries}

    def _name(self) -> str:
        return f"map-{self._key()}-"

    def _key(self) -> str:
        """A key of everything that decides the rows."""
        facts = {
            "data": self.data, "first": self.first, "end": self.end, "seeds": [self.seed_of(0), self.seed_of(1)],
            "longest": index.LONGEST, "revision": REVISION,
        } | asdict(self.setting)  # fmt: skip
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def _of(self, number: int) -> Setting:
        return replace(self.setting, seed=self.seed_of(number))

    def _slice(self) -> np.ndarray:
        return self.docs[self.first : self.end + 1]


def _epoch(entry: CacheEntry) -> Epoch:
    return Epoch(int(entry.facts["epoch"]), int(entry.facts["start"]), mapped(entry.folder / "rows.npy"))
