"""The report of CLUE: the best score of every task with its settings, in the lines that users of grid searches know."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.train.monitor.report.markup import document, section, table

TASKS = ("afqmc", "tnews", "iflytek", "cmnli", "ocnli", "cluewsc2020", "csl", "cmrc2018", "chid", "c3")
"""In the order of the published tables."""
SHOWN = ("learning_rate", "batch_size", "hidden_dropout_prob")
"""Settings of a result line, in its order."""
PUBLISHED = (
    ("ERNIE 1.0-Large-zh-cw, 24L", (75.97, 59.65, 62.91, 85.09, 81.73, 93.09, 84.53, (74.22, 91.88), 88.57, 84.54)),
    ("ERNIE 3.0-Xbase-zh, 20L", (76.16, 59.55, 61.87, 84.40, 81.73, 88.82, 83.60, (75.99, 93.00), 86.78, 84.98)),
    ("RoBERTa-wwm-ext-large, 24L", (76.00, 59.33, 62.02, 83.88, 78.81, 90.79, 83.67, (70.58, 89.82), 85.72, 75.26)),
    ("ERNIE 1.0-Base-zh-cw, 12L", (76.04, 57.86, 59.91, 83.41, 79.58, 89.91, 83.42, (72.88, 90.78), 84.68, 76.98)),
    ("ERNIE 2.0-Base-zh, 12L", (75.65, 58.25, 61.64, 82.62, 78.71, 81.91, 82.33, (66.08, 87.46), 82.78, 73.19)),
    ("ERNIE 1.0-Base-zh, 12L", (74.84, 58.91, 62.25, 81.68, 76.58, 85.20, 82.77, (67.32, 87.83), 82.47, 69.68)),
)  # fmt: skip
"""Published scores on dev in percent: accuracy, and of cmrc2018 exact match and F1."""


@dataclass(frozen=True)
class Result:
    """The best point of a task."""

    task: str
    scores: Mapping[str, float]
    """Scores on dev, from 0 to 1."""
    settings: Mapping[str, Any]

    @property
    def main(self) -> float:
        """The score that counts in the average; of question answering that is exact match, as CLUE has it."""
        for name in ("exact_match", "accuracy"):
            if name in self.scores:
                return self.scores[name]
        raise BadInput(f"`{self.task}` has neither accuracy nor exact_match: bind steps that learned tasks of CLUE")

    @property
    def text(self) -> str:
        """In percent with two decimals; of question answering exact match and F1."""
        figures = [self.main, *([self.scores["f1"]] if "exact_match" in self.scores else [])]
        return "/".join(f"{100 * figure:.2f}" for figure in figures)

    @property
    def line(self) -> str:
        """`TASK result (lr, batch_size, dropout_p)`; a setting that is left to the data set or the model is `-`."""
        values = (self.settings.get(name) for name in SHOWN)
        return f"{self.task} {self.text} ({', '.join('-' if v is None else f'{v:g}' for v in values)})"


def ordered(results: Sequence[Result]) -> list[Result]:
    """In the order of the published tables. BadInput for a name that is none of them, or is there twice."""
    names = [result.task for result in results]
    if other := [name for name in names if name not in TASKS]:
        raise BadInput(
            f"`{other[0]}` is no task of CLUE: name the step that learned it (`as:`) one of {', '.join(TASKS)}"
        )
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"{', '.join(sorted(twice))}: two steps have learned it, bind one of them")
    return sorted(results, key=lambda result: TASKS.index(result.task))


def text(results: Sequence[Result]) -> str:
    """A line of names, a line of scores, and a line for every task; scores in percent."""
    rows = ordered(results)
    heads = [*(row.task for row in rows), "average"]
    figures = [*(row.text for row in rows), f"{100 * average(rows):.2f}"]
    return "\n".join(["\t".join(heads), "\t".join(figures), *(row.line for row in rows)]) + "\n"


def average(results: Sequence[Result]) -> float:
    """Mean of the main scores, from 0 to 1."""
    return sum(result.main for result in results) / len(results)


def write(results: Sequence[Result], report: Path) -> dict[str, float]:
    """Write `clue.txt`, `metrics.json` and `clue.html`; returns the average and the score of each task."""
    rows = ordered(results)
    (report / "clue.txt").write_text(text(rows), encoding="utf-8")
    (report / "clue.html").write_text(page(rows), encoding="utf-8")
    figures = {"average": average(rows), **{row.task: row.main for row in rows}}
    details = [
        {"task": row.task, "scores": dict(row.scores), **{n: row.settings.get(n) for n in SHOWN}} for row in rows
    ]
    missing = [name for name in TASKS if name not in figures]
    content = json.dumps({**figures, "missing": missing, "results": details}, indent=2, sort_keys=True)
    (report / "metrics.json").write_text(content + "\n", encoding="utf-8")
    return figures


def page(results: Sequence[Result]) -> str:
    """The results beside the published ones."""
    own = {row.task: row for row in results}
    rows = [{"model": "this run", "average": f"{100 * average(results):.2f}",
             **{name: own[name].text if name in own else "" for name in TASKS}}]  # fmt: skip
    for name, figures in PUBLISHED:
        pairs = [figure if isinstance(figure, tuple) else (figure,) for figure in figures]
        shown = ["/".join(f"{value:.2f}" for value in pair) for pair in pairs]
        mean = sum(pair[0] for pair in pairs) / len(pairs)
        rows.append({"model": name, "average": f"{mean:.2f}", **dict(zip(TASKS, shown, strict=True))})
    chosen = "".join(f"<li>{escape(row.line)}</li>\n" for row in results)
    missing = [name for name in TASKS if name not in own]
    below = "best of each task on dev, in percent" + (f"; missing: {', '.join(missing)}" if missing else "")
    return document("CLUE", below, [
        section("Scores beside published ones", table(rows)),
        section("Task, result, and learning rate, batch size, dropout", f"<ul>\n{chosen}</ul>\n"),
    ])  # fmt: skip
