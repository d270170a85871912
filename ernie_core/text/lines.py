"""Lines of users' files: their encoding, their line ends, and the remedy for unsupported ones."""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ernie_core.errors import BadInput

BOM = b"\xef\xbb\xbf"
SAMPLE = 4096
"""Bytes at the beginning of a file by which its encoding is detected."""
_MARKS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_USUAL = frozenset(
    map(chr, chain(b"\t\n\r", range(0x20, 0x7F), range(0x2010, 0x2027), range(0x3000, 0x30FF), range(0x4E00, 0xA000),
                   range(0xFF00, 0xFF5F)))
)  # fmt: skip
"""Nearly all characters of Chinese text."""
_PRINTABLE = b"\t\n\r" + bytes(range(0x20, 0x7F))
_ESCAPED = re.compile("[\udc80-\udcff]")
_OBJECTS = re.compile(rb"\}[ \t]*\r\s*\{")


def encoding(sample: bytes) -> str:
    """iconv's name of the encoding of a file with this beginning, if it is UTF-16 or UTF-32; else empty.

    Without a byte order mark it is detected by decoding: other encodings decode to unusual characters.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if len(sample) < 4 or (_is_utf8(sample) and b"\0" not in sample):
        return ""
    # pairs of ASCII letters would be Han in UTF-16, too
    if len(sample.translate(None, _PRINTABLE)) < len(sample) / 5:
        return ""
    for name in ("UTF-16LE", "UTF-16BE"):
        text = sample[: len(sample) & ~1].decode(name, errors="replace")
        if sum(c in _USUAL for c in text) >= 0.9 * len(text):
            return name
    return ""


def check(sample: bytes, place: str) -> None:
    """BadInput if a file with this beginning is in UTF-16 or UTF-32, which cannot be read."""
    if found := encoding(sample):
        raise BadInput(f"{place}: this is {found}, only UTF-8 is read: {convert(sample)}")


def convert(sample: bytes) -> str:
    """The remedy for bytes that are not UTF-8; Chinese text in one of the other encodings is nearly always GB18030."""
    return f"convert it with iconv -f {encoding(sample) or 'GB18030'} -t UTF-8"


def are_objects_behind_cr(line: bytes) -> bool:
    """Whether a line of JSON lines is several lines with ends of CR alone."""
    return bool(_OBJECTS.search(line))


def is_cr_alone(line: bytes) -> bool:
    """Whether a line, up to LF or the end of the file, contains CR: line ends of old Macs."""
    return b"\r" in line.rstrip(b"\r\n")


def cr_alone(place: str) -> BadInput:
    """The error for a file with such line ends."""
    return BadInput(
        f"{place}: its lines end in CR alone, as on old Macs, so that all is one line: convert it with tr '\\r' '\\n'"
    )


def text_of(raw: bytes, place: str) -> str:
    """The text of a whole file, without a byte order mark. BadInput with the line if it is not UTF-8, or without LF."""
    raw = _checked(raw, place)
    try:
        return raw.decode()
    except UnicodeDecodeError as e:
        line, begin = raw.count(b"\n", 0, e.start) + 1, raw.rfind(b"\n", 0, e.start) + 1
        where = f"{place}:{line}: not UTF-8 at byte {e.start - begin} of the line"
        raise BadInput(f"{where}: save it as UTF-8, or {convert(raw[:SAMPLE])}") from None


def streamed(path: Path) -> Iterator[str]:
    """The lines of a file as `text_of` and `split` have them, with no more than one in memory."""
    with path.open("rb") as file:
        check(file.read(SAMPLE), str(path))
        file.seek(0)
        for number, raw in enumerate(file, 1):
            line = raw.removeprefix(BOM) if number == 1 else raw
            if number == 1 and is_cr_alone(line) and not file.peek(1):
                raise cr_alone(str(path))
            try:
                yield line.decode().removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as e:
                where = f"{path}:{number}: not UTF-8 at byte {e.start} of the line"
                raise BadInput(f"{where}: save it as UTF-8, or {convert(raw[:SAMPLE])}") from None


def escaped(raw: bytes, place: str) -> str:
    """Likewise, but bytes that are not UTF-8 stay in it as lone surrogates, which `is_utf8_text` finds."""
    return _checked(raw, place).decode(errors="surrogateescape")


def is_utf8_text(text: str) -> bool:
    """Whether no part of a text of `escaped` was bytes that are not UTF-8."""
    return text.isascii() or not _ESCAPED.search(text)


def _checked(raw: bytes, place: str) -> bytes:
    """A whole file without a byte order mark. BadInput if it is in UTF-16 or UTF-32, or without LF."""
    check(raw[:SAMPLE], place)
    raw = raw.removeprefix(BOM)
    if is_cr_alone(raw) and b"\n" not in raw.rstrip(b"\r\n"):
        raise cr_alone(place)
    return raw


def split(text: str) -> list[str]:
    """The lines of a text. Only LF, or CR LF, ends one: U+0085, U+2028 and the like may be part of a name."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _is_utf8(sample: bytes) -> bool:
    """Whether it can be the beginning of UTF-8 text; it may end within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True
