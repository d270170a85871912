"""Words that a segmenter is told to know: a list kept by people, a word a line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput
from ernie_core.store.files import below
from ernie_core.text import formats

_LINE = re.compile(r"(\S+)(?:[ \t]+([1-9][0-9]{0,14}))?(?:[ \t]+[A-Za-z]+)?")


@dataclass(frozen=True)
class Word:
    """A word, how often it is said to occur (None: often enough not to be cut), and where it stands."""

    text: str
    count: int | None = None
    place: str = ""


def read(folder: Path) -> tuple[Word, ...]:
    """The words of all text files of a folder: `word`, `word count` or `word count tag` a line, as jieba's own lists.

    Tags are not used. Of a word that stands there twice the later line counts. BadInput with the place of a fault.
    """
    found: dict[str, Word] = {}
    for place, line in lines(folder):
        if line:
            word = _word(line, place)
            found[word.text] = word
    if not found:
        raise BadInput(f"{folder}: no word in the list of words: write one a line, or leave the list out")
    return tuple(found.values())


def lines(folder: Path) -> Iterator[tuple[str, str]]:
    """The lines of all text files of a folder with their places, stripped. BadInput for one that is not UTF-8."""
    for source in formats.find(below(folder)):
        with formats.opened(source) as opened:
            for number, raw in enumerate(opened.file, 1):
                place = f"{source.name}:{number}"
                try:
                    yield place, raw.decode("utf-8-sig").strip()
                except UnicodeDecodeError:
                    raise BadInput(f"{place}: not UTF-8: save the list of words as UTF-8") from None


def _word(line: str, place: str) -> Word:
    fields = _LINE.fullmatch(line)
    if not fields:
        raise BadInput(f"{place}: `{line}` is not `word`, `word count` or `word count tag`: a word has no space within")
    return Word(fields[1], int(fields[2]) if fields[2] else None, place)
