"""Measurements of a compressed model: size, latency, and main score compared with the float model."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks.task import splits


def scores(models: Mapping[str, Predictor], folder: Path) -> dict[str, float]:
    """The main score of every model on dev and, if it is labelled, on test (`test_...`), by the ending of its name, and
    the share of equal answers of the first model and the others. BadInput if the data are not those of the model."""
    first = next(iter(models.values()))
    task, main = first.task, first.task.known.main
    if differs := task.differs(folder):
        raise BadInput(f"{folder}: {differs}: take the data it learned from")
    figures: dict[str, float] = {}
    for split in splits(folder)[1:]:
        examples, prefix = task.read(folder, split), "" if split == "dev" else f"{split}_"
        if not all(example.labelled for example in examples):
            continue
        features = first.encode([example.question for example in examples])
        outputs = {ending: model.run(features) for ending, model in models.items()}
        figures |= {
            f"{prefix}{main}{ending}": task.scores(found, examples, features)[main] for ending, found in outputs.items()
        }
        mine, *others = outputs.values()
        figures[f"{prefix}agreement"] = float(np.mean([task.agreement(mine, other, features) for other in others]))
    return figures


def latency(model: Predictor) -> float:
    """Median latency in milliseconds for 16 tokens at batch size 1."""
    inputs = {name: np.full((1, 16), name == "input_ids", np.int64) for name in model.names}
    seconds = []
    for _ in range(60):
        start = perf_counter()
        model.engine(**inputs)
        seconds.append(perf_counter() - start)
    # The first are slow: the engine is still planning memory.
    return round(median(seconds[10:]) * 1e3, 3)


def megabytes(path: Path) -> float:
    """Size in millions of bytes."""
    return round(path.stat().st_size / 1e6, 3)
