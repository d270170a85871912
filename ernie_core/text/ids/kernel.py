"""Token ids of word-cut JSON lines, in C, or with the same result in slow Python.

The C tables have the Unicode version by which ids are defined, whatever the interpreter has.
"""

import itertools
import json
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from ernie_core import native
from ernie_core.errors import BadInput
from ernie_core.text import normalise, unicode_table, wordcut
from ernie_core.text.ids import marks, set_marks
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

MARKINGS = ("positional", "paddlenlp")
LONG = 512
"""Tokens of a sentence above which pretraining leaves out its document, if that has other sentences."""

SLOWLY = "token ids are made about 300 times slower, and equal"
"""The warning if the kernel is missing."""
_LARGEST_ID = 0xFFFFFF


@dataclass(frozen=True)
class Encoded:
    """The concatenated ids of some documents."""

    ids: bytes
    """uint16, or int32 if the encoder is `wide`."""
    lens: bytes
    """int32: number of tokens of each sentence."""
    docs: bytes
    """int64: number of sentences of each document."""
    count: Counter[str]


class Encoder(Protocol):
    """Encodes documents; safe to use from several threads."""

    @property
    def extension(self) -> int:
        """Number of marked forms that are not in the vocabulary."""
        ...

    @property
    def wide(self) -> bool:
        """Whether ids are int32 instead of uint16."""
        ...

    def encode(self, lines: bytes) -> Encoded:
        """Encode whole JSON lines, a document each. BadLine if one is not an object with a string "text"."""
        ...

    def encode_text(self, text: str) -> Encoded:
        """Encode one document, with a sentence per line."""
        ...


class BadLine(BadInput):
    """A line without a text; `number` counts from 1 in the encoded block."""

    def __init__(self, number: int) -> None:
        super().__init__(f'line {number}: not a JSON object with a string "text": make the words again')
        self.number = number


def make(tokenizer: Tokenizer, marking: str = "positional") -> Encoder:
    """The encoder of a vocabulary, with whole-word marks by the rule `marking`. BadInput for an unknown rule."""
    if marking not in MARKINGS:
        raise BadInput(f"`{marking}` is not a rule for whole-word marks, choose one of {', '.join(MARKINGS)}")
    if isinstance(tokenizer, SentencePieceTokenizer):
        from ernie_core.text.ids.of_pieces import PiecesEncoder

        return PiecesEncoder(tokenizer, marking)
    assert isinstance(tokenizer, WordPieceTokenizer)
    compiled = _native()
    return Slow(tokenizer, marking) if compiled is None else Fast(compiled, tokenizer, marking)


def is_wide(ids: int) -> bool:
    """Whether this many different ids need int32; they are uint16 otherwise."""
    return ids > 1 << 16


class Fast:
    """The kernel in C: one pass, no Python object per token, and it releases the interpreter's lock."""

    def __init__(self, compiled: ModuleType, tokenizer: WordPieceTokenizer, marking: str) -> None:
        extension = marks.extension(tokenizer.vocab)
        if tokenizer.size + len(extension) > _LARGEST_ID:
            raise BadInput(
                f"a vocabulary of {tokenizer.size} tokens is too large for the kernel: at most {_LARGEST_ID}"
            )
        tables = unicode_table.load()
        tokens = [token.encode() + b"\n" for token in tokenizer.vocab]
        starts = array("q", itertools.accumulate(map(len, tokens), initial=0))
        forms = set_marks.joined(tokenizer, extension) if marking == "paddlenlp" else None
        # The table refers to these arrays, so they must live as long as it does.
        self._arrays = (
            b"".join(tokens),
            starts.tobytes(),
            tables.kinds,
            tables.replaced,
            marked(tokenizer, extension).tobytes(),
            tokenizer.size,
            tokenizer.unk_id,
            array("i", forms or ()).tobytes(),
            bytes(map(set_marks.has_han, tokenizer.vocab)) if forms else b"",
        )
        self._native, self._table = compiled, compiled.build(*self._arrays)
        self.extension = len(extension)
        self.wide = is_wide(tokenizer.size + len(extension))

    def encode(self, lines: bytes) -> Encoded:
        """Encode whole JSON lines, a document each. BadLine if one is not an object with a string "text"."""
        found, at = [], 0
        while at < len(lines):
            stop, *encoded = self._native.encode(self._table, lines, at, False, self.wide)
            found.append(_encoded(*encoded))
            if stop < len(lines):
                end = lines.find(b"\n", stop) + 1 or len(lines)
                text = read_line(lines[stop:end])
                if text is None:
                    raise BadLine(lines.count(b"\n", 0, stop) + 1)
                found.append(self.encode_text(text))
                stop = end
            at = stop
        return found[0] if len(found) == 1 else _joined(found)

    def encode_text(self, text: str) -> Encoded:
        """Encode one document, with a sentence per line."""
        return self.encode_utf8(text.encode("utf-8", "surrogatepass"))

    def encode_utf8(self, text: bytes) -> Encoded:
        """Encode one document; bytes that are not UTF-8 are dropped and counted as `invalid`."""
        _, *encoded = self._native.encode(self._table, text, 0, True, self.wide)
        return _encoded(*encoded)


