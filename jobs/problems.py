"""What is wrong with a file that a person wrote: every problem at once, each with its place and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from components.values import shorten
from ernie_core.errors import Error

MOST_PATH, MOST_TEXT = 200, 1000
"""Characters of a message: who pastes a page into a key still gets one line."""
MOST_LISTED = 16
"""Of names to choose from."""


@dataclass(frozen=True, order=True)
class Problem:
    """`file:line: path: what, and the remedy`, on one line; line 0 where the file has none."""

    file: str
    line: int
    path: str
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", shorten(self.path, MOST_PATH))
        object.__setattr__(self, "text", shorten(self.text, MOST_TEXT))

    def __str__(self) -> str:
        file = shorten(self.file, MOST_TEXT)
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
    return f"`{shorten(word)}` {what}, {_choice(word, known)}"


def unknown_key(word: str, known: Iterable[str]) -> str:
    """The text for a key that is not among the known ones."""
    return f"unknown key, {_choice(word, known)}"


def listed(names: Iterable[str]) -> str:
    """Names with commas between; of many the first, and how many more there are."""
    names = [shorten(name, 40) for name in names]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more


def _choice(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    near = get_close_matches(word[:100], known, n=1, cutoff=0.6)
    return f"did you mean `{shorten(near[0])}`?" if near else f"choose from: {listed(known)}"
