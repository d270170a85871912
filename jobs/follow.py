"""Runs that another process does, or a cluster: find, start and watch them through their record in the store."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ernie_core.errors import Error, NotFound
from ernie_core.store import Store
from jobs import runs
from jobs.plan.prepare import Prepared
from jobs.runs import Run
from jobs.screen import Row, Screen

POLL = 1.0
LOOK_AT_MOST = 20


class Watch(Protocol):
    """Observes one run repeatedly."""

    doubts: list[str]
    """Which services could not be reached at the last observation."""
    hopeless: str
    """Why the run cannot continue without a person."""

    def look(self) -> Run: ...
    def give_up(self) -> Run: ...


class Local:
    """A run of a process, which keeps its record itself."""

    def __init__(self, store: Store, run: Run) -> None:
        self._store, self._run = store, run
        self.doubts, self.hopeless = list[str](), ""

    def look(self) -> Run:
        """Its record."""
        return runs.read(self._store, self._run.job, self._run.id)

    def give_up(self) -> Run:
        """Its process does so itself."""
        return self.look()


def watch(store: Store, run: Run, options: Mapping[str, str]) -> Watch:
    """The observer of a run; `options` are those of the command line by which a server is reached."""
    from jobs.cluster import watch as cluster

    return cluster.Watch(store, run, options) if run.cluster else Local(store, run)


def same(store: Store, job: str, work: str, cache: Path, options: Mapping[str, str]) -> Run | None:
    """The run that is at the same work right now."""
    for run in itertools.islice(runs.list_runs(store, job), LOOK_AT_MOST):
        if run.work == work and runs.alive(run, cache) and runs.alive(run := watch(store, run, options).look(), cache):
            return run
    return None


def until_end(store: Store, run: Run, cache: Path, screen: Screen, options: Mapping[str, str]) -> Run:
    """Show a run until it ends. Ctrl-C detaches and does not change it."""
    eye, reported = watch(store, run, options), set[str]()

    def show() -> None:
        screen.show({name: Row(name, s.state, s.seconds, s.error or s.note) for name, s in run.steps.items()})

    try:
        while runs.alive(run, cache):
            run = eye.look()
            show()
            for doubt in (doubt for doubt in eye.doubts if doubt not in reported):
                screen.say(f"currently unknown: {doubt}")
                reported.add(doubt)
            if eye.hopeless:
                screen.say(f"giving up: {eye.hopeless}")
                run = eye.give_up()
            time.sleep(POLL)
        run = eye.look()
        show()  # how the last step ended, too
        return run
    finally:
        screen.close()


def detach(prepared: Prepared, cache: Path) -> Run:
    """Start a run in a process of its own, and return once it is at work."""
    name = runs.new_id()
    (cache / "runs").mkdir(parents=True, exist_ok=True)
    log = cache / "runs" / f"{name}.out"
    edits = [word for edit in prepared.job.edits for word in ("--set", str(edit))]
    command = [sys.executable, "-m", "jobs", "run", os.path.abspath(prepared.job.file), *edits, "-y", "--run-id", name]
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    while process.poll() is None:
        try:
            return runs.read(prepared.store, prepared.job.name, name)
        except NotFound:
            time.sleep(0.2)
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    try:
        return runs.read(prepared.store, prepared.job.name, name)
    except NotFound:
        raise Error(f"the run did not start: {text[-2000:] or f'exit code {process.returncode}'}") from None
