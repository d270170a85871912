"""`python -m components STEP --task FILE`: the only entry point of every container and local process."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import components
from components import place
from components.task import Task
from ernie_core import errors
from ernie_core.store import artefact, open_store


def main(argv: list[str] | None = None) -> int:
    """Run one step to its committed artefact; the exit code says what a runner may do next (ernie_core/errors.py)."""
    parser = argparse.ArgumentParser(prog="python -m components", description="run one step of a planned job")
    parser.add_argument(
        "step", choices=components.names(), metavar="STEP", help="a component: " + ", ".join(components.names())
    )
    parser.add_argument("--task", required=True, help="the task: a JSON file, or the JSON itself")
    given = parser.parse_args(argv)
    text = given.task if given.task.lstrip().startswith("{") else Path(given.task).read_text(encoding="utf-8")
    task = Task.from_json(json.loads(text))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if os.environ.get("ERNIE_JOBS_WATCH_PARENT"):
        threading.Thread(target=_follow_parent, args=(stop,), daemon=True).start()
    outcome, code = {}, 0
    try:
        outcome = _run(task, stop)
    except (errors.Error, OSError, MemoryError) as error:
        outcome, code = {"error": _say(error)}, getattr(error, "exit_code", 1)
        print(f"error: {outcome['error']}", file=sys.stderr)
        if not isinstance(error, errors.Error):
            traceback.print_exc()
    place.write(Path(task.outcome), json.dumps({**outcome, "code": code}, ensure_ascii=False).encode())
    return code


def _run(task: Task, stop: threading.Event) -> dict[str, object]:
    store, started = open_store(task.store), time.time()
    scratch = Path(task.scratch)
    with place.lock(Path(task.cache) / "locks", f"{task.store}/{task.address}", stop):
        if done := artefact.read(store, task.address):
            return {"scores": done.info.get("scores", {}), "already": True}
        print(
            f"step={task.name} address={task.address} cpus={task.cpus} started={place.utc(started)}",
            flush=True,
        )
        cls = components.find(task.component)
        step = cls.model_validate(task.parameters)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        report = place.Reporter(Path(task.progress))
        arguments = {port.name: place.bring(port, task, store, report) for port in cls.takes()}
        folder = artefact.staging(store, task.address, scratch)
        arguments[cls.makes().name] = folder
        threading.Thread(target=_keep_fresh, args=(folder,), daemon=True).start()
        work = scratch / "work"
        work.mkdir()
        here = place.here(task, store, work, report, stop)
        scores = dict(step.run(**arguments, here=here) or {})
        if stop.is_set() and not any(folder.iterdir()):
            raise errors.Stopped("asked to stop before anything was made")
        info = place.provenance(task, cls, step, scores, started)
        artefact.publish(
            store, task.address, folder, kind=cls.makes().kind, info=info, progress=report.bytes("publish")
        )
    shutil.rmtree(scratch, ignore_errors=True)
    shown = " ".join(f"{name}={value:.6g}" for name, value in scores.items())
    print(f"step={task.name} state=done seconds={time.time() - started:.1f} {shown}".rstrip(), flush=True)
    return {"scores": scores}


def _say(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno == 28:
        return f"disk full: {error.filename or 'the disk'} has no room left, free some space and run again"
    if isinstance(error, MemoryError):
        return "out of memory: give the step more with `memory:`, or smaller batches"
    return str(error) or type(error).__name__


def _keep_fresh(folder: Path) -> None:
    """A training writes nothing here for weeks, and old folders are swept as left by killed writers."""
    with contextlib.suppress(FileNotFoundError):  # published, or gone with the step
        while True:
            os.utime(folder)
            time.sleep(600)


def _follow_parent(stop: threading.Event) -> None:
    """The runner holds the other end of stdin: when it dies, however suddenly, this step saves and stops."""
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
