"""Files of the format safetensors: the header is checked as a whole before a tensor is read.

The format: 8 bytes, the length of the header, little endian; the header, a JSON object of `{"dtype", "shape",
"data_offsets"}` by name; the numbers, without holes (https://huggingface.co/docs/safetensors).
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.model.arrays import widened
from ernie_core.model.foreign import json_file
from ernie_core.model.foreign.tensors import Tensors
from ernie_core.wording import shorten

FILE, INDEX = "model.safetensors", "model.safetensors.index.json"

_MOST = 100 << 20
"""Most bytes of a header, as in the reference implementation."""

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


class Safetensors(Tensors):
    """One file. BadInput, before any tensor is read, if its header does not describe the file exactly."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        size = _size(path)
        with path.open("rb") as f:
            length = int.from_bytes(f.read(8), "little")
            if size < 8 or length > size - 8 or length > _MOST:
                raise BadInput(
                    f"{path}: claims a header of {length:,} bytes in a file of {size:,}: "
                    "truncated or no safetensors, fetch it again"
                )
            header = json_file.parse(f.read(length), f"{path} (header)")
        self._begin = 8 + length
        self._kinds: dict[str, str] = {}
        self._offsets: dict[str, int] = {}
        header.pop("__metadata__", None)
        spans = sorted(self._entry(name, entry) for name, entry in header.items())
        self._contiguous(spans, size - self._begin)

    def load(self, name: str) -> np.ndarray:
        kind, shape = self._kinds[name], self.shapes[name]
        with self.path.open("rb") as f:
            f.seek(self._begin + self._offsets[name])
            array = np.fromfile(f, np.dtype(_DTYPES[kind]), math.prod(shape))
        if array.size != math.prod(shape):
            raise BadInput(f"{self.path}: `{shorten(name)}` ends early: the file was shortened while it was read")
        return (widened(array) if kind == "BF16" else array).reshape(shape)

    def _entry(self, name: str, entry: Any) -> tuple[int, int, str]:
        """Check and note one tensor; the place of its numbers and its name."""
        try:
            kind, shape, (begin, end) = str(entry["dtype"]), tuple(entry["shape"]), entry["data_offsets"]
        except (TypeError, KeyError, ValueError):
            raise BadInput(f"{self.path}: the header of `{shorten(name)}` is damaged: fetch the file again") from None
        if kind not in _DTYPES:
            raise BadInput(f"{self.path}: `{shorten(name)}` is of dtype `{shorten(kind)}`, which cannot be read: "
                           "save the model as float32, float16 or bfloat16")  # fmt: skip
        if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)) or len(shape) > 8:
            raise BadInput(f"{self.path}: `{shorten(name)}` has the shape {shorten(list(shape))} at "
                           f"{shorten(begin)}-{shorten(end)}: the header is damaged, fetch the file again")  # fmt: skip
        wanted = math.prod(shape) * np.dtype(_DTYPES[kind]).itemsize
        if end - begin != wanted:
            raise BadInput(f"{self.path}: `{shorten(name)}` has {end - begin:,} bytes, its shape {list(shape)} of "
                           f"{kind} needs {wanted:,}: the header is damaged, fetch the file again")  # fmt: skip
        self.shapes[name], self._kinds[name], self._offsets[name] = shape, kind, begin
        return begin, end, name

    def _contiguous(self, spans: list[tuple[int, int, str]], size: int) -> None:
        """Refuse tensors that share bytes, and bytes of no tensor, which the format forbids."""
        last = 0
        for begin, end, name in spans:
            if begin < last:
                raise BadInput(f"{self.path}: `{shorten(name)}` overlaps another tensor: fetch the file again")
            if begin > last:
                raise BadInput(f"{self.path}: {begin - last:,} bytes before `{shorten(name)}` belong to no tensor: "
                               "fetch the file again")  # fmt: skip
            last = end
        if last != size:
            what = "is truncated" if last > size else "has bytes of no tensor"
            raise BadInput(f"{self.path}: {what}: its tensors end at byte {last:,} of {size:,}: fetch the file again")


def _size(path: Path) -> int:
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    return path.stat().st_size
