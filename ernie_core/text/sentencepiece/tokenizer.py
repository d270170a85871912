"""The tokenizer of ERNIE-M: the same ids as PaddleNLP's ErnieMTokenizer, without it and the `sentencepiece` package."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core.text import vocabulary_file
from ernie_core.text.sentencepiece import kernel, model
from ernie_core.text.sentencepiece.model import Model
from ernie_core.text.tokenizer import CONFIG, NAMES, PIECES, SPECIAL_TOKENS, VOCAB, Tokenizer

if TYPE_CHECKING:
    from ernie_core.text.offsets import TracedTokens


@dataclass(frozen=True)
class SentencePieceTokenizer(Tokenizer):
    """A SentencePiece model cuts texts into pieces, `rules` divides these into tokens, the vocabulary numbers them.

    A token that begins a word has `rules.SPACE` before it, unless it is a Han character, a mark or a number.

    Differences to PaddleNLP 2.8.1, each for a reason: the names of special tokens in a text are ordinary text, as with
    WordPiece; `trace` gives the places of all tokens, where PaddleNLP raises ValueError for some texts (it looks for
    tokens in a text that it has normalised by another rule); token types are all 0, as the net has none.
    """

    vocab: tuple[str, ...]
    model: Model
    raw: bytes
    """The file of the model, as it was read."""

    def __hash__(self) -> int:
        return hash((self.vocab, self.raw))

    @classmethod
    def from_folder(cls, folder: Path) -> "SentencePieceTokenizer":
        """Read `vocab.txt`, a token per line, and `sentencepiece.bpe.model`. BadInput if one cannot be used."""
        vocabulary_file.check_config(folder / CONFIG, {"do_lower_case": False, **SPECIAL_TOKENS})
        return cls(vocabulary_file.read(folder / VOCAB), model.read(folder / PIECES), (folder / PIECES).read_bytes())

    @property
    def files(self) -> tuple[str, ...]:
        """Those that PaddleNLP's `ErnieMTokenizer.from_pretrained` reads."""
        return VOCAB, PIECES, CONFIG, NAMES

    def save(self, folder: Path) -> None:
        config = {"do_lower_case": False, **SPECIAL_TOKENS, "tokenizer_class": "ErnieMTokenizer"}
        vocabulary_file.write(self.vocab, folder / VOCAB)
        (folder / PIECES).write_bytes(self.raw)
        (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        (folder / NAMES).write_text(json.dumps(SPECIAL_TOKENS), encoding="utf-8")

    def encode(self, text: str) -> list[int]:
        return self._kernel.ids([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return self._kernel.ids(texts)

    def encode_flat(self, texts: Sequence[str]) -> kernel.Flat:
        """The ids of all texts, one after the other, and which of them begin words."""
        return self._kernel.flat(texts)

    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """Accents and vowel signs belong to the letter before them, where normalisation joins the two."""
        return self._kernel.trace(texts)

    @property
    def added(self) -> int:
        """Four: two between the texts."""
        return 4

    def row(self, a: Sequence[int], b: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """`[CLS] a [SEP]`, or `[CLS] a [SEP] [SEP] b [SEP]`; token types are all 0."""
        ids = [self.cls_id, *a, self.sep_id]
        if b is not None:
            ids += [self.sep_id, *b, self.sep_id]
        return ids, [0] * len(ids)

    @cached_property
    def _kernel(self) -> kernel.Kernel:
        return kernel.make(self.model, self.vocab, self.unk_id)
