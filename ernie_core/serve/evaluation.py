"""A predictor asked many texts: its scores, and a line for every prediction."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TextIO, TypeVar

import numpy as np

from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.serve import asked
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import data
from ernie_core.tasks.metrics import classification

T = TypeVar("T")

_BATCHES = 8
"""Batches between two looks at the stop signal; rows are sorted by length within them."""


def score(
    predictor: Predictor, task_data: Path, report: Path, *, split: str, progress: Progress = silent, stop: Stop = never
) -> dict[str, float]:
    """Write `metrics.json` and `predictions.jsonl` of a split; returns accuracy, macro_f1, loss and examples."""
    names = predictor.labels
    if differs := data.difference(data.label_names(task_data), names):
        raise BadInput(f"{task_data}: {differs}: take the data it learned from")
    rows = data.examples(task_data, split, names)
    logits = []
    with (report / "predictions.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for part in _parts(rows, predictor.batch_size * _BATCHES):
            texts = [row.text if row.text_pair is None else (row.text, row.text_pair) for row in part]
            logits.append(predictor.logits(texts))
            for row, probable in zip(part, classification.softmax(logits[-1]), strict=True):
                _line(file, {"id": row.id, "label": names[row.label]}, names, probable)
            _report(progress, stop, sum(map(len, logits)), len(rows))
    labels = np.array([row.label for row in rows])
    scores = {**classification.scores(np.concatenate(logits), labels), "examples": float(len(rows))}
    _write(report, {**scores, "split": split})
    return scores


def label(
    predictor: Predictor, text: Path, report: Path, *, progress: Progress = silent, stop: Stop = never
) -> dict[str, float]:
    """Write `predictions.jsonl` of all lines of `*.txt` that are not empty; returns examples and shares of labels."""
    files = sorted(text.glob("*.txt"))
    if not files:
        raise BadInput(f"{text}: no *.txt files, there is nothing to predict")
    counts: Counter[str] = Counter()
    with (report / "predictions.jsonl").open("w", encoding="utf-8", newline="\n") as out:
        for part in _parts(_lines(files), predictor.batch_size * _BATCHES):
            texts = [asked.text(where, line, predictor.serving.text_pair) for where, line in part]
            for (where, line), probable in zip(part, classification.softmax(predictor.logits(texts)), strict=True):
                counts[_line(out, {"id": where, "text": line}, predictor.labels, probable)] += 1
            _report(progress, stop, counts.total(), None)
    if not counts:
        raise BadInput(f"{text}: every line is empty, there is nothing to predict")
    shares = {f"share_{name}": counts[name] / counts.total() for name in predictor.labels}
    scores = {"examples": float(counts.total()), **shares}
    _write(report, scores)
    return scores


def _parts(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while part := list(islice(source, size)):
        yield part


def _lines(files: list[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        with path.open("rb") as file:
            for number, line in asked.lines_of(file, str(path)):
                if line.strip():
                    yield f"{path.name}:{number}", line


def _line(file: TextIO, facts: dict[str, str], names: tuple[str, ...], probable: np.ndarray) -> str:
    predicted = names[int(probable.argmax())]
    scores = {name: round(float(value), 6) for name, value in zip(names, probable, strict=True)}
    file.write(json.dumps({**facts, "predicted": predicted, "scores": scores}, ensure_ascii=False) + "\n")
    return predicted


def _report(progress: Progress, stop: Stop, done: int, total: int | None) -> None:
    progress(done, total, "examples")
    if stop():
        raise Stopped(f"stopped after {done} examples: it will start again from its beginning")


def _write(report: Path, scores: Mapping[str, float | str]) -> None:
    text = json.dumps(scores, indent=2, sort_keys=True)
    (report / "metrics.json").write_text(text + "\n", encoding="utf-8")
