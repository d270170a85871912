"""What a training was begun with, noted beside its checkpoints: whoever changes a setting is told what it leaves."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from components import place
from components.base import Step
from components.task import Task
from ernie_core import errors
from ernie_core.store import Store

FILE = "begun.json"
_KEPT = ("step", "component", "revision", "fingerprint", "settings", "job", "run", "started")


def write(task: Task, step: Step, store: Store, started: float) -> None:
    """Note what a step starts with, at every start. That this cannot be written is said, and ends nothing."""
    said = place.provenance(task, type(step), step, {}, started)
    inputs = {
        # an input may be a hundred thousand files, and its fingerprint says as much
        port: [{name: value for name, value in row.items() if name != "files"} for row in group]
        for port, group in said["inputs"].items()
    }
    found = {name: said[name] for name in _KEPT} | {"inputs": inputs}
    data = json.dumps(found, ensure_ascii=False, sort_keys=True, indent=1)
    try:
        store.write(f"{task.address}/{FILE}", f"{data}\n".encode())
    except errors.Error as error:
        print(f"what this begins with could not be noted, it goes on: {error}", file=sys.stderr, flush=True)


def read(store: Store, address: str) -> Mapping[str, Any]:
    """What was noted; empty if nothing was, by an earlier version, or nothing that can be read."""
    data = store.get(f"{address}/{FILE}")
    try:
        found = json.loads(data or b"{}")
    except ValueError:  # its checkpoints say the same, if less
        return {}
    usable = isinstance(found, dict) and all(isinstance(found.get(name), dict) for name in ("settings", "inputs"))
    return found if usable else {}
