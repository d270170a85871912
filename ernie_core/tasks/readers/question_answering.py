"""Questions about a context with their answers in it: `train.jsonl`, `dev.jsonl`, `test.jsonl`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import rows
from ernie_core.text import json_text

NOWHERE = -1
"""Start of an answer that is not in the context as it is written: it counts for scores, nothing is learned from it."""


@dataclass(frozen=True)
class Answer:
    """An answer, and the character of the context at which it begins; NOWHERE if it is not there."""

    text: str
    start: int


@dataclass(frozen=True)
class AskedContext:
    """A question, its context, and its answers: none for a question that the context does not answer."""

    id: str
    context: str
    asked: str
    answers: tuple[Answer, ...] | None
    """None: not known."""

    @property
    def labelled(self) -> bool:
        """Whether the answers are known."""
        return self.answers is not None

    @property
    def question(self) -> tuple[str, str]:
        """Question and context."""
        return self.asked, self.context

    @property
    def located(self) -> Answer | None:
        """The answer to learn: the first that is in the context."""
        return next((answer for answer in self.answers or () if answer.start != NOWHERE), None)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the answers; one empty text if there is no answer."""
        return tuple(answer.text for answer in self.answers or ()) or ("",)


def examples(folder: Path, split: str) -> tuple[AskedContext, ...]:
    """All examples of `<split>.jsonl`. BadInput, with file and line, for a faulty one."""
    path = folder / f"{split}.jsonl"
    found = []
    for where, row in rows.read(path, ("context", "question"), ("answers",), unlabelled=split == "test"):
        answers = _answers(where, row["answers"], row["context"]) if "answers" in row else None
        example = AskedContext(str(row["id"]), row["context"], row["question"], answers)
        if split == "train" and answers and example.located is None:
            raise BadInput(f"{where}: no answer is in the context, nothing can be learned from it: take the row away")
        found.append(example)
    return tuple(found)


def misplaced(context: str, text: str, start: int) -> str:
    """Why an answer is not at its place in the context; empty if it is."""
    if context[start : start + len(text)] == text:
        return ""
    there = context[start : start + len(text)]
    at = context.find(text)
    remedy = f"it is at {at}" if at >= 0 else "it is nowhere in the context"
    return f"answer {rows.spell(text)} is not at character {start}, there is {rows.spell(there)}: {remedy}"


def _answers(where: str, value: Any, context: str) -> tuple[Answer, ...]:
    form = '{"text": ["..."], "answer_start": [0]}, with empty lists if there is no answer'
    texts, starts = (value.get(key) for key in ("text", "answer_start")) if isinstance(value, dict) else (None, None)
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise BadInput(f'{where}: "answers" is {rows.spell(value)}, write {form}')
    found = []
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str) or not text.strip():
            raise BadInput(f"{where}: answer {rows.spell(text)}, it must be a text that is not empty: write {form}")
        if half := json_text.half_character(text):
            raise BadInput(f"{where}: answer {rows.spell(text)} holds {half}, half of a surrogate pair: write the pair")
        if isinstance(start, bool) or not isinstance(start, int) or start < NOWHERE:
            raise BadInput(
                f"{where}: answer_start {rows.spell(start)}, it must be a number of characters from 0, or {NOWHERE} "
                "for an answer that is not in the context"
            )
        if start != NOWHERE and (problem := misplaced(context, text, start)):
            raise BadInput(f"{where}: {problem}")
        found.append(Answer(text, start))
    return tuple(found)


def have_unanswered(examples: Sequence[AskedContext]) -> bool:
    """Whether some questions are known to have no answer."""
    return any(example.answers == () for example in examples)
