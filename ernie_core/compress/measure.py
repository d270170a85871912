"""What a compressed model is worth: its size, its accuracy beside the float model's, its latency."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.serve.engines import Engine
from ernie_core.tasks import batches, data
from ernie_core.tasks.metrics import classification
from ernie_core.text.tokenizer import Tokenizer


def accuracies(
    models: Mapping[str, Engine], folder: Path, names: tuple[str, ...], cutter: Tokenizer, max_seq_len: int
) -> dict[str, float]:
    """Accuracy on dev and on test (`test_...`) of every model, by the ending of its name; share of equal labels."""
    if differs := data.difference(data.label_names(folder), names):
        raise BadInput(f"{folder}: {differs}: take the data it learned from")
    scores: dict[str, float] = {}
    for split, prefix in (("dev", ""), ("test", "test_")):
        rows = data.encode(data.examples(folder, split, names), cutter, max_seq_len)
        found = {
            name: batches.forward(engine, rows.input_ids, rows.token_type_ids, pad_id=cutter.pad_id, batch_size=32)
            for name, engine in models.items()
        }
        scores |= {
            f"{prefix}accuracy{name}": classification.scores(x, rows.labels)["accuracy"] for name, x in found.items()
        }
        labels = [x.argmax(axis=1) for x in found.values()]
        scores[f"{prefix}agreement"] = float(np.mean([(other == labels[0]).mean() for other in labels[1:]]))
    return scores


def latency(engine: Engine) -> float:
    """Median milliseconds of 16 tokens at batch 1."""
    ids = np.ones((1, 16), np.int64)
    seconds = []
    for _ in range(60):
        start = perf_counter()
        engine(ids, np.zeros_like(ids))
        seconds.append(perf_counter() - start)
    # The first are slow: memory is still being planned.
    return round(median(seconds[10:]) * 1e3, 3)


def megabytes(path: Path) -> float:
    """Size in millions of bytes."""
    return round(path.stat().st_size / 1e6, 3)
