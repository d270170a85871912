"""What is wrong with a file that a person wrote: every problem at once, each with its place and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from ernie_core.errors import Error


@dataclass(frozen=True, order=True)
class Problem:
    """`file:line: path: what, and the remedy`; line 0 where the file has none."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(filter(None, (place, self.path, self.text)))


class SpecError(Error):
    """A spec (or site file) that cannot be used."""

    code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.file, p.line, p.path, p.text))
        super().__init__("\n".join(map(str, self.problems)))


def unknown(word: str, known: Iterable[str], what: str) -> str:
    """The text for a word that is not among the known ones."""
    known = sorted(known)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return (
        f"`{word}` {what}, did you mean `{near[0]}`?" if near else f"`{word}` {what}, choose from: {', '.join(known)}"
    )


def unknown_key(word: str, known: Iterable[str]) -> str:
    """The text for a key that is not among the known ones."""
    known = sorted(known)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"unknown key, did you mean `{near[0]}`?" if near else f"unknown key, choose from: {', '.join(known)}"
