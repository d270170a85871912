"""Predictions for many texts: scores, and a line for every prediction."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from ernie_core.errors import BadInput, NotFound, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.serve import asked
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import data, languages, results
from ernie_core.tasks.results import Answered
from ernie_core.tasks.task import Prediction, Row

T = TypeVar("T")

_BATCHES = 8
"""Number of batches between two checks for a stop; rows are sorted by length within them."""


def score(
    predictor: Predictor, task_data: Path, report: Path, *, split: str, progress: Progress = silent, stop: Stop = never
) -> dict[str, float]:
    """Write `metrics.json`, `predictions.jsonl`, `results.json` and `results.html` of a split.

    Returns the scores of the task, and `examples`.
    """
    task = predictor.task
    if differs := task.differs(task_data):
        raise BadInput(f"{task_data}: {differs}: take the data it learned from")
    if split == "test" and not (task_data / "test.jsonl").exists():
        raise NotFound(
            f"{task_data}: there is no test: evaluate dev with `split: dev`, or give `dataset` a `test: 10%`"
        )
    examples = task.read(task_data, split)
    if not all(example.labelled for example in examples):
        raise BadInput(f"{task_data}/{split}.jsonl: no row has its true answer: evaluate the other split, or add them")
    features = predictor.encode([example.question for example in examples])
    outputs: list[Row] = []
    count, rows, size = len(examples), len(features.lengths), predictor.batch_size * _BATCHES
    for start in range(0, rows, size):
        outputs += predictor.run(features, slice(start, start + size))
        _report(progress, stop, count * len(outputs) // rows, count)
    answered = Answered.of(task, split, examples, features, outputs)
    with _answers(report) as file:
        for example, prediction in zip(examples, answered.predictions, strict=True):
            spoken = {"language": language} if (language := languages.of(example)) else {}
            _line(file, {"id": example.id, **spoken, **task.truth(example)}, prediction)
    scores = {**answered.figures, "examples": float(count)}
    _write(report, {**scores, "split": split})
    results.write(report, [answered], f"an exported model on {split}", data.read(task_data))
    return scores


def label(
    predictor: Predictor, text: Path, report: Path, *, progress: Progress = silent, stop: Stop = never
) -> dict[str, float]:
    """Write `predictions.jsonl` of all lines of `*.txt` that are not empty; returns `examples`, and the means of the
    task's figures of a prediction."""
    files = sorted(text.glob("*.txt"))
    if not files:
        raise BadInput(f"{text}: no *.txt files, there is nothing to predict")
    count, task = 0, predictor.task
    sums: dict[str, float] = {}
    with _answers(report) as file:
        for part in _parts(_lines(files), predictor.batch_size * _BATCHES):
            predictions = predictor.predict([task.question(where, line) for where, line in part])
            for (where, line), prediction in zip(part, predictions, strict=True):
                _line(file, {"id": where, "text": line}, prediction)
                for name, value in task.figures(prediction).items():
                    sums[name] = sums.get(name, 0.0) + value
            count += len(part)
            _report(progress, stop, count, None)
    if not count:
        raise BadInput(f"{text}: every line is empty, there is nothing to predict")
    scores = {"examples": float(count), **{name: total / count for name, total in sums.items()}}
    _write(report, scores)
    return scores


def _answers(report: Path) -> TextIO:
    return (report / "predictions.jsonl").open("w", encoding="utf-8", newline="\n")


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


def _line(file: TextIO, facts: Mapping[str, Any], prediction: Prediction) -> None:
    file.write(json.dumps({**facts, **prediction.row()}, ensure_ascii=False) + "\n")


def _report(progress: Progress, stop: Stop, done: int, total: int | None) -> None:
    progress(done, total, "examples")
    if stop():
        raise Stopped(f"stopped after {done} examples: it will start from the beginning")


def _write(report: Path, scores: Mapping[str, float | str]) -> None:
    text = json.dumps(scores, indent=2, sort_keys=True)
    (report / "metrics.json").write_text(text + "\n", encoding="utf-8")
