"""Files to read, from a disk or as a stream from a store."""

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ernie_core.errors import BadInput, NotFound
from ernie_core.store import digests, disk
from ernie_core.store.base import Store, join
from ernie_core.store.fetching import DIGESTS, problems
from ernie_core.store.manifest import File, read
from ernie_core.store.posix import BUFFER, opened


@dataclass(frozen=True)
class StoredFile:
    """A file: its name as a relative path, its size in bytes, and how to open it."""

    name: str
    size: int
    opener: Callable[[int], BinaryIO]

    def open(self, at: int = 0) -> BinaryIO:
        """The bytes from `at` on, to be read once from there to the end; a context manager."""
        return self.opener(at)


def below(folder: Path) -> list[StoredFile]:
    """Every file below a folder, sorted by name."""
    paths = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return [StoredFile(name, path.stat().st_size, lambda at, path=path: opened(path, at)) for name, path in paths]  # type: ignore[misc]


def of(store: Store, key: str, name: str, size: int, etag: str | None = None) -> StoredFile:
    """One file of a store. BadInput when it is opened and no longer has this size or `etag`; the etag is checked with
    every read."""

    def open_(at: int) -> BinaryIO:
        entry = store.head(key)
        if entry is None or entry.size != size:
            now = "is gone" if entry is None else f"has {entry.size} bytes"
            raise BadInput(f"{store.url}/{key}: had {size} bytes when it was planned, now it {now}; run again")
        return store.open(key, at, etag=etag)

    return StoredFile(name, size, open_)


def of_user(path: Path, name: str, size: int, sha256: str, cache: Path) -> StoredFile:
    """A file of the user's, who may write into it at any time.

    BadInput when it is opened and has another digest by then, and when it is closed and was written to meanwhile.
    `cache`, an SQLite file, keeps digests.
    """
    return StoredFile(name, size, lambda at: io.BufferedReader(_Unchanged(path, at, size, sha256, cache), BUFFER))


def check(path: Path, size: int, sha256: str, cache: Path) -> None:
    """BadInput if a file changed since it was planned; without `sha256` only its size is checked."""
    with disk.explained(path), _gone(path):
        now = path.stat().st_size
        if now != size:
            raise _changed(path, f"had {size} bytes, has {now}")
        if sha256 and digests.sha256(path, cache) != sha256:
            raise _changed(path, "has the same size but other content")


def of_artefact(store: Store, address: str, cache: Path, remedy: str = "") -> list[StoredFile]:
    """The files of an artefact, sorted by name; `remedy` says how to make it again.

    On a file system each is verified when it is first opened, and `cache` keeps its digest; from S3 only the size is
    checked.
    """
    remedy = remedy or f"delete {address} from the store and run again"
    manifest = read(store, address)
    if manifest is None:
        raise NotFound(f"{store.url}/{address}: no artefact here; run the step that makes it")

    def file(row: File) -> StoredFile:
        remote = of(store, join(address, manifest.data, row.name), row.name, row.size)
        folder = store.path(join(address, manifest.data))

        def open_(at: int) -> BinaryIO:
            for problem in problems(folder, manifest, (row,), cache / DIGESTS) if folder else ():
                raise BadInput(f"{problem}; {remedy}")
            return remote.open(at)

        return StoredFile(row.name, row.size, open_)

    return [file(row) for row in sorted(manifest.files, key=lambda row: row.name)]


class _Unchanged(io.FileIO):
    """A file that has the planned digest from when it is opened until it is closed."""

    def __init__(self, path: Path, at: int, size: int, sha256: str, cache: Path) -> None:
        with disk.explained(path), _gone(path):
            super().__init__(path)
            self._path, self._sha256 = path, sha256
            stat = os.fstat(self.fileno())
            self._state = digests.state_of(stat)
            # within the clock's resolution it could be written to once more and keep its times
            self._fresh = time.time() - max(stat.st_mtime, stat.st_ctime) < digests.SETTLED
            try:
                check(path, size, sha256, cache)
                # it may have been written to meanwhile, or another file may be in its place
                if digests.state_of(os.stat(path)) != self._state:
                    raise _changed(path, "is being changed now")
            except BaseException:
                super().close()
                raise
            self.seek(at)

    def close(self) -> None:
        """BadInput if it changed since it was opened: then it is unknown what was read."""
        if self.closed:
            return
        try:
            self._compare()
        finally:
            super().close()

    def _compare(self) -> None:
        *written, other = digests.state_of(os.fstat(self.fileno()))
        if written != list(self._state[:3]):
            raise _changed(self._path, "was written to while it was read")
        # a new link, another mode, or another file in its place changes no byte of this one
        doubtful = self._fresh or other != self._state[3]
        if doubtful and self._sha256 and digests.of_open(self) != self._sha256:
            raise _changed(self._path, "was written to while it was read")


@contextlib.contextmanager
def _gone(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise _changed(path, "is gone") from None


def _changed(path: Path, how: str) -> BadInput:
    return BadInput(f"{path}: changed since it was planned ({how}); run again to make a new plan")
