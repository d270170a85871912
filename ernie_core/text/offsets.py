"""Where in a text its words and its tokens are, for many texts at once."""

import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ernie_core.text import normalise
from ernie_core.text.wordpiece import cutting

Span = tuple[int, int]
"""First character, and the one behind the last."""
_BETWEEN = "\n"
"""Between two texts: white space, which no token crosses."""


@dataclass(frozen=True)
class TracedTokens:
    """The tokens of a text. `text[starts[i]:ends[i]]` is what token i stands for, as it is written there.

    Accents belong to the letter before them, and characters that are dropped within a token to the token. Characters
    between two tokens are white space, or are dropped.
    """

    ids: np.ndarray
    """int64 [tokens]."""
    starts: np.ndarray
    """int64 [tokens]."""
    ends: np.ndarray
    """int64 [tokens], exclusive."""


class OffsetTable:
    """Pieces of text seen so far, with their tokens and where these are in the piece; cleared if there are too many."""

    limit = 1 << 18

    def __init__(self, vocab: Sequence[str], ids: Mapping[str, int], unk_id: int) -> None:
        self._vocab, self._ids, self._unk = vocab, ids, unk_id
        self._known = _Numbers()
        self._tokens = _Tokens.of([])

    def trace(self, texts: Sequence[str]) -> list[TracedTokens]:
        """The tokens of every text: the same ids as `Tokenizer.encode`."""
        if not texts:
            return []
        # All texts are one: the arrays are then long, and the loops over them run in C.
        joined = _BETWEEN.join(texts)
        becomes = joined.translate(normalise.TABLE)
        pieces = becomes.split()
        numbers = self._numbers(pieces)
        counts = self._tokens.counts[numbers]
        # Token k of all is token k - (tokens before its piece) of its piece.
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        tokens = np.repeat(self._tokens.begins[numbers], counts) + inside
        piece, origins = np.repeat(_begins(becomes, pieces), counts), _origins(joined)
        starts, ends = origins[piece + self._tokens.first[tokens]], origins[piece + self._tokens.last[tokens]] + 1
        lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + len(_BETWEEN)
        places = np.cumsum(lengths) - lengths
        cuts = np.append(np.searchsorted(starts, places), len(starts))
        ids = self._tokens.ids[tokens]
        return [
            TracedTokens(ids[a:b], starts[a:b] - place, ends[a:b] - place)
            for a, b, place in zip(cuts[:-1], cuts[1:], places, strict=True)
        ]

    def _numbers(self, pieces: Sequence[str]) -> np.ndarray:
        """The number of every piece; `_tokens` then has the tokens of all of them."""
        if len(self._known) > self.limit:
            self._known, self._tokens = _Numbers(), _Tokens.of([])
        numbers = np.fromiter(map(self._known.__getitem__, pieces), np.int64, len(pieces))
        if len(self._known) > (known := len(self._tokens.counts)):
            self._tokens = self._tokens.joined([self._cut(piece) for piece in list(self._known)[known:]])
        return numbers

    def _cut(self, piece: str) -> "_Piece":
        """Ids of the tokens of a piece, with the first and the last character of it that each stands for."""
        ids, first, last = [], [], []
        for part in parts(piece):
            letters = "".join(letter for letter, _, _ in part)
            cut = cutting.cut(letters, self._ids)
            lengths = [len(letters)] if cut is None else [len(self._vocab[number]) for number in cut]
            at = 0
            for place, number in enumerate([self._unk] if cut is None else cut):
                size = lengths[place] - (2 if place else 0)  # `##` stands for no character
                span = part[at : at + size]
                ids.append(number)
                first.append(min(start for _, start, _ in span))
                last.append(max(end for _, _, end in span))
                at += size
        return ids, first, last


