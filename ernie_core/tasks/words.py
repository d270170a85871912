"""Words as rows of token ids: which token of a row is the first of each word."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks import features
from ernie_core.tasks.features import Arrays, Features
from ernie_core.text.offsets import Span
from ernie_core.text.tokenizer import Tokenizer

Words = str | tuple[str, ...]
"""A text, which is divided into words, or words."""


@dataclass(frozen=True)
class WordRows(Features):
    """A row for each question, and the words of each."""

    words: list[tuple[str, ...]]
    firsts: list[np.ndarray]
    """Position in its row of the first token of every word, int64 [words]; -1 for a word without one: the tokenizer
    drops it, or it is beyond the end of the row."""
    texts: list[str | None]
    """The text of a question that was one."""
    places: list[list[Span]]
    """The characters of every word in the text; empty without a text."""

    def arrays(self) -> dict[str, np.ndarray]:
        places = np.array(list(itertools.chain.from_iterable(self.places)), np.int32).reshape(-1, 2)
        firsts = {"words": features.sizes(self.firsts), "firsts": features.joined(self.firsts)}
        return {**super().arrays(), **firsts, "placed": features.sizes(self.places), "places": places}

    @classmethod
    def restored(cls, questions: Sequence[Words], arrays: Arrays) -> "WordRows":
        firsts = features.cut(arrays["firsts"].astype(np.int64), arrays["words"])
        places = features.cut(list(map(tuple, arrays["places"].tolist())), arrays["placed"])
        texts = [question if isinstance(question, str) else None for question in questions]
        words = [
            tuple(question[start:end] for start, end in spans) if isinstance(question, str) else tuple(question)
            for question, spans in zip(questions, places, strict=True)
        ]
        return cls(*features.ids_and_types(arrays), words, firsts, texts, places)

    def span(self, question: int, start: int, end: int) -> tuple[int, int, str]:
        """Some words of a question: where they begin and end, and their text. Numbers of characters of the text, or of
        words, if the question was words; the end is behind the last."""
        text = self.texts[question]
        if text is None:
            return start, end, joined(self.words[question][start:end])
        first, last = self.places[question][start][0], self.places[question][end - 1][1]
        return first, last, text[first:last]


def encode(questions: Sequence[Words], tokenizer: Tokenizer, max_seq_len: int, *, characters: bool) -> WordRows:
    """Questions as `[CLS] tokens of all words [SEP]`, truncated to `max_seq_len`.

    The words of a text are its `characters` but white space; else those of `Tokenizer.words`. BadInput for a question
    that is neither a text nor words.
    """
    known: dict[str, list[int]] = {}
    rows = WordRows([], [], [], [], [], [])
    for question in questions:
        words, places = _divided(question, tokenizer, characters)
        ids: list[int] = []
        starts = np.full(len(words), -1, np.int64)
        for number, word in enumerate(words):
            mine = known.get(word)
            if mine is None:
                mine = known[word] = tokenizer.encode(word)
            if mine:
                starts[number] = len(ids) + 1  # behind [CLS]
                ids += mine
        framed, types = tokenizer.frame(ids, None, max_seq_len)
        starts[starts >= len(framed) - 1] = -1
        rows.input_ids.append(framed)
        rows.token_type_ids.append(types)
        rows.words.append(words)
        rows.firsts.append(starts)
        rows.texts.append(question if isinstance(question, str) else None)
        rows.places.append(places)
    return rows


def joined(words: Sequence[str]) -> str:
    """Words as a text: with spaces between words of several letters, none beside wide characters such as ideographs."""
    text = "".join(words[:1])
    for before, word in itertools.pairwise(words):
        narrow = before and word and not (_is_wide(before[-1]) or _is_wide(word[0]))
        text += f" {word}" if narrow and (len(before) > 1 or len(word) > 1) else word
    return text


def _divided(question: Words, tokenizer: Tokenizer, characters: bool) -> tuple[tuple[str, ...], list[Span]]:
    if not isinstance(question, str):
        if not all(isinstance(word, str) for word in question):
            raise BadInput(f"this model was trained on words, not on {question!r}: give a text, or a tuple of strings")
        return tuple(question), []
    if characters:
        places = [(n, n + 1) for n, char in enumerate(question) if not char.isspace()]
    else:
        places = tokenizer.words(question)
    return tuple(question[start:end] for start, end in places), places


def _is_wide(char: str) -> bool:
    return east_asian_width(char) in "WF"
