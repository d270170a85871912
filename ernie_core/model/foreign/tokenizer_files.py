"""The files of a checkpoint's tokenizer -> those of ours."""

import itertools
import re
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, NotFound
from ernie_core.model.foreign import json_file
from ernie_core.text import tokenizer, vocabulary_file
from ernie_core.text.sentencepiece import model as pieces
from ernie_core.text.tokenizer import CONFIG, PIECES, VOCAB
from ernie_core.wording import listed, shorten

_WHOLE, _NORMALISER = "tokenizer.json", "BertNormalizer"
_SAME: dict[str, tuple[object, ...]] = {
    "do_lower_case": (True, None), "lowercase": (True, None), "tokenize_chinese_chars": (True, None),
    "handle_chinese_chars": (True, None), "strip_accents": (True, None), "clean_text": (True, None),
}  # fmt: skip
"""Settings of a WordPiece tokenizer with the values that ours computes; null is the default of all of them."""


def convert(source: Path, out: Path) -> int:
    """Write the tokenizer of a checkpoint into `out`; the number of its tokens, whose ids stay the same.

    Published vocabularies have repeated lines (`$` in that of ERNIE 3.0): see `vocabulary_file.distinct`.

    NotFound without its files. BadInput if its texts would become other tokens here than there.
    """
    if (source / PIECES).is_file():
        tokens, place = _sentencepiece(source)
        (out / PIECES).write_bytes((source / PIECES).read_bytes())
    else:
        tokens, place = _wordpiece(source)
    vocabulary_file.write(tokens, out / VOCAB)
    try:
        made = tokenizer.open(out)
    except BadInput as e:  # about the copy, of which nothing is left after an error
        raise BadInput(str(e).replace(str(out / VOCAB), str(place)).replace(str(out), str(source))) from None
    if made.vocab != tokens:
        raise BadInput(f"{place}: tokens of its vocabulary contain line breaks: this is no vocabulary that can be read")
    made.save(out)
    return made.size


def _sentencepiece(source: Path) -> tuple[tuple[str, ...], Path]:
    """The tokens of ERNIE-M and the file that has them.

    Those of XLM-R follow from its model: its ids are those of ERNIE-M by other names.
    """
    if (source / VOCAB).is_file():
        return vocabulary_file.distinct(vocabulary_file.raw_lines(source / VOCAB), source / VOCAB), source / VOCAB
    known = pieces.read(source / PIECES).pieces
    if known[:3] != ("<unk>", "<s>", "</s>"):
        raise BadInput(f"{source / PIECES}: begins with the pieces {listed(known[:3])}, so that the ids "
                       f"of its tokens are not known: bring {VOCAB} too")  # fmt: skip
    return ("[CLS]", "[PAD]", "[SEP]", "[UNK]", *known[3:], "[MASK]"), source / PIECES


def _wordpiece(source: Path) -> tuple[tuple[str, ...], Path]:
    """The tokens and the file that has them, after what every file says about how texts are cut."""
    if (path := source / CONFIG).is_file():
        config = json_file.read(path)
        _check(path, config)
        if str(config.get("tokenizer_class", "BertTokenizer")) not in _CLASSES:
            raise BadInput(f"{path}: tokenizer_class is `{shorten(config['tokenizer_class'])}`, only WordPiece of BERT "
                           "and ERNIE can be read: use another model")  # fmt: skip
    whole = json_file.read(source / _WHOLE) if (source / _WHOLE).is_file() else None
    if whole is not None:
        _check_whole(source / _WHOLE, whole)
    if (path := source / VOCAB).is_file():
        return vocabulary_file.distinct(_numbered(path, vocabulary_file.raw_lines(path)), path), path
    if whole is not None:
        return _from_whole(source / _WHOLE, whole), source / _WHOLE
    raise NotFound(f"{source / VOCAB}: no such file: bring the vocabulary that was published with the weights")


_CLASSES = (
    "BertTokenizer",
    "BertTokenizerFast",
    "ErnieTokenizer",
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
)


def _check(path: Path, settings: dict[str, Any]) -> None:
    for key, known in _SAME.items():
        if settings.get(key) not in known:
            raise BadInput(f"{path}: {key} is `{shorten(settings[key])}`, ours computes `{shorten(known[0])}`: "
                           "the model would get other tokens than it learnt, use an uncased one")  # fmt: skip


def _check_whole(path: Path, content: dict[str, Any]) -> None:
    """Refuse a `tokenizer.json` that is not WordPiece, or changes texts in another way before they are cut."""
    model, normalizer = content.get("model"), content.get("normalizer")
    if not isinstance(model, dict) or model.get("type", "WordPiece") != "WordPiece":
        kind = model.get("type") if isinstance(model, dict) else None
        raise BadInput(f"{path}: is a tokenizer of type `{shorten(kind)}`, only WordPiece can be taken from this file: "
                       f"bring {VOCAB} without it, or {PIECES} of a SentencePiece model")  # fmt: skip
    kind = normalizer.get("type", _NORMALISER) if isinstance(normalizer, dict) else normalizer
    if not isinstance(normalizer, dict) or kind != _NORMALISER:
        raise BadInput(f"{path}: its normalizer is `{shorten(kind)}`, ours computes `{_NORMALISER}`: "
                       "the model would get other tokens than it learnt, use another one")  # fmt: skip
    _check(path, normalizer)


def _numbered(path: Path, rows: list[str]) -> tuple[str, ...]:
    """The tokens of `vocab.txt`; of the form `token<TAB>id` in the order of the ids, which must have no gaps."""
    if not rows or not all(re.search(r"\t[0-9]{1,9}$", row) for row in rows):
        return tuple(rows)
    tokens: dict[int, str] = {}
    for line, row in enumerate(rows, 1):
        token, _, number = row.rpartition("\t")
        if tokens.setdefault(int(number), token) != token or int(number) >= len(rows):
            raise BadInput(f"{path}:{line}: the id {number} of `{shorten(token)}` stands twice, or is beyond the "
                           f"{len(rows):,} tokens: fetch the file again")  # fmt: skip
    if (lacking := next(number for number in itertools.count() if number not in tokens)) <= max(tokens):
        raise BadInput(f"{path}: no token has the id {lacking}, but one has {max(tokens)}: fetch the file again")
    return tuple(tokens[number] for number in sorted(tokens))


def _from_whole(path: Path, content: dict[str, Any]) -> tuple[str, ...]:
    """The vocabulary within `tokenizer.json` of Hugging Face."""
    vocab = content["model"].get("vocab")
    if not isinstance(vocab, dict):
        raise BadInput(f"{path}: has no vocabulary: bring {VOCAB}")
    if sorted(map(str, vocab.values())) != sorted(map(str, range(len(vocab)))):
        raise BadInput(f"{path}: the ids of its {len(vocab):,} tokens have gaps: bring {VOCAB}")
    return tuple(sorted(vocab, key=lambda token: int(vocab[token])))
