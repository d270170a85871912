"""What is on record of a step of a run: `runs/<job>/<run>/steps/<step>.json` in the store.

It outlives pods, and Kubeflow, which loses exit codes and error texts: the state of a step is read from here.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from components.contract.task import Task
from components.runtime.gang import NEVER_AGAIN
from ernie_core import errors
from ernie_core.store import Store, open_store

State = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True)
class PastAttempt:
    """An attempt that ended without making the artefact."""

    number: int
    uid: str
    cause: str
    counted: bool
    """Whether it was the step's own fault; what the cluster did is not."""
    text: str
    code: int = 1
    node: str = ""
    ran: bool = True
    progress: str = ""
    """Newest checkpoint when it ended."""
    time: str = ""
    stage: str = ""


@dataclass(frozen=True)
class Record:
    """How far a step is, and the attempts that came to nothing."""

    state: State = "waiting"
    text: str = ""
    """What it waits for, or how it ended."""
    code: int = 0
    started: float = 0.0
    """Unix time of the first launcher's start."""
    time: float = 0.0
    """Unix time of this record."""
    past: tuple[PastAttempt, ...] = ()
    attempt: int = 0
    pod: str = ""
    """Who wrote this."""


_STATES: Mapping[int, State] = {0: "done", errors.Stopped.exit_code: "stopped"}


def key(task: Mapping[str, Any]) -> str:
    """Of the record of a task's step."""
    return f"runs/{task['job']}/{task['run']}/steps/{task['name']}.json"


def logs(task: Mapping[str, Any]) -> str:
    """The folder of the step's log, in pieces by attempt, pod and number."""
    return f"runs/{task['job']}/{task['run']}/logs/{task['name']}"


def read(store: Store, place: str) -> Record:
    """An empty one if there is none."""
    data = store.get(place)
    if data is None:
        return Record()
    value = json.loads(data)
    return Record(**{**value, "past": tuple(PastAttempt(**row) for row in value["past"])})


def write(store: Store, place: str, record: Record) -> None:
    """Whole or not at all."""
    store.write(place, json.dumps(asdict(record), ensure_ascii=False, indent=1).encode())


def begin(task: Task) -> Record:
    """Put on record that a step without a launcher is at work; what was on record is returned."""
    place, now = key(asdict(task)), time.time()
    store = open_store(task.store)
    old = read(store, place)
    if not final(old):
        write(store, place, replace(old, state="running", text="", started=old.started or now, time=now, pod=_pod()))
    return old


def final(record: Record) -> bool:
    """Whether a step is known to fail again: who is started once more must not do all of it once more."""
    return record.state == "failed" and record.code in NEVER_AGAIN


def note(task: Task, said: str, code: int | None) -> None:
    """Record how a step ended that has no launcher, or whose launcher could not continue; without a code, what it waits
    for."""
    place, now = key(asdict(task)), time.time()
    try:
        store = open_store(task.store)
        old = read(store, place)
        state: State = "waiting" if code is None else _STATES.get(code, "failed")
        write(
            store,
            place,
            replace(old, state=state, text=said, code=code or 0, started=old.started or now, time=now, pod=_pod()),
        )
    except errors.Error as error:
        # Of a store that cannot be reached the step itself has said so; its exit code must not be lost for it.
        print(f"the outcome of the step could not be recorded: {error}", file=sys.stderr)


def _pod() -> str:
    return os.environ.get("KFP_POD_UID", "")
