"""Whole-word marks: a Han character that continues a word is stored as the id of `##` and the character.

Marked forms that are not in the vocabulary get extension ids, from its size on: pretraining recognises words by them
and maps them back to the plain ids, so that no model ever sees one.
"""

from collections.abc import Mapping, Sequence

from ernie_core.text import normalise
from ernie_core.text.sentencepiece import rules
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.wordpiece.tokenizer import Pieces, WordPieceTokenizer

_BORDER = "\0"
"""Separator of words; normalisation drops this character from any text."""
_WITH_BORDERS = normalise.Table({ord(_BORDER): _BORDER})


def extension(vocab: Sequence[str]) -> dict[str, int]:
    """`##` and a Han character -> its id, for every single Han character of a vocabulary that lacks this form."""
    held = set(vocab)
    lacking = [f"##{token}" for token in vocab if normalise.is_han(token) and f"##{token}" not in held]
    return {form: number for number, form in enumerate(lacking, len(vocab))}


def extended(tokenizer: Tokenizer) -> int:
    """Number of extension ids of a tokenizer's vocabulary: `extension`, or `rules.extension` for SentencePiece."""
    if isinstance(tokenizer, WordPieceTokenizer):
        return len(extension(tokenizer.vocab))
    return len(rules.extension(tokenizer.vocab))


def fold(vocab: Sequence[str]) -> list[int]:
    """Id -> the id without its mark, for every id of a vocabulary and its extension."""
    ids = {token: number for number, token in enumerate(vocab)}
    forms = [*vocab, *extension(vocab)]
    bare = [form.removeprefix("##") for form in forms]
    return [ids.get(b, n) if normalise.is_han(b) else n for n, b in enumerate(bare)]


class Marker:
    """Encodes sentences of words. The whole sentence is tokenized, so that only the marks depend on the words.

    A Han token takes its `##` form when the token before it is a Han token of the same word; all others stay plain.
    """

    def __init__(self, tokenizer: WordPieceTokenizer) -> None:
        self.extension = extension(tokenizer.vocab)
        self._plain: Pieces = tokenizer.pieces
        self._marked = _marked(tokenizer.ids, self.extension)

    def encode(self, words: Sequence[str]) -> list[int]:
        """The marked ids of a sentence."""
        found: list[int] = []
        in_han = False
        for piece in _pieces(words):
            # Ideographs are pieces of their own: a piece with a border can only be between two of them.
            if _BORDER in piece:
                in_han = False
                found.extend(self._plain[piece.replace(_BORDER, "")])
                continue
            ids = self._plain[piece]
            marked = self._marked.get(ids)
            if marked is not None:
                found.append(marked if in_han else ids[0])
                in_han = True
            elif ids:
                found.extend(ids)
                in_han = False
        return found


def _pieces(words: Sequence[str]) -> list[str]:
    return _BORDER.join(word.replace(_BORDER, "") for word in words).translate(_WITH_BORDERS).split()


def _marked(ids: Mapping[str, int], extension: Mapping[str, int]) -> dict[tuple[int, ...], int]:
    """The ids of a piece that is one Han token -> its marked id."""
    forms = ((number, f"##{token}") for token, number in ids.items() if normalise.is_han(token))
    return {(number,): extension[form] if form in extension else ids[form] for number, form in forms}
