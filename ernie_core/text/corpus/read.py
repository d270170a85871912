"""Documents of text files, read in constant memory, with every irregularity counted."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile
from ernie_core.text import json_text, lines, pieces
from ernie_core.text.corpus import array, formats
from ernie_core.text.corpus.formats import TextFile
from ernie_core.text.corpus.rejects import Rejected, Rejects
from ernie_core.text.pieces import Piece, Span

MAX_LINE = 16 << 20
"""Most bytes of a line of plain text; sentences and paragraphs are far shorter."""
MAX_DOCUMENT = 64 << 20
"""Most bytes of a document, which is held in memory as a whole."""


@dataclass
class ReadCounts:
    """Counts of what was read so far.

    `lines` are those of plain text and of JSON lines, `objects` those of arrays; `rejected` ones were left out.
    `damaged_lines` were read, but contain bytes that are not UTF-8, each of which becomes U+FFFD, or lone surrogates,
    which are dropped.
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
    """Number of bytes of the files that were read, as stored."""
    line: int = 0
    """Line number in the last file, from where reading of it began."""

    def figures(self) -> dict[str, int]:
        """The counts that can be added up over pieces."""
        return {name: n for name, n in asdict(self).items() if name not in ("done", "line")}


@dataclass(frozen=True)
class _Stretch:
    """A range of a file from the beginning of one document to that of another."""

    source: TextFile
    begin: int
    end: int

    def spell(self, line: int) -> str:
        """The place of a line, by its number from the beginning of the stretch, for messages."""
        return f"{self.source.name}:{line + pieces.lines_before(self.source.file, self.begin)}"


def documents(
    text: Sequence[StoredFile], piece: Piece, counts: ReadCounts, rejects: Rejects, *, json_key: str = "text"
) -> Iterator[str]:
    """The documents of the text files of a piece; `rejects` gets lines counted from where the piece begins in a file.

    In plain text a line of nothing but white space ends a document, and so does the end of a file. In JSON each
    object is one, the text under `json_key`. In a span that begins within a file the first document is the first
    one after an empty line, or the first line of JSON; the last one is read to its end.
    """
    before = counts.done
    for span in piece:
        source = formats.recognise(text[span.file])
        assert source is not None
        stretch = _stretch(source, span)
        counts.files += span.begin == 0
        counts.line = 0
        with formats.opened(source, stretch.begin, stretch.end) as opened:
            for document in _documents(stretch, opened.file, counts, rejects, json_key):
                counts.done = before + min(opened.packed.taken, span.end - span.begin)
                counts.documents += 1
                yield document
        before += span.end - span.begin
        counts.done = before


def lines_before(text: Sequence[StoredFile], span: Span) -> int:
    """Number of lines of a file before those that are read for a span."""
    source = formats.recognise(text[span.file])
    assert source is not None
    return pieces.lines_before(source.file, _stretch(source, span).begin)


def _stretch(source: TextFile, span: Span) -> _Stretch:
    if not source.divisible:
        return _Stretch(source, span.begin, span.end)
    behind = _document_behind if source.format == "txt" else lambda one, at: pieces.line_behind(one.file, at)
    return _Stretch(source, behind(source, span.begin), behind(source, span.end))


def _document_behind(source: TextFile, at: int) -> int:
    """Offset of a document: after the first empty line that begins at or after byte `at`."""
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
    """A line without its line end; empty if it is white space."""
    line = raw.decode(errors="replace").rstrip("\r\n")
    return "" if line.isspace() else line


def _endless(place: str) -> BadInput:
    most = f"{MAX_DOCUMENT >> 20} MiB"
    return BadInput(f"{place}: no empty line within {most}: put an empty line between documents")


def _documents(
    stretch: _Stretch, file: io.BufferedReader, counts: ReadCounts, rejects: Rejects, key: str
) -> Iterator[str]:
    if stretch.source.format == "txt":
        return _plain(stretch, file, counts, rejects)
    texts = _json_lines if stretch.source.format == "jsonl" else _json_array
    return texts(stretch, file, counts, rejects, key)


