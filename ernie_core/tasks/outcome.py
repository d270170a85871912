"""The result files of a fine-tuning: scores of dev, answers to test, and files to hand in.

`eval_results.json` and `test_results.json` have the names that published scripts give them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ernie_core.tasks import languages, results
from ernie_core.tasks.data import DataFacts
from ernie_core.tasks.results import Answered
from ernie_core.wording import listed

EVALUATED, TESTED, HANDED_IN = "eval_results.json", "test_results.json", "predictions"


def write(
    folder: Path,
    answered: Mapping[str, Answered],
    scores: Mapping[str, float],
    *,
    best_step: int,
    deciding: str,
    deciding_languages: Sequence[str] = (),
    data: DataFacts,
) -> None:
    """Write all result files of a fine-tuning to the folder of its model.

    `answered` has dev, and test if there is one; `scores` are those of dev; `deciding` is the name of the score that
    chose the weights of step `best_step`, `deciding_languages` are those of the examples that did, if not all did;
    `data` are the facts of the examples.
    """
    dev = answered["dev"]
    said = {"examples": len(dev.examples), "best_step": best_step, "metric_for_best_model": deciding}
    results.write_json(folder / EVALUATED, {f"eval_{name}": value for name, value in scores.items()} | said)
    if "test" in answered:
        results.write_json(folder / TESTED, tested(answered["test"]))
    _hand_in(folder / HANDED_IN, answered.get("test", dev), data.dataset)
    chosen = f"weights of step {best_step:,}, the best by {deciding.replace('_', ' ')} on dev"
    if deciding_languages:
        chosen += f" in {listed(deciding_languages)}"
    if named := ", ".join(facts for facts in (data.dataset, str(data.facts.get("mode", ""))) if facts):
        chosen = f"{named}, {chosen}"
    results.write(folder, list(answered.values()), chosen, data)


def tested(test: Answered) -> dict[str, Any]:
    """The answers to test: a row for each example, and what `Task.listed` adds."""
    rows: Sequence[dict[str, Any]] = [
        {
            "id": example.id,
            **({"language": language} if (language := languages.of(example)) else {}),
            "predicted": prediction.row()["predicted"],
            "confidence": round(prediction.confidence, 6),
        }
        | ({"truth": test.truth(number)} if example.labelled else {})
        for number, (example, prediction) in enumerate(zip(test.examples, test.predictions, strict=True))
    ]
    figures = {f"test_{name}": value for name, value in test.figures.items()}
    return {**test.task.listed(test.predictions), **figures, "rows": rows}


def _hand_in(folder: Path, answered: Answered, dataset: str) -> None:
    """The files of `Task.submission`; those of dev say so in their names."""
    files = answered.task.submission(answered.predictions, answered.examples, dataset)
    for name, content in files.items():
        folder.mkdir(exist_ok=True)
        own = name if answered.split == "test" else f"{answered.split}_{name}"
        (folder / own).write_text(content, encoding="utf-8")
