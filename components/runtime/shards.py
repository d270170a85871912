"""A split step: its pieces are made by any number of processes, each committed separately, and then joined."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.contract.base import Here, Piece, Scores, Step
from components.contract.task import Task
from components.contract.values import spell_size
from components.runtime import reports
from ernie_core import errors, runtime
from ernie_core.store import Manifest, Store, artefact
from ernie_core.store.artefact import Carried

KIND = "piece"
CARRIED = "part-"
"""Files of pieces whose names begin so are files of the artefact; all others are for `join`."""


@dataclass(frozen=True)
class Shard:
    """One of `count` processes, by its number from 0."""

    number: int = 0
    count: int = 1

    def __str__(self) -> str:
        return f"shard {self.number} of {self.count}"

    def of(self, pieces: int) -> range:
        """The numbers of the pieces that it makes."""
        return range(self.number, pieces, self.count)


def shard(text: str) -> Shard:
    """`3/64` as the fourth of 64. ValueError for anything else."""
    number, count = map(int, text.split("/"))
    if not 0 <= number < count:
        raise ValueError(f"shard {number} of {count}: numbers go from 0 to {count - 1}")
    return Shard(number, count)


def shard_task(task: Task, own: Shard) -> Task:
    """The task with places of the shard's own for what it writes."""
    scratch, progress, outcome = (f"{path}.{own.number}" for path in (task.scratch, task.progress, task.outcome))
    return replace(task, scratch=scratch, progress=progress, outcome=outcome)


@dataclass(frozen=True)
class Work:
    """What the processes of a step share."""

    task: Task
    store: Store
    step: Step
    arguments: Mapping[str, Any]
    pieces: Sequence[Any]

    def address(self, number: int) -> str:
        """Where a piece is in the store: below the artefact, so that they are removed together."""
        return f"{self.task.address}/piece-{number:05d}"

    def made(self, number: int) -> Manifest | None:
        """The manifest of a piece, if it is there and of the same work."""
        manifest = artefact.read(self.store, self.address(number))
        if manifest is not None and manifest.info.get("work") != repr(self.pieces[number]):
            artefact.remove(self.store, self.address(number))  # of a version that split the work differently
            return None
        return manifest


def open_(task: Task, store: Store, step: Step, arguments: Mapping[str, Any]) -> Work:
    """What there is to do."""
    files = {port.name: arguments[port.name] for port in type(step).takes() if port.as_files}
    return Work(task, store, step, arguments, step.pieces(**files))


def make(work: Work, shard: Shard, here: Here) -> None:
    """Make and commit the pieces of one shard that are not there yet."""
    mine = shard.of(len(work.pieces))
    for done, number in enumerate(mine):
        if work.made(number) is None:
            _make(work, number, replace(here, progress=_onwards(here, done, len(mine))))
        if here.stop():
            raise errors.Stopped(f"stopped after piece {number}; it and those before are kept")
    here.progress(len(mine), len(mine), "pieces")


def make_all(work: Work, out: Path, here: Here, report: reports.Reporter) -> tuple[Scores, list[Carried]]:
    """Make what is missing, in this process or in several, then join it."""
    missing = sum(1 for number in range(len(work.pieces)) if work.made(number) is None)
    if missing > 1 and work.task.at_once > 1:
        file = Path(work.task.scratch) / "task.json"
        file.write_text(json.dumps(work.task.to_json(), ensure_ascii=False), encoding="utf-8")
        spread(work, file, here, report)
    else:
        make(work, Shard(), here)
    return join(work, out, here)


def join(work: Work, out: Path, here: Here) -> tuple[Scores, list[Carried]]:
    """Fill the folder of the artefact from all pieces; also the files that it takes from them as they are."""
    folders, carried = [], []
    for number in range(len(work.pieces)):
        manifest, address = work.made(number), work.address(number)
        if manifest is None:
            raise errors.Error(f"piece {number} of {len(work.pieces)} is not there: run again, only it is made")
        parts = [file for file in manifest.files if file.name.startswith(CARRIED)]
        carried += [Carried(f"{address}/{manifest.data}/{file.name}", file) for file in parts]
        others = [file.name for file in manifest.files if file not in parts]
        folders.append(artefact.fetch(work.store, address, here.scratch / "pieces", names=others))
    scores = work.step.join(folders, **{**work.arguments, type(work.step).makes().name: out}, here=here)
    return scores or {}, carried


