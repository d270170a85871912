"""What sampling needs of a vocabulary: special tokens, marks of word parts, and the plain ids of marked ones."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import lines
from ernie_core.text.sentencepiece import rules

MODEL = "sentencepiece.bpe.model"
"""File beside `vocab.txt` of a vocabulary of SentencePiece."""
SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]")


@dataclass(frozen=True)
class Vocabulary:
    """The base vocabulary of a model, and the extension ids that mark non-first characters of words in id files.

    An extension id stands for `##X` of a single Han X whose `##X` is not in vocab.txt: the next free number, in the
    order of vocab.txt. With SentencePiece it stands for a token that could continue a word and begins one. A
    model never sees one.
    """

    size: int
    pad: int
    cls: int
    sep: int
    mask: int
    fold: np.ndarray
    """The model's id for every id of an id file, int64 [extended]."""
    joins: np.ndarray
    """Whether an id of an id file continues a word, bool [extended]."""
    digest: str
    """SHA-256 of vocab.txt in hex; with a SentencePiece model, of both files."""

    @property
    def extended(self) -> int:
        """The number of ids that id files may hold."""
        return len(self.fold)


def read(folder: Path) -> Vocabulary:
    """The vocabulary of a folder with `vocab.txt`; with a `sentencepiece.bpe.model` beside it, the extension is that of
    `rules.extension`."""
    path, model = folder / "vocab.txt", folder / MODEL
    if not path.is_file():
        raise NotFound(f"{path}: no such file, this folder holds no vocabulary")
    raw = path.read_bytes()
    tokens = lines.split(lines.text_of(raw, str(path)))
    number = {token: k for k, token in enumerate(tokens)}
    if "" in number:
        raise BadInput(f"{path}:{tokens.index('') + 1}: an empty line, which is no token: adopt the vocabulary again")
    if len(number) != len(tokens):
        twice = next(t for k, t in enumerate(tokens) if number[t] != k)
        raise BadInput(f"{path}: `{twice}` occurs twice, remove one")
    missing = [token for token in SPECIALS if token not in number]
    if missing:
        raise BadInput(f"{path}: lacks {' '.join(missing)}")
    if model.is_file():
        raw += model.read_bytes()
        continuing = list(rules.extension(tokens))
        fold = np.array([*range(len(tokens)), *continuing], "int64")
        joins = np.zeros(len(fold), bool)
        joins[continuing] = True
    else:
        fold, joins = _marked(tokens, number)
    pad, cls, sep, mask = (number[token] for token in SPECIALS[:4])
    return Vocabulary(len(tokens), pad, cls, sep, mask, fold, joins, hashlib.sha256(raw).hexdigest())


def _marked(tokens: list[str], number: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """`fold` and `joins` of a WordPiece vocabulary."""
    extension = [t for t in tokens if is_han(t) and f"##{t}" not in number]
    base = [number.get(t[2:], k) if t.startswith("##") and is_han(t[2:]) else k for k, t in enumerate(tokens)]
    fold = np.array(base + [number[t] for t in extension], "int64")
    return fold, np.array([t.startswith("##") for t in tokens] + [True] * len(extension), bool)


def is_han(token: str) -> bool:
    """Whether a token is one of the 20,902 characters that take part in word marks."""
    return len(token) == 1 and "\u4e00" <= token <= "\u9fa5"
