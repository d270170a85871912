"""The words of jieba 0.42.1, accurate mode with new words (HMM): in C, or with the same result by jieba itself."""

import logging
import math
import re
from array import array
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from ernie_core import native
from ernie_core.errors import BadInput
from ernie_core.text import normalise, sentences
from ernie_core.text.jieba.custom import Word
from ernie_core.text.wordcut import Cut, of_words

if TYPE_CHECKING:
    import jieba

SLICE = 1 << 16
"""Most code points that are segmented at once; a longer sentence is split at each multiple too."""
LONG = 512
"""Most tokens of a sentence in a training sample; pretraining leaves out documents with longer ones."""

_HAN = range(0x4E00, 0x9FD5 + 1)
_WORD = re.compile("[\u4e00-\u9fd5a-zA-Z0-9+#&._%-]{1,256}")
_STATES = "BMES"


class Cutter(Protocol):
    """Segments text into words."""

    def cut(self, sentence: str) -> list[str]:
        """The words of a sentence."""
        ...

    def document(self, document: str) -> Cut:
        """All sentences of a document, segmented."""
        ...


def load(custom: tuple[Word, ...] = ()) -> Cutter:
    """A segmenter with custom words, as if added to jieba; one without a count is just likely enough to stay whole."""
    return _load(custom)


@cache
def _load(custom: tuple[Word, ...]) -> Cutter:
    tokenizer = _tokenizer(custom)
    compiled = native.load("ernie_core.text.jieba._jieba", "text is cut fifty times slower, with equal words")
    return _Python(tokenizer) if compiled is None else _Native(compiled, tokenizer)


class _Native:
    def __init__(self, compiled: ModuleType, tokenizer: "jieba.Tokenizer") -> None:
        known = {word: count for word, count in tokenizer.FREQ.items() if count}
        total = math.log(tokenizer.total)
        weights = array("d", [math.log(count) - total for count in known.values()])
        text = "".join([f"{word}\n" for word in known]).encode()
        self._native = compiled.Cutter(text, weights.tobytes(), len(known), _model(), math.log(1) - total, SLICE)

    def cut(self, sentence: str) -> list[str]:
        """The words of a sentence."""
        found, begin = [], 0
        for end in array("i", self._native.ends(sentence)):
            found.append(sentence[begin:end])
            begin = end
        return found

    def document(self, document: str) -> Cut:
        """All sentences of a document, segmented."""
        line, number, words, size, long, doubtful = self._native.document(document)
        if doubtful:
            long = sum(map(is_long, sentences.split(document)))
        return Cut(line, number, words, size, long)


class _Python:
    def __init__(self, tokenizer: "jieba.Tokenizer") -> None:
        self._tokenizer = tokenizer

    def cut(self, sentence: str) -> list[str]:
        """The words of a sentence."""
        pieces = (sentence[n : n + SLICE] for n in range(0, len(sentence), SLICE))
        return [word for piece in pieces for word in self._tokenizer.lcut(piece)]

    def document(self, document: str) -> Cut:
        """All sentences of a document, segmented."""
        found = sentences.split(document)
        return of_words([self.cut(s) for s in found])._replace(long_sentences=sum(map(is_long, found)))


def is_long(sentence: str) -> bool:
    """Whether a sentence is likely to have more than `LONG` tokens, if no character is unknown."""
    return len(sentence) > LONG and sum(len(normalise.parts(p)) for p in normalise.pieces(sentence)) > LONG


def _tokenizer(custom: Sequence[Word]) -> "jieba.Tokenizer":
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # jieba itself caches the dictionary in a file shared by all users of the machine; here it is always read.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word in custom:
        if not _WORD.fullmatch(word.text):
            raise BadInput(
                f"{word.place}: `{word.text}` cannot be a word of jieba's: write Han, Latin letters, digits and "
                f"+ # & . _ % -, at most 256"
            )
        tokenizer.add_word(word.text, word.count)
    return tokenizer


def _model() -> bytes:
    """jieba's hidden Markov model as 4 + 16 doubles, and 4 for each Han."""
    from jieba import finalseg

    never = finalseg.MIN_FLOAT
    numbers = array("d", [finalseg.start_P[state] for state in _STATES])
    numbers.extend(finalseg.trans_P[a].get(b, never) for a in _STATES for b in _STATES)
    tables = [finalseg.emit_P[state] for state in _STATES]
    numbers.extend(table.get(chr(code), never) for code in _HAN for table in tables)
    return numbers.tobytes()
