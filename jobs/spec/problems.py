"""What is wrong with a file that a person wrote: every problem at once, each with its place and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from ernie_core.errors import Error
from ernie_core.wording import brief, choice, shorten

MOST_PATH, MOST_TEXT = 200, 1000
"""Characters of a message: who pastes a page into a key still gets one line."""


@dataclass(frozen=True)
class Problem:
    """`file:line: path: what, and the remedy`, on one line; line 0 where the file has none."""

    file: str
    line: int
    path: str
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", shorten(self.path, MOST_PATH))
        object.__setattr__(self, "text", brief(self.text, MOST_TEXT))

    def __str__(self) -> str:
        file = brief(shorten(self.file, MOST_TEXT))
        place = f"{file}:{self.line}" if self.line else file
        return ": ".join(filter(None, (place, self.path, self.text)))


class SpecError(Error):
    """A spec (or site file) that cannot be used."""

    code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.file, p.line, p.path, p.text))
        super().__init__("\n".join(map(str, self.problems)))


def unknown(word: str, known: Iterable[str], what: str) -> str:
    """The text for a word that is not among the known ones."""
    return f"`{shorten(word)}` {what}, {choice(word, known)}"


def unknown_key(word: str, known: Iterable[str]) -> str:
    """The text for a key that is not among the known ones."""
    return f"unknown key, {choice(word, known)}"
