"""Whole-word marks by the rule of PaddleNLP's data script, for data that must equal its output.

Wherever consecutive tokens of a sentence spell one of its words, all but the first get their `##` form, even if they
are not that word; only words of at most six tokens that begin with a Han character count.
"""

from collections.abc import Mapping

from ernie_core.text import normalise, wordcut
from ernie_core.text.ids import marks
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

LONGEST = 6
"""Most tokens of a word."""


def has_han(token: str) -> bool:
    """Whether a token contains a Han character."""
    return any(ord(char) in normalise.HAN for char in token)


def joined(tokenizer: WordPieceTokenizer, extension: Mapping[str, int]) -> list[int]:
    """Id -> the id of `##` and its token: in the vocabulary, in the extension, or unknown."""
    ids = tokenizer.ids
    forms = (f"##{token}" for token in tokenizer.vocab)
    return [extension[form] if form in extension else ids.get(form, tokenizer.unk_id) for form in forms]


class SetMarker:
    """Encodes word-cut sentences."""

    def __init__(self, tokenizer: WordPieceTokenizer) -> None:
        self._tokenizer = tokenizer
        self._joined = joined(tokenizer, marks.extension(tokenizer.vocab))

    def encode(self, sentence: str) -> list[int]:
        """The marked ids of a sentence, words joined by one space."""
        words = wordcut.split(sentence.strip())
        known, ids = set(words), self._tokenizer.encode("".join(words))
        tokens = [self._tokenizer.vocab[number] for number in ids]
        found: list[int] = []
        while len(found) < len(ids):
            at = len(found)
            size = self._longest(tokens[at : at + LONGEST], known)
            found += [ids[at], *(self._joined[number] for number in ids[at + 1 : at + size])]
        return found

    def _longest(self, tokens: list[str], known: set[str]) -> int:
        if has_han(tokens[0]):
            for size in range(len(tokens), 1, -1):
                if "".join(tokens[:size]) in known:
                    return size
        return 1
