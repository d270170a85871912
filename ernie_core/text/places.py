"""Where in a text its tokens are: the ids of `Tokenizer.encode`, with the characters of each."""

import unicodedata
from collections.abc import Iterator

from ernie_core.text import normalise, wordpiece
from ernie_core.text.tokenizer import Tokenizer

Span = tuple[int, int]
"""First character, and the one behind the last."""
Normal = list[tuple[str, int]]
"""Characters of a normalised text, each with the number of the character that it was made from."""


def tokens(text: str, tokenizer: Tokenizer) -> tuple[list[int], list[Span]]:
    """The ids of a text without special tokens, and the characters of the text that each of them stands for.

    An unknown part is one token for all of its characters. Characters that normalisation drops between two tokens
    belong to none.
    """
    ids: list[int] = []
    places: list[Span] = []
    for piece in _pieces(text):
        mine = tokenizer.pieces["".join(char for char, _ in piece)]
        whole = (piece[0][1], piece[-1][1] + 1)
        found = [whole] if len(mine) == 1 else _places(piece, tokenizer)
        ids += mine
        # Marks of several kinds on one letter may be reordered when a piece is normalised as a whole; such a piece is
        # not divided.
        places += found if len(found) == len(mine) else [whole] * len(mine)
    return ids, places


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


def _places(piece: Normal, tokenizer: Tokenizer) -> list[Span]:
    places: list[Span] = []
    for part in _parts(piece):
        found = wordpiece.cut("".join(char for char, _ in part), tokenizer.ids)
        lengths = [len(part)] if found is None else [len(tokenizer.vocab[number]) for number in found]
        start = 0
        for place, length in enumerate(lengths):
            end = start + length - (2 if place else 0)  # for `##`
            places.append((part[start][1], part[end - 1][1] + 1))
            start = end
    return places
