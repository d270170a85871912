"""Results of a model on a split, for any task: what it got right, where it is wrong, how far to trust its confidence.

Figures are made of predictions, `graded`, `pairs`, `truth` and `losses` of a task alone, and are functions of them: the
same inputs give the same files, to the byte. Imports NumPy only: the image that serves a model writes them too.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.tasks import languages, results_page, xnli_report
from ernie_core.tasks.data import DataFacts
from ernie_core.tasks.features import Features
from ernie_core.tasks.task import Example, Outputs, Prediction, Task

FILE, PAGE = "results.json", "results.html"
BINS = 10
"""Number of bins of confidence."""
CLASSES = 30
"""Most classes of which the whole matrix of confusions is kept."""
LARGEST = 30
"""Number of the largest confusions."""
WORST = 20
"""Number of the worst examples."""


@dataclass(frozen=True)
class Answered:
    """A split with the answers of a model to it; `of` makes one."""

    task: Task[Any, Any]
    split: str
    examples: Sequence[Example]
    features: Features
    outputs: Outputs
    scores: Mapping[str, float]
    """Figures of the task; empty if the true answers are not known."""
    by_language: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Those of each language, in the order of the examples; empty for one language."""

    @classmethod
    def of(
        cls, task: Task[Any, Any], split: str, examples: Sequence[Example], features: Features, outputs: Outputs
    ) -> "Answered":
        """Score the outputs of a net, if the true answers are known."""
        labelled = all(example.labelled for example in examples)
        scores = task.scores(outputs, examples, features) if labelled else {}
        each = languages.scores(task, outputs, examples, features) if labelled else {}
        return cls(task, split, examples, features, outputs, scores, each)

    @property
    def figures(self) -> dict[str, float]:
        """The figures of the task, and its main one of each language."""
        return {**self.scores, **languages.named(self.by_language, self.task.known.main)}

    @cached_property
    def predictions(self) -> Sequence[Prediction]:
        """The answer to every example."""
        return self.task.decode(self.outputs, self.features)

    def truth(self, number: int) -> Any:
        """The true answer of an example, by itself where a task has one field for it; None if it is not known."""
        truth = self.task.truth(self.examples[number])
        return next(iter(truth.values()), None) if len(truth) < 2 else dict(truth)


