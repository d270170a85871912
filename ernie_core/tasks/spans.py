"""The best answers to a question, from the outputs for all windows of its context."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ernie_core.tasks.task import Row
from ernie_core.tasks.windows import Windows


@dataclass(frozen=True)
class Span:
    """An answer: `context[start:end]`; all are empty if the context has no answer."""

    text: str
    start: int
    end: int
    confidence: float
    """Its probability among the answers that were considered, from 0 to 1."""


NONE = Span("", 0, 0, 1.0)
"""The answer where nothing can be one: a context without tokens."""


@dataclass(frozen=True)
class Search:
    """Which answers are considered."""

    n_best_size: int
    """Number of beginnings and of ends in each window, and of answers in all."""
    max_answer_length: int
    """In tokens."""
    unanswered: bool
    """Whether there are questions without an answer."""
    null_score_diff_threshold: float
    """How much better than the best answer none must be to be chosen."""

    def best(self, outputs: Sequence[Row], windows: Windows, question: int) -> tuple[Span, ...]:
        """The answers to a question, the chosen one first, the others by probability; at least one.

        The score of an answer is the sum of the two logits in the window where that is largest; no answer has the
        smallest score of `[CLS]` over all windows, as in SQuAD 2.0. Of equal ones the earlier and shorter is better.
        """
        scores: dict[tuple[int, int], float] = {}
        nulls = []
        for row in windows.rows_of[question]:
            start, end = (np.asarray(logits, np.float64) for logits in outputs[row])
            nulls.append(start[0] + end[0])
            at, size, begin = (int(array[row]) for array in (windows.at, windows.sizes, windows.begins))
            for score, first, last in self._pairs(start[at : at + size], end[at : at + size]):
                span = begin + first, begin + last
                scores[span] = max(score, scores.get(span, -np.inf))
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[: self.n_best_size]
        null = min(nulls)
        if self.unanswered:
            chosen = not ranked or null - ranked[0][1] > self.null_score_diff_threshold
            ranked = [((-1, -1), null), *ranked] if chosen else [*ranked, ((-1, -1), null)]
        return _spans(ranked, windows, question) or (NONE,)

    def _pairs(self, start: np.ndarray, end: np.ndarray) -> list[tuple[float, int, int]]:
        """Score, first and last token of the pairs that can be answers."""
        starts, ends = (np.argsort(-logits, kind="stable")[: self.n_best_size] for logits in (start, end))
        sizes = ends[None, :] - starts[:, None]
        first, last = np.nonzero((sizes >= 0) & (sizes < self.max_answer_length))
        scores = start[starts[first]] + end[ends[last]]
        order = np.lexsort((ends[last], starts[first], -scores))[: self.n_best_size]
        return [(float(scores[i]), int(starts[first[i]]), int(ends[last[i]])) for i in order]


def _spans(ranked: Sequence[tuple[tuple[int, int], float]], windows: Windows, question: int) -> tuple[Span, ...]:
    """Tokens and scores as answers with their probabilities."""
    if not ranked:
        return ()
    context, tokens = windows.questions[question][1], windows.contexts[question]
    scores = np.array([score for _, score in ranked])
    powers = np.exp(scores - scores.max())
    found = []
    for ((first, last), _), probability in zip(ranked, powers / powers.sum(), strict=True):
        start, end = (int(tokens.starts[first]), int(tokens.ends[last])) if first >= 0 else (0, 0)
        found.append(Span(context[start:end], start, end, float(probability)))
    return tuple(found)
