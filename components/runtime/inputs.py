"""What a step is given: its inputs, brought to where it runs, and what it may know of the run around it."""

import functools
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.contract import base
from components.contract.base import Here, Port, Step
from components.contract.task import Task, TaskInput
from components.runtime import given, provenance
from components.runtime.reports import Reporter
from components.runtime.stop import Stop
from ernie_core import errors
from ernie_core import store as stores
from ernie_core.patience import OUTAGE
from ernie_core.store import Store, artefact, files
from ernie_core.store.files import StoredFile
from ernie_core.store.lease import Lease


def open_store(url: str) -> Store:
    """A store as a step opens it: that it is away for a while is worth no work."""
    return stores.open_store(url, patience=OUTAGE)


def bring(port: Port, task: Task, store: Store, report: Reporter) -> Any:
    """The argument of `run` for a port: a folder, several sources, or None."""
    bound = task.inputs.get(port.name, ())
    if not bound and port.optional:
        return None
    if port.as_records:
        return tuple(_record(source, task, store) for source in bound)
    if port.as_files:
        return [file for source in bound for file in _files(source, task, store)]
    folders = [
        base.Source(_folder(source, port, i, task, store, report), source.name, source.weight)
        for i, source in enumerate(bound)
    ]
    return tuple(folders) if port.way == "many" else folders[0].path


def _files(source: TaskInput, task: Task, store: Store) -> list[StoredFile]:
    if source.address:
        return files.of_artefact(store, source.address, Path(task.cache) / "artefacts", _redo(source, task))
    return given.streams(source, task)


def _record(source: TaskInput, task: Task, store: Store) -> base.Record:
    if not source.address:
        raise errors.BadInput(f"{source.name}: only its files are given, not how it was made: bind a step instead")
    manifest = artefact.read(store, source.address)
    if manifest is None:
        raise errors.NotFound(f"{store.url}/{source.address}: no such artefact, {_redo(source, task)}")
    return base.Record(source.name, source.address, manifest.info)


def unfold(task: Task, store: Store) -> Task:
    """The task with the files of its inputs and the points of its sweep, where they are listed in the store. BadInput
    if a list is not what it was when the task was written."""

    def whole(source: TaskInput) -> TaskInput:
        if not source.listing:
            return source
        return replace(source, files=_listed(store, source.listing), listing="")

    task = replace(task, inputs={port: tuple(map(whole, group)) for port, group in task.inputs.items()})
    if not task.points_listing:
        return task
    return replace(task, points=_listed(store, task.points_listing), points_listing="")


def _listed(store: Store, key: str) -> Any:
    data = store.read(key)
    if hashlib.sha256(data).hexdigest() != Path(key).stem:
        raise errors.BadInput(f"{store.url}/{key} was changed: submit the run again")
    return json.loads(data)


def here(task: Task, store: Store, scratch: Path, report: Reporter, stop: Stop, lease: Lease | None = None) -> Here:
    """What the step may know."""
    metrics = os.environ.get("ERNIE_JOBS_METRICS")
    return Here(
        scratch=scratch, progress=report, stop=stop.is_set, store=store, address=task.address, cpus=task.cpus,
        cache=Path(task.cache) / "data", metrics=Path(metrics) if metrics else None, fingerprint=task.fingerprint,
        lease=lease, continues=task.continues, lineage=functools.partial(provenance.lineage, task, store),
    )  # fmt: skip


def check_given(task: Task, cls: type[Step]) -> None:
    """BadInput if an artefact was not made of what was planned: a file of the person's that was brought was changed
    meanwhile."""
    brought = [port.name for port in cls.takes() if not port.as_files]  # the others are checked with every read
    given.check((source for name in brought for source in task.inputs.get(name, ())), task)


def _redo(source: TaskInput, task: Task) -> str:
    return f"make it again with: kfp run {task.spec['path']} --redo {source.name}"


def _folder(source: TaskInput, port: Port, i: int, task: Task, store: Store, report: Reporter) -> Path:
    cache = Path(task.cache) / "artefacts"
    if source.address:
        try:
            return artefact.fetch(store, source.address, cache, progress=report.bytes(f"fetch {source.name}"))
        except errors.BadInput as error:
            raise errors.BadInput(f"{error}\n{_redo(source, task)}") from error
    folder = Path(task.scratch) / "inputs" / f"{port.name}-{i}"
    return given.bring(source, folder, task, report.bytes(f"fetch {source.name}"))
