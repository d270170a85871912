"""Names of files as a person knows them: the files of inputs are linked into a scratch folder unknown to users."""

import posixpath
import re
from typing import Any

from components.contract.task import Task, TaskInput
from components.runtime import given


def users(task: Task, text: str) -> str:
    """A message in which paths of the step's scratch folder are those of the files that were brought there."""
    if task.scratch not in text:
        return text
    for port, group in task.inputs.items():
        for i, source in enumerate(group):
            # a rank of a gang has a scratch folder beside, a process for pieces one within
            base = rf"{re.escape(task.scratch)}(?:\.\d+)?(?:/[^\s:`'\"]*?)?/inputs/{re.escape(port)}-{i}"
            for row in sorted(source.files, key=lambda row: -len(row["name"])):  # one may begin like another
                text = _replaced(rf"{base}/{re.escape(row['name'])}(?![\w.-])", _place(row), text)
            if source.files:
                text = _replaced(rf"{base}(?![\w.-])", _folder(source), text)
    return text


def _replaced(pattern: str, by: str, text: str) -> str:
    return by.join(re.split(pattern, text))


def _place(row: Any) -> str:
    """Where a file is: a path of this machine, or a URL."""
    return str(given.on_disk(row) or row["url"])


def _folder(source: TaskInput) -> str:
    """The folder that the files of an input have in common, names below it taken off; the input's name if none."""
    tops = {_top(_place(row), row["name"]) for row in source.files}
    return tops.pop() if len(tops) == 1 else f"input `{source.name}`"


def _top(place: str, name: str) -> str:
    below = f"/{name}"
    return place.removesuffix(below) if place.endswith(below) else posixpath.dirname(place)
