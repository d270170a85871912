"""One part of a corpus: ids mapped from disk, and its index as a stream of checked blocks, not held in memory."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ernie_core.data import idx
from ernie_core.errors import BadInput

_BLOCK = 1 << 18
"""Number of elements in a block."""


@dataclass(frozen=True)
class Part:
    """`_ids.npy` with `_idx.npz`, or `.bin` with `.idx`."""

    path: Path
    index: Path
    ids: np.ndarray


def find(folder: Path) -> list[Part]:
    """The parts of a folder in the order of their names. BadInput if there is none."""
    found = sorted(folder.glob("*_ids.npy")) or sorted(folder.glob("*.bin"))
    if not found:
        raise BadInput(f"{folder}: no *_ids.npy or *.bin here; this must be the folder that the `ids` step made")
    return [_open(path) for path in found]


def lens(parts: Sequence[Part]) -> Iterator[np.ndarray]:
    """Number of tokens of each sentence of all parts, int32, block by block. BadInput if they do not fit the ids."""
    for part in parts:
        tokens = 0
        for block in _blocks(part, "lens"):
            if len(block) and block.min() < 1:
                raise BadInput(f"{part.index}: an empty sentence; make the ids again")
            tokens += int(block.sum(dtype="int64"))
            yield block
        if tokens != len(part.ids):
            raise BadInput(f"{part.index}: counts {tokens} tokens, {part.path.name} holds {len(part.ids)}")


def docs(parts: Sequence[Part]) -> Iterator[np.ndarray]:
    """Document d of all parts owns the sentences docs[d]:docs[d+1]; int64, block by block, from 0 on."""
    yield np.zeros(1, "int64")
    base = 0
    for part in parts:
        last = -1
        for block in _blocks(part, "docs"):
            if (np.diff(block, prepend=last) < 1).any() or (last < 0 and block[0] != 0):
                raise BadInput(f"{part.index}: an empty document, or documents out of order; make the ids again")
            yield (block[1:] if last < 0 else block) + base
            last = int(block[-1])
        if last != sentences([part]):
            raise BadInput(f"{part.index}: documents end at sentence {last} of {sentences([part])}; make the ids again")
        base += last


def sentences(parts: Sequence[Part]) -> int:
    """Their number, by the headers of the indexes."""
    return sum(_size(part, "lens") for part in parts)


def documents(parts: Sequence[Part]) -> int:
    """Their number, by the headers of the indexes."""
    return sum(_size(part, "docs") - 1 for part in parts)


def _open(path: Path) -> Part:
    if path.suffix == ".bin":
        index = path.with_suffix(".idx")
    else:
        index = path.with_name(path.name.removesuffix("_ids.npy") + "_idx.npz")
    if not index.is_file():
        raise BadInput(f"{index}: missing beside {path.name}")
    try:
        ids = np.memmap(path, idx.head(index).dtype, "r") if path.suffix == ".bin" else np.load(path, mmap_mode="r")
    except (ValueError, OSError, EOFError) as e:
        raise BadInput(f"{path}: not readable: {e}; make the ids again") from e
    if ids.ndim != 1 or ids.dtype not in (np.uint16, np.int32):
        raise BadInput(f"{path}: must be one-dimensional with uint16 or int32, not {ids.dtype} {list(ids.shape)}")
    # A plain array over the same mapping: slices of np.memmap cost microseconds each.
    return Part(path, index, ids.view(np.ndarray))


def _size(part: Part, name: str) -> int:
    with _array(part, name) as (_, size):
        return size


def _blocks(part: Part, name: str) -> Iterator[np.ndarray]:
    dtype = np.dtype(_DTYPES[name])
    with _array(part, name) as (file, size):
        left = size
        while left:
            data = file.read(dtype.itemsize * min(left, _BLOCK))
            block = np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype)
            if not len(block):
                raise BadInput(f"{part.index}: truncated; make the ids again")
            left -= len(block)
            yield block
        # The checksum of a zip is compared when its end is read.
        if part.index.suffix == ".npz":
            file.read(1)


_DTYPES = {"lens": "<i4", "docs": "<i8"}


@contextmanager
def _array(part: Part, name: str) -> Iterator[tuple[IO[bytes], int]]:
    """The file of an index, positioned at the first element of an array, and the length of the array."""
    if part.index.suffix == ".idx":
        with part.index.open("rb") as file:
            at, size = idx.head(part.index).place(name)
            file.seek(at)
            yield file, size
        return
    try:
        with zipfile.ZipFile(part.index) as archive, archive.open(f"{name}.npy") as member:
            yield member, _npy_head(part.index, name, member)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
        raise BadInput(f"{part.index}: not readable: {e}; make the ids again") from e


def _npy_head(path: Path, name: str, member: IO[bytes]) -> int:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    if len(shape) != 1 or dtype != np.dtype(_DTYPES[name]):
        raise BadInput(f"{path}: {name} must be one-dimensional with {_DTYPES[name]}, not {dtype} {list(shape)}")
    return int(shape[0])
