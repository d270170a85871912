"""The text of a file that a person wrote; one that cannot be read as such is said in one line."""

import re
import stat
from pathlib import Path

from jobs.spec.problems import Problem, SpecError

MOST = 1 << 20
"""Bytes of a spec: reading YAML takes a second for about fifty thousand."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
"""Characters that no value may contain: names with them look like others, and no tool writes them on purpose."""
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
"""What YAML itself does not allow in a file."""
_WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read(file: Path, remedy: str = "name a YAML file") -> str:
    """The text, without a byte order mark. FileNotFoundError if there is none, SpecError if it is no text file."""
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _wrong(file, f"is a folder, {remedy}")
        if not stat.S_ISREG(mode):  # a pipe without a writer would block for ever
            raise _wrong(file, f"is a pipe or a device, {remedy}")
        with file.open("rb") as handle:
            data = handle.read(MOST + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        raise _wrong(file, f"cannot be read: {getattr(error, 'strerror', None) or error}, {remedy}") from error
    if len(data) > MOST:
        raise _wrong(file, f"is larger than {MOST >> 20} MiB, name many files by a pattern (`corpus/*.txt`)")
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        kind = _WIDE.get(data[:2])
        fault = f"the file is {kind}" if kind else f"byte 0x{data[error.start]:02x} is not"
        raise _wrong(file, f"cannot be read as UTF-8 text: {fault}, save the file as UTF-8", line) from error


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, and any ends of lines."""
    return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def control(text: str) -> tuple[int, str] | None:
    """The first character that YAML does not allow: its line, and its name."""
    found = _UNREADABLE.search(text)
    return (text.count("\n", 0, found.start()) + 1, name(found[0])) if found else None


def name(character: str) -> str:
    """How a control character is called in a message."""
    known = {"\n": "a line break", "\t": "a tab", "\ufeff": "a byte order mark (U+FEFF)"}
    if "\udc80" <= character <= "\udcff":  # as Python reads arguments and names of files
        return f"a byte that is not UTF-8 (0x{ord(character) - 0xDC00:02x})"
    if "\ud800" <= character <= "\udfff":
        return f"half a character (U+{ord(character):04X})"
    return known.get(character) or f"the control character U+{ord(character):04X}"


def _wrong(file: Path, text: str, line: int = 1) -> SpecError:
    return SpecError([Problem(str(file), line, "", text)])
