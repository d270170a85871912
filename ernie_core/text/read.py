"""Documents of a folder of text files, in memory that does not grow with the files, every oddity counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ernie_core.errors import BadInput

MAX_LINE = 16 << 20
"""Bytes of the longest line that is read; sentences and paragraphs are far shorter."""
MAX_DOCUMENT = 64 << 20
"""Bytes of the longest document that is read: a document is held in memory as a whole."""
_EXAMPLES = 5


@dataclass
class Tally:
    """What was read so far. `damaged` lines hold bytes that are not UTF-8; each such byte becomes U+FFFD."""

    files: int = 0
    bytes: int = 0
    lines: int = 0
    documents: int = 0
    empty_documents: int = 0
    damaged_lines: int = 0
    skipped_files: int = 0
    examples: list[str] = field(default_factory=list)

    def check(self, max_rejected: float) -> None:
        """BadInput when more than this share of the lines is damaged: then the encoding is another one."""
        if self.damaged_lines > max_rejected * self.lines:
            raise BadInput(
                f"{self.damaged_lines} of {self.lines} lines are not UTF-8 (first: {', '.join(self.examples)}), more "
                f"than max_rejected {max_rejected:g}: convert the files (iconv -f GB18030 -t UTF-8), or raise it"
            )


def text_files(folder: Path) -> list[Path]:
    """Every `*.txt` below a folder in the order of its path there. BadInput if there is none."""
    found = sorted((p for p in folder.rglob("*.txt") if p.is_file()), key=lambda p: p.relative_to(folder).as_posix())
    if not found:
        others = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        held = f"holds {', '.join(others[:_EXAMPLES])} ({len(others)} files)" if others else "is empty"
        raise BadInput(f"{folder} {held}: no *.txt to read: give text files this suffix")
    return found


def documents(folder: Path, tally: Tally) -> Iterator[str]:
    """The documents of all text files. A line of nothing but white space ends a document, so does the end of a file."""
    files = text_files(folder)
    tally.skipped_files = sum(p.is_file() for p in folder.rglob("*")) - len(files)
    for path in files:
        tally.files += 1
        yield from _documents(path, path.relative_to(folder).as_posix(), tally)


def _documents(path: Path, name: str, tally: Tally) -> Iterator[str]:
    held: list[str] = []
    size = first = 0
    for number, length, line in _lines(path, name, tally):
        if line.strip():
            first = first if held else number
            size = size + length if held else length
            held.append(line)
        elif held:
            tally.documents += 1
            yield "\n".join(held)
            held = []
        else:
            tally.empty_documents += 1
        if held and size > MAX_DOCUMENT:
            raise BadInput(
                f"{name}:{first}: no empty line within {MAX_DOCUMENT >> 20} MiB: put an empty line between documents"
            )
    if held:
        tally.documents += 1
        yield "\n".join(held)


def _lines(path: Path, name: str, tally: Tally) -> Iterator[tuple[int, int, str]]:
    """Number, bytes and text of every line."""
    number = 0
    with path.open("rb") as file:
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                size = len(raw) + _rest_of_line(raw, file)
                raise BadInput(
                    f"{name}:{number}: a line of {size:,} bytes, at most {MAX_LINE:,} are read: "
                    f"break it where sentences end"
                )
            tally.bytes += len(raw)
            tally.lines += 1
            text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            yield number, len(raw), _decode(text.rstrip(b"\r\n"), f"{name}:{number}", tally)


def _decode(raw: bytes, place: str, tally: Tally) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        tally.damaged_lines += 1
        if len(tally.examples) < _EXAMPLES:
            tally.examples.append(place)
        return raw.decode(errors="replace")


def _rest_of_line(begun: bytes, file: BinaryIO) -> int:
    size = 0
    while not begun.endswith(b"\n") and (begun := file.readline(MAX_LINE)):
        size += len(begun)
    return size
