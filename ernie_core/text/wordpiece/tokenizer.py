"""The tokenizer of ERNIE's vocabulary: the same ids as PaddleNLP's ErnieTokenizer, without importing it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core.text import bulk, normalise, vocabulary_file
from ernie_core.text.tokenizer import CONFIG, NAMES, SPECIAL_TOKENS, VOCAB, Tokenizer
from ernie_core.text.wordpiece import cutting

if TYPE_CHECKING:
    from ernie_core.text.offsets import OffsetTable, TracedTokens


@dataclass(frozen=True)
class WordPieceTokenizer(Tokenizer):
    """Words are cut into the longest pieces of the vocabulary, the later ones with `##` before them."""

    vocab: tuple[str, ...]

    @classmethod
    def from_folder(cls, folder: Path) -> "WordPieceTokenizer":
        """Read `vocab.txt`, a token per line. BadInput, with line numbers, for empty or repeated tokens."""
        vocabulary_file.check_config(folder / CONFIG, {"do_lower_case": True, **SPECIAL_TOKENS})
        return cls(vocabulary_file.read(folder / VOCAB))

    @property
    def files(self) -> tuple[str, ...]:
        """Those that PaddleNLP's `ErnieTokenizer.from_pretrained` reads."""
        return VOCAB, CONFIG, NAMES

    def save(self, folder: Path) -> None:
        config = {"do_lower_case": True, **SPECIAL_TOKENS, "tokenizer_class": "ErnieTokenizer"}
        vocabulary_file.write(self.vocab, folder / VOCAB)
        (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        (folder / NAMES).write_text(json.dumps(SPECIAL_TOKENS), encoding="utf-8")

    def encode(self, text: str) -> list[int]:
        known = self.pieces
        return [number for piece in normalise.pieces(text) for number in known[piece]]

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        return self._offsets.trace(texts)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of every text; of many at once it takes a third of the time."""
        if sum(map(len, texts)) < bulk.SMALL:
            return [self.encode(text) for text in texts]
        return self._bulk.encode(texts)

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
            cut = cutting.cut(part, self._ids)
            found.extend([self._unk] if cut is None else cut)
        if len(self) >= self.limit:
            self.clear()
        if len(piece) <= cutting.LONGEST:
            self[piece] = tuple(found)
        return tuple(found)
