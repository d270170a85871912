"""Adopting an existing vocabulary with its ids: lines that cannot be separate tokens get new names."""

import json
from collections.abc import Sequence
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import vocabulary_file
from ernie_core.text.basics import CLS, MASK, PAD, SEP, SPECIALS, UNK
from ernie_core.text.ids.id_files import dtype
from ernie_core.text.ids.marks import extension
from ernie_core.text.sentencepiece import model as models
from ernie_core.text.sentencepiece import rules
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer
from ernie_core.wording import listed

_LISTED = 50
_LIST, _MODEL = "vocab.txt", "sentencepiece.bpe.model"
"""Names of a list of tokens and of a model; PaddleNLP's may have `ernie_m.` before them."""
_VOCABULARY = "one vocabulary, a *.txt with a token per line"


def adopt(source: Path, vocab: Path) -> dict[str, float]:
    """Write a vocabulary from a `vocab.txt` of PaddleNLP or Hugging Face, or from a folder that holds one.

    A token's id is its line, so no line is dropped. For a repeated token the later line counts, as in the tools that
    wrote it; the earlier line, and empty lines, become `[unused-line-N]`, which no text contains. All such changes are
    in `report.json`. BadInput if a special token is missing.

    A folder with a `*.model` is a SentencePiece vocabulary: the list beside it is taken as it is. Without one, the
    vocabulary is made from the pieces as ERNIE-M's was: special tokens, the pieces in their order, and `[MASK]`.
    """
    if (model := _model(source)) is not None:
        return _adopt_pieces(model, vocab)
    path = _find(source)
    tokens = _tokens(path)
    last = {token: line for line, token in enumerate(tokens)}
    named = vocabulary_file.distinct(tokens, path)
    if missing := [token for token in SPECIALS if token not in last]:
        raise BadInput(f"{path}: no {' '.join(missing)}: an ERNIE vocabulary has {' '.join(SPECIALS)}")
    tokenizer = WordPieceTokenizer(named)
    tokenizer.save(vocab)
    repeated = [n for n, token in enumerate(tokens) if token and last[token] != n]
    unreachable = [token for token in named if token not in SPECIALS and not _yielded(tokenizer, token)]
    ids = tokenizer.size + len(extension(tokenizer.vocab))
    report: dict[str, object] = {
        "size": tokenizer.size,
        "extension": ids - tokenizer.size,
        "ids_dtype": dtype(ids),
        "repeated": [{"token": tokens[n], "line": n + 1, "counts": last[tokens[n]] + 1} for n in repeated],
        "empty_lines": [n + 1 for n, token in enumerate(tokens) if not token],
        "never_yielded": len(unreachable),
        "never_yielded_first": unreachable[:_LISTED],
    }
    (vocab / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    figures = {k: float(v) for k, v in report.items() if isinstance(v, int)}
    return {**figures, "repeated": float(len(repeated)), "empty_lines": float(tokens.count(""))}


def _model(source: Path) -> Path | None:
    """The SentencePiece model in a folder, or None."""
    if source.suffix == ".model":
        return source
    found = sorted(source.rglob("*.model")) if source.is_dir() else []
    return _one(found, source, _MODEL, "one SentencePiece model") if found else None


def _adopt_pieces(path: Path, vocab: Path) -> dict[str, float]:
    """Write the vocabulary of a SentencePiece model."""
    model = models.read(path)
    found = sorted(path.parent.glob("*.txt"))
    tokens = _beside(_one(found, path.parent, _LIST, _VOCABULARY)) if found else numbered(model)
    tokenizer = SentencePieceTokenizer(tokens, model, path.read_bytes())
    tokenizer.save(vocab)
    given = {piece[begin:end] for piece in model.pieces for begin, end in rules.parts(piece)}
    unreachable = [token for token in tokens if token not in SPECIALS and token not in given]
    extended = len(rules.extension(tokens))
    report: dict[str, object] = {
        "size": tokenizer.size,
        "pieces": len(model.pieces),
        "extension": extended,
        "ids_dtype": dtype(tokenizer.size + extended),
        "repeated": 0,  # a vocabulary with a repeated or an empty line is refused
        "empty_lines": 0,
        "never_yielded": len(unreachable),
        "never_yielded_first": unreachable[:_LISTED],
    }
    (vocab / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {name: float(value) for name, value in report.items() if isinstance(value, int)}


def _beside(path: Path) -> tuple[str, ...]:
    """The tokens of the list beside a model. BadInput if it is none, as a licence."""
    try:
        return vocabulary_file.read(path)
    except BadInput as e:
        remedy = "" if path.name == _LIST else "; if this is no vocabulary, leave it out, one follows from the model"
        raise BadInput(f"{e}{remedy}") from None


def numbered(model: models.Model) -> tuple[str, ...]:
    """The tokens of a model without a vocabulary, in the order that ERNIE-M's has, as XLM-R's before it."""
    kinds = (models.NORMAL, models.USER_DEFINED)
    pieces = (piece for piece, kind in zip(model.pieces, model.types, strict=True) if kind in kinds)
    return (CLS, PAD, SEP, UNK, *(piece for piece in pieces if piece not in SPECIALS), MASK)


def _find(source: Path) -> Path:
    return source if source.is_file() else _one(sorted(source.rglob("*.txt")), source, _LIST, _VOCABULARY)


def _one(found: Sequence[Path], source: Path, name: str, wanted: str) -> Path:
    """The file that is meant: of a folder with others beside it (a licence, labels), the one with that name, the
    nearest to the top. NotFound, with all names, if that is not one file."""
    named = [path for path in found if path.name == name or path.name.endswith(f".{name}")]
    top = min((len(path.parts) for path in named), default=0)
    nearest = [path for path in named if len(path.parts) == top] or list(found)
    exact = [path for path in nearest if path.name == name]
    if len(chosen := exact if len(exact) == 1 else nearest) == 1:
        return chosen[0]
    held = listed((path.relative_to(source).as_posix() for path in found), 5, 200) or "none"
    remedy = f": leave the others out, or name the right one {name}" if found else ""
    raise NotFound(f"{source}: expected {wanted}, found {held}{remedy}")


def _tokens(path: Path) -> list[str]:
    return [line.split("\t")[0] for line in vocabulary_file.raw_lines(path)]  # some lists have an id after a tab


def _yielded(tokenizer: WordPieceTokenizer, token: str) -> bool:
    """Whether a text gives the token, alone or after one of a few characters."""
    if not token.startswith("##") or token == "##":
        return tokenizer.tokenize(token) == [token]
    return any(tokenizer.tokenize(before + token[2:])[-1:] == [token] for before in "7aqz")
