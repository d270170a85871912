"""Reading SentencePiece's `.model`, a protocol buffer, with every length checked; only unigram models are read.

The form is that of `sentencepiece_model.proto` of google/sentencepiece.
"""

import math
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.protobuf import Damaged, Span, spans

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
LARGEST = 64 << 20
"""Most bytes of a file: the largest published ones have 5 MB."""
LONGEST = 256
"""Most characters of a piece; training makes none with more than 16 unless it is told to."""
_PIECE, _TRAINER, _NORMALIZER = 1, 2, 3
_TYPES = {1: "unigram", 2: "BPE", 3: "word", 4: "char"}


@dataclass(frozen=True)
class Model:
    """The pieces of a model, and how text is normalised before it is cut into them."""

    pieces: tuple[str, ...]
    scores: "array[float]"
    """Logarithm of the probability of every piece, float32."""
    types: bytes
    charsmap: bytes
    """Rules of normalisation: bytes of a double array as uint32, the double array, and strings that end in 0."""
    unknown: int
    """The piece that stands for unknown characters."""
    dummy_prefix: bool = True
    """Whether a text gets a space before it."""
    squeeze: bool = True
    """Whether several spaces become one, and those around a text none."""


def read(path: Path) -> Model:
    """The model in a file. NotFound without one; BadInput for a damaged one, and one of a kind that is not read."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file: it is a SentencePiece model")
    if (size := path.stat().st_size) > LARGEST:
        raise BadInput(f"{path}: {size} bytes are no SentencePiece model, those have at most {LARGEST}")
    return parse(path.read_bytes(), str(path))


def parse(raw: bytes, place: str) -> Model:
    """The model in these bytes, from `place`. BadInput as `read`."""
    at, pieces, scores, types = _plain(raw)
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    try:
        for number, value in spans(raw, at, len(raw)):
            if number == _PIECE:
                piece, score, kind = _piece(raw, value)
                pieces.append(piece)
                scores.append(score)
                types.append(kind)
            elif number in (_TRAINER, _NORMALIZER):
                begin, end = _span(value)
                into = trainer if number == _TRAINER else normalizer
                into.update((n, raw[slice(*v)] if isinstance(v, tuple) else v) for n, v in spans(raw, begin, end))
    except Damaged as e:
        raise BadInput(f"{place}: not a SentencePiece model ({e}): bring the file again") from None
    if problem := _problem(pieces, scores, types) or _refused(trainer, normalizer):
        raise BadInput(f"{place}: {problem}")
    charsmap = normalizer.get(2, b"")
    assert isinstance(charsmap, bytes)
    if problem := _charsmap_problem(charsmap):
        raise BadInput(f"{place}: its rules of normalisation are damaged ({problem}): bring the file again")
    flags = (bool(normalizer.get(number, 1)) for number in (3, 4))
    return Model(tuple(pieces), scores, bytes(types), charsmap, types.index(UNKNOWN), *flags)


def _plain(raw: bytes) -> "tuple[int, list[str], array[float], bytearray]":
    """The pieces from the beginning on, as long as they are written as usual: text, score, and type if it is not
    `NORMAL`, all lengths below 128; and where that ends. It takes a fifth of the time of `_piece`."""
    at, most = 0, len(raw) - 4
    texts, scores, types = list[bytes](), list[bytes](), bytearray()
    while at < most and raw[at] == raw[at + 2] == 0x0A:
        size, length = raw[at + 1], raw[at + 3]
        score, end = at + 4 + length, at + 2 + size
        if size > 127 or end > len(raw) or size - length not in (7, 9) or raw[score] != 0x15:
            break
        kind = NORMAL
        if size - length == 9:
            if raw[end - 2] != 0x18 or not NORMAL <= raw[end - 1] <= BYTE:
                break
            kind = raw[end - 1]
        texts.append(raw[at + 4 : score])
        scores.append(raw[score + 1 : score + 5])
        types.append(kind)
        at = end
    numbers = array("f", b"".join(scores))
    if sys.byteorder == "big":
        numbers.byteswap()
    try:
        return at, [text.decode() for text in texts], numbers, types
    except UnicodeDecodeError:
        return 0, [], array("f"), bytearray()  # `_piece` tells which one


def _piece(raw: bytes, value: int | Span) -> tuple[str, float, int]:
    begin, end = _span(value)
    text, score, kind = b"", 0.0, NORMAL
    for number, held in spans(raw, begin, end):
        if number == 1:
            text = raw[slice(*_span(held))]
        elif number == 2:
            score = _float(raw, held)
        elif number == 3 and isinstance(held, int):
            kind = held
    if not NORMAL <= kind <= BYTE:
        raise Damaged(f"piece at byte {begin} is of type {kind}")
    try:
        return text.decode(), score, kind
    except UnicodeDecodeError:
        raise Damaged(f"piece at byte {begin} is not UTF-8") from None


def _span(value: int | Span) -> Span:
    if not isinstance(value, tuple):
        raise Damaged("an integer where bytes are expected")
    return value


def _float(raw: bytes, value: int | Span) -> float:
    begin, end = _span(value)
    if end - begin != 4:
        raise Damaged(f"no float at byte {begin}")
    found: float = struct.unpack_from("<f", raw, begin)[0]
    return found


def _problem(pieces: list[str], scores: "array[float]", types: bytearray) -> str:
    """Why pieces cannot be used, or an empty text."""
    if not pieces:
        return "no pieces: this is not a SentencePiece model"
    if types.count(UNKNOWN) != 1:
        return f"{types.count(UNKNOWN)} pieces stand for unknown characters, not one: this is not a usable model"
    if not all(map(math.isfinite, scores)):
        return "a piece has a score that is no number: bring the file again"
    if any(not piece or "\0" in piece or len(piece) > LONGEST for piece in pieces):
        return f"a piece is empty, has a character 0 in it, or more than {LONGEST}: bring the file again"
    if len(set(pieces)) < len(pieces):
        seen = set[str]()
        twice = next(piece for piece in pieces if piece in seen or seen.add(piece))  # type: ignore[func-returns-value]
        return f"the piece `{twice}` occurs twice: bring the file again"
    return ""


def _refused(trainer: "dict[int, int | bytes]", normalizer: "dict[int, int | bytes]") -> str:
    """Why a model of this kind is not read, or an empty text."""
    kind = trainer.get(3, 1)
    if kind != 1:
        name = _TYPES.get(kind, str(kind)) if isinstance(kind, int) else repr(kind)
        return f"a model of type {name}, only unigram models such as ERNIE-M's are read"
    for number, wanted, name in ((35, 0, "byte_fallback"), (24, 0, "treat_whitespace_as_suffix")):
        if trainer.get(number, 0) != wanted:
            return f"a model with {name}, which is not read: ERNIE-M's has none"
    if not normalizer.get(5, 1):
        return "a model without escape_whitespaces, which is not read: ERNIE-M's has it"
    return ""


def _charsmap_problem(charsmap: bytes) -> str:
    if not charsmap:
        return ""
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) < 8 or size % 4 or not size or 4 + size >= len(charsmap):
        return f"a table of {size} bytes in {len(charsmap)}"
    return "" if charsmap[-1] == 0 else "no end of its last string"
