"""The fields of a protocol buffer message, with every length checked: no schema and no generated code."""

from collections.abc import Iterator

Span = tuple[int, int]
"""Where the bytes of a value begin and end."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Damaged(ValueError):
    """Bytes that are no message."""


def spans(raw: bytes, at: int, end: int) -> Iterator[tuple[int, int | Span]]:
    """Number and value of every field between two offsets: an integer, or where the bytes of a text or an inner message
    are. Damaged if they are none."""
    while at < end:
        key, at = _varint(raw, at, end)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at, end)
            yield number, value
            continue
        if kind not in (_FIXED64, _BYTES, _FIXED32):
            raise Damaged(f"wire type {kind} at byte {at}")
        size, at = _varint(raw, at, end) if kind == _BYTES else (8 if kind == _FIXED64 else 4, at)
        if at + size > end:
            raise Damaged(f"{size} bytes at {at} are more than there are")
        yield number, (at, at + size)
        at += size


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The same for a whole message, with the bytes themselves."""
    for number, value in spans(message, 0, len(message)):
        yield number, message[slice(*value)] if isinstance(value, tuple) else value


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
            one, at = _varint(value, at, len(value))
            yield one


def _varint(raw: bytes, at: int, end: int) -> tuple[int, int]:
    """An integer of 7 bits a byte, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Damaged(f"no end of an integer at byte {at}")
