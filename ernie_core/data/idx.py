"""The file `.idx` beside a `.bin` of ids without a header: where sentences and documents begin."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput

_MAGIC = b"MMIDIDX\0\0"
_HEAD = struct.Struct("<QBQQ")
_TYPES = {4: "<i4", 8: "<u2"}


@dataclass(frozen=True)
class Head:
    """What the first bytes say."""

    dtype: np.dtype
    sentences: int
    documents: int
    """Entries of docs: one more than there are documents."""

    def place(self, name: str) -> tuple[int, int]:
        """The first byte of `lens` or `docs`, and how many numbers there are."""
        lens = len(_MAGIC) + _HEAD.size
        # Between the two lie the byte offsets of the sentences: the sums of lens.
        return (lens, self.sentences) if name == "lens" else (lens + 12 * self.sentences, self.documents)


def head(path: Path) -> Head:
    """Of an `.idx`. BadInput for what is damaged or another kind."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BadInput(f"{path}: not an index of mapped ids; make the ids again")
        read = file.read(_HEAD.size)
    version, kind, sentences, documents = _HEAD.unpack(read) if len(read) == _HEAD.size else (0, 0, 0, 0)
    if version != 1 or kind not in _TYPES:
        raise BadInput(f"{path}: version {version} with ids of type {kind}; readable is version 1, uint16 or int32")
    found = Head(np.dtype(_TYPES[kind]), sentences, documents)
    at, size = found.place("docs")
    if path.stat().st_size != at + 8 * size:
        raise BadInput(f"{path}: cut off or too long; make the ids again")
    return found
