"""Custom words, in the format and with the meaning of LAC's `load_customization`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput
from ernie_core.text.jieba import custom


@dataclass(frozen=True)
class Phrase:
    """Consecutive words: the tag of each (empty: as predicted), and the end of each."""

    tags: tuple[str, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True)
class CustomWords:
    """The custom words of a user's file."""

    phrases: dict[str, Phrase]
    beginnings: frozenset[str]
    """Every prefix of a phrase, including the phrase itself."""
    first: re.Pattern[str]

    def find(self, text: str) -> Iterator[tuple[int, Phrase]]:
        """Places of phrases from left to right; each ends after those before it."""
        reached = 0
        for match in self.first.finditer(text):
            start = match.start()
            for end in range(start + 1, len(text) + 1):
                part = text[start:end]
                if part not in self.beginnings:
                    break
                if end > reached and part in self.phrases:
                    reached = end
                    yield start, self.phrases[part]

    def correct(self, text: str, tags: list[str]) -> None:
        """Change the tags of the characters of `text`, in place: the words of a phrase override the prediction."""
        for start, phrase in self.find(text):
            at = start
            for tag, end in zip(phrase.tags, phrase.ends, strict=True):
                for n in range(at, start + end):
                    tags[n] = f"{tag}-I" if tag else tags[n][:-1] + "I"
                at = start + end
            for n in (start, *(start + end for end in phrase.ends)):
                if n < len(tags):
                    tags[n] = tags[n][:-1] + "B"


def read(folder: Path) -> CustomWords:
    """The words of all text files of a folder. BadInput, with the place, for a faulty line.

    A line is a word, as `word` or `word/tag`, or several consecutive ones separated by spaces.
    """
    lines = []
    for place, line in custom.lines_of(folder):
        if custom.COUNTED.fullmatch(line):
            raise BadInput(
                f"{place}: `{line}` has a count, as in lists for jieba, which LAC would take as part of the "
                f"word: write the word alone, or `word/tag`"
            )
        lines.append(line)
    words = parse(lines)
    if not words.phrases:
        raise BadInput(f"{folder}: no word in the list of words: write one per line, or leave the list out")
    return words


def parse(lines: Iterable[str]) -> CustomWords:
    """The custom words in lines; of two lines with the same phrase the later one counts."""
    phrases = dict(filter(None, map(_phrase, lines)))
    beginnings = frozenset(phrase[:n] for phrase in phrases for n in range(1, len(phrase) + 1))
    letters = "".join(sorted({phrase[0] for phrase in phrases}))
    return CustomWords(phrases, beginnings, re.compile(f"[{re.escape(letters)}]" if letters else r"(?!)"))


def _phrase(line: str) -> tuple[str, Phrase] | None:
    pairs = [_pair(item) for item in line.split()]
    text = "".join(word for word, _ in pairs)
    # A single character without a tag changes nothing.
    if len(text) < 2 and not (pairs and pairs[0][1]):
        return None
    ends, at = [], 0
    for word, _ in pairs:
        at += len(word)
        ends.append(at)
    return text, Phrase(tuple(tag for _, tag in pairs), tuple(ends))


def _pair(item: str) -> tuple[str, str]:
    slash = item.rfind("/")
    return (item, "") if slash < 1 else (item[:slash], item[slash + 1 :])
