"""The settings a training started with, beside its checkpoints: for plans whose settings have changed since."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from components.contract.base import Step
from components.contract.task import Task
from components.runtime import provenance
from ernie_core import errors
from ernie_core.store import Store
from ernie_core.train.checkpoint import standing

FILE = "begun.json"
_KEPT = ("step", "component", "revision", "fingerprint", "settings", "job", "run", "started")


def write(task: Task, step: Step, store: Store, started: float) -> str:
    """Record the settings of a step at every start. A failed write is reported, and ends nothing.

    Returns the address of the training that this one continues, which only its first start was told; empty if none.
    """
    continues = task.continues
    if not continues and standing.newest(store, task.address):
        continues = str(read(store, task.address).get("continues") or "")
    made = provenance.provenance(task, type(step), step, {}, started)
    inputs = {
        # an input may be a hundred thousand files, and its fingerprint says as much
        port: [{name: value for name, value in row.items() if name != "files"} for row in group]
        for port, group in made["inputs"].items()
    }
    row = {name: made[name] for name in _KEPT} | {"inputs": inputs} | ({"continues": continues} if continues else {})
    data = json.dumps(row, ensure_ascii=False, sort_keys=True, indent=1)
    try:
        store.write(f"{task.address}/{FILE}", f"{data}\n".encode())
    except errors.Error as error:
        text = f"the settings of this training could not be recorded, it continues: {error}"
        print(text, file=sys.stderr, flush=True)
    return continues


def read(store: Store, address: str) -> Mapping[str, Any]:
    """What was recorded; empty if nothing was, by an earlier version, or nothing that can be read."""
    data = store.get(f"{address}/{FILE}")
    try:
        found = json.loads(data or b"{}")
    except ValueError:  # its checkpoints say the same, if less
        return {}
    usable = isinstance(found, dict) and all(isinstance(found.get(name), dict) for name in ("settings", "inputs"))
    return found if usable else {}
