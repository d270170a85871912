"""Files of named arrays as Paddle saves them, written and read without Paddle and without running code in them."""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.model.array_pickle import Described, Machine
from ernie_core.wording import shorten

FILE = "model_state.pdparams"

_FIRST = 1000
"""First memo index of arrays in our files: the pickler uses low ones for parts of small objects."""

Arrays = dict[str, np.ndarray]


class Sink(Protocol):
    """A writable file."""

    def write(self, data: "bytes | memoryview", /) -> int: ...


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write named arrays as paddle.save does with protocol 4; the same arrays give the same bytes."""
    with path.open("wb") as f:
        dump_arrays(arrays, f)


def dump_arrays(arrays: Mapping[str, np.ndarray], sink: Sink) -> None:
    """Write named arrays to a writable file, without copying them; an array with two names (tied weights) once."""
    writer, first = Writer(sink), dict[int, str]()
    for name, array in arrays.items():
        if id(array) in first:
            writer.again(name, first[id(array)])
        else:
            first[id(array)] = name
            writer.add(name, array)
    writer.end()


class Writer:
    """A file of named arrays that is written one array at a time, so that none of the others need be in memory.

    A pickler would copy each array while all other threads wait, so the opcodes are written here: those of small
    objects come from the pickler, the bytes of an array go directly to the sink.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink, self._places = sink, dict[str, int]()
        sink.write(pickle.PROTO + bytes([4]) + pickle.EMPTY_DICT + pickle.MARK)

    def add(self, name: str, array: np.ndarray) -> None:
        """Write an array."""
        place = self._places[name] = _FIRST + len(self._places)
        flat = np.ascontiguousarray(array)
        rebuild, arguments, (version, _, dtype, order, _) = cast(tuple[Any, ...], np.empty(0, flat.dtype).__reduce__())
        built = _opcodes(name) + _opcodes(rebuild) + _opcodes(arguments) + pickle.REDUCE
        state = b"".join(_opcodes(part) for part in (version, array.shape, dtype, order))
        self._sink.write(built + pickle.MARK + state + pickle.BINBYTES8 + struct.pack("<Q", flat.nbytes))
        self._sink.write(flat.reshape(-1).view(np.uint8).data)
        self._sink.write(pickle.TUPLE + pickle.BUILD + pickle.LONG_BINPUT + struct.pack("<I", place))

    def again(self, name: str, first: str) -> None:
        """Another name of an array that was written as `first`; both are read as one array."""
        self._sink.write(_opcodes(name) + pickle.LONG_BINGET + struct.pack("<I", self._places[first]))

    def end(self) -> None:
        """Complete the file."""
        self._sink.write(pickle.SETITEMS + pickle.STOP)


def read_arrays(path: Path) -> Arrays:
    """Named arrays of a file of paddle.save, read-only and in the precision of the file: see `floats`.

    NotFound without the file. BadInput for anything in it except arrays: it is a pickle, and nothing of it is run.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    try:
        with path.open("rb") as f:
            content = Machine(f).value()
    except BadInput as e:
        raise BadInput(f"{path}: {e}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: contains a {type(content).__name__}, not named arrays")
    if "UnpackBigParamInfor@@" in content:
        raise BadInput(f"{path}: arrays over 1 GiB were split by an old protocol; save it again with protocol=4")
    content.pop("StructuredToParameterName@@", None)
    return {name: _array(path, name, value) for name, value in content.items()}


def widened(raw: np.ndarray) -> np.ndarray:
    """bfloat16, given as uint16, in float32: its bits are the upper half of a float32's."""
    return (raw.astype(np.uint32) << 16).view(np.float32)


def floats(array: np.ndarray) -> np.ndarray:
    """A parameter of `read_arrays` as numbers: bfloat16 is uint16 there, a type that Paddle itself does not have."""
    return widened(array) if array.dtype == np.uint16 else array


def _array(path: Path, name: object, value: Any) -> np.ndarray:
    # paddle.save writes a tensor inside other data as (name, array).
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    if not isinstance(name, str) or not isinstance(value, Described) or value.numbers is None:
        raise BadInput(f"{path}: `{shorten(name)}` is not an array of numbers")
    return value.numbers


def _opcodes(value: object) -> bytes:
    """The opcodes of a small object; protocol 3 is the last without frames."""
    return pickle.dumps(value, protocol=3)[2:-1]
