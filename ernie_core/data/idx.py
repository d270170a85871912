"""Reads the pair of files `.bin` and `.idx`: ids without a header, and where sentences and documents begin."""

import struct
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput

_MAGIC = b"MMIDIDX\0\0"
_HEAD = struct.Struct("<QBQQ")
_TYPES = {4: np.int32, 8: np.uint16}


def read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids (mapped), lens and docs of `PREFIX.bin` with `PREFIX.idx`. BadInput for what is damaged or another kind."""
    index = path.with_suffix(".idx")
    if not index.is_file():
        raise BadInput(f"{index}: missing beside {path.name}")
    with index.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BadInput(f"{index}: not an index of mapped ids; make the ids again")
        head = file.read(_HEAD.size)
        version, kind, sentences, documents = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0, 0, 0)
        if version != 1 or kind not in _TYPES:
            raise BadInput(
                f"{index}: version {version} with ids of type {kind}; readable is version 1, uint16 or int32"
            )
        lens = file.read(4 * sentences)
        file.seek(8 * sentences, 1)  # byte offsets: the sums of lens
        docs = file.read(8 * documents)
    if len(lens) != 4 * sentences or len(docs) != 8 * documents:
        raise BadInput(f"{index}: cut off; make the ids again")
    return np.memmap(path, _TYPES[kind], mode="r"), np.frombuffer(lens, np.int32), np.frombuffer(docs, np.int64)