def clear(work: Work) -> None:
    """Remove the pieces of a committed artefact, which has their files under its own name."""
    for number in range(len(work.pieces)):
        artefact.remove(work.store, work.address(number))


def spread(work: Work, file: Path, here: Here, report: reports.Reporter) -> None:
    """Have processes of this machine make what is missing; one that dies ends the work, with an error that names it."""
    count = min(work.task.shards, len(work.pieces))
    waiting, running, done = [Shard(k, count) for k in range(count)], list[_Process](), 0
    try:
        while waiting or running:
            while waiting and len(running) < work.task.at_once:
                running.append(_Process(work, file, waiting.pop(0)))
            for process in list(running):
                if process.over():
                    running.remove(process)
                    done += process.pieces
            report(done + sum(p.done() for p in running), len(work.pieces), "pieces", processes=len(running))
            if here.stop():
                raise errors.Stopped("asked to stop; the pieces that were finished are kept")
            time.sleep(0.05)
    finally:
        for process in running:
            process.process.terminate()
        for process in running:
            process.wait()


def _make(work: Work, number: int, here: Here) -> None:
    folder = artefact.staging(work.store, work.address(number), here.scratch)
    arguments = {**work.arguments, type(work.step).makes().name: folder}
    started = time.time()
    scores = work.step.run(**arguments, here=replace(here, piece=Piece(number, work.pieces[number])))
    info = {"work": repr(work.pieces[number]), "scores": dict(scores or {}), "seconds": round(time.time() - started, 3)}
    artefact.publish(work.store, work.address(number), folder, kind=KIND, info=info)


def _onwards(here: Here, before: int, count: int) -> Any:
    """Progress of a piece as part of all; that of a single piece is passed on."""

    def report(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
        here.progress(before + (done / total if total else 0.0), count, "pieces", **facts)

    return here.progress if count == 1 else report


class _Process:
    """One shard as a process of this machine."""

    def __init__(self, work: Work, file: Path, shard: Shard) -> None:
        task = shard_task(work.task, shard)
        self.shard, self.memory, self.pieces = shard, task.memory, len(shard.of(len(work.pieces)))
        self._progress, self._outcome = Path(task.progress), Path(task.outcome)
        for left in (self._progress, self._outcome):
            left.unlink(missing_ok=True)
        command = [sys.executable, "-m", "components", task.component, "--task", str(file)]
        self.process = subprocess.Popen(
            [*command, "--shard", f"{shard.number}/{shard.count}"],
            stdin=subprocess.PIPE,
            env={**os.environ, **runtime.child()},
        )

    def over(self) -> bool:
        """Whether it has done its part. Raises what it raised, or that it was killed, or took too much memory."""
        code = self.process.poll()
        if code is None and self.memory and (used := _resident(self.process.pid)) > self.memory:
            self.process.kill()
            raise errors.Error(
                f"{self.shard} used {spell_size(used)} of memory, it has {spell_size(self.memory)}: raise `memory:`"
            )
        if code is not None and code < 0:
            raise errors.Error(f"{self.shard} was {reports.killed(code)}; run again, what it finished is kept")
        if code:
            message = (
                reports.read(self._outcome).get("error") or f"{self.shard} ended with exit code {code}, see the log"
            )
            raise errors.kind(code)(message)
        return code == 0

    def done(self) -> float:
        """How many of its pieces are made, as it says."""
        row = reports.read(self._progress)
        total = row.get("total")
        return self.pieces * float(row["done"]) / float(total) if total else 0.0

    def wait(self) -> None:
        """Wait until it has exited, after it was asked to."""
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0  # it has just ended