def words(text: str) -> list[Span]:
    """Where the words of a text are: ideographs, punctuation marks, and runs of other characters between them and white
    space, which are what the tokenizer makes tokens of."""
    becomes = text.translate(normalise.TABLE)
    pieces, origins = becomes.split(), _origins(text).tolist()
    found = []
    for begin, piece in zip(_begins(becomes, pieces).tolist(), pieces, strict=True):
        for part in parts(piece):
            first, last = min(start for _, start, _ in part), max(end for _, _, end in part)
            found.append((origins[begin + first], origins[begin + last] + 1))
    return found


def parts(piece: str) -> list[list[tuple[str, int, int]]]:
    """`normalise.parts` with the first and the last character of the piece that every letter was made from."""
    letters = [(c, at) for at, char in enumerate(piece) for c in unicodedata.normalize("NFD", char.lower())]
    found: list[list[tuple[str, int, int]]] = [[]]
    for letter, at in _reordered(letters):
        if unicodedata.category(letter) == "Mn":
            if found[-1]:
                previous, first, last = found[-1][-1]
                found[-1][-1] = previous, first, max(last, at)
        elif normalise.stands_alone(letter):
            found += [[(letter, at, at)], []]
        elif letter.isspace():
            found.append([])
        else:
            found[-1].append((letter, at, at))
    return [part for part in found if part]


def _reordered(letters: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Decomposed letters in canonical order: marks behind a letter are sorted by their class."""
    found: list[tuple[str, int]] = []
    marks: list[tuple[str, int]] = []
    for letter in letters:
        if unicodedata.combining(letter[0]):
            marks.append(letter)
            continue
        found += [*sorted(marks, key=lambda mark: unicodedata.combining(mark[0])), letter]
        marks = []
    return found + sorted(marks, key=lambda mark: unicodedata.combining(mark[0]))


class _Numbers(dict[str, int]):
    """Piece -> its number, in the order in which they were asked for."""

    def __missing__(self, piece: str) -> int:
        value = self[piece] = len(self)
        return value


@dataclass(frozen=True)
class _Tokens:
    """The tokens of pieces, one piece after the other."""

    counts: np.ndarray
    """Number of tokens of every piece."""
    begins: np.ndarray
    """The first token of every piece."""
    ids: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, pieces: "Sequence[_Piece]") -> "_Tokens":
        counts = np.fromiter((len(ids) for ids, _, _ in pieces), np.int64, len(pieces))
        columns = (np.fromiter(chain.from_iterable(piece[k] for piece in pieces), np.int64) for k in range(3))
        return cls(counts, np.cumsum(counts) - counts, *columns)

    def joined(self, pieces: "Sequence[_Piece]") -> "_Tokens":
        """These and more pieces behind them."""
        more = _Tokens.of(pieces)
        counts = np.append(self.counts, more.counts)
        columns = (np.append(getattr(self, name), getattr(more, name)) for name in ("ids", "first", "last"))
        return _Tokens(counts, np.cumsum(counts) - counts, *columns)


_Piece = tuple[list[int], list[int], list[int]]


class _Properties:
    """A small number for every code point, computed on first use."""

    def __init__(self, of: Callable[[int], int]) -> None:
        self._of, self._known = of, np.full(sys.maxunicode + 1, -1, np.int8)

    def __call__(self, text: str) -> np.ndarray:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        found = self._known[codes]
        if (found < 0).any():
            for code in np.unique(codes[found < 0]):
                self._known[code] = self._of(int(code))
            found = self._known[codes]
        return found


_width = _Properties(lambda code: len(normalise.TABLE[code]))
_is_space = _Properties(lambda code: int(chr(code).isspace()))


def _origins(text: str) -> np.ndarray:
    """For every character that a text becomes, the one that it was."""
    return np.repeat(np.arange(len(text)), _width(text))


def _begins(text: str, pieces: Sequence[str]) -> np.ndarray:
    """The place of every piece in the text that `str.split` split into them."""
    is_space = _is_space(text).astype(bool)
    before = np.ones(len(text), bool)
    before[1:] = is_space[:-1]
    begins = np.flatnonzero(~is_space & before)
    assert len(begins) == len(pieces)
    return begins
