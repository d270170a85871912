"""Questions with choices as rows for the net: one row for every choice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks import batches
from ernie_core.tasks.features import Arrays, Features, ids_and_types
from ernie_core.text.tokenizer import Tokenizer

Question = tuple[str, str, tuple[str, ...], str]
"""Context, question, choices and group."""
BLANK = re.compile(r"#idiom\d*#")
"""A blank of a cloze test; its own name is the question."""
_MASKS = 4
"""Tokens of a blank that is not asked for: an idiom has four characters."""
_ASCII = (("“", '"'), ("”", '"'), ("——", "--"), ("—", "-"), ("―", "-"), ("…", "..."), ("‘", "'"), ("’", "'"))
"""Marks that the published conversion of CHID replaces, in its order."""
_THIS = "[unused1]"
"""Token of the blank that is asked for; `[UNK]` in a vocabulary without it."""


@dataclass(frozen=True)
class ChoiceRows(Features):
    """Rows of all choices of all questions, those of a question behind each other. Samples are questions."""

    counts: np.ndarray
    """For every question, the number of its choices, int64."""
    questions: Sequence[Question]

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), "choices": self.counts}

    @classmethod
    def restored(cls, questions: Sequence[Question], arrays: Arrays) -> "ChoiceRows":
        return cls(*ids_and_types(arrays), arrays["choices"], questions)

    @cached_property
    def begins(self) -> np.ndarray:
        """For every question, the row of its first choice, int64."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def lengths(self) -> np.ndarray:
        """For every question, the number of tokens of its longest row, int64."""
        sizes = np.fromiter(map(len, self.input_ids), np.int64, len(self.input_ids))
        return np.maximum.reduceat(sizes, self.begins) if len(sizes) else sizes

    def padded(self, rows: np.ndarray, pad_id: int) -> dict[str, np.ndarray]:
        """`input_ids` and `token_type_ids` of all choices of some questions, int64 [choices, longest of them]."""
        of_choices = [at for row in rows for at in range(self.begins[row], self.begins[row] + self.counts[row])]
        return {
            "input_ids": batches.pad([self.input_ids[at] for at in of_choices], pad_id),
            "token_type_ids": batches.pad([self.token_type_ids[at] for at in of_choices], 0),
        }


@dataclass
class ChoiceEncoder:
    """Makes the rows; texts that occur several times are encoded once."""

    tokenizer: Tokenizer
    max_seq_len: int

    def encode(self, questions: Sequence[Question], cloze: bool) -> ChoiceRows:
        """The rows of all choices, each of at most `max_seq_len` tokens."""
        input_ids, token_type_ids, known = [], [], dict[str, list[int]]()
        for question in questions:
            for first, second in self._cloze(question, known) if cloze else self._reading(question, known):
                row, types = self.tokenizer.row(first, second)
                input_ids.append(row)
                token_type_ids.append(types)
        counts = np.fromiter((len(choices) for _, _, choices, _ in questions), np.int64, len(questions))
        return ChoiceRows(input_ids, token_type_ids, counts, questions)

    def _reading(self, question: Question, known: dict[str, list[int]]) -> list[tuple[list[int], list[int]]]:
        """Context, and `question [SEP] choice`, the longest of the three truncated first.

        Every choice is fitted by itself: what one takes away from the context is there for the next.
        """
        context, asked, choices, _ = question
        body, head = self._ids(context, known), self._ids(asked, known)
        found = []
        for choice in choices:
            tail = self._ids(choice, known)
            room = self.max_seq_len - self.tokenizer.added - (1 if head else 0)
            a, b, c = longest_first((len(body), len(tail), len(head)), room)
            found.append((body[:a], [*head[:c], self.tokenizer.sep_id, *tail[:b]] if head else tail[:b]))
        return found

    def _cloze(self, question: Question, known: dict[str, list[int]]) -> list[tuple[list[int], list[int]]]:
        """A choice, and `left blank right`, the text around the blank."""
        context, blank, choices, _ = question
        room = self.max_seq_len - self.tokenizer.added - 1
        longest = room // 2
        tails = [self._ids(choice, known)[:longest] for choice in choices]
        # For idioms of four tokens these are the published max_seq_length - 8.
        left, right = self._around(context, blank, room - max(map(len, tails)), known)
        this = self.tokenizer.ids.get(_THIS, self.tokenizer.unk_id)
        return [(tail, [*left, this, *right]) for tail in tails]

    def _around(self, context: str, blank: str, room: int, known: dict[str, list[int]]) -> tuple[list[int], list[int]]:
        """At most `room` tokens around a blank: half of them left of it, or more where the text ends on the right."""
        before, found, after = context.partition(blank)
        if not found:
            raise BadInput(f"the blank {blank} is not in the context: {context[:40]!r}")
        left, right = (self._with_blanks(text, known) for text in (before, after))
        half = room // 2
        if len(left) >= half and len(right) < room - half:
            half = room - len(right)
        left = left[max(len(left) - half, 0) :]
        right = right[: room - len(left)]
        keep = len(left), len(right)
        left, right = (self._masked(tokens) for tokens in (left, right))
        return left[max(len(left) - keep[0], 0) :], right[: keep[1]]

    def _with_blanks(self, text: str, known: dict[str, list[int]]) -> list[int]:
        """The tokens of a text; -1 for each blank."""
        found: list[int] = []
        for number, part in enumerate(BLANK.split(ascii_marks(text))):
            found += ([-1] if number else []) + self._ids(part, known)
        return found

    def _masked(self, tokens: Sequence[int]) -> list[int]:
        mask = [self.tokenizer.mask_id] * _MASKS
        return [number for token in tokens for number in (mask if token < 0 else [token])]

    def _ids(self, text: str, known: dict[str, list[int]]) -> list[int]:
        if text not in known:
            known[text] = self.tokenizer.encode(text)
        return known[text]


def ascii_marks(text: str) -> str:
    """A text with curly quotes, dashes and ellipses in ASCII."""
    for mark, instead in _ASCII:
        text = text.replace(mark, instead)
    return text


def longest_first(lengths: Sequence[int], room: int) -> list[int]:
    """Lengths that fit into `room` together: tokens are taken one by one from the longest, of equal ones the first."""
    kept = list(lengths)
    while (over := sum(kept) - max(room, 0)) > 0:
        longest = max(kept)
        equal = [place for place, length in enumerate(kept) if length == longest]
        step = longest - max((length for length in kept if length < longest), default=0)
        each, rest = divmod(min(over, step * len(equal)), len(equal))
        for number, place in enumerate(equal):
            kept[place] -= each + (number < rest)
    return kept
