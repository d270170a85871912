"""One step as a process of this machine, in the environment of its image."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components import place
from components.task import Task
from ernie_core.runtime import paddle_environment
from ernie_core.store import Store
from jobs import environments
from jobs.graph import Node
from jobs.inputs import Content
from jobs.room import Room
from jobs.runs import Run
from jobs.tasks import sources

LAST_LINES = 15
KILL_AFTER = 30.0
"""Seconds that a step has to save and leave after it was asked to."""


@dataclass
class StepProcess:
    """A step that was started."""

    node: Node
    process: subprocess.Popen[bytes]
    task: Task
    log: Path
    started: float = field(default_factory=time.monotonic)
    asked: float | None = None
    late: bool = False

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.started

    def progress(self) -> Mapping[str, Any]:
        """Its last report."""
        return place.read(Path(self.task.progress))

    def outcome(self) -> Mapping[str, Any]:
        """What it said at its end: `scores` or `error`. A killed one said nothing."""
        return place.read(Path(self.task.outcome))

    def stop(self) -> None:
        """Ask it to save and leave; once it had its time, kill it."""
        if self.asked is None:
            self.asked = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
        elif time.monotonic() - self.asked > KILL_AFTER:
            self.kill()

    def kill(self) -> None:
        """End it and everything it started."""
        with contextlib.suppress(ProcessLookupError):  # it has left in the meantime
            os.killpg(self.process.pid, signal.SIGKILL)


def start(node: Node, run: Run, store: Store, inputs: Mapping[str, Content], cache: Path, room: Room) -> StepProcess:
    """Start a step; its output goes to its log. The environment of its image must have been built."""
    own = cache / "scratch" / run.id / node.name
    own.mkdir(parents=True, exist_ok=True)
    image = type(node.step).image
    task = Task(
        component=node.component, name=node.name, parameters=node.step.model_dump(mode="json"),
        fingerprint=node.fingerprint, address=node.address, store=store.url,
        inputs=sources(node, inputs),
        job=run.job, run=run.id, spec=run.spec, image={"name": image, "lock": environments.digest(image)},
        scratch=str(own / "scratch"), cache=str(cache), progress=str(own / "progress.json"),
        outcome=str(own / "outcome.json"), cpus=room.cpus, memory=node.memory,
        shards=max(room.at_once, node.shards or 0), at_once=room.at_once, ranks=node.ranks,
    )  # fmt: skip
    for left in (Path(task.progress), Path(task.outcome)):
        left.unlink(missing_ok=True)
    (own / "task.json").write_text(json.dumps(task.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    log = store.path(run.log(node.name)) or own / "step.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(environments.python(image)), "-m", "components", node.component, "--task", str(own / "task.json")]
    with open(log, "ab") as output:
        # A session of its own: Ctrl-C reaches only this runner, which then asks every step to save. The pipe at stdin
        # closes when the runner dies: then the step saves and leaves by itself.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, cwd=own,
            env=_environment(task.cpus), start_new_session=True,
        )  # fmt: skip
    return StepProcess(node, process, task, log)


def last_lines(log: Path) -> list[str]:
    """The end of a log, for the message about a failure."""
    if not log.is_file():
        return []
    with open(log, "rb") as handle:
        handle.seek(max(0, log.stat().st_size - 16384))
        return handle.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]


def explain(code: int) -> str:
    """What an exit code means when the step itself said nothing."""
    if code < 0:
        name = signal.Signals(-code).name
        more = (
            ": most likely out of memory, raise `memory:` of the step or lower its batch" if name == "SIGKILL" else ""
        )
        return f"killed by {name}{more}"
    return f"ended with exit code {code}, but without an artefact or a reason, see the log"


def _environment(cpus: int) -> dict[str, str]:
    drop = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE"}
    keep = {k: v for k, v in os.environ.items() if k not in drop}
    return {**keep, **paddle_environment(cpus), "PYTHONPATH": str(environments.code()), "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", "ERNIE_JOBS_WATCH_PARENT": "1"}  # fmt: skip
