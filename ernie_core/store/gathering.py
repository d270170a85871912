"""An artefact of several writers: each brings its files, and one commits when all have reported theirs."""

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

PIECE = 1 << 20
"""Bytes that are hashed and written at a time: they are still in the processor's cache for the second."""

_TOKEN = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Gathering:
    """One writer's part in an artefact. Writers with the same address and token meet, on whatever host they are.

    The token is new for every attempt, so what a killed or forgotten attempt left can never get into another one.
    """

    store: Store
    address: str
    token: str
    writer: int
    scratch: Path

    @property
    def folder(self) -> Path:
        """Where this writer's files go: one folder for all on a file system, its own below `scratch` for S3."""
        if isinstance(self.store, PosixStore):
            return self._place / "files"
        return self.scratch / f"{_family(self.address)}-{self.writer}-{self.token}"

    @property
    def _place(self) -> Path:
        assert isinstance(self.store, PosixStore)
        return self.store.root / STAGING / f"{_family(self.address)}-{self.token}"

    def _table(self, writer: int) -> str:
        """The key of what a writer reports."""
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
        """Hash and write; other threads run meanwhile."""
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
    """Take part; writer 0 also removes what killed attempts left at addresses in the same folder."""
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
    """Write a new file; on a file system it is forced to disk when it is closed."""
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
    """Say that this writer's files are there; on S3 they are uploaded first, big ones in parallel parts."""
    store, table = gathering.store, encode(Manifest("share", "", tuple(files)))
    if isinstance(store, PosixStore):
        draft = gathering._place / f"draft-{gathering.writer}"
        with disk.explained(gathering.folder):
            disk.sync(gathering.folder)
            draft.write_bytes(table)
            # the last thing here: once it is seen, the place may be gone
            os.rename(draft, store.path(gathering._table(gathering.writer)))
    else:
        prefix = join(gathering.address, _data(gathering))

        def send(file: File) -> None:
            store.upload(gathering.folder / file.name, join(prefix, file.name), sha256=file.sha256)

        big_first(send, files)
        abandon(gathering, [file.name for file in files])
        store.write(gathering._table(gathering.writer), table)


def reported(gathering: Gathering, writer: int) -> tuple[File, ...] | None:
    """The files that a writer has reported; None if it has not yet."""
    key = gathering._table(writer)
    data = gathering.store.get(key)
    return None if data is None else decode(data, f"{gathering.store.url}/{key}").files


def commit(gathering: Gathering, files: Sequence[File], *, kind: str, info: Mapping[str, Any]) -> Manifest:
    """Make the files of all writers one artefact, which replaces what was at the address."""
    names = [file.name for file in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{gathering.address}: written by two writers: {', '.join(twice)}")
    on_disk = isinstance(gathering.store, PosixStore)
    table = tuple(sorted(files, key=lambda file: file.name))
    manifest = Manifest(kind, "" if on_disk else _data(gathering), table, info)
    if on_disk:
        _swap_in(gathering, manifest)
    else:
        _seal(gathering, manifest)
    return manifest


def abandon(gathering: Gathering, names: Iterable[str]) -> None:
    """Give back the room that this writer's files take: of a failed attempt, or after their upload."""
    for name in names:
        with contextlib.suppress(OSError):  # where nothing can be removed the error that led here says more
            (gathering.folder / name).unlink(missing_ok=True)


def _swap_in(gathering: Gathering, manifest: Manifest) -> None:
    store = gathering.store
    assert isinstance(store, PosixStore)
    place = store.path(gathering.address)
    with disk.explained(place):
        there = None if gathering.folder.exists() else read(store, gathering.address)
        if there is not None and there.digest == manifest.digest:
            return disk.sync(place.parent)  # a try before has moved it, and failed after that
        _arrived(gathering, manifest, {p.name: p.stat().st_size for p in gathering.folder.iterdir()})
        if place.is_symlink() or place.is_file():
            raise BadInput(f"{place}: a file or pointer stands where the folder should be; move it away")
        (gathering.folder / MANIFEST).unlink(missing_ok=True)  # half written by a try before, on a disk that was full
        disk.write(gathering.folder / MANIFEST, encode(manifest))
        disk.sync(gathering.folder)
        # the old one stays on the disk until the new one is in its place
        grave = store.bury(place)
        disk.move(gathering.folder, place)
        # from here on it is committed, and what is left is for a sweep
        shutil.rmtree(grave, ignore_errors=True)
        shutil.rmtree(gathering._place, ignore_errors=True)


def _seal(gathering: Gathering, manifest: Manifest) -> None:
    """The files lie in a folder of this attempt alone: an older manifest is right until it is replaced."""
    store, address = gathering.store, gathering.address
    prefix = join(address, manifest.data)
    _arrived(gathering, manifest, {e.key.removeprefix(f"{prefix}/"): e.size for e in store.list(prefix)})
    store.write(join(address, MANIFEST), encode(manifest))
    keep = (join(address, MANIFEST), join(address, OPEN))
    with contextlib.suppress(Error):  # it is committed, and what is left is for a sweep
        if (there := read(store, address)) is None or there.data != manifest.data:
            return  # somebody has committed another one meanwhile, whose files are not ours to remove
        others = [e.key for e in store.list(address) if e.key not in keep and not e.key.startswith(f"{prefix}/")]
        parallel(store.delete, others)
        store.delete(join(address, OPEN))


def _arrived(gathering: Gathering, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Whether what was reported is what is there: it may come from other hosts."""
    for file in manifest.files:
        if sizes.get(file.name) != file.size:
            raise Error(
                f"{gathering.store.url}/{gathering.address}: {file.name} was reported with {file.size} bytes,"
                f" but {sizes.get(file.name, 'none')} are there; do all processes see the same store?"
            )


def _clear(gathering: Gathering) -> None:
    """Remove the folders of attempts that were killed: they would fill the disk, one with every restart."""
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
    """A name that all addresses in one folder have in common."""
    return f"gathering-{hashlib.sha256(address.rpartition('/')[0].encode()).hexdigest()[:16]}"


def _data(gathering: Gathering) -> str:
    return f"data-{gathering.token}"
