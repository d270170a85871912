"""Arrays within a pickle, as numpy and paddle.save write them, read without numpy's own functions.

A pickle may call numpy's `dtype` and set its state a second time, which changes arrays that were made with it: they
then end beyond their memory. So here the classes of numpy never meet a pickle: it only fills descriptions.
"""

import math
from typing import IO, Any

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.model import pickled
from ernie_core.model.pickled import Name, of
from ernie_core.wording import shorten

_NUMBERS = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"))
_ORDERS = ("<", ">", "|", "=")
_PLAIN_STATE = (None, None, None, -1, -1, 0)
"""Of a dtype: no part of another one, no fields, the size and alignment of its type, no flags."""

_DTYPE, _NDARRAY, _ENCODE = Name("numpy", "dtype"), Name("numpy", "ndarray"), Name("_codecs", "encode")
_REBUILD = tuple(Name(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core"))
_TUPLE = (Name("builtins", "tuple"), Name("__builtin__", "tuple"))
_ALLOWED = frozenset((_DTYPE, _NDARRAY, _ENCODE, *_REBUILD, *_TUPLE, Name("collections", "OrderedDict")))


class Described:
    """An array of the pickle: `numbers` are there, and cannot be written to, once the pickle has given its state."""

    numbers: np.ndarray | None = None


class Machine(pickled.Machine):
    """Reads one pickle of arrays; each is an object of `Described`, whose numbers are not copied from what was read."""

    damage, content = "truncated, or not a file of weights", "arrays"

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self._encoded = 0

    def named(self, name: Name) -> Name:
        """The name, of those that arrays need."""
        if name not in _ALLOWED:
            raise BadInput(f"asks for `{name.shown}`: refused, a file of weights may only contain arrays")
        return name

    def called(self, name: Name, arguments: tuple[Any, ...]) -> Any:
        """An array to be filled, a dtype, a tuple, or the bytes of an array in protocol 2."""
        if name == _DTYPE:
            return _Type(of(str, arguments[0]))
        if name in _REBUILD:
            kind, shape, _ = arguments
            if kind != _NDARRAY or shape != (0,):
                raise BadInput("makes an array of another kind or shape without its numbers: refused")
            return Described()
        if name in _TUPLE:
            (items,) = arguments
            return of(tuple, items)
        return self._bytes(arguments) if name == _ENCODE else super().called(name, arguments)

    def built(self, made: Any, state: Any) -> None:
        """Fill an array or a dtype, each once."""
        if type(made) is Described and made.numbers is None:
            made.numbers = _filled(state)
        elif type(made) is _Type and not made.order:
            made.order = _order(state)
        else:
            super().built(made, state)

    def _bytes(self, arguments: tuple[Any, ...]) -> bytes:
        text, encoding = arguments
        if encoding != "latin1":
            raise BadInput("has bytes in another encoding than latin1: refused, a file of weights does not need it")
        self._encoded += len(of(str, text))
        if self._encoded > self.stream.tell():
            raise BadInput("makes more bytes of its texts than it has: refused")
        return bytes(text, "latin1")


class _Type:
    """A dtype of the pickle: letter and size, and the order of its bytes."""

    def __init__(self, code: str) -> None:
        self.code, self.order = code, ""


def _order(state: Any) -> str:
    """The order of bytes in a dtype's state; `?` if it says more, which a message about its array then needs."""
    order, plain = state[1], len(of(tuple, state)) == 8 and state[2:] == _PLAIN_STATE
    return str(order) if plain and order in _ORDERS else "?"


def _filled(state: Any) -> np.ndarray:
    """The array of a state as numpy writes it: version, shape, dtype, whether in the order of Fortran, bytes."""
    _, shape, kind, fortran, data = of(tuple, state)
    if of(_Type, kind).code not in _NUMBERS or kind.order not in _ORDERS:
        raise BadInput(f"has an array of the dtype `{shorten(kind.code)}`, which is not an array of numbers: refused")
    dtype = np.dtype(kind.order + kind.code)
    if not pickled.is_shape(shape) or math.prod(shape) * dtype.itemsize != len(of(bytes, data)):
        raise ValueError("an array of other bytes than its shape says")
    return np.ndarray(shape, dtype, data, order="F" if fortran in (True, 1) else "C")
