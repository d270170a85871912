"""SentencePiece's way from a text to pieces, in plain Python: what the kernel is compared with, and its stand-in.

Normalisation and the search for the most probable pieces are those of google/sentencepiece 0.2: `Normalizer::Normalize`
and `unigram::Model::EncodeOptimized`, whose sums are float32 numbers, so that equal and nearly equal paths are decided
alike.
"""

import struct
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from ernie_core.text.sentencepiece import rules
from ernie_core.text.sentencepiece.model import NORMAL, UNUSED, USER_DEFINED, Model

_FLOAT = struct.Struct("<f")
_SPACE = rules.SPACE.encode()
_UNKNOWN_PENALTY = 10.0
_REPLACEMENT = "\ufffd".encode()


class Token(NamedTuple):
    """A token, and the bytes of the text that it stands for."""

    id: int
    begin: int
    end: int
    begins_word: bool
    """Whether it is the first of a text, or behind a space."""


class Reference:
    """Cuts texts into the tokens of a vocabulary."""

    def __init__(self, model: Model, ids: dict[str, int], unknown: int) -> None:
        self._model, self._ids, self._unk = model, ids, unknown
        known = (NORMAL, USER_DEFINED, UNUSED)
        self._pieces = {p.encode(): n for n, p in enumerate(model.pieces) if model.types[n] in known}
        self._longest = max(map(len, self._pieces), default=0)
        self._own = sorted((p for p, n in self._pieces.items() if model.types[n] == USER_DEFINED), key=len)[::-1]
        normal = [score for score, kind in zip(model.scores, model.types, strict=True) if kind == NORMAL]
        self._unknown_score = _single(min(normal, default=_LARGEST) - _UNKNOWN_PENALTY)
        self._most = max(normal, default=_LEAST)
        size = int.from_bytes(model.charsmap[:4], "little")
        self._units = array("I", model.charsmap[4 : 4 + size])
        self._strings = model.charsmap[4 + size :]

    def encode(self, texts: Sequence[bytes]) -> list[list[Token]]:
        """The tokens of every text."""
        return [self._tokens(text) for text in texts]

    def normalised(self, text: bytes) -> tuple[bytes, list[tuple[int, int]]]:
        """A text as the pieces spell it, and for each byte of that, from which bytes of the text it comes."""
        squeeze, found, places = self._model.squeeze, bytearray(), list[tuple[int, int]]()
        at = 0
        if squeeze:
            while at < len(text) and (prefix := self._prefix(text, at))[0] == b" ":
                at += prefix[1]
        if at == len(text):
            return b"", []
        if self._model.dummy_prefix:
            found += _SPACE
            places += [(at, at)] * len(_SPACE)
        behind_space = squeeze
        while at < len(text):
            become, size = self._prefix(text, at)
            if behind_space:
                become = become.lstrip(b" ")
            if become:
                escaped = become.replace(b" ", _SPACE)
                found += escaped
                places += [(at, at + size)] * len(escaped)
                behind_space = become.endswith(b" ")
            at += size
            behind_space &= squeeze
        while squeeze and found.endswith(_SPACE):
            del found[-len(_SPACE) :], places[-len(_SPACE) :]
        return bytes(found), places

    def pieces(self, text: bytes) -> list[tuple[int, int, int]]:
        """The pieces of a normalised text: number of each, first byte and the byte behind the last.

        Unknown characters in a row are one piece.
        """
        found: list[tuple[int, int, int]] = []
        for number, begin, end in self._best(text):
            if found and number == self._model.unknown == found[-1][0]:
                found[-1] = number, found[-1][1], end
            else:
                found.append((number, begin, end))
        return found

    def _tokens(self, raw: bytes) -> list[Token]:
        text, places = self.normalised(raw)
        found = []
        for _, begin, end in self.pieces(text):
            piece = text[begin:end].decode(errors="surrogateescape")
            for first, last in rules.parts(piece):
                a, b = (begin + len(piece[:at].encode(errors="surrogateescape")) for at in (first, last))
                token = piece[first:last]
                if token[0] == rules.SPACE and len(token) > 1:
                    a += len(_SPACE)  # the space is not part of the word
                number, begins = self._ids.get(token, self._unk), not a or text[max(a - 3, 0) : a] == _SPACE
                found.append(Token(number, places[a][0], places[b - 1][1], begins))
        return found

    def _prefix(self, text: bytes, at: int) -> tuple[bytes, int]:
        """What the beginning of a text becomes, and its size: the longest rule, or one character."""
        for own in self._own:
            if text.startswith(own, at):
                return own, len(own)
        value = size = 0
        if self._units:
            node = _offset(self._units[0])
            for n in range(at, len(text)):
                node ^= text[n]
                if node >= len(self._units) or self._units[node] & 0x800000FF != text[n]:
                    break
                unit = self._units[node]
                node ^= _offset(unit)
                if unit >> 8 & 1 and node < len(self._units):
                    value, size = self._units[node] & 0x7FFFFFFF, n + 1 - at
        if size:
            return self._strings[value : max(self._strings.find(b"\0", value), 0)], size
        size = _width(text, at)
        return (text[at : at + size], size) if size else (_REPLACEMENT, 1)

    def _best(self, text: bytes) -> list[tuple[int, int, int]]:
        """The pieces of the most probable path; of equal ones, the first that is found."""
        scores, types = self._model.scores, self._model.types
        best: list[tuple[float, int, int] | None] = [(0.0, -1, -1)] + [None] * len(text)  # score, begin, piece
        begin = 0
        while begin < len(text):
            here, width = best[begin], min(_lead(text[begin]), len(text) - begin)
            assert here is not None
            single = False
            for end in range(begin + 1, min(len(text), begin + self._longest) + 1):
                number = self._pieces.get(text[begin:end])
                if number is None or types[number] == UNUSED:
                    continue
                own = types[number] == USER_DEFINED
                score = _single((end - begin) * self._most) - 0.1 if own else scores[number]
                _keep(best, end, score + here[0], begin, number)
                single |= end - begin == width
            if not single:
                _keep(best, begin + width, _single(self._unknown_score + here[0]), begin, self._model.unknown)
            begin += width
        found, end = [], len(text)
        while end > 0:
            node = best[end]
            assert node is not None
            found.append((node[2], node[1], end))
            end = node[1]
        return found[::-1]


def _keep(best: "list[tuple[float, int, int] | None]", at: int, score: float, begin: int, number: int) -> None:
    node = best[at]
    if node is None or score > node[0]:
        best[at] = _single(score), begin, number


def _single(value: float) -> float:
    """The float32 that is next to a number."""
    found: float = _FLOAT.unpack(_FLOAT.pack(value))[0]
    return found


_LARGEST, _LEAST = _FLOAT.unpack(b"\xff\xff\x7f\x7f")[0], _FLOAT.unpack(b"\0\0\x80\0")[0]


def _offset(unit: int) -> int:
    """Where the children of a node of the double array are; the form is that of Darts-clone."""
    return unit >> 10 << ((unit & 1 << 9) >> 6)


def _lead(byte: int) -> int:
    """Number of bytes of a character by its first."""
    return (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4)[byte >> 4]


def _width(text: bytes, at: int) -> int:
    """Number of bytes of the character there, 0 if it is not UTF-8."""
    size = _lead(text[at])
    try:
        return size if len(text[at : at + size].decode()) == 1 else 0
    except UnicodeDecodeError:
        return 0
