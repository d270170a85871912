"""A store on a file system: local disk or NFS."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from ernie_core.errors import BadInput, NotFound
from ernie_core.progress import Progress, silent
from ernie_core.store import disk, transfer
from ernie_core.store.base import STAGING, Entry, Names, check_etag, check_key

BUFFER = 1 << 20


class PosixStore:
    """Keys are paths below `root`; everything appears by a rename within the same file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = root.as_uri()

    def __repr__(self) -> str:
        return f"PosixStore({self.url!r})"

    def get(self, key: str) -> bytes | None:
        with disk.explained(self._place(key)):
            try:
                return self._place(key).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def read(self, key: str) -> bytes:
        data = self.get(key)
        if data is None:
            raise NotFound(f"{self.url}/{key}: no such file")
        return data

    def write(self, key: str, data: bytes, *, create: bool = False) -> bool:
        target = self._place(key)
        with disk.explained(target, needs=len(data)), self._draft() as draft:
            disk.write(draft, data)
            return disk.move(draft, target, create=create)

    def head(self, key: str) -> Entry | None:
        place = self._place(key)
        with disk.explained(place):
            if place.is_symlink() and place.is_dir():
                return _entry(key, os.lstat(place))
            return _entry(key, place.stat()) if place.is_file() else None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        folder = self._place(prefix) if prefix else self.root
        with disk.explained(folder):
            entries = list(_walk(folder, f"{prefix}/" if prefix else ""))
        yield from sorted(entries, key=lambda entry: entry.key)

    def children(self, prefix: str = "") -> Names:
        folder = self._place(prefix) if prefix else self.root
        with disk.explained(folder):
            try:
                names = os.listdir(folder)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(name for name in names if prefix or name != STAGING)

    def delete(self, key: str) -> None:
        place = self._place(key)
        with disk.explained(place):
            try:
                place.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return
            disk.prune(place.parent, self.root)

    def path(self, key: str) -> Path:
        return self._place(key) if key else self.root

    def open(self, key: str, at: int = 0, *, etag: str | None = None) -> BinaryIO:
        place = self._place(key)
        if not place.is_file():
            raise NotFound(f"{self.url}/{key}: no such file")
        check_etag(_entry(key, place.stat()), etag, self.url)
        return opened(place, at)

    def upload(self, source: Path, key: str, progress: Progress = silent, *, sha256: str = "") -> None:
        target, size = self._place(key), source.stat().st_size
        with disk.explained(target, needs=size), self._draft() as draft:
            disk.copy(source, draft, progress)
            if (copied := draft.stat().st_size) != size:
                raise BadInput(f"{source}: changed while it was copied, from {size} bytes to {copied}; run again")
            disk.move(draft, target)

    def download(self, key: str, target: Path, *, size: int, progress: Progress = silent, sha256: str | None = None,
                 etag: str | None = None) -> None:  # fmt: skip
        place = self._place(key)
        with disk.explained(place):
            if not place.is_file():
                raise NotFound(f"{self.url}/{key}: no such file")
            stat = place.stat()
            check_etag(_entry(key, stat), etag, self.url)
            with place.open("rb") as source:
                blob = transfer.Blob(
                    f"{self.url}/{key}",
                    stat.st_size,
                    f"{stat.st_ino}-{stat.st_mtime_ns}",
                    lambda start, end: os.pread(source.fileno(), end - start, start),
                )
                transfer.download(blob, target, size=size, sha256=sha256, progress=progress)

    def stage(self) -> Path:
        """A new empty folder on the store's own file system, for this writer alone."""
        with disk.explained(self.root):
            # not mkdtemp: the folder would keep its mode 0700, and others must read it
            place = disk.make(self.root / STAGING) / f"{os.getpid()}-{secrets.token_hex(8)}"
            place.mkdir()
            return place

    def discard(self, place: Path) -> None:
        """Remove a folder: renamed at once, then deleted."""
        with disk.explained(place):
            shutil.rmtree(self.bury(place))
            if place.parent != self.root / STAGING:
                disk.prune(place.parent, self.root)

    def bury(self, place: Path) -> Path:
        """Move a folder out of its place by one rename; returns the folder that holds it, for the caller to delete."""
        grave = self.stage()
        with contextlib.suppress(FileNotFoundError):
            os.rename(place, grave / "gone")
            disk.sync(place.parent)
        return grave

    def _place(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextlib.contextmanager
    def _draft(self) -> Iterator[Path]:
        folder = self.stage()
        try:
            yield folder / "draft"
        finally:
            shutil.rmtree(folder)


def opened(path: Path, at: int = 0) -> BinaryIO:
    """A file opened for reading from byte `at` on."""
    with disk.explained(path):
        file = path.open("rb", buffering=BUFFER)
        file.seek(at)
        return file


def _walk(folder: Path, prefix: str) -> Iterator[Entry]:
    try:
        items = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for item in items:
        key = prefix + item.name
        if key == STAGING:
            continue
        with contextlib.suppress(FileNotFoundError):  # removed while the folder is listed
            if item.is_dir(follow_symlinks=False):
                yield from _walk(Path(item.path), key + "/")
            elif item.is_symlink():
                # a link to a folder is a pointer, and so is one whose folder is gone
                yield _entry(key, item.stat() if item.is_file() else os.lstat(item.path))
            else:
                yield _entry(key, item.stat())


def _entry(key: str, stat: os.stat_result) -> Entry:
    return Entry(key, stat.st_size, None, datetime.fromtimestamp(stat.st_mtime, timezone.utc))
