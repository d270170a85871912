"""The index map: the sentences of each sample, and their order; built in C, or with the same result in slow Python."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO

import numpy as np

from ernie_core import native
from ernie_core.data import index_plain
from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent

LONGEST = 512
"""Most tokens of a sentence; a document of several sentences with a longer one is left out, as in the reference."""

ALL_EPOCHS = 2**31 - 2
ALL_SAMPLES = 2**63 - 2
_ROOM = 1 << 16
"""Rows of a chunk: it stays in the processor's cache until it is copied."""


@dataclass(frozen=True)
class Setting:
    """The settings that decide the rows: whole passes are made until there are `max_num_samples`."""

    max_len: int
    short_seq_prob: float
    seed: int
    min_num_sent: int
    num_epochs: int = ALL_EPOCHS
    max_num_samples: int = ALL_SAMPLES

    def __post_init__(self) -> None:
        if self.max_len < 2 or not 0 <= self.seed < 2**32:
            raise BadInput(f"max_len {self.max_len} must be at least 2 and seed {self.seed} in 0..2^32-1")
        if self.min_num_sent < 1 or not 0 <= self.short_seq_prob <= 1:
            raise BadInput(
                f"min_num_sent {self.min_num_sent} must be at least 1 and short_seq_prob {self.short_seq_prob} in 0..1"
            )


