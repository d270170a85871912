"""A vocabulary of ERNIE-M's form from counts: a SentencePiece model, and the tokens that its pieces give."""

import io
import json
from collections.abc import Iterable
from pathlib import Path

from ernie_core.errors import BadInput
from ernie_core.text.basics import CLS, MASK, PAD, SEP, SPECIALS, UNK
from ernie_core.text.ids.id_files import dtype
from ernie_core.text.sentencepiece import model, rules
from ernie_core.text.sentencepiece.model import NORMAL, USER_DEFINED, Model
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.vocab.census import Census

COVERAGE = 0.9995
"""Share of the text whose characters are in a vocabulary; the others are unknown. The default of SentencePiece."""
_OWN = 3
"""Pieces of a model that are no text: unknown, and the two ends of a sentence."""
_THREADS = 4
"""Fixed, however many cores there are: sums of floats depend on how they are divided."""


def write(counted: Census, vocab: Path, *, size: int, character_coverage: float) -> dict[str, float]:
    """Write a vocabulary of at most `size` tokens, and `report.json`; equal counts give equal files.

    BadInput if there is no text, or if `size` has no room for its characters.
    """
    if not counted.words:
        raise BadInput("no text in the words: a vocabulary needs some to count")
    raw = _trained(counted, size, character_coverage)
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


def _trained(counted: Census, size: int, character_coverage: float) -> bytes:
    """The file of a model."""
    import sentencepiece

    rows = (f"{word}\t{n}" for word, n in sorted(counted.words.items(), key=lambda item: (-item[1], item[0])))
    found = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_readable(rows), model_writer=found, input_format="tsv", model_type="unigram",
            vocab_size=size - len(SPECIALS) + _OWN, character_coverage=character_coverage, hard_vocab_limit=False,
            num_threads=_THREADS, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as e:
        raise BadInput(
            f"no vocabulary of {size} tokens from {len(counted.words)} different words ({_last(str(e))}): make size "
            "larger, or character_coverage smaller"
        ) from None
    return found.getvalue()


def _readable(rows: Iterable[str]) -> Iterable[bytes]:
    """Rows as SentencePiece reads them; what has no UTF-8, a lone surrogate, is left out."""
    for row in rows:
        try:
            yield row.encode()
        except UnicodeEncodeError:
            continue


def _last(message: str) -> str:
    return message.rstrip().rsplit("]", 1)[-1].strip() or message


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
        "dropped": {"pieces": {"count": dropped, "why": "no room within size"}} if dropped else {},
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