def _plain(stretch: _Stretch, file: io.BufferedReader, counts: ReadCounts, rejects: Rejects) -> Iterator[str]:
    held: list[str] = []
    size = first = 0
    while raw := file.readline(MAX_LINE + 1):
        counts.line += 1
        counts.lines += 1
        counts.bytes += len(raw)
        if (counts.line == 1 and not stretch.begin) or len(raw) > MAX_LINE:
            _check(raw, stretch, file, counts)
        if raw.startswith(lines.BOM):  # also within: a file may be several concatenated ones
            raw = raw.removeprefix(lines.BOM)
        try:
            line = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as e:
            counts.damaged_lines += 1
            rejects.add(stretch.source.name, {"line": counts.line}, f"not UTF-8 at byte {e.start}: replaced", raw)
            line = raw.decode(errors="replace").rstrip("\r\n")
        if line and not line.isspace():
            first = first if held else counts.line
            size = size + len(raw) if held else len(raw)
            held.append(line)
            if size > MAX_DOCUMENT:
                raise _endless(stretch.spell(first))
            continue
        counts.blank_lines += 1
        if held:
            yield "\n".join(held)
            held = []
        else:
            counts.empty_documents += 1
    if held:
        yield "\n".join(held)


def _check(raw: bytes, stretch: _Stretch, file: io.BufferedReader, counts: ReadCounts) -> None:
    """BadInput if a line is too long, or if it is a whole file with line ends of CR alone."""
    if lines.is_cr_alone(raw) and (len(raw) > MAX_LINE or _is_last(stretch, file)):
        raise lines.cr_alone(stretch.source.name)
    if len(raw) > MAX_LINE:
        size = len(raw) + _rest_of_line(raw, file)
        raise BadInput(
            f"{stretch.spell(counts.line)}: a line of {size:,} bytes, at most {MAX_LINE:,} are allowed: "
            f"break it between sentences"
        )


def _is_last(stretch: _Stretch, file: io.BufferedReader) -> bool:
    """Whether the end of the whole file is reached."""
    return (not stretch.source.divisible or stretch.end >= stretch.source.file.size) and not file.peek(1)


def _json_lines(
    stretch: _Stretch, file: io.BufferedReader, counts: ReadCounts, rejects: Rejects, key: str
) -> Iterator[str]:
    while raw := file.readline(MAX_DOCUMENT + 1):
        counts.line += 1
        more = _rest_of_line(raw, file) if len(raw) > MAX_DOCUMENT else 0
        counts.bytes += len(raw) + more
        line = raw.removeprefix(lines.BOM)
        if (line.isspace() or not line) and not more:
            continue
        if lines.are_objects_behind_cr(line):
            raise lines.cr_alone(stretch.source.name)
        counts.lines += 1
        place = (stretch.source.name, {"line": counts.line})
        if more:
            counts.rejected += 1
            rejects.add(*place, f"{len(raw) + more:,} bytes, at most {MAX_DOCUMENT:,} are read", line)
        else:
            yield from _text(line, key, place, counts, rejects)


def _json_array(
    stretch: _Stretch, file: io.BufferedReader, counts: ReadCounts, rejects: Rejects, key: str
) -> Iterator[str]:
    name = stretch.source.name
    for element in array.elements(name, file, MAX_DOCUMENT):
        counts.objects += 1
        counts.bytes += len(element.raw)
        if element.fault:
            counts.rejected += 1
            rejects.add(name, {"byte": element.start}, element.fault, element.raw)
        else:
            yield from _text(element.raw, key, (name, {"byte": element.start}), counts, rejects)


def _text(
    raw: bytes, key: str, place: tuple[str, dict[str, int]], counts: ReadCounts, rejects: Rejects
) -> Iterator[str]:
    """The text of one JSON object, unless it is rejected or empty."""
    try:
        text = json_text.under(key, raw)
    except Rejected as e:
        counts.rejected += 1
        rejects.add(*place, str(e), raw)
        return
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="ignore").decode()
            counts.damaged_lines += 1
            rejects.add(*place, "half of a surrogate pair: dropped", raw)
    if text and not text.isspace():
        yield text.replace("\r\n", "\n") if "\r" in text else text
    else:
        counts.empty_documents += 1


def _rest_of_line(begun: bytes, file: io.BufferedReader) -> int:
    size = 0
    while not begun.endswith(b"\n") and (begun := file.readline(MAX_LINE)):
        size += len(begun)
    return size
