"""An artefact of several writers: each writes its files, and one commits when all have reported theirs."""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, Error
from ernie_core.store import disk
from ernie_core.store.base import STAGING, Store, check_key, join
from ernie_core.store.manifest import MANIFEST, OPEN, File, Manifest, decode, encode, read
from ernie_core.store.posix import PosixStore
from ernie_core.store.transfer import big_first, parallel
from ernie_core.wording import listed

PIECE = 1 << 20
"""Bytes that are hashed and written at a time: they stay in the processor's cache between the two."""

_TOKEN = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Gathering:
    """One writer's part in an artefact. Writers with the same address and token work together, on any hosts.

    The token is new for every attempt, so files of a killed attempt can never get into another one.
    """

    store: Store
    address: str
    token: str
    writer: int
    scratch: Path

    @property
    def folder(self) -> Path:
        """The folder for this writer's files: one for all on a file system, its own below `scratch` for S3."""
        if isinstance(self.store, PosixStore):
            return self._place / "files"
        return self.scratch / f"{_family(self.address)}-{self.writer}-{self.token}"

    @property
    def _place(self) -> Path:
        assert isinstance(self.store, PosixStore)
        return self.store.root / STAGING / f"{_family(self.address)}-{self.token}"

    def _table(self, writer: int) -> str:
        """The key of a writer's report."""
        if isinstance(self.store, PosixStore):
            return f"{STAGING}/{self._place.name}/tables/{writer}.json"
        return join(self.address, f"tables-{self.token}", f"{writer}.json")


@dataclass
class Draft:
    """A file that is hashed while it is written; `file` is its row in the manifest once it is closed."""

    handle: int
    name: str
    digest: Any
    size: int = 0

    def write(self, data: "bytes | memoryview") -> int:
        """Hash and write, without the interpreter's lock for most of the time; returns the number of bytes."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), PIECE):
            piece = view[start : start + PIECE]
            self.digest.update(piece)
            while piece:
                piece = piece[os.write(self.handle, piece) :]
        self.size += len(view)
        return len(view)

    @property
    def file(self) -> File:
        """The name, the size and the SHA-256 of what was written."""
        return File(self.name, self.size, self.digest.hexdigest())


def begin(store: Store, address: str, token: str, writer: int, scratch: Path) -> Gathering:
    """Join a gathering; writer 0 also removes leftovers of killed attempts at addresses in the same folder."""
    if not _TOKEN.fullmatch(token):
        raise BadInput(f"{token!r}: a gathering's token is 8 hex digits")
    check_key(address)
    gathering = Gathering(store, address, token, writer, scratch)
    with disk.explained(gathering.folder):
        _clear(gathering)
        disk.make(gathering.folder)
        if isinstance(store, PosixStore):
            disk.make(store.path(gathering._table(writer)).parent)
    if not isinstance(store, PosixStore):
        store.write(join(address, OPEN), b"")
    return gathering


@contextlib.contextmanager
def create(gathering: Gathering, name: str) -> Iterator[Draft]:
    """Write a new file; on a file system it is synced to disk when it is closed."""
    path = gathering.folder / check_key(name)
    with disk.explained(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            yield Draft(handle, name, hashlib.sha256())
            if isinstance(gathering.store, PosixStore):
                os.fsync(handle)
        finally:
            os.close(handle)


def report(gathering: Gathering, files: Sequence[File]) -> None:
    """Report this writer's files as complete; on S3 they are uploaded first, big ones in parallel parts."""
    store, table = gathering.store, encode(Manifest("share", "", tuple(files)))
    if isinstance(store, PosixStore):
        draft = gathering._place / f"draft-{gathering.writer}"
        with disk.explained(gathering.folder):
            disk.sync(gathering.folder)
            draft.write_bytes(table)
            # the last operation: once the report is visible, the folder may be gone
            os.rename(draft, store.path(gathering._table(gathering.writer)))
    else:
        prefix = join(gathering.address, _data(gathering))

        def send(file: File) -> None:
            store.upload(gathering.folder / file.name, join(prefix, file.name), sha256=file.sha256)

        big_first(send, files)
        abandon(gathering, [file.name for file in files])
        store.write(gathering._table(gathering.writer), table)


