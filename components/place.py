"""The place a step runs in, seen from its process: inputs brought, one writer at a time, provenance."""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import platform
import resource
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import components
from components import base, given
from components.base import Here, Port, Step
from components.reports import Reporter
from components.task import Source, Task
from ernie_core import errors
from ernie_core import store as stores
from ernie_core.patience import OUTAGE, patiently
from ernie_core.store import Store, artefact, files
from ernie_core.store.files import StoredFile
from ernie_core.store.lease import Lease

LEASE = "ERNIE_JOBS_LEASE"
"""The variable by which a gang's launcher shares its lease with its processes."""
ATTEMPT = "ERNIE_JOBS_ATTEMPT"
"""The variable that says to a process of a pod which attempt of its launcher it is."""


@contextlib.contextmanager
def lock(folder: Path, name: str, stop: threading.Event) -> Iterator[None]:
    """One process of this machine at a time makes an artefact; the kernel frees the lock of a killed one."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / hashlib.sha256(name.encode()).hexdigest()[:24], "w") as handle:
        said = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    print(f"waiting for another process that makes {name}, for as long as that lives", flush=True)
                said = True
                if stop.wait(0.2):
                    raise errors.Stopped(f"asked to stop while waiting for {name}") from None
        yield


def open_store(url: str) -> Store:
    """A store as a step opens it: that it is away for a while is worth no work."""
    return stores.open_store(url, patience=OUTAGE)


@contextlib.contextmanager
def leased(task: Task, place: Store, stop: threading.Event) -> Iterator[Lease | None]:
    """The right to write below the address of a step that keeps its progress there; its gang may hold it already.

    One process of all machines at a time has it; Stopped if asked to stop while another one has it.
    """
    if not components.find(task.component).gang:
        yield None
        return
    shared = os.environ.get(LEASE, "")
    # not a patient one: a request that is repeated for an hour would come over the lease of whoever took over
    lease = Lease(stores.impatient(place), task.address, shared=shared, attempt=int(os.environ.get(ATTEMPT, "0")))
    if shared:
        lease.keep()  # the launcher that holds it may die while this process still saves
    else:
        patiently(lambda: lease.acquire(stop.is_set), "the right to write checkpoints is taken")
    try:
        yield lease
    finally:
        if not shared:
            lease.release()


def bring(port: Port, task: Task, store: Store, report: Reporter) -> Any:
    """The argument of `run` for a port: a folder, several sources, or None."""
    bound = task.inputs.get(port.name, ())
    if not bound and port.optional:
        return None
    if port.as_files:
        return [file for source in bound for file in _files(source, task, store)]
    folders = [
        base.Source(_folder(source, port, i, task, store, report), source.name, source.weight)
        for i, source in enumerate(bound)
    ]
    return tuple(folders) if port.way == "many" else folders[0].path


def _files(source: Source, task: Task, store: Store) -> list[StoredFile]:
    if source.address:
        return files.of_artefact(store, source.address, Path(task.cache) / "artefacts", _redo(source, task))
    return given.streams(source, task)


def unfold(task: Task, store: Store) -> Task:
    """The task with the files of its inputs, where they are listed in the store. BadInput if a list is not what it was
    when the task was written."""

    def whole(source: Source) -> Source:
        if not source.listing:
            return source
        data = store.read(source.listing)
        if hashlib.sha256(data).hexdigest() != Path(source.listing).stem:
            raise errors.BadInput(f"{store.url}/{source.listing} was changed: submit the run again")
        return replace(source, files=json.loads(data), listing="")

    return replace(task, inputs={port: tuple(map(whole, group)) for port, group in task.inputs.items()})


def here(
    task: Task, store: Store, scratch: Path, report: Reporter, stop: threading.Event, lease: Lease | None = None
) -> Here:
    """What the step may know."""
    metrics = os.environ.get("ERNIE_JOBS_METRICS")
    return Here(
        scratch=scratch, progress=report, stop=stop.is_set, store=store, address=task.address, cpus=task.cpus,
        cache=Path(task.cache) / "data", metrics=Path(metrics) if metrics else None, fingerprint=task.fingerprint,
        lease=lease, lineage=functools.partial(lineage, task, store),
    )  # fmt: skip


def lineage(task: Task, store: Store) -> Mapping[str, Any]:
    """What the manifests of all ancestors say, by address; this step under its own."""
    found: dict[str, Any] = {task.address: {"spec": task.spec, "inputs": _inputs(task), "settings": task.parameters}}
    open_ = [source.address for group in task.inputs.values() for source in group if source.address]
    while open_:
        address = open_.pop()
        if address in found:
            continue
        manifest = artefact.read(store, address)
        found[address] = dict(manifest.info) if manifest else {"missing": True}
        rows = found[address].get("inputs", {}).values()
        open_ += [row["address"] for group in rows for row in group if row.get("address")]
    return found


def check_given(task: Task, cls: type[Step]) -> None:
    """BadInput if an artefact was not made of what was planned: a file of the person's that was brought was changed
    meanwhile."""
    brought = [port.name for port in cls.takes() if not port.as_files]  # others are looked at with everything read
    given.check((source for name in brought for source in task.inputs.get(name, ())), task)


def provenance(task: Task, cls: type[Step], step: Step, scores: Mapping[str, float], started: float) -> dict[str, Any]:
    """What a manifest says of how its artefact was made."""
    usage = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    kib = 1024 if sys.platform != "darwin" else 1
    return {
        "step": task.name, "component": task.component, "revision": cls.revision, "fingerprint": task.fingerprint,
        "settings": step.settings(), "inputs": _inputs(task), "scores": dict(scores),
        "job": task.job, "run": task.run, "spec": task.spec, "image": task.image,
        "host": {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version(),
                 "cpus": task.cpus},
        "started": utc(started), "ended": utc(time.time()), "seconds": round(time.time() - started, 3),
        "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in usage), 3),
        "peak_memory": max(u.ru_maxrss for u in usage) * kib,
    }  # fmt: skip


def utc(seconds: float) -> str:
    """`2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def keep_fresh(folder: Path) -> None:
    """Touch a folder for as long as it is filled: a training writes nothing into it for weeks, and old ones are swept
    as left by killed writers."""

    def touch() -> None:
        with contextlib.suppress(FileNotFoundError):  # published, or gone with the step
            while True:
                os.utime(folder)
                time.sleep(600)

    threading.Thread(target=touch, daemon=True).start()


def _inputs(task: Task) -> dict[str, list[dict[str, Any]]]:
    keep = ("name", "kind", "fingerprint", "address", "weight")
    return {
        port: [{**{k: getattr(s, k) for k in keep}, "files": [f["url"] for f in s.files]} for s in group]
        for port, group in task.inputs.items()
    }


def _redo(source: Source, task: Task) -> str:
    return f"make it again with: kfp run {task.spec['path']} --redo {source.name}"


def _folder(source: Source, port: Port, i: int, task: Task, store: Store, report: Reporter) -> Path:
    cache = Path(task.cache) / "artefacts"
    if source.address:
        try:
            return artefact.fetch(store, source.address, cache, progress=report.bytes(f"fetch {source.name}"))
        except errors.BadInput as error:
            raise errors.BadInput(f"{error}\n{_redo(source, task)}") from error
    folder = Path(task.scratch) / "inputs" / f"{port.name}-{i}"
    return given.bring(source, folder, task, report.bytes(f"fetch {source.name}"))
