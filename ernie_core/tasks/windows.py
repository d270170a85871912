"""Questions with long contexts as rows for the net: windows that slide over the context."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks import features
from ernie_core.tasks.features import Arrays, Features
from ernie_core.text.offsets import TracedTokens
from ernie_core.text.tokenizer import Tokenizer

_TRACED, _PLACES = ("ids", "starts", "ends"), ("owners", "begins", "at")


@dataclass(frozen=True)
class Windows(Features):
    """Rows of a question and a window, those of one question behind each other, its first window first."""

    questions: Sequence[tuple[str, str]]
    """Question and context."""
    contexts: Sequence[TracedTokens]
    """The tokens of the context of every question."""
    owners: np.ndarray
    """For every row, the number of its question, int64."""
    begins: np.ndarray
    """For every row, the first token of the context that is in it, int64."""
    at: np.ndarray
    """For every row, the place in it of that token, int64."""

    def arrays(self) -> dict[str, np.ndarray]:
        # questions about one context share its tokens
        traced = list({asked[1]: found for asked, found in zip(self.questions, self.contexts, strict=True)}.values())
        tokens = {name: features.joined([getattr(found, name) for found in traced]) for name in _TRACED}
        places = {name: getattr(self, name) for name in _PLACES}
        return {
            **super().arrays(), **places, "traced": features.sizes([found.ids for found in traced]),
            **{f"traced_{name}": array for name, array in tokens.items()},
        }  # fmt: skip

    @classmethod
    def restored(cls, questions: Sequence[tuple[str, str]], arrays: Arrays) -> "Windows":
        parts = (features.cut(arrays[f"traced_{name}"].astype(np.int64), arrays["traced"]) for name in _TRACED)
        texts = dict.fromkeys(context for _, context in questions)
        traced = dict(zip(texts, map(TracedTokens, *parts), strict=True))
        contexts = [traced[context] for _, context in questions]
        return cls(*features.ids_and_types(arrays), questions, contexts, *(arrays[name] for name in _PLACES))

    @cached_property
    def sizes(self) -> np.ndarray:
        """For every row, the number of tokens of the context in it, int64."""
        return self.lengths - self.at - 1

    @cached_property
    def rows_of(self) -> list[np.ndarray]:
        """The rows of every question."""
        cuts = np.searchsorted(self.owners, np.arange(len(self.questions) + 1))
        return [np.arange(a, b) for a, b in pairwise(cuts)]


def encode(
    questions: Sequence[tuple[str, str]], tokenizer: Tokenizer, max_seq_len: int, max_query_length: int, doc_stride: int
) -> Windows:
    """Windows that begin `doc_stride` tokens behind each other, or less if a window is smaller, up to the last token.

    A question has at most `max_query_length` tokens; `max_seq_len` must have room for it and one more token.
    """
    # A context is asked about many times: it is encoded once.
    texts = list(dict.fromkeys(context for _, context in questions))
    traced = dict(zip(texts, tokenizer.trace(texts), strict=True))
    lists = {context: found.ids.tolist() for context, found in traced.items()}
    asked = [found.ids[:max_query_length].tolist() for found in tokenizer.trace([asked for asked, _ in questions])]
    input_ids, token_type_ids, owners, begins, at = [], [], [], [], []
    for owner, (head, (_, context)) in enumerate(zip(asked, questions, strict=True)):
        ids, room = lists[context], max_seq_len - tokenizer.added - len(head)
        if room < 1:
            raise BadInput(
                f"max_seq_len {max_seq_len} has no room for a context behind a question of {len(head)} tokens and "
                f"{tokenizer.added} special tokens: raise it, or lower max_query_length"
            )
        for begin in window_begins(len(ids), room, doc_stride):
            row, types = tokenizer.row(head, ids[begin : begin + room])
            input_ids.append(row)
            token_type_ids.append(types)
            owners.append(owner)
            begins.append(begin)
            at.append(len(head) + tokenizer.added - 1)
    contexts = [traced[context] for _, context in questions]
    arrays = (np.array(values, np.int64) for values in (owners, begins, at))
    return Windows(input_ids, token_type_ids, questions, contexts, *arrays)


def window_begins(tokens: int, room: int, stride: int) -> range:
    """The first token of every window of `room` tokens; at least one window, none behind that with the last token."""
    step = min(stride, room)
    return range(0, max(tokens - room, 0) + step, step)


def token_span(tokens: TracedTokens, start: int, end: int) -> tuple[int, int] | None:
    """The first and the last token that stand for characters of `start` to `end`; None if there is none."""
    first = int(np.searchsorted(tokens.ends, start, "right"))
    last = int(np.searchsorted(tokens.starts, end, "left")) - 1
    return (first, last) if first <= last else None
