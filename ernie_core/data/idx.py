"""The file `.idx` beside a `.bin` of ids without a header: boundaries of sentences and documents."""

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
    """The header of the file."""

    dtype: np.dtype
    sentences: int
    documents: int
    """Length of docs: one more than the number of documents."""

    def place(self, name: str) -> tuple[int, int]:
        """Offset in bytes of `lens` or `docs`, and its length."""
        lens = len(_MAGIC) + _HEAD.size
        # Between the two are the byte offsets of the sentences, 8 bytes each.
        return (lens, self.sentences) if name == "lens" else (lens + 12 * self.sentences, self.documents)


def head(path: Path) -> Head:
    """The header of an `.idx`. BadInput if it is damaged or of another kind."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BadInput(f"{path}: not an index of mapped ids; make the ids again")
        read = file.read(_HEAD.size)
    version, kind, sentences, documents = _HEAD.unpack(read) if len(read) == _HEAD.size else (0, 0, 0, 0)
    if version != 1 or kind not in _TYPES:
        raise BadInput(f"{path}: version {version} with ids of type {kind}; known is version 1 with uint16 or int32")
    header = Head(np.dtype(_TYPES[kind]), sentences, documents)
    at, size = header.place("docs")
    if path.stat().st_size != at + 8 * size:
        raise BadInput(f"{path}: truncated or too long; make the ids again")
    return header
