"""Publishing an artefact: a staging folder is filled, hashed, moved or uploaded, and committed by its manifest."""

import errno
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.keys import flaw
from ernie_core.progress import Progress, silent
from ernie_core.store import digests, disk
from ernie_core.store.base import Store, check_key, join
from ernie_core.store.fetching import problems
from ernie_core.store.manifest import MANIFEST, File, Manifest, encode, read
from ernie_core.store.posix import PosixStore
from ernie_core.store.s3 import S3Store
from ernie_core.store.transfer import SharedProgress, big_first, parallel


@dataclass(frozen=True)
class Carried:
    """A file of another artefact, by its key in the store, that a new one contains too."""

    key: str
    file: File


def staging(store: Store, address: str, scratch: Path) -> Path:
    """An empty folder to fill: on the store's own file system, so that a rename can publish it, or below `scratch`."""
    check_key(address)
    if isinstance(store, PosixStore):
        return store.stage()
    with disk.explained(scratch):
        place = disk.make(scratch) / f"staging-{os.getpid()}-{secrets.token_hex(8)}"
        place.mkdir()
        return place


def publish(
    store: Store,
    address: str,
    folder: Path,
    *,
    kind: str,
    info: Mapping[str, Any],
    carried: Sequence[Carried] = (),
    progress: Progress = silent,
) -> Manifest:
    """Make an artefact of a staging folder, which is consumed; returns the manifest committed at the address.

    It contains the `carried` files too, which are neither read nor moved: on a file system they are hard links, S3
    copies them on the server.

    Any number of writers may publish at once: the files go to a folder named by their content, the first manifest
    wins, and the others get it back. A checkpoint, whose writers work together, is made by `gathering` instead.
    """
    check_key(address)
    encode(Manifest(kind, "", (), info))  # fail before the upload if the facts cannot be written
    if winner := read(store, address):
        _drop(store, folder)
        return winner
    with disk.explained(folder):
        files = _table(folder, progress)
    every = (*files, *(c.file for c in carried))
    manifest = Manifest(kind, f"data-{Manifest(kind, '', every, info).digest[:8]}", every, info)
    if isinstance(store, PosixStore):
        _link_in(store, carried, folder)
    else:
        _copy_in(store, carried, join(address, manifest.data))
    return _publish_apart(store, address, folder, manifest, files, progress)


def _link_in(store: PosixStore, carried: Sequence[Carried], folder: Path) -> None:
    for row in carried:
        source, target = store.path(row.key), folder / row.file.name
        with disk.explained(source):
            try:
                os.link(source, target)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                disk.copy(source, target)  # a file system without hard links
    disk.sync(folder)


def _copy_in(store: Store, carried: Sequence[Carried], prefix: str) -> None:
    assert isinstance(store, S3Store)
    parallel(lambda row: store.copy(row.key, join(prefix, row.file.name)), carried)


def _publish_apart(
    store: Store, address: str, folder: Path, manifest: Manifest, files: tuple[File, ...], progress: Progress
) -> Manifest:
    if isinstance(store, PosixStore):
        _move_in(store, address, folder, manifest)
    else:
        _upload(store, join(address, manifest.data), folder, files, progress)
        shutil.rmtree(folder)
    while not store.write(join(address, MANIFEST), encode(manifest), create=True):
        winner = read(store, address)
        if winner is None:  # removed between the two requests
            continue
        if winner.data != manifest.data:
            _forget(store, join(address, manifest.data))
        return winner
    return manifest


def _move_in(store: PosixStore, address: str, folder: Path, manifest: Manifest) -> None:
    place = store.path(join(address, manifest.data))
    with disk.explained(place):
        try:
            disk.move(folder, place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # the same content from another writer, or from one that was killed before its manifest
            if any(problems(place, manifest)):
                store.discard(place)
                disk.move(folder, place)
                return
            os.utime(place)  # so that a sweep takes it for new
            store.discard(folder)


def _upload(store: Store, prefix: str, folder: Path, files: tuple[File, ...], progress: Progress) -> None:
    total = SharedProgress(progress, sum(file.size for file in files), doing="upload")

    def send(file: File) -> None:
        store.upload(folder / file.name, join(prefix, file.name), total.part(), sha256=file.sha256)

    big_first(send, files)


def _table(folder: Path, progress: Progress) -> tuple[File, ...]:
    """Size and digest of every file, each synced to disk."""
    found: list[tuple[str, Path]] = []
    for place, folders, names in os.walk(folder, onerror=_fail):
        for name in folders + names:
            path = Path(place, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise BadInput(f"{path}: neither a file nor a folder; an artefact holds copies, not links")
            if path.is_file():
                found.append((path.relative_to(folder).as_posix(), path))
        disk.sync(Path(place))
    if not found:
        raise BadInput(f"{folder}: there are no files to publish; the step has written nothing")
    found.sort()
    for name, _ in found:
        if why := "it is the manifest's own" if name == MANIFEST else flaw(name):
            raise BadInput(f"{folder}: the file name {name!r} is not allowed: {why}")
    total = SharedProgress(progress, sum(path.stat().st_size for _, path in found), doing="hash")
    return tuple(_row(name, path, total.part()) for name, path in found)


def _row(name: str, path: Path, progress: Progress) -> File:
    disk.sync(path)
    before = path.stat()
    digest = digests.sha256(path)
    if path.stat().st_size != before.st_size or path.stat().st_mtime_ns != before.st_mtime_ns:
        raise BadInput(f"{path}: still being written while it is published; close it first")
    progress(before.st_size)
    return File(name, before.st_size, digest)


def _forget(store: Store, prefix: str) -> None:
    if isinstance(store, PosixStore):
        store.discard(store.path(prefix))
    else:
        parallel(store.delete, [entry.key for entry in store.list(prefix)])


def _drop(store: Store, folder: Path) -> None:
    with disk.explained(folder):
        shutil.rmtree(folder)


def _fail(error: OSError) -> None:
    raise error
