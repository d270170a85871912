"""`python -m components STEP --task FILE`: the only entry point of every container and local process."""

import argparse
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import components
from components.contract.base import Here, Scores, Step
from components.contract.task import Task
from components.runtime import (
    begun,
    gang,
    handover,
    inputs,
    kept_log,
    locks,
    naming,
    parent,
    provenance,
    record,
    reports,
    scratch,
    shards,
    sweep,
    swept,
    version,
)
from components.runtime.stop import Stop
from ernie_core import errors, runtime, streams
from ernie_core.patience import patiently
from ernie_core.store import Store, artefact, disk, open_store
from ernie_core.store.lease import Lease

_LONGEST = 500
"""Characters of an unexpected error that the outcome has."""


def main(argv: list[str] | None = None) -> int:
    """Run one step to its committed artefact; the exit code says what a runner may do next (ernie_core/errors.py)."""
    runtime.fit_processor()
    given = _arguments(argv)
    text = given.task if given.task.lstrip().startswith("{") else Path(given.task).read_text(encoding="utf-8")
    try:
        task = Task.from_json(json.loads(text))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return errors.BadInput.exit_code
    rank, world = gang.rank()
    if given.shard:
        task = shards.shard_task(task, given.shard)
    elif world > 1:
        task = gang.rank_task(task, rank)
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    parent.follow(stop)
    with streams.forgiving():
        if given.manifest:
            os.umask(0o022)  # containers start with none there: what is written would be everyone's to change
            return _in_pipeline(task, given, stop)
        return _attempt(task, given, world, rank, stop)[0]


def _in_pipeline(task: Task, given: argparse.Namespace, stop: Stop) -> int:
    """As a step of a pipeline: what it says, and how it ends, is kept where it outlives the pod."""
    try:
        before = record.begin(task)
    except errors.Error as error:
        print(f"error: {_say(error)}", file=sys.stderr)
        return error.exit_code
    if record.final(before):
        print(f"error: as before: {before.text}", file=sys.stderr)
        return before.code
    series = f"step-{os.environ.get('KFP_POD_UID', str(os.getpid()))[:8]}"
    with kept_log.KeptLog(open_store(task.store), record.logs(asdict(task)), series):
        code, text = _attempt(task, given, 1, 0, stop)
    record.note(task, text, code)
    return code


def _attempt(task: Task, given: argparse.Namespace, world: int, rank: int, stop: Stop) -> tuple[int, str]:
    """Do it; the exit code, and what there is to say of an error. Both are in the outcome too."""
    outcome, code, file = {}, 0, Path(task.outcome)
    try:
        scratch.keep(file.parent)
        reports.reserve(file)
        version.check(task)
        task = inputs.unfold(task, inputs.open_store(task.store))
        outcome = _do(task, given, world, rank, stop)
    except Exception as error:
        outcome, code = {"error": naming.users(task, _say(error))}, getattr(error, "exit_code", 1)
        print(f"error: {outcome['error']}", file=sys.stderr)
        if not isinstance(error, errors.Error):
            traceback.print_exc()
    reports.conclude(
        file, json.dumps({**outcome, "code": code}, ensure_ascii=False).encode("utf-8", "backslashreplace")
    )
    return code, str(outcome.get("error", ""))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m components", description="run one step of a planned job")
    parser.add_argument("step", metavar="STEP", help="a component: " + ", ".join(components.names()))
    parser.add_argument("--task", required=True, help="the task: a JSON file, or the JSON itself")
    parser.add_argument("--shard", type=shards.shard, metavar="K/N", help="make only this share of the pieces")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="where a pipeline reads what was made")
    parser.add_argument("--executor-input", default="", metavar="JSON", help="the pipeline's description of this task")
    return parser.parse_args(argv)


def _do(task: Task, given: argparse.Namespace, world: int, rank: int, stop: Stop) -> dict[str, object]:
    """The work of this process; the process that makes the whole step hands it over, if it is one of a pipeline."""
    if given.shard:
        return _share(task, given.shard, stop)
    if world > 1:
        return _together(task, rank, stop)
    outcome = _run(task, stop)
    if given.manifest:
        handover.write(task, inputs.open_store(task.store), given.manifest, given.executor_input)
    return outcome


def _run(task: Task, stop: Stop) -> dict[str, object]:
    """The whole step, to its committed artefact."""
    store, started = inputs.open_store(task.store), time.time()
    with locks.lock(Path(task.cache) / "locks", f"{task.store}/{task.address}", stop):
        if done := artefact.read(store, task.address):
            return {"scores": done.info.get("scores", {}), "already": True}
        if task.best:
            return _done(task, _sweep(task, store, started, stop), started)
        with locks.leased(task, store, stop) as lease:
            if lease and (done := artefact.read(store, task.address)):  # by whom it was waited for
                return {"scores": done.info.get("scores", {}), "already": True}
            print(
                f"step={task.name} address={task.address} cpus={task.cpus} started={provenance.utc(started)}",
                flush=True,
            )
            scores = _lead(task, store, stop, lease) if task.ranks > 1 else _make(task, store, started, stop, lease)
    shutil.rmtree(task.scratch, ignore_errors=True)
    return _done(task, scores, started)