def write(folder: Path, answered: Sequence[Answered], below: str, data: DataFacts = DataFacts()) -> None:  # noqa: B008
    """Write `results.json` and `results.html` of some splits; `below` is a line below the title of the page, `data` are
    the facts of the examples."""
    task = answered[0].task
    found: dict[str, Any] = {
        "task": task.name,
        "main": task.known.main,
        "splits": {each.split: figures(each) for each in answered},
    }
    if published := xnli_report.published(data.dataset, data.facts.get("mode")):
        found["published"] = published
    write_json(folder / FILE, found)
    (folder / PAGE).write_text(results_page.page(found, below), encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write a file of JSON in one form: keys sorted, texts as they are."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def figures(answered: Answered) -> dict[str, Any]:
    """The figures of a split, as JSON values: those of its confidence only if the true answers are not known."""
    task = answered.task
    sure = np.array([prediction.confidence for prediction in answered.predictions], np.float64)
    found: dict[str, Any] = {"examples": len(answered.examples), "labelled": bool(answered.scores)}
    if not answered.scores:
        return found | {"confidence": calibration(sure, None)}
    pairs = list(zip(answered.predictions, answered.examples, strict=True))
    right = np.array([task.graded(prediction, example) for prediction, example in pairs], np.float64)
    losses = task.losses(answered.outputs, answered.examples, answered.features)
    lengths = answered.features.lengths
    return found | {
        "scores": dict(answered.scores),
        **_languages(answered),
        "classes": classes([pair for prediction, example in pairs for pair in task.pairs(prediction, example)]),
        "confidence": calibration(sure, right),
        "worst": worst(answered, sure, right),
        "lengths": by_length(lengths, right, losses) if len(lengths) == len(pairs) else [],
    }


def _languages(answered: Answered) -> dict[str, Any]:
    """The scores of each language in the order of the published table, and their mean; nothing for one language."""
    found = answered.by_language
    if not found:
        return {}
    counts = Counter(map(languages.of, answered.examples))
    table = [
        {"language": name, "examples": counts[name], **{score: _rounded(of) for score, of in found[name].items()}}
        for name in xnli_report.ordered(list(found))
    ]
    means = {name: _rounded(mean) for name, mean in languages.averages(found).items()}
    return {"languages": table, "average": means}


def classes(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Precision, recall and F1 of every class of (true, predicted) pairs, and their confusions.

    An empty name stands for no class: it is no class itself, and counts against the other one of its pair.
    """
    counts = Counter(pairs)
    true, predicted = Counter[str](), Counter[str]()
    for (one, two), count in counts.items():
        true[one] += count
        predicted[two] += count
    names = sorted({name for pair in counts for name in pair})
    table = [_of_class(name, counts[name, name], true[name], predicted[name]) for name in names if name]
    wrong = sorted(
        ((pair, count) for pair, count in counts.items() if pair[0] != pair[1]), key=lambda row: (-row[1], row[0])
    )
    return {
        "table": table,
        "names": names if len(names) <= CLASSES else [],
        "matrix": [[counts[one, two] for two in names] for one in names] if len(names) <= CLASSES else [],
        "confusions": [{"true": one, "predicted": two, "count": count} for (one, two), count in wrong[:LARGEST]],
    }


def calibration(sure: np.ndarray, right: np.ndarray | None) -> dict[str, Any]:
    """Bins of confidence [N], with the share that is right [N] in each; None: not known.

    `ece` is the expected calibration error (Guo et al., 2017): the mean distance of the two, weighted by the counts.
    """
    numbers = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        held = numbers == number
        count = int(held.sum())
        row: dict[str, Any] = {"from": number / BINS, "to": (number + 1) / BINS, "count": count}
        if count:
            row["confidence"] = _rounded(sure[held].mean())
            if right is not None:
                row["right"] = _rounded(right[held].mean())
                error += count * abs(float(right[held].mean() - sure[held].mean()))
        bins.append(row)
    return {"bins": bins} | ({} if right is None else {"ece": _rounded(error / len(sure))})


def worst(answered: Answered, sure: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """The examples that are most wrong with most confidence, the worst first."""
    order = np.argsort(-(sure * (1.0 - right)), kind="stable")[:WORST]
    return [
        {
            "id": answered.examples[i].id,
            "question": answered.task.shown(answered.examples[i].question),
            "true": answered.truth(int(i)),
            "predicted": answered.predictions[i].row()["predicted"],
            "confidence": _rounded(sure[i]),
            "right": _rounded(right[i]),
        }
        for i in order
        if right[i] < 1.0
    ]


def by_length(lengths: np.ndarray, right: np.ndarray, losses: np.ndarray | None) -> list[dict[str, Any]]:
    """The share that is right, and the mean loss if it is known, of each quarter of the examples by tokens [N].

    Examples of equal length are in the same quarter.
    """
    ordered = np.sort(lengths)
    limits = np.unique(ordered[[len(ordered) * quarter // 4 for quarter in (1, 2, 3)]])
    numbers = np.searchsorted(limits, lengths, side="right")
    found = []
    for number in np.unique(numbers):
        held = numbers == number
        row: dict[str, Any] = {
            "from": int(lengths[held].min()), "to": int(lengths[held].max()), "count": int(held.sum()),
            "right": _rounded(right[held].mean()),
        }  # fmt: skip
        found.append(row if losses is None else row | {"loss": _rounded(losses[held].mean())})
    return found


def _of_class(name: str, both: int, true: int, predicted: int) -> dict[str, Any]:
    """F1 is 2 both / (true + predicted), so that a class without examples or predictions has 0."""
    return {
        "class": name,
        "precision": _rounded(both / predicted) if predicted else 0.0,
        "recall": _rounded(both / true) if true else 0.0,
        "f1": _rounded(2 * both / (true + predicted)) if true + predicted else 0.0,
        "support": true,
        "predicted": predicted,
    }


def _rounded(value: Any) -> float:
    return round(float(value), 6)
