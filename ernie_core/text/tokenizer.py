"""The tokenizer of ERNIE's vocabulary: the same ids as PaddleNLP's ErnieTokenizer, without importing it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import bulk, json_text, lines, normalise, wordpiece
from ernie_core.text.basics import CLS, MASK, PAD, SEP, SPECIALS, UNK

if TYPE_CHECKING:
    from ernie_core.text.offsets import OffsetTable, TracedTokens

_NAMES = {"pad_token": PAD, "cls_token": CLS, "sep_token": SEP, "mask_token": MASK, "unk_token": UNK}


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary, and tokenization with it. Literal `[MASK]` and the like in a text are ordinary text."""

    vocab: tuple[str, ...]

    @classmethod
    def from_folder(cls, folder: Path) -> "Tokenizer":
        """Read `vocab.txt`, a token per line. BadInput, with line numbers, for empty or repeated tokens."""
        _check_config(folder / "tokenizer_config.json")
        return cls(_read(folder / "vocab.txt"))

    def save(self, folder: Path) -> None:
        """Write the files that PaddleNLP's `ErnieTokenizer.from_pretrained` reads."""
        config = {"do_lower_case": True, **_NAMES, "tokenizer_class": "ErnieTokenizer"}
        (folder / "vocab.txt").write_bytes("".join(f"{token}\n" for token in self.vocab).encode())
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "special_tokens_map.json").write_text(json.dumps(_NAMES), encoding="utf-8")

    @property
    def size(self) -> int:
        """Number of tokens."""
        return len(self.vocab)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Token -> id."""
        return {token: number for number, token in enumerate(self.vocab)}

    @cached_property
    def pad_id(self) -> int:
        return self.ids[PAD]

    @cached_property
    def cls_id(self) -> int:
        return self.ids[CLS]

    @cached_property
    def sep_id(self) -> int:
        return self.ids[SEP]

    @cached_property
    def mask_id(self) -> int:
        return self.ids[MASK]

    @cached_property
    def unk_id(self) -> int:
        return self.ids[UNK]

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens."""
        known = self.pieces
        return [number for piece in normalise.pieces(text) for number in known[piece]]

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, without special tokens, with the place of every token in its text."""
        return self._offsets.trace(texts)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of every text; of many at once it takes a third of the time."""
        if sum(map(len, texts)) < bulk.SMALL:
            return [self.encode(text) for text in texts]
        return self._bulk.encode(texts)

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text; unknown ones are `[UNK]`."""
        return [self.vocab[number] for number in self.encode(text)]

    def frame(self, a: list[int], b: list[int] | None, max_seq_len: int) -> tuple[list[int], list[int]]:
        """`[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, and the token types; the longer of the two is truncated first."""
        room = max_seq_len - (2 if b is None else 3)
        if room < 0:
            raise BadInput(f"max_seq_len {max_seq_len} has no room for the special tokens: make it larger")
        if b is None:
            first = [self.cls_id, *a[:room], self.sep_id]
            return first, [0] * len(first)
        keep_a, keep_b = _fit(len(a), len(b), room)
        first, second = [self.cls_id, *a[:keep_a], self.sep_id], [*b[:keep_b], self.sep_id]
        return first + second, [0] * len(first) + [1] * len(second)

    @cached_property
    def _bulk(self) -> bulk.BulkEncoder:
        return bulk.BulkEncoder(self.pieces)

    @cached_property
    def pieces(self) -> "Pieces":
        """Piece of `normalise.pieces` -> its ids."""
        return Pieces(self.ids, self.unk_id)

    @cached_property
    def _offsets(self) -> "OffsetTable":
        from ernie_core.text.offsets import OffsetTable  # numpy: the command line reads vocabularies without it

        return OffsetTable(self.vocab, self.ids, self.unk_id)


class Pieces(dict[str, tuple[int, ...]]):
    """Piece -> its ids, computed on first use; cleared when there are too many."""

    limit = 1 << 18

    def __init__(self, ids: Mapping[str, int], unk_id: int) -> None:
        super().__init__()
        self._ids, self._unk = ids, unk_id

    def __missing__(self, piece: str) -> tuple[int, ...]:
        found: list[int] = []
        for part in normalise.parts(piece):
            cut = wordpiece.cut(part, self._ids)
            found.extend([self._unk] if cut is None else cut)
        if len(self) >= self.limit:
            self.clear()
        if len(piece) <= wordpiece.LONGEST:
            self[piece] = tuple(found)
        return tuple(found)


def _fit(a: int, b: int, room: int) -> tuple[int, int]:
    """The lengths after removing tokens one by one from the longer, or from b if they are equal."""
    while a + b > room:
        if a > b:
            a -= 1
        else:
            b -= 1
    return a, b


def vocabulary_lines(path: Path) -> list[str]:
    """The lines of a vocabulary, valid or not. BadInput if they are not UTF-8."""
    return lines.split(lines.text_of(path.read_bytes(), str(path))) or [""]


def _read(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise NotFound(f"{path}: no such file: a vocabulary is a file of this name with a token per line")
    tokens = tuple(vocabulary_lines(path))
    if faults := _faults(tokens):
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise BadInput(f"{path}: {'; '.join(faults[:5])}{more}: every line must be a different token")
    return tokens


def _faults(tokens: tuple[str, ...]) -> list[str]:
    faults, first = [], dict[str, int]()
    for line, token in enumerate(tokens, 1):
        if not token:
            faults.append(f"line {line} is empty")
        elif token in first:
            faults.append(f"line {line} repeats `{token}` of line {first[token]}")
        else:
            first[token] = line
    faults.extend(f"`{token}` is missing in {len(tokens)} lines" for token in SPECIALS if token not in first)
    return faults


def _check_config(path: Path) -> None:
    if not path.is_file():
        return
    try:
        config = json_text.parse(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise BadInput(f"{path}: not JSON ({e}): restore the file, or remove it if the vocabulary is ERNIE's") from None
    if not isinstance(config, dict):
        raise BadInput(f"{path}: not an object: restore the file, or remove it if the vocabulary is ERNIE's")
    for key, value in {"do_lower_case": True, **_NAMES}.items():
        if config.get(key, value) != value:
            raise BadInput(f"{path}: {key} is `{config[key]}`, only `{value}` is supported: use an ERNIE vocabulary")
