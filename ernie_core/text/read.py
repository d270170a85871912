"""Documents of a folder of text files, in memory that does not grow with the files, every oddity counted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ernie_core.errors import BadInput
from ernie_core.text import array, formats
from ernie_core.text.formats import TextFile
from ernie_core.text.rejects import Rejected, Rejects

MAX_LINE = 16 << 20
"""Bytes of the longest line of plain text that is read; sentences and paragraphs are far shorter."""
MAX_DOCUMENT = 64 << 20
"""Bytes of the longest document that is read: a document is held in memory as a whole."""
Place = tuple[str, dict[str, int]]
"""A file, and `{"line": n}` or `{"byte": n}` in it."""
_EXAMPLES = 5
_BOM = b"\xef\xbb\xbf"


@dataclass
class Tally:
    """What was read so far.

    `lines` are those of plain text and of JSON lines, `objects` those of arrays; `rejected` of either were left out.
    `damaged_lines` were read, but hold what is no character (bytes that are not UTF-8, each of which becomes U+FFFD,
    or halves of surrogate pairs, which are dropped).
    """

    files: int = 0
    bytes: int = 0
    lines: int = 0
    objects: int = 0
    documents: int = 0
    empty_documents: int = 0
    damaged_lines: int = 0
    rejected: int = 0
    skipped_files: int = 0
    done: int = 0
    """Bytes of files that were read, as they lie on the disk."""
    examples: list[str] = field(default_factory=list)

    def note(self, place: str) -> None:
        """Keep the first few places where something is wrong."""
        if len(self.examples) < _EXAMPLES:
            self.examples.append(place)

    def check(self, max_rejected: float) -> None:
        """BadInput when more than this share of lines and objects is damaged or rejected."""
        held = self.lines + self.objects
        first = f"(first: {', '.join(self.examples)}), more than max_rejected {max_rejected:g}"
        if self.damaged_lines > max_rejected * held:
            raise BadInput(
                f"{self.damaged_lines} of {held} lines are not UTF-8 {first}: convert the files "
                f"(iconv -f GB18030 -t UTF-8), or raise it"
            )
        if self.damaged_lines + self.rejected > max_rejected * held:
            raise BadInput(
                f"{self.rejected} of {held} JSON texts cannot be read, {self.damaged_lines} are damaged {first}: "
                f"correct the files, or json_key, or raise it"
            )


def documents(folder: Path, tally: Tally, rejects: Rejects, *, json_key: str = "text") -> Iterator[str]:
    """The documents of all text files.

    In plain text a line of nothing but white space ends a document, and so does the end of a file. In JSON each
    object is one, the text under `json_key`.
    """
    files = formats.find(folder)
    tally.skipped_files = sum(p.is_file() for p in folder.rglob("*")) - len(files)
    before = 0
    for source in files:
        tally.files += 1
        with formats.opened(source) as opened:
            found = _documents(source, opened.file, tally, rejects, json_key)
            for document in found:
                tally.done = before + opened.disk.tell()
                tally.documents += 1
                yield document
        before += source.path.stat().st_size
        tally.done = before


def _documents(source: TextFile, file: BinaryIO, tally: Tally, rejects: Rejects, key: str) -> Iterator[str]:
    if source.format == "txt":
        return _plain(source.name, file, tally, rejects)
    texts = _json_lines if source.format == "jsonl" else _json_array
    return texts(source.name, file, tally, rejects, key)


def _plain(name: str, file: BinaryIO, tally: Tally, rejects: Rejects) -> Iterator[str]:
    held: list[str] = []
    size = first = number = 0
    while raw := file.readline(MAX_LINE + 1):
        number += 1
        if number == 1 or len(raw) > MAX_LINE:
            raw = _checked(raw, (name, {"line": number}), file, tally)
        tally.bytes += len(raw)
        tally.lines += 1
        try:
            line = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as e:
            line = _damaged(raw, e.start, (name, {"line": number}), tally, rejects)
        if line and not line.isspace():
            first = first if held else number
            size = size + len(raw) if held else len(raw)
            held.append(line)
            if size > MAX_DOCUMENT:
                most = f"{MAX_DOCUMENT >> 20} MiB"
                raise BadInput(f"{name}:{first}: no empty line within {most}: put an empty line between documents")
        elif held:
            yield "\n".join(held)
            held = []
        else:
            tally.empty_documents += 1
    if held:
        yield "\n".join(held)


def _checked(raw: bytes, place: Place, file: BinaryIO, tally: Tally) -> bytes:
    """The line without a byte order mark, which stands in the first one. BadInput if it is too long."""
    if len(raw) > MAX_LINE:
        raise BadInput(
            f"{_spell(place)}: a line of {len(raw) + _rest_of_line(raw, file):,} bytes, at most {MAX_LINE:,} are read: "
            f"break it where sentences end"
        )
    line = raw.removeprefix(_BOM)
    tally.bytes += len(raw) - len(line)
    return line


def _damaged(raw: bytes, at: int, place: Place, tally: Tally, rejects: Rejects) -> str:
    tally.damaged_lines += 1
    tally.note(_spell(place))
    rejects.add(*place, f"not UTF-8 at byte {at}: replaced", raw)
    return raw.decode(errors="replace").rstrip("\r\n")


def _json_lines(name: str, file: BinaryIO, tally: Tally, rejects: Rejects, key: str) -> Iterator[str]:
    number = 0
    while raw := file.readline(MAX_DOCUMENT + 1):
        number += 1
        more = _rest_of_line(raw, file) if len(raw) > MAX_DOCUMENT else 0
        tally.bytes += len(raw) + more
        line = raw.removeprefix(_BOM) if number == 1 else raw
        if line.isspace() and not more:
            continue
        tally.lines += 1
        place = (name, {"line": number})
        if more:
            _reject(place, f"{len(raw) + more:,} bytes, at most {MAX_DOCUMENT:,} are read", line, tally, rejects)
        else:
            yield from _text(line, key, place, tally, rejects)


def _json_array(name: str, file: BinaryIO, tally: Tally, rejects: Rejects, key: str) -> Iterator[str]:
    for element in array.elements(name, file, MAX_DOCUMENT):
        tally.objects += 1
        tally.bytes += len(element.raw)
        place = (name, {"byte": element.start})
        if element.fault:
            _reject(place, element.fault, element.raw, tally, rejects)
        else:
            yield from _text(element.raw, key, place, tally, rejects)


def _text(raw: bytes, key: str, place: Place, tally: Tally, rejects: Rejects) -> Iterator[str]:
    """The text of one JSON object, or none."""
    try:
        text = _value(raw, key)
    except Rejected as e:
        _reject(place, str(e), raw, tally, rejects)
        return
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="ignore").decode()
            tally.damaged_lines += 1
            tally.note(_spell(place))
            rejects.add(*place, "half of a surrogate pair: dropped", raw)
    if text and not text.isspace():
        yield text.replace("\r\n", "\n") if "\r" in text else text
    else:
        tally.empty_documents += 1


def _value(raw: bytes, key: str) -> str:
    try:
        found = json.loads(raw.decode())
    except UnicodeDecodeError as e:
        raise Rejected(f"not UTF-8 at byte {e.start}") from None
    except (ValueError, RecursionError) as e:
        raise Rejected(f"not JSON: {e}") from None
    if not isinstance(found, dict):
        raise Rejected("not a JSON object")
    if key not in found:
        raise Rejected(f"no key `{key}`")
    if not isinstance(found[key], str):
        raise Rejected(f"`{key}` is no string")
    return str(found[key])


def _reject(place: Place, why: str, raw: bytes, tally: Tally, rejects: Rejects) -> None:
    tally.rejected += 1
    tally.note(f"{_spell(place)} {why}")
    rejects.add(*place, why, raw)


def _spell(place: Place) -> str:
    ((unit, number),) = place[1].items()
    return f"{place[0]}:{number}" if unit == "line" else f"{place[0]} at byte {number}"


def _rest_of_line(begun: bytes, file: BinaryIO) -> int:
    size = 0
    while not begun.endswith(b"\n") and (begun := file.readline(MAX_LINE)):
        size += len(begun)
    return size
