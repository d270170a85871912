"""Event files of VisualDL and TensorBoard: records as bytes, and where to truncate the file of a killed process.

Written here, not through their libraries: VisualDL's brings 28 packages (a web server, pandas, matplotlib) into the
image of a trainer, begins a new file with every process, drops records when its queue is full, and cannot truncate a
file, which a resume needs. Both formats are frames around small protobuf messages.
"""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A kind of event file; its functions take the step, the time in seconds, and values under tags."""

    file: str
    """File name, by a part of which the tools recognise it; the same after a restart, so that a run is one file."""
    head: int
    """Number of bytes before the message; the first 8 are its length."""
    foot: int
    """Number of bytes after the message."""
    step: Callable[[bytes, int], int]
    """Returns the step of the message at an offset."""
    opening: Callable[[float], bytes]
    scalars: Callable[[int, float, Mapping[str, float]], bytes]
    texts: Callable[[int, float, Mapping[str, str]], bytes]


def whole(data: bytes, form: Format, last: int) -> int:
    """Length in bytes of the whole records of steps up to `last`; the steps of a file never decrease.

    Only the steps that the bisection needs are decoded, so a file of millions of records takes a second.
    """
    starts, at = array("Q"), 0
    while at + form.head <= len(data):
        size = int.from_bytes(data[at : at + 8], "little")
        end = at + form.head + size + form.foot
        if size == 0 or end > len(data):
            break  # torn, or zeros after a loss of power
        starts.append(at)
        at = end
    kept = bisect_right(starts, last, key=lambda start: form.step(data, start + form.head))
    return at if kept == len(starts) else starts[kept]


def _visualdl_value(step: int, now: float, tag: str, content: bytes) -> bytes:
    stamp = _integer(3, round(now * 1000))
    message = _block(1, _integer(1, step) + _block(2, tag.encode()) + stamp + content)
    return struct.pack("<Q", len(message)) + message  # its reader knows no checksums


def _visualdl_opening(now: float) -> bytes:
    return _visualdl_value(0, now, "meta_data_tag", _block(10, b""))


def _visualdl_scalars(step: int, now: float, values: Mapping[str, float]) -> bytes:
    """A record for each value: the reader uses only the first value of a record."""
    return b"".join(_visualdl_value(step, now, tag, _float(4, value)) for tag, value in values.items())


def _visualdl_texts(step: int, now: float, texts: Mapping[str, str]) -> bytes:
    blocks = {tag: _block(12, _block(1, text.encode())) for tag, text in texts.items()}
    return b"".join(_visualdl_value(step, now, tag, block) for tag, block in blocks.items())


def _visualdl_step(data: bytes, at: int) -> int:
    _, at = _varint_at(data, at + 1)
    return _varint_at(data, at + 1)[0]


def _tensorboard_event(step: int, now: float, content: bytes) -> bytes:
    message = _double(1, now) + _integer(2, step) + content
    head = struct.pack("<Q", len(message))
    return head + _masked(head) + message + _masked(message)


def _tensorboard_opening(now: float) -> bytes:
    return _tensorboard_event(0, now, _block(3, b"brain.Event:2"))


def _tensorboard_scalars(step: int, now: float, values: Mapping[str, float]) -> bytes:
    blocks = [_block(1, _block(1, tag.encode()) + _float(2, value)) for tag, value in values.items()]
    return _tensorboard_event(step, now, _block(5, b"".join(blocks)))


def _tensorboard_texts(step: int, now: float, texts: Mapping[str, str]) -> bytes:
    """Each as a tensor of one string, marked for the plugin that shows texts."""
    plugin = _block(9, _block(1, _block(1, b"text")))
    shape = _integer(1, 7) + _block(2, _block(2, _integer(1, 1)))
    values = [
        _block(1, _block(1, tag.encode()) + _block(8, shape + _block(8, text.encode())) + plugin)
        for tag, text in texts.items()
    ]
    return _tensorboard_event(step, now, _block(5, b"".join(values)))


def _tensorboard_step(data: bytes, at: int) -> int:
    return _varint_at(data, at + 10)[0]


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def _block(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    """A number, and the offset after it."""
    value, shift = 0, 0
    while data[at] > 127:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def _masked(data: bytes) -> bytes:
    """CRC-32C (Castagnoli), masked as in TensorFlow's record files."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _table_row(number: int) -> int:
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    return number


_TABLE = [_table_row(number) for number in range(256)]

VISUALDL = Format(
    "vdlrecords.0000000000.log", 8, 0, _visualdl_step, _visualdl_opening, _visualdl_scalars, _visualdl_texts
)
TENSORBOARD = Format(
    "events.out.tfevents.0000000000.training", 12, 4, _tensorboard_step, _tensorboard_opening, _tensorboard_scalars,
    _tensorboard_texts,
)  # fmt: skip
