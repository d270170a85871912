"""Token ids of many texts at once: what `Tokenizer.encode` gives for each, with arrays in place of loops.

Most characters of a Chinese text are pieces of their own, whose id is a look-up; only the runs of others, words and
numbers, are cut one by one, and each different one once.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ernie_core.text import normalise

BLOCK = 1 << 20
"""Characters that are encoded at once."""
SMALL = 1 << 14
"""Characters below which a loop over the texts is faster."""
_CODES = 0x110000
_UNKNOWN, _ALONE, _SPACE, _DROPPED, _PART = range(5)
"""What a code point is: not looked up yet; a piece with one id; a break; nothing; part of a longer piece."""


class BulkEncoder:
    """Encodes texts; `pieces` are those of a `Tokenizer`: piece of `normalise.pieces` -> its ids."""

    def __init__(self, pieces: Mapping[str, tuple[int, ...]]) -> None:
        self._pieces = pieces
        self._kinds = np.full(_CODES, _UNKNOWN, np.uint8)
        self._ids = np.zeros(_CODES, np.int32)
        self._runs: dict[str, tuple[int, ...]] = {}

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every text, without special tokens."""
        return [row for block in _blocks(texts) for row in self._encode(block)]

    def _encode(self, texts: Sequence[str]) -> Iterator[list[int]]:
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        owners = np.repeat(np.arange(len(texts), dtype=np.int32), np.fromiter(map(len, texts), np.int64, len(texts)))
        self._learn(codes)
        kept = self._kinds[codes] != _DROPPED
        codes, owners = codes[kept], owners[kept]
        kinds = self._kinds[codes]
        alone, part = kinds == _ALONE, kinds == _PART
        inside = np.zeros(len(codes), bool)  # continues the piece of the character before
        inside[1:] = part[1:] & part[:-1] & (owners[1:] == owners[:-1])
        begins = part & ~inside
        ends = part.copy()
        ends[:-1] &= ~inside[1:]
        cut = self._cut(codes, np.flatnonzero(begins), np.flatnonzero(ends) + 1)
        counts = alone.astype(np.int64)
        counts[begins] = np.fromiter(map(len, cut), np.int64, len(cut))
        places = np.cumsum(counts) - counts
        flat = np.zeros(int(counts.sum()), np.int32)
        flat[places[alone]] = self._ids[codes[alone]]
        of_runs = np.repeat(begins, counts)
        flat[of_runs] = np.fromiter((number for ids in cut for number in ids), np.int32, int(of_runs.sum()))
        limits = np.searchsorted(owners, np.arange(len(texts) + 1))
        offsets = np.append(places, len(flat))[limits]
        ids, bounds = flat.tolist(), offsets.tolist()
        for start, stop in itertools.pairwise(bounds):
            yield ids[start:stop]

    def _learn(self, codes: np.ndarray) -> None:
        """Look up the code points that are new."""
        present = np.flatnonzero(np.bincount(codes, minlength=_CODES))
        for code in present[self._kinds[present] == _UNKNOWN].tolist():
            cleaned = normalise.TABLE[code]
            if not cleaned:
                self._kinds[code] = _DROPPED
            elif not cleaned.strip():
                self._kinds[code] = _SPACE
            elif cleaned[0] == cleaned[-1] == " " and len(ids := self._pieces[cleaned.strip()]) == 1:
                self._kinds[code], self._ids[code] = _ALONE, ids[0]
            else:
                self._kinds[code] = _PART

    def _cut(self, codes: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> list[tuple[int, ...]]:
        """The ids of every run of characters [start, stop)."""
        text = codes.tobytes().decode("utf-32-le", "surrogatepass")
        runs = [text[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
        known = self._runs
        for run in set(runs) - known.keys():
            known[run] = tuple(number for piece in normalise.pieces(run) for number in self._pieces[piece])
        found = [known[run] for run in runs]
        if len(known) > BLOCK:
            known.clear()
        return found


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in groups of about `BLOCK` characters."""
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= BLOCK:
            yield group
            group, size = [], 0
    if group:
        yield group
