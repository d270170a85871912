"""Adopting an existing vocabulary with its ids: lines that cannot be separate tokens get new names."""

import json
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
    found = [source] if source.suffix == ".model" else sorted(source.rglob("*.model")) if source.is_dir() else []
    if len(found) > 1:
        held = listed((path.relative_to(source).as_posix() for path in found), 5, 200)
        raise NotFound(f"{source}: expected one SentencePiece model, found {held}: leave the others out")
    return found[0] if found else None


def _adopt_pieces(path: Path, vocab: Path) -> dict[str, float]:
    """Write the vocabulary of a SentencePiece model."""
    model = models.read(path)
    lists = sorted(path.parent.glob("*.txt"))
    if len(lists) > 1:
        raise NotFound(f"{path.parent}: expected one vocabulary beside {path.name}, found {len(lists)} *.txt")
    tokens = vocabulary_file.read(lists[0]) if lists else numbered(model)
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


def numbered(model: models.Model) -> tuple[str, ...]:
    """The tokens of a model without a vocabulary, in the order that ERNIE-M's has, as XLM-R's before it."""
    kinds = (models.NORMAL, models.USER_DEFINED)
    pieces = (piece for piece, kind in zip(model.pieces, model.types, strict=True) if kind in kinds)
    return (CLS, PAD, SEP, UNK, *(piece for piece in pieces if piece not in SPECIALS), MASK)


def _find(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(source.rglob("*.txt"))
    if len(found) != 1:
        held = listed((path.relative_to(source).as_posix() for path in found), 5, 200) or "none"
        raise NotFound(f"{source}: expected one vocabulary, a *.txt with a token per line, found {held}")
    return found[0]


def _tokens(path: Path) -> list[str]:
    return [line.split("\t")[0] for line in vocabulary_file.raw_lines(path)]  # some lists have an id after a tab


def _yielded(tokenizer: WordPieceTokenizer, token: str) -> bool:
    """Whether a text gives the token, alone or after one of a few characters."""
    if not token.startswith("##") or token == "##":
        return tokenizer.tokenize(token) == [token]
    return any(tokenizer.tokenize(before + token[2:])[-1:] == [token] for before in "7aqz")