class Slow:
    """The encoder in Python."""

    def __init__(self, tokenizer: WordPieceTokenizer, marking: str) -> None:
        self._unk_id = tokenizer.unk_id
        marker = marks.Marker(tokenizer)
        self.extension = len(marker.extension)
        self.wide = is_wide(tokenizer.size + self.extension)
        by_set = set_marks.SetMarker(tokenizer)
        self._sentence = by_set.encode if marking == "paddlenlp" else lambda s: marker.encode(wordcut.split(s))

    def encode(self, lines: bytes) -> Encoded:
        """Encode whole JSON lines, a document each. BadLine if one is not an object with a string "text"."""
        found = []
        for number, line in enumerate(lines.removesuffix(b"\n").split(b"\n"), 1):
            text = read_line(line)
            if text is None:
                raise BadLine(number)
            found.append(self.encode_text(text))
        return _joined(found)

    def encode_text(self, text: str) -> Encoded:
        """Encode one document, with a sentence per line."""
        document = [sentence for sentence in text.split("\n") if sentence]
        found = [ids for ids in map(self._sentence, document) if ids]
        count = Counter(
            documents=int(bool(found)),
            dropped_documents=int(not found),
            single_sentence_documents=int(len(found) == 1),
            sentences=len(found),
            dropped_sentences=len(document) - len(found),
            long_sentences=sum(len(ids) > LONG for ids in found),
            tokens=sum(map(len, found)),
            unk=sum(ids.count(self._unk_id) for ids in found),
        )
        if surrogates := sum("\ud800" <= char <= "\udfff" for char in text):
            count["lone_surrogates"] = surrogates
        ids = array("i" if self.wide else "H", itertools.chain.from_iterable(found)).tobytes()
        docs = array("q", [len(found)] if found else [])
        return Encoded(ids, array("i", map(len, found)).tobytes(), docs.tobytes(), count)


def read_line(line: bytes) -> str | None:
    """The text of a JSON line, or None if it has none."""
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return text if isinstance(text, str) else None


def _encoded(ids: bytes, lens: bytes, docs: bytes, count: Mapping[str, int]) -> Encoded:
    # Every figure is present even if it is 0, except those of faults.
    kept = {k: v for k, v in count.items() if v or k not in ("lone_surrogates", "invalid")}
    return Encoded(ids, lens, docs, Counter(kept))


def _joined(found: Sequence[Encoded]) -> Encoded:
    count = Counter[str]()
    for encoded in found:
        count.update(encoded.count)
    return Encoded(
        b"".join(encoded.ids for encoded in found),
        b"".join(encoded.lens for encoded in found),
        b"".join(encoded.docs for encoded in found),
        count,
    )


def marked(tokenizer: WordPieceTokenizer, extension: Mapping[str, int]) -> "array[int]":
    """Id -> the id of the same Han character with a mark; -1 for all other ids."""
    found = array("i", [-1]) * tokenizer.size
    for token, number in tokenizer.ids.items():
        if normalise.is_han(token):
            form = f"##{token}"
            found[number] = extension[form] if form in extension else tokenizer.ids[form]
    return found


def _native() -> ModuleType | None:
    return native.load("ernie_core.text.ids._ids", SLOWLY)