def _done(task: Task, scores: Scores, started: float) -> dict[str, object]:
    """Say that a step is done; its outcome."""
    shown = " ".join(f"{n}={value:.6g}" for n, value in components.in_order(task.component, scores)[0].items())
    print(f"step={task.name} state=done seconds={time.time() - started:.1f} {shown}".rstrip(), flush=True)
    return {"scores": dict(scores)}


def _make(task: Task, store: Store, started: float, stop: Stop, lease: Lease | None) -> Scores:
    """Run the step in this process, or its pieces in several, and commit what it made."""
    step, arguments, here, report = _begin(task, store, stop, lease)
    cls = type(step)
    if cls.gang:
        task = replace(task, continues=begun.write(task, step, store, started))
    stage = functools.partial(artefact.staging, store, task.address, Path(task.scratch))
    # a training that starts again after a crash has hours in its checkpoints; what has just begun has nothing to lose
    folder = patiently(stage, "creating the output folder") if cls.gang else stage()
    scratch.keep_fresh(folder)
    work = shards.open_(task, store, step, arguments) if cls.is_split() else None
    if work:
        scores, carried = shards.make_all(work, folder, here, report)
    else:
        scores, carried = step.run(**arguments, **{cls.makes().name: folder}, here=here) or {}, []
    if stop.is_set() and not any(folder.iterdir()):
        raise errors.Stopped("asked to stop before anything was made")
    wrong = components.mismatch(step, scores, [port for port, sources in task.inputs.items() if sources])
    inputs.check_given(task, cls)
    info = provenance.provenance(task, cls, step, scores, started)
    kind, moving = cls.makes().kind, report.bytes("publish")
    artefact.publish(store, task.address, folder, kind=kind, carried=carried, info=info, progress=moving)
    for act in here.afterwards:
        act()
    if work:
        try:
            shards.clear(work)
        except errors.Error as error:
            print(f"pieces of the committed artefact could not be removed, a later sweep does it: {error}", flush=True)
    if wrong:  # after the work is safe: gates were checked by what is declared, so it must be said, but once
        raise errors.Error(f"{wrong}; the artefact is complete, run again to continue")
    return scores


def _lead(task: Task, store: Store, stop: Stop, lease: Lease | None) -> Scores:
    """Have a gang of processes make and commit the artefact."""
    scratch = Path(task.scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "task.json"
    file.write_text(json.dumps(task.to_json(), ensure_ascii=False), encoding="utf-8")
    report = reports.Reporter(Path(task.progress))
    gang.run(task, file, store, inputs.here(task, store, scratch, report, stop, lease))
    made = artefact.read(store, task.address)
    if made is None:
        raise errors.Error("all processes succeeded, but there is no artefact: see the log")
    scores: Scores = made.info.get("scores", {})
    return scores


def _together(task: Task, rank: int, stop: Stop) -> dict[str, object]:
    """As one rank of a gang; the first one commits what all have made."""
    store, started = inputs.open_store(task.store), time.time()
    if rank == 0:
        with locks.leased(task, store, stop) as lease:
            return {"scores": dict(_make(task, store, started, stop, lease))}
    step, arguments, here, _ = _begin(task, store, stop)
    folder = here.scratch / "out"
    folder.mkdir()
    step.run(**arguments, **{type(step).makes().name: folder}, here=here)
    return {}


def _sweep(task: Task, store: Store, started: float, stop: Stop) -> Scores:
    """The points of a sweep that are missing, then its artefact."""
    many = f"points={len(task.points)} best={task.best!r}"
    print(f"step={task.name} address={task.address} {many} started={provenance.utc(started)}", flush=True)
    sweep.make(task, store, range(len(task.points)), stop)
    return swept.publish(task, store, started, reports.Reporter(Path(task.progress)))


def _share(task: Task, shard: shards.Shard, stop: Stop) -> dict[str, object]:
    """The pieces of one shard, or its points of a sweep; the process that runs the whole step joins them."""
    store = inputs.open_store(task.store)
    if task.best:  # a point that fails must not end the others: the joining process says which did
        sweep.make(task, store, shard.of(len(task.points)), stop)
        return {}
    step, arguments, here, _ = _begin(task, store, stop)
    shards.make(shards.open_(task, store, step, arguments), shard, here)
    shutil.rmtree(task.scratch, ignore_errors=True)
    return {}


def _begin(
    task: Task, store: Store, stop: Stop, lease: Lease | None = None
) -> tuple[Step, dict[str, Any], Here, reports.Reporter]:
    """The step, what it reads, and what it may know."""
    scratch = Path(task.scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "work").mkdir(parents=True)
    step = version.step(task)
    report = reports.Reporter(Path(task.progress))
    arguments = {port.name: inputs.bring(port, task, store, report) for port in type(step).takes()}
    return step, arguments, inputs.here(task, store, scratch / "work", report, stop, lease), report


def _say(error: BaseException) -> str:
    if isinstance(error, OSError) and disk.is_full(error):
        return str(disk.full(Path(error.filename or tempfile.gettempdir()), None, error.errno or 0))
    if isinstance(error, MemoryError):
        return "out of memory: give the step more with `memory:`, or smaller batches"
    if isinstance(error, errors.Error | OSError):
        return str(error) or type(error).__name__
    what = " ".join(str(error).split())[:_LONGEST]
    return f"{type(error).__name__}: {what}: a fault of the program, its traceback is in the log"


if __name__ == "__main__":
    sys.exit(main())
