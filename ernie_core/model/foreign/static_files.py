"""Variables as static-graph Paddle saves them: one file each, or all in one file whose names are in the program.

A variable: version (uint32), levels of detail (uint64, each a uint64 length and its bytes), version (uint32), length of
a `TensorDesc` (int32), the message (data type, dimensions), the numbers. In one file they are sorted by name.
"""

import math
import struct
from pathlib import Path
from typing import IO

import numpy as np

from ernie_core import protobuf
from ernie_core.errors import BadInput, NotFound
from ernie_core.model.arrays import widened
from ernie_core.model.foreign.tensors import Several, Shape, Tensors
from ernie_core.wording import shorten

PROGRAMS = (("*.pdmodel", ".pdiparams"), ("__model__", "__params__"))
"""Files of a program, and what its variables are in: a file of the same name with another end, or of this name."""
MARKS = ("word_embedding", "embedding_0.w_0")
"""Files that a folder of single variables has."""
_DTYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1", 22: "<u2"}
_BFLOAT16 = 22
_HOLDERS = (9, 10, 17)
"""Types of variables that hold no numbers: those that feed and fetch, and RAW."""
_MOST_PROGRAM, _MOST_VARIABLES = 256 << 20, 100_000


class Variables(Tensors):
    """The variables of one file, in the order of `names`. BadInput, before any is read, if it has others."""

    def __init__(self, path: Path, names: list[str]) -> None:
        super().__init__(path)
        self._places: dict[str, tuple[int, int]] = {}
        size = path.stat().st_size
        with path.open("rb") as f:
            for name in names:
                try:
                    kind, shape = _description(f, size)
                except (ValueError, struct.error) as e:
                    raise BadInput(
                        f"{path}: variable `{shorten(name)}` is damaged: {shorten(e)}: fetch the file again"
                    ) from e
                begin, length = f.tell(), math.prod(shape) * np.dtype(_DTYPES[kind]).itemsize
                if begin + length > size:
                    raise BadInput(f"{path}: variable `{shorten(name)}` has {length:,} bytes, {size - begin:,} are "
                                   "left: truncated, fetch the file again")  # fmt: skip
                self.shapes[name], self._places[name] = shape, (kind, begin)
                f.seek(begin + length)
            if f.tell() != size:
                raise BadInput(f"{path}: has {size - f.tell():,} bytes after its {len(names):,} variables: its program "
                               "is of another model, fetch both files again")  # fmt: skip

    def load(self, name: str) -> np.ndarray:
        kind, begin = self._places[name]
        with self.path.open("rb") as f:
            f.seek(begin)
            array = np.fromfile(f, np.dtype(_DTYPES[kind]), math.prod(self.shapes[name]))
        if array.size != math.prod(self.shapes[name]):
            raise BadInput(f"{self.path}: `{shorten(name)}` ends early: the file was shortened while it was read")
        return (widened(array) if kind == _BFLOAT16 else array).reshape(self.shapes[name])


def opened(folder: Path) -> Tensors | None:
    """The variables in a folder, or in its folder `params`. None if there are none."""
    for place in (folder, folder / "params"):
        if any((place / mark).is_file() for mark in MARKS):
            names = sorted(path.name for path in place.iterdir() if path.is_file() and _is_variable(path))
            return Several(place, (Variables(place / name, [name]) for name in names))
    for pattern, end in PROGRAMS:
        if programs := sorted(folder.glob(pattern)):
            if len(programs) > 1:
                raise BadInput(
                    f"{folder}: has {len(programs)} programs, {', '.join(p.name for p in programs[:4])}: leave one"
                )
            file = programs[0].with_suffix(end) if end.startswith(".") else folder / end
            if not file.is_file():
                raise NotFound(f"{file}: no such file: the weights of {programs[0].name} are in it, bring it too")
            return Variables(file, _persistent(programs[0]))
    return None


def _is_variable(path: Path) -> bool:
    """Whether a file begins as a variable does: beside them lie config and vocabulary."""
    with path.open("rb") as f:
        return f.read(4) == bytes(4)


def _description(f: IO[bytes], size: int) -> tuple[int, Shape]:
    """Data type and shape of the variable that begins here; afterwards the file is at its numbers."""
    version, levels = struct.unpack("<IQ", f.read(12))
    if version or levels > 16:
        raise ValueError("no variable of Paddle begins here")
    for _ in range(levels):
        (length,) = struct.unpack("<Q", f.read(8))
        if length > size:
            raise ValueError(f"a level of detail of {length:,} bytes")
        f.seek(length, 1)
    version, length = struct.unpack("<Ii", f.read(8))
    if version or not 0 <= length < 1 << 16:
        raise ValueError(f"a description of {length:,} bytes")
    message = f.read(length)
    kind, shape = protobuf.number(message, 1, -1), tuple(protobuf.numbers(message, 2))
    if kind not in _DTYPES or len(shape) > 8 or any(side >> 63 for side in shape):
        raise ValueError(f"data of type {kind} in the shape {list(shape)}")
    return kind, shape


def _persistent(program: Path) -> list[str]:
    """Names of the variables of a program that are saved, in the order of the file."""
    if (size := program.stat().st_size) > _MOST_PROGRAM:
        raise BadInput(f"{program}: has {size:,} bytes, at most {_MOST_PROGRAM:,} are read: this is no program")
    try:
        names = [
            name.decode()
            for block in protobuf.inner(program.read_bytes(), 1)
            for variable in protobuf.inner(block, 3)
            if protobuf.number(variable, 3) and _kind(variable) not in _HOLDERS
            for name in protobuf.inner(variable, 1)
        ]
    except ValueError as e:
        raise BadInput(f"{program}: not a program of Paddle: {shorten(e)}: fetch the file again") from e
    if len(set(names)) != len(names) or not 0 < len(names) < _MOST_VARIABLES:
        raise BadInput(
            f"{program}: names {len(names):,} variables, {len(set(names)):,} different ones: no model's program"
        )
    return sorted(names)


def _kind(variable: bytes) -> int:
    return protobuf.number(next(protobuf.inner(variable, 2), b""), 1)