def reported(gathering: Gathering, writer: int) -> tuple[File, ...] | None:
    """The files that a writer has reported; None if it has not reported yet."""
    key = gathering._table(writer)
    data = gathering.store.get(key)
    return None if data is None else decode(data, f"{gathering.store.url}/{key}").files


def commit(gathering: Gathering, files: Sequence[File], *, kind: str, info: Mapping[str, Any]) -> Manifest:
    """Commit the files of all writers as one artefact, which replaces any at the address."""
    names = [file.name for file in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{gathering.address}: written by two writers: {listed(twice)}")
    on_disk = isinstance(gathering.store, PosixStore)
    table = tuple(sorted(files, key=lambda file: file.name))
    manifest = Manifest(kind, "" if on_disk else _data(gathering), table, info)
    if on_disk:
        _swap_in(gathering, manifest)
    else:
        _seal(gathering, manifest)
    return manifest


def abandon(gathering: Gathering, names: Iterable[str]) -> None:
    """Remove this writer's files: those of a failed attempt, or those that were uploaded."""
    for name in names:
        with contextlib.suppress(OSError):  # the error that led here says more than one of a removal
            (gathering.folder / name).unlink(missing_ok=True)


def _swap_in(gathering: Gathering, manifest: Manifest) -> None:
    store = gathering.store
    assert isinstance(store, PosixStore)
    place = store.path(gathering.address)
    with disk.explained(place):
        there = None if gathering.folder.exists() else read(store, gathering.address)
        if there is not None and there.digest == manifest.digest:
            return disk.sync(place.parent)  # an earlier try moved it, and failed after that
        _arrived(gathering, manifest, {p.name: p.stat().st_size for p in gathering.folder.iterdir()})
        if place.is_symlink() or place.is_file():
            raise BadInput(f"{place}: there is a file or pointer where a folder should be; move it away")
        (gathering.folder / MANIFEST).unlink(missing_ok=True)  # half written by an earlier try, on a full disk
        disk.write(gathering.folder / MANIFEST, encode(manifest))
        disk.sync(gathering.folder)
        # the old one stays on the disk until the new one is in place
        grave = store.bury(place)
        disk.move(gathering.folder, place)
        # it is committed now; a sweep removes leftovers
        shutil.rmtree(grave, ignore_errors=True)
        shutil.rmtree(gathering._place, ignore_errors=True)


def _seal(gathering: Gathering, manifest: Manifest) -> None:
    """The files are in a folder of this attempt alone: an older manifest stays valid until it is replaced."""
    store, address = gathering.store, gathering.address
    prefix = join(address, manifest.data)
    _arrived(gathering, manifest, {e.key.removeprefix(f"{prefix}/"): e.size for e in store.list(prefix)})
    store.write(join(address, MANIFEST), encode(manifest))
    keep = (join(address, MANIFEST), join(address, OPEN))
    with contextlib.suppress(Error):  # it is committed; a sweep removes leftovers
        if (there := read(store, address)) is None or there.data != manifest.data:
            return  # another one was committed meanwhile; its files are not ours to remove
        others = [e.key for e in store.list(address) if e.key not in keep and not e.key.startswith(f"{prefix}/")]
        parallel(store.delete, others)
        store.delete(join(address, OPEN))


def _arrived(gathering: Gathering, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Refuse to commit files that are not there as they were reported: reports may come from other hosts."""
    for file in manifest.files:
        if sizes.get(file.name) != file.size:
            raise Error(
                f"{gathering.store.url}/{gathering.address}: {file.name} was reported with {file.size} bytes,"
                f" but {sizes.get(file.name, 'none')} are there; do all processes see the same store?"
            )


def _clear(gathering: Gathering) -> None:
    """Remove the folders of killed attempts: one with every restart would fill the disk."""
    store, family = gathering.store, _family(gathering.address)
    if not isinstance(store, PosixStore):
        for left in gathering.scratch.glob(f"{family}-{gathering.writer}-*"):
            if left != gathering.folder:
                shutil.rmtree(left)
    elif gathering.writer == 0:
        for left in gathering._place.parent.glob(f"{family}-*"):
            if left != gathering._place:
                store.discard(left)


def _family(address: str) -> str:
    """A name shared by all addresses in one folder."""
    return f"gathering-{hashlib.sha256(address.rpartition('/')[0].encode()).hexdigest()[:16]}"


def _data(gathering: Gathering) -> str:
    return f"data-{gathering.token}"
