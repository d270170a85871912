"""The pickle within a file of PyTorch: descriptions of tensors, whose numbers lie beside it."""

import math
from dataclasses import dataclass
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.model import pickled
from ernie_core.model.foreign.tensors import Shape
from ernie_core.model.pickled import Name, is_shape, of
from ernie_core.wording import shorten

DTYPES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
_TENSORS, _PARAMETERS = Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_parameter")


@dataclass(frozen=True)
class Storage:
    """A row of numbers in the file."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Stored:
    """A tensor: a view of a storage, in numbers of it, not bytes."""

    storage: Storage
    offset: int
    shape: Shape
    strides: Shape

    @property
    def span(self) -> int:
        """Numbers of the storage from its first to its last."""
        if not math.prod(self.shape):
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


class Machine(pickled.Machine):
    """Reads one pickle of a stream, up to its end."""

    def called(self, name: Name, arguments: tuple[Any, ...]) -> Stored:
        """A tensor."""
        if name == _PARAMETERS:
            return _of_parameter(arguments)
        return _tensor(arguments) if name == _TENSORS else super().called(name, arguments)

    def persistent(self, said: Any) -> Storage:
        """A storage."""
        kind, name, key, _, count = of(tuple, said)[:5]
        if kind != "storage" or type(name) is not Name or name.module != "torch" or type(count) is not int or count < 0:
            raise ValueError("a storage without its number of numbers")
        if name.name not in DTYPES:
            raise BadInput(f"has numbers of `{shorten(name.name)}`, which cannot be read: "
                           "save the model as float32, float16 or bfloat16")  # fmt: skip
        if said[5:6] not in ((), (None,)):
            raise BadInput(f"storage `{key_of(key)}` is a part of another one, as early versions of PyTorch "
                           "saved them: open it with PyTorch and save it again")  # fmt: skip
        return Storage(name.name, key_of(key), count)


def key_of(key: Any) -> str:
    """The name of a storage. ValueError for anything else, whose text may be endless."""
    return str(key) if type(key) is int else str(of(str, key))


def _of_parameter(arguments: tuple[Any, ...]) -> Stored:
    stored: Stored = of(Stored, arguments[0])
    return stored


def _tensor(arguments: tuple[Any, ...]) -> Stored:
    storage: Storage = of(Storage, arguments[0])
    offset, shape, strides = arguments[1:4]
    if not all(map(is_shape, (shape, strides, (offset,)))) or len(shape) != len(strides):
        raise ValueError("a tensor whose shape is no shape")
    stored = Stored(storage, offset, shape, strides)
    if offset + stored.span > storage.count or math.prod(shape) > storage.count:
        raise BadInput(f"has a tensor of shape {shorten(list(shape))} in a storage of {storage.count:,} "
                       "numbers: fetch the file again")  # fmt: skip
    return stored
