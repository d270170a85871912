"""A sweep: every point is made as a step of its own, with its own lock, lease and address; then the best is published.

A point is a process that gets a complete task, the same as without the sweep. So it is found when it was made before,
resumes from its own checkpoints, and takes nothing along when it dies.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import components
from components.contract import sweep
from components.contract.task import Task
from components.contract.values import spell_duration
from components.runtime import halving, points, reports
from components.runtime.gang import LEAVING, NEVER_AGAIN, PATIENCE
from components.runtime.points import PointRecord
from components.runtime.stop import Stop
from ernie_core import errors, runtime
from ernie_core.store import Store, artefact
from ernie_core.train.checkpoint import standing
from ernie_core.waiting import Wait

LOOK = 0.1
SHOWN = 3
"""Points in progress that a line of progress names."""


def point(task: Task, number: int) -> Task:
    """The task of one point: that of the same step without a sweep, with places of its own for what it writes."""
    row = task.points[number]
    # beside those of the sweep: whoever works there holds the folder that they are in
    scratch, progress, outcome = (f"{path}.{number:04d}" for path in (task.scratch, task.progress, task.outcome))
    return replace(
        task, parameters={**task.parameters, **row["parameters"]}, fingerprint=row["fingerprint"],
        address=f"{task.component}/{row['fingerprint']}", continues=row.get("continues", ""), require={}, shards=1,
        at_once=1, points=(), best="", halving=(), work="", scratch=scratch, progress=progress, outcome=outcome,
    )  # fmt: skip


def varied(task: Task, number: int) -> dict[str, Any]:
    """What sets a point apart, in the order of the spec."""
    parameters = point(task, number).parameters
    return {name: parameters[name] for name in task.points[number]["varied"]}


def make(task: Task, store: Store, numbers: Iterable[int], stop: Stop) -> None:
    """Make those of these points that are missing. What failed is on record, and ends no other point.

    Stopped if asked to stop, once every process has saved.
    """
    rows = [{"varied": varied(task, n), "address": point(task, n).address} for n in range(len(task.points))]
    store.write(f"{task.address}/{points.LIST}", points.listing(rows, task.best))
    found = _Sweep(task, store, stop)
    if task.halving:
        return found.halve()
    found.make(numbers)


def decision(task: Task, store: Store) -> halving.Decision:
    """Which points of a sweep are left when those that will be stopped are; all of them without `halving`."""
    if not task.halving:
        return halving.Decision(tuple(range(len(task.points))), {})
    curves = {n: halving.read(store, point(task, n).address) for n in range(len(task.points))}
    records = points.read(store, task.address)
    lost = [n for n, record in records.items() if record.state == "failed" and record.run == task.run]
    return halving.decide(task, curves, lost)


class _Sweep:
    """The points of one process of a sweep, `at_once` of them in parallel."""

    def __init__(self, task: Task, store: Store, stop: Stop) -> None:
        self.task, self.store, self.stop = task, store, stop
        self.report = reports.Reporter(Path(task.progress))
        self.gang = components.find(task.component).gang
        self.running: list[_Process] = []
        self.settled, self.total = 0, 0
        self.took: list[float] = []
        self.until = 0
        """The step at which points are compared next; 0: none."""

    def halve(self) -> None:
        """Until every point is made, has failed, or was stopped by a halving."""
        told = set[int]()
        while True:
            found = decision(self.task, self.store)
            for number in sorted(found.stopped.keys() - told):
                self._note(number, PointRecord("halved", found.stopped[number], run=self.task.run))
                self._say(number, found.stopped[number])
            told |= found.stopped.keys()
            if not found.open:
                return self.make(found.left)
            self.make(found.open, until=found.step)

    def make(self, numbers: Iterable[int], until: int = 0) -> None:
        """Until every one of them is made or has failed, or, if that is given, is kept at this step or later."""
        waiting = deque(numbers)
        self.total, self.settled, self.until = len(waiting), 0, until
        try:
            while waiting or self.running:
                if self.stop.is_set():
                    raise errors.Stopped("asked to stop; finished points are kept, the others resume where they saved")
                while waiting and len(self.running) < self.task.at_once:
                    self._start(waiting.popleft())
                for process in self.running if until else ():
                    process.stop_at(until)
                waiting.extend(number for number in map(self._over, list(self.running)) if number is not None)
                self._tell()
                time.sleep(LOOK)
        finally:
            self._leave()

    def _start(self, number: int) -> None:
        """Begin a point, unless it is there or has failed too often."""
        task, old = point(self.task, number), points.one(self.store, self.task.address, number)
        if artefact.read(self.store, task.address):
            if old.state != "done":
                self._note(number, PointRecord("done", run=self.task.run))
            self.settled += 1
            return
        newest = standing.newest(self.store, task.address) or "" if self.gang else ""
        if self.until and self._step(number) >= self.until:
            self.settled += 1
            return
        same = old.run == self.task.run
        attempts = old.attempts if same and old.newest == newest else 0
        if same and (old.state == "failed" or attempts >= PATIENCE):
            why = old.why or "its process was killed each time, most likely out of memory: raise `memory:`"
            many = f"; that was attempt {attempts} without a new checkpoint" if attempts >= PATIENCE else ""
            failed = replace(old, state="failed", why=why + ("" if many in why else many), code=old.code or 1)
            if failed != old:
                self._note(number, failed)
                self._say(number, f"failed: {failed.why}")
            self.settled += 1
            return
        self._note(number, PointRecord("running", "", 0, self.task.run, attempts + 1, newest))
        self._say(number, f"begins, {task.address}" + (f", from {newest}" if newest else ""))
        self.running.append(_Process(task, number, varied(self.task, number), named=self.task.at_once > 1))

    def _over(self, process: "_Process") -> int | None:
        """Look after a point that may have ended; its number if it is to be tried again."""
        if (code := process.process.poll()) is None:
            return None
        self.running.remove(process)
        process.log.join(timeout=5)
        number, old = process.number, points.one(self.store, self.task.address, process.number)
        if code == 0 and (made := artefact.read(self.store, process.task.address)):
            scores = components.in_order(self.task.component, made.info.get("scores", {}))[0]
            self._say(number, "is made" + "".join(f", {name} {value:.6g}" for name, value in scores.items()))
            self._note(number, PointRecord("done", run=self.task.run))
            self.took.append(process.seconds)
            self.settled += 1
            return None
        why = process.why(code)
        if process.asked and code == errors.Stopped.exit_code and self._step(number) >= self.until:
            self._note(number, replace(old, state="waiting", attempts=max(0, old.attempts - 1)))
            self._say(number, f"is kept at step {self._step(number):.0f}, to be compared")
            self.settled += 1
        elif self.stop.is_set() and code == errors.Stopped.exit_code:
            self._note(number, replace(old, state="stopped", why="asked to stop", attempts=max(0, old.attempts - 1)))
        elif code in NEVER_AGAIN:
            self._note(number, replace(old, state="failed", why=why, code=code))
            self._say(number, f"failed: {why}")
            self.settled += 1
        else:
            self._note(number, replace(old, state="waiting", why=why, code=max(code, 1)))
            self._say(number, f"attempt {old.attempts} of {PATIENCE} failed: {why}")
            return number
        return None

    def _step(self, number: int) -> float:
        """The step at which the training of a point is kept."""
        newest = standing.newest(self.store, point(self.task, number).address)
        return float(newest.removeprefix("model_")) if newest else 0.0

    def _leave(self) -> None:
        """Have what still runs save and exit, however long that takes; whoever cannot wait kills this process."""
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                process.process.send_signal(signal.SIGTERM)
        wait = Wait(f"{len(self.running)} points save and exit", LEAVING, alone=None)
        while self.running:
            for process in list(self.running):
                self._over(process)
            if self.running:
                self._tell("saving ")
                wait.more()
                time.sleep(LOOK)

    def _tell(self, doing: str = "") -> None:
        facts: dict[str, float | str] = {}
        if self.took:
            rounds = -(-(self.total - self.settled) // self.task.at_once)
            facts["left"] = spell_duration(rounds * sum(self.took) / len(self.took))
        now = [f"{sweep.label(p.varied)} {p.at()}".rstrip() for p in self.running[:SHOWN]]
        more = f" and {len(self.running) - SHOWN} more" if len(self.running) > SHOWN else ""
        facts["doing"] = f"{doing}points {self.settled}/{self.total}: {'; '.join(now)}{more}".rstrip(": ")
        if needs := max((p.leave_seconds for p in self.running), default=0.0):
            facts["leave_seconds"] = needs
        self.report(self.settled, self.total, "points", **facts)

    def _note(self, number: int, record: PointRecord) -> None:
        points.write(self.store, self.task.address, number, record)

    def _say(self, number: int, text: str) -> None:
        name = sweep.label(varied(self.task, number))
        print(f"point {number + 1} of {len(self.task.points)} ({name}) {text}", flush=True)


class _Process:
    """A point as a process of this machine."""

    def __init__(self, task: Task, number: int, varied: Mapping[str, Any], *, named: bool) -> None:
        self.task, self.number, self.varied, self.began = task, number, varied, time.monotonic()
        self.asked = False
        """Whether it was asked to stop at a step."""
        for left in (Path(task.progress), Path(task.outcome)):
            left.unlink(missing_ok=True)
        file = Path(f"{task.scratch}.json")
        file.write_text(json.dumps(task.to_json(), ensure_ascii=False), encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "components", task.component, "--task", str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE if named else None,
            stderr=subprocess.STDOUT if named else None, env={**os.environ, **runtime.child()},
            # the lease of a gang lasts as long as its session, of which other points must be no part
            start_new_session=task.ranks > 1,
        )  # fmt: skip
        self.log = threading.Thread(target=self._pass_on, daemon=True)
        self.log.start()

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.began

    @property
    def leave_seconds(self) -> float:
        """Seconds that it takes to save and exit, as it says."""
        return float(reports.read(Path(self.task.progress)).get("leave_seconds") or 0.0)

    def stop_at(self, step: int) -> None:
        """Ask it to save and exit once it has done this step."""
        row = reports.read(Path(self.task.progress))
        if not self.asked and row.get("unit") == "steps" and float(row.get("done") or 0) >= step:
            self.asked = True
            self.process.send_signal(signal.SIGTERM)

    def _pass_on(self) -> None:
        """Of several points at once every line says whose it is."""
        for line in self.process.stdout or ():
            print(f"[{self.number + 1}] {line.decode('utf-8', 'replace').rstrip()}", flush=True)

    def at(self) -> str:
        """How far it is, as `steps 30/90`."""
        row = reports.read(Path(self.task.progress))
        done, total, unit = (row.get(name) for name in ("done", "total", "unit"))
        return f"{unit} {done:g}/{total:g}" if done is not None and total and unit else ""

    def why(self, code: int) -> str:
        """How it failed."""
        if code < 0:
            return reports.killed(code)
        return str(reports.read(Path(self.task.outcome)).get("error") or f"ended with exit code {code}, see the log")
