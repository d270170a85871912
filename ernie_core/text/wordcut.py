"""Word-cut text: JSON lines of documents, with a sentence per line and words joined by one space. A space in the text
is a word itself, so it becomes three spaces."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile
from ernie_core.text import pieces
from ernie_core.text.pieces import Span

Document = list[list[str]]
"""Sentences of words."""
LONGEST = 64 << 20
"""Most bytes of a document: memory grows with the longest one; a longer one is a corpus without blank lines."""
_BUFFER = 1 << 20
_PART = re.compile(r"(?:.*/)?part-[^/]*\.jsonl")


class Cut(NamedTuple):
    """A document as a line of a part, with counts; `size` is the number of bytes of the raw text."""

    line: bytes
    sentences: int
    words: int
    size: int
    long_sentences: int = 0


class WordsWriter:
    """Writes documents to `part-00007.jsonl`, for piece 7; if they have more than `part_size` bytes of raw text, to
    `part-00007-00000.jsonl` and so on."""

    def __init__(self, folder: Path, part_size: int, number: int = 0) -> None:
        self._stem, self._part_size = folder / f"part-{number:05d}", part_size
        self._file: BinaryIO | None = None
        self._parts = self._size = 0

    def write(self, document: Sequence[Sequence[str]]) -> None:
        """Append a document, given as its words."""
        self.add(of_words(document))

    def add(self, document: Cut) -> None:
        """Append a document."""
        if self._file is None:
            self._file = self._next().open("wb", buffering=_BUFFER)
            self._parts += 1
            self._size = 0
        self._file.write(document.line)
        self._size += document.size
        if self._size >= self._part_size:
            self.close()

    def close(self) -> None:
        """Close the current part."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> Path:
        if self._parts == 1:
            self._name(None).rename(self._name(0))
        return self._name(self._parts if self._parts else None)

    def _name(self, number: int | None) -> Path:
        return self._stem.with_name(self._stem.name + ("" if number is None else f"-{number:05d}") + ".jsonl")


def of_words(document: Sequence[Sequence[str]]) -> Cut:
    """A document as a line, from its words."""
    return of_lines([" ".join(sentence) for sentence in document], sum(map(len, document)))


def of_lines(lines: Sequence[str], words: int) -> Cut:
    """A document as a line, from its sentences as lines of words, and their number of words."""
    text = "".join(f"{line}\n" for line in lines)
    line = json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"
    borders = words + lines.count("")  # a space between two words, a newline after the last
    return Cut(line, len(lines), words, len(text.encode()) - borders)


def parts(folder: Path) -> list[Path]:
    """The parts of a folder of words, in order. BadInput if there is none."""
    found = sorted(folder.glob("part-*.jsonl"))
    if not found:
        raise BadInput(f"{folder}: no part-*.jsonl: this is not word-cut text, make it with the segment step")
    return found


def cut(words: Sequence[StoredFile], least: int, most: int) -> list[pieces.Piece]:
    """The word-cut parts among some files, divided into pieces. BadInput if there is none."""
    found = pieces.cut(words, divisible=lambda _: True, wanted=is_part, least=least, most=most)
    if not found:
        raise BadInput("no part-*.jsonl: this is not word-cut text, make it with the segment step")
    return found


def is_part(file: StoredFile) -> bool:
    """Whether a file is a word-cut part, by its name."""
    return bool(_PART.fullmatch(file.name))


def blocks(part: StoredFile, span: Span, size: int) -> Iterator[tuple[int, bytes]]:
    """The lines that begin in a span, about `size` bytes at a time, with their offset in the part.

    BadInput where one is longer than `LONGEST`.
    """
    at, end = (pieces.line_behind(part, place) for place in (span.begin, span.end))
    if at == end:
        return
    held = b""
    with part.open(at) as stream:
        while at < end:
            read = _read(stream, min(size, end - at))
            if not read:
                raise BadInput(f"{part.name}: became shorter while it was read: make the words again")
            at += len(read)
            whole = len(read) if at == end else read.rfind(b"\n") + 1
            if whole:
                yield at - len(read) - len(held), b"".join((held, memoryview(read)[:whole]))
                held = read[whole:]
            else:
                held += read
            if len(held) > LONGEST:
                raise BadInput(
                    f"{part.name}: a document behind byte {at - len(held)} is longer than {LONGEST >> 20} MiB: put "
                    f"empty lines between the documents of the text, and make the words again"
                )


def _read(stream: BinaryIO, size: int) -> bytes:
    """So many bytes, from a stream that may give fewer at a time; fewer at its end."""
    read = stream.read(size)
    if 0 < len(read) < size:
        more = [read]
        while (left := size - sum(map(len, more))) and (read := stream.read(left)):
            more.append(read)
        return b"".join(more)
    return read


def read(part: Path) -> Iterator[tuple[int, Document]]:
    """Every document of a part, and where in the file it ends, in bytes."""
    end = 0
    with part.open("rb") as file:
        for number, line in enumerate(file, 1):
            end += len(line)
            yield end, sentences(line, f"{part}:{number}")


def sentences(line: bytes, place: str) -> Document:
    """The document that a line holds. BadInput, with the place, if it holds none."""
    return [split(sentence) for sentence in text(line, place).split("\n") if sentence]


def text(line: bytes, place: str) -> str:
    """The word-cut text that a line holds."""
    try:
        found = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str):
        raise BadInput(f'{place}: not a JSON object with a string "text": make the words again')
    return found


def whole(sentence: str) -> str:
    """The text of a sentence of words: what `split` gives, joined."""
    if "\0" in sentence:
        return "".join(split(sentence))
    # of an odd number of spaces one stands between words, and every two of the others for one of the text
    return sentence.replace("  ", "\0").replace(" ", "").replace("\0", " ")


def split(sentence: str) -> list[str]:
    """The words of a sentence: of two empty words the second is a space of the text."""
    found: list[str] = []
    empty = False
    for word in sentence.split(" "):
        if word:
            found.append(word)
            empty = False
        elif empty:
            found.append(" ")
            empty = False
        else:
            empty = True
    return found
