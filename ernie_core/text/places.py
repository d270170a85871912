"""Where in a text its words are."""

import unicodedata
from collections.abc import Iterator

from ernie_core.text import normalise

Span = tuple[int, int]
"""First character, and the one behind the last."""
Normal = list[tuple[str, int]]
"""Characters of a normalised text, each with the number of the character that it was made from."""


def words(text: str) -> list[Span]:
    """The words of a text: ideographs, punctuation marks, and runs of other characters between them and white space."""
    return [(part[0][1], part[-1][1] + 1) for piece in _pieces(text) for part in _parts(piece)]


def _pieces(text: str) -> Iterator[Normal]:
    """The pieces of `normalise.pieces`."""
    piece: Normal = []
    for number, char in enumerate(text):
        for new in normalise.TABLE[ord(char)]:
            if not new.isspace():
                piece.append((new, number))
            elif piece:
                yield piece
                piece = []
    if piece:
        yield piece


def _parts(piece: Normal) -> Iterator[Normal]:
    """The parts of `normalise.parts`."""
    part: Normal = []
    for char, number in piece:
        for new in unicodedata.normalize("NFD", char.lower()):
            if unicodedata.category(new) == "Mn":
                continue
            if normalise.stands_alone(new) and part:
                yield part
                part = []
            part.append((new, number))
            if normalise.stands_alone(new):
                yield part
                part = []
    if part:
        yield part
