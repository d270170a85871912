"""Small SentencePiece models, trained on made-up sentences in several scripts."""

import functools
import io
import random
import struct
from collections.abc import Iterable

from ernie_core.text.sentencepiece import model
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.vocab import adopt

STEMS = {
    "Latin": ("read", "write", "house", "größ", "naïve", "été", "window", "ba", "ab", "aba"),
    "Cyrillic": ("книг", "дом", "люб", "работ", "окн"),
    "Greek": ("βιβλί", "σπίτ", "γράφ"),
    "Arabic": ("كتاب", "بيت", "قلم"),
    "Devanagari": ("किताब", "घर", "लिख"),
    "Thai": ("หนังสือ", "บ้าน", "เขียน"),
    "Han": ("图书", "房子", "写字", "窗户", "北京"),
    "Hangul": ("책", "집", "쓰다"),
}
ENDINGS = ("", "", "s", "er", "ing", "а", "ов", "ος", "ات", "ें", "子", "1", "2021", ",", ".", "！", "…", "-x")


def sentences(count: int = 3000) -> list[str]:
    """Made-up sentences."""
    rng = random.Random(5)
    stems = list(STEMS.values())
    return [
        " ".join(rng.choice(rng.choice(stems)) + rng.choice(ENDINGS) for _ in range(rng.randint(2, 9)))
        for _ in range(count)
    ]


@functools.cache
def trained(size: int = 400, **options: object) -> bytes:
    """The file of a model trained on them, with SentencePiece's options."""
    import sentencepiece

    found = io.BytesIO()
    given = {"vocab_size": size, "character_coverage": 1.0, "hard_vocab_limit": False, "minloglevel": 2, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences()), model_writer=found, **given)
    return found.getvalue()


def field(number: int, value: bytes) -> bytes:
    """A field of a protocol buffer with bytes."""
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def piece(text: str, score: float = -1.0, kind: int = 1) -> bytes:
    """A piece in the file of a model."""
    return field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind]))


def written(rows: Iterable[tuple[str, float, int]]) -> bytes:
    """The file of a model with these pieces: text, score and type."""
    return b"".join(piece(*row) for row in rows)


def tokenizer(raw: bytes | None = None) -> SentencePieceTokenizer:
    """The tokenizer of a model; its tokens are numbered as ERNIE-M's."""
    raw = trained() if raw is None else raw
    read = model.parse(raw, "trained")
    return SentencePieceTokenizer(adopt.numbered(read), read, raw)
