"""Files to read from wherever they lie: a disk, or a store as a stream."""

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
    """A file: its name as a relative path, its bytes, and how to read them."""

    name: str
    size: int
    opener: Callable[[int], BinaryIO]

    def open(self, at: int = 0) -> BinaryIO:
        """The bytes from `at` on, to be read once from there to the end; a context manager."""
        return self.opener(at)


def below(folder: Path) -> list[StoredFile]:
    """Every file below a folder, sorted by name."""
    found = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return [StoredFile(name, path.stat().st_size, lambda at, path=path: opened(path, at)) for name, path in found]  # type: ignore[misc]


def of(store: Store, key: str, name: str, size: int, etag: str | None = None) -> StoredFile:
    """One file of a store. BadInput when it is opened and has another size, or another `etag`, by then; the etag is
    looked at with everything that is read."""

    def open_(at: int) -> BinaryIO:
        found = store.head(key)
        if found is None or found.size != size:
            has = "gone" if found is None else f"of {found.size} bytes"
            raise BadInput(f"{store.url}/{key}: was of {size} bytes when this was planned, is {has}: run again")
        return store.open(key, at, etag=etag)

    return StoredFile(name, size, open_)


def of_user(path: Path, name: str, size: int, sha256: str, cache: Path) -> StoredFile:
    """A file that is no artefact: whoever it belongs to may write into it at any time.

    BadInput when it is opened and has another digest by then, which `cache` (an SQLite file) remembers, and when it is
    closed and was written to meanwhile.
    """
    return StoredFile(name, size, lambda at: io.BufferedReader(_Unchanged(path, at, size, sha256, cache), BUFFER))


def check(path: Path, size: int, sha256: str, cache: Path) -> None:
    """BadInput if a file is not what was planned; without a digest that is known by its size alone."""
    with disk.explained(path), _gone(path):
        found = path.stat().st_size
        if found != size:
            raise _changed(path, f"had {size} bytes and has {found}")
        if sha256 and digests.sha256(path, cache) != sha256:
            raise _changed(path, "has another content of the same size")


def of_artefact(store: Store, address: str, cache: Path, remedy: str = "") -> list[StoredFile]:
    """The files of an artefact, sorted by name; `remedy` says how to make it again.

    On a file system each is verified when it is first opened, which `cache` remembers; from S3 comes what has the size
    that the manifest says, or an error.
    """
    remedy = remedy or f"delete {address} from the store and run again"
    manifest = read(store, address)
    if manifest is None:
        raise NotFound(f"{store.url}/{address}: no artefact here, nothing is committed; run the step that makes it")

    def file(row: File) -> StoredFile:
        far = of(store, join(address, manifest.data, row.name), row.name, row.size)
        folder = store.path(join(address, manifest.data))

        def open_(at: int) -> BinaryIO:
            for problem in problems(folder, manifest, (row,), cache / DIGESTS) if folder else ():
                raise BadInput(f"{problem}; {remedy}")
            return far.open(at)

        return StoredFile(row.name, row.size, open_)

    return [file(row) for row in sorted(manifest.files, key=lambda row: row.name)]


class _Unchanged(io.FileIO):
    """Bytes that have the planned digest, from the moment it is open to that at which it is closed."""

    def __init__(self, path: Path, at: int, size: int, sha256: str, cache: Path) -> None:
        with disk.explained(path), _gone(path):
            super().__init__(path)
            self._path, self._sha256 = path, sha256
            stat = os.fstat(self.fileno())
            self._state = digests.state_of(stat)
            # within the grain of the clock it could be written to once more and keep its times
            self._fresh = time.time() - max(stat.st_mtime, stat.st_ctime) < digests.SETTLED
            try:
                check(path, size, sha256, cache)
                # meanwhile it may have been written to, or another may have taken its place
                if digests.state_of(os.stat(path)) != self._state:
                    raise _changed(path, "changes right now")
            except BaseException:
                super().close()
                raise
            self.seek(at)

    def close(self) -> None:
        """BadInput if it is not what it was when it was opened: then nobody knows what was read."""
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
        # a new link or another mode change no byte, nor does who puts another file in its place
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
    return BadInput(f"{path}: was changed since this was planned ({how}), run again, which plans anew")
