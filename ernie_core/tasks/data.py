"""`task.json` of labelled examples: which task they are for, and by which name they are known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.known import TASKS
from ernie_core.text import json_text

FILE = "task.json"
PLAIN = "sequence_classification"
"""Task of a folder without `task.json`: texts and their labels, as written by hand."""

LONGEST = 100
"""Most characters of the name of a data set: files of predictions are called after it."""


@dataclass(frozen=True)
class DataFacts:
    """What `task.json` says of labelled examples."""

    task: str = ""
    """Name of their task; empty without `task.json`."""
    dataset: str = ""
    """Name of the data set in the table of defaults, `clue/afqmc` for example; empty: of no known one."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the task itself keeps there, such as the scheme of its tags."""

    def chosen(self, wanted: str | None, folder: Path) -> str:
        """The task to learn, where `wanted` is what a person asked for. BadInput if the examples are for another."""
        if wanted and self.task and wanted != self.task:
            raise BadInput(f"{folder}: these examples are for {self.task}, not for {wanted}: leave `task` out")
        return wanted or self.task or PLAIN

    def write(self, folder: Path) -> None:
        """Write `task.json`."""
        content = {"task": self.task, "dataset": self.dataset, **self.facts}
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> DataFacts:
    """The facts of labelled examples in a folder. BadInput if `task.json` is there and is not what it must be."""
    path = folder / FILE
    try:
        content = json_text.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return DataFacts()
    except ValueError as e:
        raise BadInput(f"{path}: not JSON in UTF-8 ({e}): make the data again, or take the file away") from None
    if not isinstance(content, dict) or not isinstance(content.get("dataset", ""), str):
        raise BadInput(f'{path}: not an object such as {{"task": "{PLAIN}", "dataset": ""}}: make the data again')
    if len(name := content.get("dataset", "")) > LONGEST or not name.isprintable():
        text = f"{json.dumps(name)[:60]} is no name: give {LONGEST} printable characters at most"
        raise BadInput(f"{path}: dataset {text}, or leave it empty")
    if content.get("task") not in TASKS:
        raise BadInput(f"{path}: task {json.dumps(content.get('task'))} is not known, choose from: {', '.join(TASKS)}")
    facts = {name: value for name, value in content.items() if name not in ("task", "dataset")}
    return DataFacts(content["task"], content.get("dataset", ""), facts)
