"""What a tokenizer is, whatever its vocabulary; `open` reads that of a folder."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core.errors import BadInput
from ernie_core.text.basics import CLS, MASK, PAD, SEP, UNK

if TYPE_CHECKING:
    from ernie_core.text.offsets import Span, TracedTokens

VOCAB, PIECES, CONFIG, NAMES = (
    "vocab.txt", "sentencepiece.bpe.model", "tokenizer_config.json", "special_tokens_map.json"
)  # fmt: skip
FILES = (VOCAB, PIECES, CONFIG, NAMES)
"""Names of the files that a tokenizer may have in a folder."""
SPECIAL_TOKENS = {"pad_token": PAD, "cls_token": CLS, "sep_token": SEP, "mask_token": MASK, "unk_token": UNK}
"""The special tokens by their names in tokenizer_config.json and special_tokens_map.json."""


class Tokenizer(ABC):
    """A vocabulary, and tokenization with it. Literal `[MASK]` and the like in a text are ordinary text."""

    vocab: tuple[str, ...]
    """The tokens; a token's position is its id."""

    @property
    @abstractmethod
    def files(self) -> tuple[str, ...]:
        """Names of the files that `save` writes."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the files that PaddleNLP's tokenizer of this kind reads."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens."""

    @abstractmethod
    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of every text, faster."""

    @abstractmethod
    def trace(self, texts: Sequence[str]) -> "list[TracedTokens]":
        """The ids of every text, without special tokens, with the place of every token in its text."""

    def words(self, text: str) -> "list[Span]":
        """Where the words of a text are."""
        from ernie_core.text import offsets  # numpy: the command line reads vocabularies without it

        return offsets.words(text)

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

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text; unknown ones are `[UNK]`."""
        return [self.vocab[number] for number in self.encode(text)]

    @property
    def added(self) -> int:
        """Number of special tokens in the row of a pair; that of one text has two, around it."""
        return 3

    def row(self, a: Sequence[int], b: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """Ids with special tokens, and the token types: `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]` with b of type 1.

        `a` begins at 1, `b` at `len(a) + added - 1`.
        """
        first = [self.cls_id, *a, self.sep_id]
        if b is None:
            return first, [0] * len(first)
        return [*first, *b, self.sep_id], [0] * len(first) + [1] * (len(b) + 1)

    def frame(self, a: list[int], b: list[int] | None, max_seq_len: int) -> tuple[list[int], list[int]]:
        """`row` of at most `max_seq_len` tokens; the longer of the two is truncated first, b if they are equal."""
        room = max_seq_len - (2 if b is None else self.added)
        if room < 0:
            raise BadInput(f"max_seq_len {max_seq_len} has no room for the special tokens: make it larger")
        if b is None:
            return self.row(a[:room])
        keep_a, keep_b = _fit(len(a), len(b), room)
        return self.row(a[:keep_a], b[:keep_b])


def open(folder: Path) -> Tokenizer:
    """The tokenizer of a folder: SentencePiece if it has a `sentencepiece.bpe.model`, else WordPiece.

    NotFound without a vocabulary, BadInput for one that cannot be used.
    """
    if (folder / PIECES).is_file():
        from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer

        return SentencePieceTokenizer.from_folder(folder)
    from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

    return WordPieceTokenizer.from_folder(folder)


def present(folder: Path) -> Iterator[Path]:
    """The files of the tokenizer in a folder; those that it has."""
    return (folder / name for name in FILES if (folder / name).is_file())


def _fit(a: int, b: int, room: int) -> tuple[int, int]:
    """The lengths after removing tokens one by one from the longer, or from b if they are equal."""
    while a + b > room:
        if a > b:
            a -= 1
        else:
            b -= 1
    return a, b
