"""The files that a person gives to a step: as they were when it was planned, or an error that names them."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

from components.contract.task import Task, TaskInput
from ernie_core import errors
from ernie_core import store as stores
from ernie_core.patience import OUTAGE
from ernie_core.progress import Progress
from ernie_core.store import files
from ernie_core.store.files import StoredFile

DIGESTS = "digests.sqlite"
"""In the cache, by the same name as for who plans: what has been read for the plan need not be read again."""


def streams(source: TaskInput, task: Task) -> list[StoredFile]:
    """Files to be read in place. BadInput, at the read, if a file was changed since."""
    return [_stream(source, row, Path(task.cache) / DIGESTS) for row in source.files]


def bring(source: TaskInput, folder: Path, task: Task, progress: Progress) -> Path:
    """All in one folder: links to files of this machine, copies of others. BadInput if one was changed since."""
    for row in source.files:
        target = folder / row["name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if (path := on_disk(row)) is None:
            root, _, key = row["url"].rpartition("/")
            far = stores.open_store(root, patience=OUTAGE)
            with _named(source):
                far.download(key, target, size=row["size"], progress=progress, etag=_tag(row, "etag"))
            continue
        _check(source, path, row, task)
        target.symlink_to(path)
    return folder


def check(sources: Iterable[TaskInput], task: Task) -> None:
    """BadInput if a file of this machine is not what it was planned to be: a step that has read it meanwhile may have
    read anything, and what it made is not what its fingerprint says."""
    for source in sources:
        for row in source.files:
            if (path := on_disk(row)) is not None:
                _check(source, path, row, task)


def _check(source: TaskInput, path: Path, row: Mapping[str, Any], task: Task) -> None:
    with _named(source):
        files.check(path, row["size"], _tag(row, "sha256") or "", Path(task.cache) / DIGESTS)


def _stream(source: TaskInput, row: Mapping[str, Any], cache: Path) -> StoredFile:
    if (path := on_disk(row)) is not None:
        file = files.of_user(path, row["name"], row["size"], _tag(row, "sha256") or "", cache)
    else:
        root, _, key = row["url"].rpartition("/")
        far = stores.open_store(root, patience=OUTAGE)
        file = files.of(far, key, row["name"], row["size"], _tag(row, "etag"))

    def open_(at: int) -> BinaryIO:
        with _named(source):
            return file.open(at)

    return StoredFile(file.name, file.size, open_)


@contextlib.contextmanager
def _named(source: TaskInput) -> Iterator[None]:
    """What is wrong with a file, with the name of the input that it is of."""
    try:
        yield
    except errors.BadInput as error:
        raise errors.BadInput(f"input `{source.name}`: {error}") from error


def on_disk(row: Mapping[str, Any]) -> Path | None:
    """Where it is on a file system."""
    if not row["url"].startswith("file://"):
        return None
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(row["url"]).path)))


def _tag(row: Mapping[str, Any], kind: str) -> str | None:
    """The plan's tag of its content; without ETags of the server only sizes are compared."""
    name, _, value = row.get("tag", "").partition(":")
    return value if name == kind and value != "None" else None
