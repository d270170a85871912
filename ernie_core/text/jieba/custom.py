"""Custom words of a segmenter: a list with a word per line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput
from ernie_core.store.files import below
from ernie_core.text import lines
from ernie_core.text.corpus import formats

_LINE = re.compile(r"(\S+)(?:[ \t]+([1-9][0-9]{0,14}))?(?:[ \t]+[A-Za-z]+)?")
COUNTED = re.compile(r"\S+[ \t]+([-+]?[0-9][0-9.,eE+-]*)([ \t]+[A-Za-z]+)?")
"""A word and a number, valid as its count or not."""


@dataclass(frozen=True)
class Word:
    """A word, its count (None: large enough for the word not to be split), and its place in the list."""

    text: str
    count: int | None = None
    place: str = ""


def read(folder: Path) -> tuple[Word, ...]:
    """The words of all text files of a folder: `word`, `word count` or `word count tag` a line, as jieba's own lists.

    Tags are not used. For a repeated word the later line counts. BadInput, with the place, for a faulty line.
    """
    found: dict[str, Word] = {}
    for place, line in lines_of(folder):
        if line:
            word = _word(line, place)
            found[word.text] = word
    if not found:
        raise BadInput(f"{folder}: no word in the list of words: write one per line, or leave the list out")
    return tuple(found.values())


def lines_of(folder: Path) -> Iterator[tuple[str, str]]:
    """The lines of all text files of a folder with their places, stripped. BadInput for one that is not UTF-8."""
    for source in formats.find(below(folder)):
        with formats.opened(source) as opened:
            for number, line in enumerate(lines.split(lines.text_of(opened.file.read(), source.name)), 1):
                yield f"{source.name}:{number}", line.removeprefix("\ufeff").strip()


def _word(line: str, place: str) -> Word:
    fields = _LINE.fullmatch(line)
    if not fields and (counted := COUNTED.fullmatch(line)):
        raise BadInput(
            f"{place}: `{line}` is not a word with a count: {counted[1]} must be a whole number from 1 on, of "
            f"at most 15 digits, how often the word occurs: correct it, or leave it out"
        )
    if "\0" in line:
        raise BadInput(f"{place}: `{line}` contains a NUL, which cannot be part of a word: remove it")
    if not fields:
        raise BadInput(f"{place}: `{line}` is not `word`, `word count` or `word count tag`: a word has no space")
    return Word(fields[1], int(fields[2]) if fields[2] else None, place)
