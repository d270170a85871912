"""A vocabulary of ERNIE-M's form from counts: a SentencePiece model, and the tokens that its pieces give."""

import json
from pathlib import Path

from ernie_core.errors import BadInput
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.text.basics import CLS, MASK, PAD, SEP, SPECIALS, UNK
from ernie_core.text.ids.id_files import dtype
from ernie_core.text.sentencepiece import model, rules
from ernie_core.text.sentencepiece.model import NORMAL, USER_DEFINED, Model
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.vocab import chunks, pieces_training
from ernie_core.text.vocab.census import Census

COVERAGE = 0.9995
"""Share of the text whose characters are in a vocabulary; the others are unknown. The default of SentencePiece."""
_OWN = 3
"""Pieces of a model that are no text: unknown, and the two ends of a sentence."""
_WHY = f"above {chunks.MOST:,} characters of different chunks every count is halved, as in a smaller sample"


def write(
    counted: Census,
    vocab: Path,
    *,
    size: int,
    character_coverage: float,
    scratch: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Write a vocabulary of at most `size` tokens, and `report.json`; equal counts give equal files.

    BadInput if there is no text, or if `size` has no room for its characters.
    """
    if not counted.words:
        raise BadInput("no text in the words: a vocabulary needs some to count")
    raw = pieces_training.run(
        counted.words, size - len(SPECIALS) + _OWN, character_coverage, scratch=scratch, progress=progress, stop=stop
    )
    trained = model.parse(raw, "the trained model")
    tokens = vocabulary(trained)
    # Where digits stand behind a space, the piece has a sign and the token has none, so there may be more tokens.
    kept = (*tokens[: size - 1], MASK) if len(tokens) > size else tokens
    tokenizer = SentencePieceTokenizer(kept, trained, raw)
    tokenizer.save(vocab)
    report = _report(tokenizer, counted, len(tokens) - len(kept))
    (vocab / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {name: float(value) for name, value in report.items() if isinstance(value, int | float)}


def vocabulary(trained: Model) -> tuple[str, ...]:
    """The tokens that the pieces of a model give: `[CLS] [PAD] [SEP] [UNK]` as in ERNIE-M, the tokens in the order of
    the pieces, and `[MASK]`."""
    pieces = (p for p, kind in zip(trained.pieces, trained.types, strict=True) if kind in (NORMAL, USER_DEFINED))
    tokens = (piece[begin:end] for piece in pieces for begin, end in rules.parts(piece))
    return (CLS, PAD, SEP, UNK, *dict.fromkeys(token for token in tokens if token not in SPECIALS), MASK)


def _report(tokenizer: SentencePieceTokenizer, counted: Census, dropped: int) -> dict[str, object]:
    held = tokenizer.trace(counted.held_out)
    sizes = [traced.ends - traced.starts for traced in held]
    unknown = [traced.ids == tokenizer.unk_id for traced in held]
    tokens, characters = sum(map(len, sizes)), sum(int(size.sum()) for size in sizes)
    extended = len(rules.extension(tokenizer.vocab))
    beyond = sum(int(size[lost].sum()) for size, lost in zip(sizes, unknown, strict=True))
    return {
        "recipe": "sentencepiece",
        "size": tokenizer.size,
        "specials": len(SPECIALS),
        "pieces": len(tokenizer.model.pieces),
        "dropped": {
            **({"pieces": {"count": dropped, "why": "no room within size"}} if dropped else {}),
            **({"chunks": {"count": counted.left_out, "why": _WHY}} if counted.left_out else {}),
        },
        "extension": extended,
        "ids_dtype": dtype(tokenizer.size + extended),
        "documents": counted.documents,
        "bytes": counted.bytes,
        "held_out_characters": characters,
        "held_out_tokens": tokens,
        # without a sample there is no figure: 0 would pass or fail a bound
        **({"coverage": 1 - beyond / characters} if characters else {}),
        **({"unk_rate": sum(int(lost.sum()) for lost in unknown) / tokens} if tokens else {}),
    }
