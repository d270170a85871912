"""Predictors: from questions to the answers of a task."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.serve import engines, manifest
from ernie_core.serve.engines import Engine
from ernie_core.serve.manifest import Probe
from ernie_core.tasks import batches
from ernie_core.tasks.features import Features
from ernie_core.tasks.task import Outputs, Task
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Predictor:
    """An opened model; `open` makes one."""

    task: Task[Any, Any]
    tokenizer: Tokenizer
    engine: Engine
    batch_size: int = 32
    """Number of rows that are computed at once."""
    inputs: tuple[str, ...] = ()
    """Names of the inputs of the engine; by default all of the task."""

    @classmethod
    def open(cls, folder: Path, *, engine: str = "auto", threads: int = 1, batch_size: int = 32) -> "Predictor":
        """Open an exported model or a package, and check it against its probe. BadInput if its outputs differ."""
        if batch_size < 1:
            raise BadInput(f"batch_size is {batch_size}, it must be at least 1")
        serving = manifest.read(folder)
        tokenizer = tokenizers.open(folder)
        loaded = engines.load(folder / manifest.MODEL, engine, serving.engines, threads)
        predictor = cls(serving.task, tokenizer, loaded, batch_size, serving.names)
        predictor.check(serving.probe, folder)
        return predictor

    def predict(self, questions: Sequence[Any]) -> list[Any]:
        """A prediction of the task for every question (a text, or a pair of texts), in their order.

        That of a classifier has a `label`, and `scores`: the probability of every label.
        """
        features = self.encode(questions)
        return list(self.task.decode(self.run(features), features))

    def encode(self, questions: Sequence[Any]) -> Features:
        """Questions as rows of token ids. BadInput for a question that does not have the form of the task."""
        return self.task.encode(questions, self.tokenizer)

    def outputs(self, questions: Sequence[Any]) -> Outputs:
        """The outputs of the net for the rows of some questions, in their order."""
        return self.run(self.encode(questions))

    def run(self, features: Features, part: slice = slice(None)) -> Outputs:
        """The outputs of the net for some rows, in their order; rows are batched by length to avoid padding."""
        rows = np.arange(len(features.lengths))[part]
        chosen = [rows[batch] for batch in batches.by_length(features.lengths[rows], self.batch_size)]
        found = [self.task.forward(self._ask, features, batch, self.tokenizer.pad_id) for batch in chosen]
        return batches.in_order(found, chosen)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs of the engine."""
        return self.inputs or self.task.inputs

    def _ask(self, **inputs: np.ndarray) -> Sequence[np.ndarray]:
        """The outputs of the engine for those of a task's inputs that it has."""
        return self.engine(**{name: inputs[name] for name in self.names})

    def check(self, probe: Probe, folder: Path) -> None:
        """Check the probe row by row, in a batch, and again row by row: some engines fail when the batch size changes.

        BadInput if an output differs by more than the probe's tolerance.
        """
        for size, wanted in ((1, probe.logits), (len(probe.logits), probe.logits_together), (1, probe.logits)):
            outputs = replace(self, batch_size=size).outputs(probe.texts)
            off = difference(manifest.numbers(outputs), [np.array(row) for row in wanted])
            if not off <= probe.tolerance:
                names = " and ".join(self.task.outputs)
                raise BadInput(
                    f"{folder}: at batch size {size} the probe's {names} are off by {off:.3g}, at most "
                    f"{probe.tolerance:g} is allowed: the model is damaged, or this engine computes it wrongly; "
                    "pull it again, or choose another engine"
                )
        if problem := self.task.misfit(outputs):
            raise BadInput(f"{folder}: {problem}: pull or make it again")


def difference(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """The largest difference between rows of numbers; infinite if their shapes differ."""
    if [row.shape for row in found] != [row.shape for row in wanted]:
        return float("inf")
    return float(np.max([np.abs(one - two).max() for one, two in zip(found, wanted, strict=True)]))
