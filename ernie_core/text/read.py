"""Documents of text files, in memory that does not grow with the files, every oddity counted."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile
from ernie_core.text import array, formats, json_text, lines, pieces
from ernie_core.text.formats import TextFile
from ernie_core.text.pieces import Piece, Span
from ernie_core.text.rejects import Rejected, Rejects

MAX_LINE = 16 << 20
"""Bytes of the longest line of plain text that is read; sentences and paragraphs are far shorter."""
MAX_DOCUMENT = 64 << 20
"""Bytes of the longest document that is read: a document is held in memory as a whole."""


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
    blank_lines: int = 0
    objects: int = 0
    documents: int = 0
    empty_documents: int = 0
    damaged_lines: int = 0
    rejected: int = 0
    done: int = 0
    """Bytes of files that were read, as they are stored."""
    line: int = 0
    """Which line of the last file, from where reading of it began."""

    def figures(self) -> dict[str, int]:
        """All that may be summed up."""
        return {name: n for name, n in asdict(self).items() if name not in ("done", "line")}


@dataclass(frozen=True)
class _Stretch:
    """A file from where a document begins to where another does."""

    source: TextFile
    begin: int
    end: int

    def spell(self, line: int) -> str:
        """The place of a line that is counted from the beginning of the stretch."""
        return f"{self.source.name}:{line + pieces.lines_before(self.source.file, self.begin)}"


def documents(
    text: Sequence[StoredFile], piece: Piece, tally: Tally, rejects: Rejects, *, json_key: str = "text"
) -> Iterator[str]:
    """The documents of the text files of a piece; `rejects` gets lines counted from where the piece begins in a file.

    In plain text a line of nothing but white space ends a document, and so does the end of a file. In JSON each
    object is one, the text under `json_key`. Of a span that begins within a file the first document is the first
    that begins behind an empty line, or the first line of JSON, in it; the last one is read to its end.
    """
    before = tally.done
    for span in piece:
        source = formats.recognise(text[span.file])
        assert source is not None
        stretch = _stretch(source, span)
        tally.files += span.begin == 0
        tally.line = 0
        with formats.opened(source, stretch.begin, stretch.end) as opened:
            for document in _documents(stretch, opened.file, tally, rejects, json_key):
                tally.done = before + min(opened.packed.taken, span.end - span.begin)
                tally.documents += 1
                yield document
        before += span.end - span.begin
        tally.done = before


def lines_before(text: Sequence[StoredFile], span: Span) -> int:
    """How many lines of a file stand before those that are read for a span."""
    source = formats.recognise(text[span.file])
    assert source is not None
    return pieces.lines_before(source.file, _stretch(source, span).begin)


def _stretch(source: TextFile, span: Span) -> _Stretch:
    if not source.divisible:
        return _Stretch(source, span.begin, span.end)
    behind = _document_behind if source.format == "txt" else lambda one, at: pieces.line_behind(one.file, at)
    return _Stretch(source, behind(source, span.begin), behind(source, span.end))


def _document_behind(source: TextFile, at: int) -> int:
    """Where a document may begin: behind the first empty line that does not begin before a byte."""
    if at == 0 or at >= source.file.size:
        return at
    with formats.opened(source, at - 1) as opened:
        at += _rest_of_line(b"", opened.file) - 1
        begin = at
        while raw := opened.file.readline(MAX_LINE + 1):
            at += len(raw)
            if len(raw) <= MAX_LINE and not _text_of(raw):
                return at
            if at - begin > MAX_DOCUMENT:
                raise _endless(_Stretch(source, begin, at).spell(1))
    return at


def _text_of(raw: bytes) -> str:
    """A line without its end, nothing if it is white space."""
    line = raw.decode(errors="replace").rstrip("\r\n")
    return "" if line.isspace() else line


def _endless(place: str) -> BadInput:
    most = f"{MAX_DOCUMENT >> 20} MiB"
    return BadInput(f"{place}: no empty line within {most}: put an empty line between documents")


def _documents(stretch: _Stretch, file: io.BufferedReader, tally: Tally, rejects: Rejects, key: str) -> Iterator[str]:
    if stretch.source.format == "txt":
        return _plain(stretch, file, tally, rejects)
    texts = _json_lines if stretch.source.format == "jsonl" else _json_array
    return texts(stretch, file, tally, rejects, key)


def _plain(stretch: _Stretch, file: io.BufferedReader, tally: Tally, rejects: Rejects) -> Iterator[str]:
    held: list[str] = []
    size = first = 0
    while raw := file.readline(MAX_LINE + 1):
        tally.line += 1
        tally.lines += 1
        tally.bytes += len(raw)
        if (tally.line == 1 and not stretch.begin) or len(raw) > MAX_LINE:
            _check(raw, stretch, file, tally)
        if raw.startswith(lines.BOM):  # also within: a file may be several that were put together
            raw = raw.removeprefix(lines.BOM)
        try:
            line = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as e:
            tally.damaged_lines += 1
            rejects.add(stretch.source.name, {"line": tally.line}, f"not UTF-8 at byte {e.start}: replaced", raw)
            line = raw.decode(errors="replace").rstrip("\r\n")
        if line and not line.isspace():
            first = first if held else tally.line
            size = size + len(raw) if held else len(raw)
            held.append(line)
            if size > MAX_DOCUMENT:
                raise _endless(stretch.spell(first))
            continue
        tally.blank_lines += 1
        if held:
            yield "\n".join(held)
            held = []
        else:
            tally.empty_documents += 1
    if held:
        yield "\n".join(held)


def _check(raw: bytes, stretch: _Stretch, file: io.BufferedReader, tally: Tally) -> None:
    """BadInput if a line is too long, or the only one of a file that other systems would take for many."""
    if lines.is_cr_alone(raw) and (len(raw) > MAX_LINE or _is_last(stretch, file)):
        raise lines.cr_alone(stretch.source.name)
    if len(raw) > MAX_LINE:
        size = len(raw) + _rest_of_line(raw, file)
        raise BadInput(
            f"{stretch.spell(tally.line)}: a line of {size:,} bytes, at most {MAX_LINE:,} are read: "
            f"break it where sentences end"
        )


def _is_last(stretch: _Stretch, file: io.BufferedReader) -> bool:
    """Whether nothing follows what was read, in the whole file."""
    return (not stretch.source.divisible or stretch.end >= stretch.source.file.size) and not file.peek(1)


def _json_lines(stretch: _Stretch, file: io.BufferedReader, tally: Tally, rejects: Rejects, key: str) -> Iterator[str]:
    while raw := file.readline(MAX_DOCUMENT + 1):
        tally.line += 1
        more = _rest_of_line(raw, file) if len(raw) > MAX_DOCUMENT else 0
        tally.bytes += len(raw) + more
        line = raw.removeprefix(lines.BOM)
        if (line.isspace() or not line) and not more:
            continue
        if lines.are_objects_behind_cr(line):
            raise lines.cr_alone(stretch.source.name)
        tally.lines += 1
        place = (stretch.source.name, {"line": tally.line})
        if more:
            tally.rejected += 1
            rejects.add(*place, f"{len(raw) + more:,} bytes, at most {MAX_DOCUMENT:,} are read", line)
        else:
            yield from _text(line, key, place, tally, rejects)


def _json_array(stretch: _Stretch, file: io.BufferedReader, tally: Tally, rejects: Rejects, key: str) -> Iterator[str]:
    name = stretch.source.name
    for element in array.elements(name, file, MAX_DOCUMENT):
        tally.objects += 1
        tally.bytes += len(element.raw)
        if element.fault:
            tally.rejected += 1
            rejects.add(name, {"byte": element.start}, element.fault, element.raw)
        else:
            yield from _text(element.raw, key, (name, {"byte": element.start}), tally, rejects)


def _text(raw: bytes, key: str, place: tuple[str, dict[str, int]], tally: Tally, rejects: Rejects) -> Iterator[str]:
    """The text of one JSON object, or none."""
    try:
        text = json_text.under(key, raw)
    except Rejected as e:
        tally.rejected += 1
        rejects.add(*place, str(e), raw)
        return
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="ignore").decode()
            tally.damaged_lines += 1
            rejects.add(*place, "half of a surrogate pair: dropped", raw)
    if text and not text.isspace():
        yield text.replace("\r\n", "\n") if "\r" in text else text
    else:
        tally.empty_documents += 1


def _rest_of_line(begun: bytes, file: io.BufferedReader) -> int:
    size = 0
    while not begun.endswith(b"\n") and (begun := file.readline(MAX_LINE)):
        size += len(begun)
    return size
