"""Runs that another process does: find, start and watch them through their record in the store."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

from ernie_core.errors import Error, NotFound
from ernie_core.store import Store
from jobs import runs
from jobs.prepare import Prepared
from jobs.runs import Run
from jobs.screen import Row, Screen

POLL = 1.0
LOOK_AT_MOST = 20


def same(store: Store, job: str, work: str, cache: Path) -> Run | None:
    """The run that is at the same work right now."""
    recent = itertools.islice(runs.list_runs(store, job), LOOK_AT_MOST)
    return next((run for run in recent if run.work == work and runs.alive(run, cache)), None)


def until_end(store: Store, run: Run, cache: Path, screen: Screen) -> Run:
    """Show a run until it ends. Ctrl-C leaves it alone."""
    try:
        while runs.alive(run, cache):
            run = runs.read(store, run.job, run.id)
            screen.show({name: Row(name, s.state, s.seconds, s.error) for name, s in run.steps.items()})
            time.sleep(POLL)
    finally:
        screen.close()
    return runs.read(store, run.job, run.id)


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
