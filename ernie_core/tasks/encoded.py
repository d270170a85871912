"""The splits of labelled examples as a training needs them: examples, rows of token ids, true answers."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.tasks import task
from ernie_core.tasks.features import Features
from ernie_core.tasks.task import Example, Task
from ernie_core.text.tokenizer import Tokenizer

_BLOCK = 1 << 20
"""Rows or numbers that are hashed at once."""


@dataclass(frozen=True)
class Questions(Sequence[Any]):
    """The questions of examples, which may be read from a file one after the other."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, place: Any) -> Any:
        found = self.examples[place]
        return [example.question for example in found] if isinstance(place, slice) else found.question

    def __iter__(self) -> Iterator[Any]:
        return (example.question for example in self.examples)


@dataclass
class EncodedSplit:
    """The examples of a split, their rows of token ids, and their true answers."""

    examples: Sequence[Example]
    features: Features
    targets: np.ndarray
    """Empty if the examples are not labelled."""

    @property
    def labelled(self) -> bool:
        """Whether the true answers are known."""
        return all(example.labelled for example in self.examples)

    def part(self, rows: np.ndarray) -> "EncodedSplit":
        """Some examples alone, of a task with one row of tokens for each."""
        return EncodedSplit([self.examples[i] for i in rows], self.features.part(rows), self.targets[rows])

    @property
    def digest(self) -> str:
        """SHA-256 of rows and answers, in hex."""
        found = hashlib.sha256()
        for array in (self.features.lengths, *self.features.flat, self.targets):
            kind = np.dtype(np.int32) if array.dtype == np.int8 else array.dtype
            found.update(f"{kind.str} {array.shape}".encode())
            for start in range(0, len(array), _BLOCK):  # no second copy of millions of rows
                found.update(np.ascontiguousarray(array[start : start + _BLOCK], kind).data)
        return found.hexdigest()


def splits(folder: Path, learned: Task[Any, Any], tokenizer: Tokenizer) -> dict[str, EncodedSplit]:
    """All splits of a folder. BadInput, with file, line and remedy, for a faulty example; all are read before any is
    encoded."""
    read = {split: learned.read(folder, split) for split in task.splits(folder)}
    return {split: _encoded(examples, learned, tokenizer) for split, examples in read.items()}


def _encoded(examples: Sequence[Example], learned: Task[Any, Any], tokenizer: Tokenizer) -> EncodedSplit:
    kept = isinstance(examples, tuple | list)
    questions = [example.question for example in examples] if kept else Questions(examples)
    features = learned.encode(questions, tokenizer)
    labelled = all(example.labelled for example in examples)
    return EncodedSplit(examples, features, learned.targets(examples, features) if labelled else np.zeros(0))
