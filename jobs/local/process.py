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
from typing import IO, Any

from components.contract.task import Task
from components.runtime import reports, scratch
from ernie_core import runtime
from ernie_core.errors import Error
from ernie_core.store import Store, disk, pointed
from jobs.local import environments
from jobs.local.capacity import Allocation
from jobs.local.within import within
from jobs.plan.graph import Node
from jobs.plan.inputs import Content
from jobs.plan.sources import parameters, points, sources
from jobs.runs import Run

LAST_LINES = 15
KILL_AFTER = 30.0
"""Seconds that a step has to save and exit once its `timeout:` is over, if it did not report that it needs more."""


@dataclass
class StepProcess:
    """A step that was started."""

    node: Node
    process: subprocess.Popen[bytes]
    task: Task
    log: Path
    held: IO[bytes]
    """Keeps the folder that it works in."""
    started: float = field(default_factory=time.monotonic)
    asked: float | None = None
    late: bool = False
    killed: bool = False
    """Whether this runner killed it after asking it to save and exit."""

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.started

    def progress(self) -> Mapping[str, Any]:
        """Its last report."""
        return reports.read(Path(self.task.progress))

    def outcome(self) -> Mapping[str, Any]:
        """Its final report: `scores` or `error`. A killed one has none."""
        return reports.read(Path(self.task.outcome))

    @property
    def patience(self) -> float:
        """Seconds that it has to exit after its timeout: as many as it has reported for a step and a save."""
        return max(KILL_AFTER, float(self.progress().get("leave_seconds") or 0.0))

    @property
    def waited(self) -> float:
        """Seconds since it was asked to stop."""
        return 0.0 if self.asked is None else time.monotonic() - self.asked

    def stop(self) -> None:
        """Ask it once to save and exit."""
        if self.asked is None:
            self.asked = time.monotonic()
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it started."""
        self.killed = True
        with contextlib.suppress(ProcessLookupError):  # it has left in the meantime
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let go of what is held for it, once it has ended."""
        self.held.close()
        if self.process.stdin:
            self.process.stdin.close()

    def doing(self) -> str:
        """What it is at, in words."""
        row = self.progress()
        done, total, unit = (row.get(name) for name in ("done", "total", "unit"))
        if row.get("doing"):
            return str(row["doing"])
        if unit == "steps" and done is not None:
            return f"in step {int(done) + 1} of {int(total or 0)}, after which it saves"
        return (
            f"at {done:g} of {total:g} {unit}" if done is not None and total else "it does not report what it is doing"
        )

    def lost(self, store: Store) -> str:
        """What of its work is lost if it is killed now, in words."""
        row = self.progress()
        if self.node.points:
            return "finished points are kept, and each of the others resumes from its newest checkpoint"
        if type(self.node.step).is_split():
            return "the pieces in progress are lost, finished ones are kept"
        if row.get("unit") != "steps":
            return "it starts from the beginning next time"
        try:
            newest = within(lambda: pointed(store, f"{self.node.address}/model_last")) or "the beginning"
        except Error as error:
            return f"what it had not committed is lost ({error})"
        at, kept = int(row.get("done") or 0), int(newest.removeprefix("model_")) if newest[-1].isdigit() else 0
        lost = f"steps {kept + 1} to {at} are lost" if at > kept else "no step is lost"
        return f"{lost}, it resumes from {newest}"


def start(
    node: Node, run: Run, store: Store, inputs: Mapping[str, Content], cache: Path, room: Allocation
) -> StepProcess:
    """Start a step; its output goes to its log. The environment of its image must have been built.

    Error, in our words, if the disk does not allow it.
    """
    own = cache / "scratch" / run.id / node.name
    with disk.explained(own):
        return _start(node, run, store, inputs, cache, room, own)


def _start(node: Node, run: Run, store: Store, inputs: Mapping[str, Content], cache: Path, room: Allocation,
           own: Path) -> StepProcess:  # fmt: skip
    own.mkdir(parents=True, exist_ok=True)
    held = scratch.hold(own)
    image = type(node.step).image
    task = Task(
        component=node.component, name=node.name, parameters=parameters(node),
        fingerprint=node.fingerprint, address=node.address, store=store.url,
        inputs=sources(node, inputs),
        job=run.job, run=run.id, spec=run.spec, image={"name": image, "lock": environments.digest(image)},
        scratch=str(own / "scratch"), cache=str(cache), progress=str(own / "progress.json"),
        outcome=str(own / "outcome.json"), cpus=room.cpus, memory=node.memory,
        shards=max(room.at_once, node.shards or 0), at_once=room.at_once, ranks=node.ranks,
        continues=node.continues, points=points(node), best=str(node.best or ""), halving=node.halving,
    )  # fmt: skip
    for left in (Path(task.progress), Path(task.outcome)):
        left.unlink(missing_ok=True)
    (own / "task.json").write_text(json.dumps(task.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    command = [str(environments.python(image)), "-m", "components", node.component, "--task", str(own / "task.json")]
    with _log(store.path(run.log(node.name)), own / "step.log") as output:
        # A session of its own: Ctrl-C reaches only this runner, which then asks every step to save. The pipe at stdin
        # closes when the runner dies: then the step saves and leaves by itself.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, cwd=own,
            env=_environment(task.cpus), start_new_session=True,
        )  # fmt: skip
        return StepProcess(node, process, task, Path(output.name), held)


def _log(place: Path | None, other: Path) -> IO[bytes]:
    """The log of a step: in the store, or beside its work where the store is none of files, or has no room."""
    if place is not None:
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            return open(place, "ab")
    return open(other, "ab")


def last_lines(log: Path) -> list[str]:
    """The end of a log, for the message about a failure."""
    if not log.is_file():
        return []
    with open(log, "rb") as handle:
        handle.seek(max(0, log.stat().st_size - 16384))
        return handle.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]


def explain(code: int) -> str:
    """The meaning of an exit code when the step itself reported nothing."""
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
    return {**keep, **runtime.paddle_environment(cpus), "PYTHONPATH": str(environments.code()), "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", **runtime.child()}  # fmt: skip
