"""Word-cut text: JSON lines of documents, a sentence a line, words joined by one space. A space of the text is itself
a word, so that it stands as three."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ernie_core.errors import BadInput

Document = list[list[str]]
"""Sentences of words."""
_BUFFER = 1 << 20


class Cut(NamedTuple):
    """A document as a line of a part, and what is in it; `size` is in bytes of uncut text."""

    line: bytes
    sentences: int
    words: int
    size: int
    long_sentences: int = 0


class Writer:
    """Writes documents to `part-00000.jsonl` and so on; a part ends after `part_size` bytes of uncut text."""

    def __init__(self, folder: Path, part_size: int) -> None:
        self._folder, self._part_size = folder, part_size
        self._file: BinaryIO | None = None
        self._parts = self._size = 0

    def write(self, document: Sequence[Sequence[str]]) -> None:
        """Append a document, given as its words."""
        self.add(of_words(document))

    def add(self, document: Cut) -> None:
        """Append a document."""
        if self._file is None:
            self._file = (self._folder / f"part-{self._parts:05d}.jsonl").open("wb", buffering=_BUFFER)
            self._parts += 1
            self._size = 0
        self._file.write(document.line)
        self._size += document.size
        if self._size >= self._part_size:
            self.close()

    def close(self) -> None:
        """End the part."""
        if self._file is not None:
            self._file.close()
            self._file = None


def of_words(document: Sequence[Sequence[str]]) -> Cut:
    """A document as a line, from its words."""
    text = "".join(" ".join(sentence) + "\n" for sentence in document)
    line = json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"
    size = sum(len(word.encode()) for sentence in document for word in sentence)
    return Cut(line, len(document), sum(map(len, document)), size)


def parts(folder: Path) -> list[Path]:
    """The parts of a folder of words, in order. BadInput if there is none."""
    found = sorted(folder.glob("part-*.jsonl"))
    if not found:
        raise BadInput(f"{folder}: no part-*.jsonl: this is not word-cut text, make it with the segment step")
    return found


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
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise BadInput(f'{place}: not a JSON object with a string "text": make the words again')
    return found


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