def build(
    docs: np.ndarray, lens: np.ndarray, setting: Setting, *, progress: Progress = silent, stop: Stop = never
) -> np.ndarray:
    """Rows [n, 3] of (first sentence, last sentence + 1, target length), shuffled over all epochs together.

    `docs` is the slice of document boundaries of one split (n + 1 sentence numbers), `lens` the lengths of all
    sentences. uint32, or uint64 if sentence numbers need it. No rows if no document gives a sample.
    """
    _check(docs, lens)
    # The most that a pass can give: memory that is not written costs nothing.
    rows, count = np.empty((int(docs[-1] - docs[0]) // setting.min_num_sent + 1, 3), _dtype(lens)), 0
    for chunk in chunks(docs, lens, setting, progress=progress, stop=stop):
        if count + len(chunk) > len(rows):
            rows.resize((max(len(rows) * 3 // 2, count + len(chunk)), 3), refcheck=False)
        rows[count : count + len(chunk)] = chunk
        count += len(chunk)
    rows.resize((count, 3), refcheck=False)
    _shuffle(rows, setting.seed + 1)
    return rows


def save(
    path: Path, docs: np.ndarray, lens: np.ndarray, setting: Setting, *, progress: Progress = silent, stop: Stop = never
) -> int:
    """Write the rows of `build` to a new `.npy` file, without holding them in memory; returns their number."""
    dtype, count = _dtype(lens), 0
    with path.open("xb") as file:
        _write_header(file, dtype, 0)
        # Written and not mapped, so that a full disk is an error and not a signal.
        for chunk in chunks(docs, lens, setting, progress=progress, stop=stop):
            file.write(chunk.data)
            count += len(chunk)
        file.seek(0)
        _write_header(file, dtype, count)
    if count > 1:
        rows = np.load(path, mmap_mode="r+")
        _shuffle(rows, setting.seed + 1)
        rows.flush()
    return count


def count(docs: np.ndarray, lens: np.ndarray, setting: Setting, *, stop: Stop = never) -> int:
    """The number of rows that `build` would make."""
    return sum(len(chunk) for chunk in chunks(docs, lens, setting, stop=stop))


def chunks(
    docs: np.ndarray, lens: np.ndarray, setting: Setting, *, progress: Progress = silent, stop: Stop = never
) -> Iterator[np.ndarray]:
    """The rows before the shuffle; each array is valid until the next one is requested."""
    _check(docs, lens)
    docs, lens = np.ascontiguousarray(docs), np.ascontiguousarray(lens)
    walk, total = _Walk(docs, lens, setting), 0
    for epoch in range(setting.num_epochs):
        if total >= setting.max_num_samples or (epoch > 0 and not total):
            return
        walk.again()
        while walk.document < len(docs) - 1:
            if stop():
                raise Stopped("stopped while building the index map; it is built again at the next start")
            chunk = walk.rows()
            total += len(chunk)
            progress(walk.document, len(docs) - 1, "documents", samples=total)
            if len(chunk):
                yield chunk


def ratio(short_seq_prob: float) -> int:
    """One in this many target lengths is short; 0 for none."""
    return 0 if short_seq_prob == 0 else math.floor(1 / short_seq_prob + 0.5)


def blend(weights: np.ndarray, taken: np.ndarray, first: int, chosen: np.ndarray, numbers: np.ndarray) -> None:
    """For the samples from `first` on: the corpus, and the number of the sample in it; `taken` is updated.

    It always takes the corpus furthest behind its share. `weights` are float64 and sum to 1, `taken` and `numbers`
    int64, `chosen` uint8.
    """
    if len(weights) != len(taken) or len(chosen) != len(numbers):
        raise BadInput(f"mixing {len(weights)} corpora with the counts of {len(taken)}")
    compiled = _native()
    if compiled is None:
        index_plain.blend(weights, taken, first, chosen, numbers)
        return
    compiled.blend(
        weights.ctypes.data, taken.ctypes.data, len(weights), first, len(chosen), chosen.ctypes.data,
        numbers.ctypes.data,
    )  # fmt: skip


def skip(weights: np.ndarray, taken: np.ndarray, first: int, size: int) -> None:
    """Advance `taken` by `size` samples from `first`, without returning them."""
    compiled = _native()
    if compiled is None:
        index_plain.blend(weights, taken, first, np.empty(size, "uint8"), np.empty(size, "int64"))
        return
    compiled.blend(weights.ctypes.data, taken.ctypes.data, len(weights), first, size, 0, 0)


class _Walk:
    """The native walk with its buffer, or the plain one with the same interface."""

    def __init__(self, docs: np.ndarray, lens: np.ndarray, setting: Setting) -> None:
        self._docs, self._lens = docs, lens
        self._rows = np.empty((_ROOM, 3), _dtype(lens))
        how = (setting.max_len, ratio(setting.short_seq_prob), setting.seed, setting.min_num_sent, LONGEST)
        compiled = _native()
        self._native = compiled and compiled.Walk(docs.ctypes.data, lens.ctypes.data, len(docs) - 1, len(lens), *how)
        self._plain = index_plain.Walk(docs, lens, *how)

    @property
    def document(self) -> int:
        """Number of the next document."""
        return int((self._native or self._plain).document)

    def again(self) -> None:
        """Restart at the first document; the random generator continues."""
        (self._native or self._plain).again()

    def rows(self) -> np.ndarray:
        """The rows of the next documents, in a buffer that is used again."""
        before = self.document
        rows = self._fill()
        if self.document == before:
            # A document that might need more rows than the buffer has.
            self._rows = np.empty((int(self._docs[before + 1] - self._docs[before]), 3), self._rows.dtype)
            rows = self._fill()
        return rows

    def _fill(self) -> np.ndarray:
        room = len(self._rows)
        if self._native is None:
            return np.array(self._plain.rows(room), self._rows.dtype).reshape(-1, 3)
        filled = self._native.fill(self._rows.ctypes.data, room, self._rows.itemsize == 8)
        if filled < 0:
            raise _beyond(self._lens)
        return self._rows[:filled]


def _shuffle(rows: np.ndarray, seed: int) -> None:
    compiled = _native()
    if compiled is None:
        index_plain.shuffle(rows, seed)
    else:
        compiled.shuffle(rows.ctypes.data, len(rows), seed, rows.itemsize == 8)


def _native() -> ModuleType | None:
    return native.load("ernie_core.data._index", "index maps are built about 50 times slower, and equal")


def _check(docs: np.ndarray, lens: np.ndarray) -> None:
    # The C code gets raw addresses, so everything is checked here, except the order of documents, which it checks.
    if docs.dtype != np.int64 or lens.dtype != np.int32 or docs.ndim != 1 or lens.ndim != 1 or not len(docs):
        raise BadInput(f"docs must be int64 and lens int32, not {docs.dtype} and {lens.dtype}")
    if docs[0] < 0 or docs[-1] > len(lens):
        raise _beyond(lens)


def _beyond(lens: np.ndarray) -> BadInput:
    return BadInput(f"documents reach beyond the {len(lens)} sentences, or backwards; make the ids again")


def _dtype(lens: np.ndarray) -> np.dtype:
    return np.dtype("uint64" if len(lens) > 2**32 - 1 else "uint32")


def _write_header(file: IO[bytes], dtype: np.dtype, rows: int) -> None:
    """Write a header, whose length does not depend on the number of rows: NumPy pads it."""
    head = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (rows, 3)}
    np.lib.format.write_array_header_1_0(file, head)
