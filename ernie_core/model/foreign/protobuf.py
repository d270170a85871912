"""The fields of a protocol buffer message, with every length checked: no schema and no generated code."""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of every field: an int, or the bytes of a text or an inner message. ValueError if damaged."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind not in (FIXED64, BYTES, FIXED32):
            raise ValueError(f"a field of the unknown kind {kind}")
        size, at = _varint(message, at) if kind == BYTES else (8 if kind == FIXED64 else 4, at)
        if at + size > len(message):
            raise ValueError(f"a field of {size} bytes where {len(message) - at} are left")
        yield number, message[at : at + size]
        at += size


def inner(message: bytes, number: int) -> Iterator[bytes]:
    """The texts or messages under one number."""
    return (value for found, value in fields(message) if found == number and isinstance(value, bytes))


def number(message: bytes, wanted: int, default: int = 0) -> int:
    """The last whole number under one number."""
    values = [value for found, value in fields(message) if found == wanted and isinstance(value, int)]
    return values[-1] if values else default


def numbers(message: bytes, wanted: int) -> Iterator[int]:
    """Whole numbers under one number, packed into one field or not."""
    for found, value in fields(message):
        if found != wanted:
            continue
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            one, at = _varint(value, at)
            yield one


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("a number without end")
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
