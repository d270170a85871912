"""A cache folder for data that are expensive to make: each entry is a folder that is whole or absent, on NFS too.

An entry is made under a private name, synced to disk, and appears by one rename, so any number of processes and nodes
may make the same one: the first wins and the others use its entry. Entries are never rewritten, since replacing a file
on NFS kills processes that have it mapped. Names contain a key of the content, so nothing gets stale.
"""

import errno
import hashlib
import json
import os
import shutil
import socket
import time
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from ernie_core.errors import BadInput, Error, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.store import disk

Fact = int | str
_MANIFEST = "MANIFEST.json"
_MAKING = ".making"
_ABANDONED = 86_400
_PAUSE = 0.2
_BLOCK, _BLOCKS = 4096, 16
_T = TypeVar("_T")


@dataclass(frozen=True)
class CacheEntry:
    """One entry: the folder with its files, and the facts that its maker returned."""

    folder: Path
    facts: dict[str, Fact]


@dataclass(frozen=True)
class Cache:
    """A cache. The process with `maker` makes absent entries (rank 0 of a run), and the others wait for it."""

    folder: Path
    maker: bool = True
    patience: float = 3600
    """Most seconds that others wait for one entry; an hour is enough for about 10^10 documents on a slow disk."""
    progress: Progress = silent
    stop: Stop = never

    def get(self, name: str, fill: Callable[[Path], dict[str, Fact]]) -> CacheEntry:
        """The entry, made first if it is absent: `fill` writes files into an empty folder and returns facts."""
        if self.maker:
            return self.find(name) or self._make(name, fill)
        return self.wait(lambda: self.find(name), name)

    def find(self, name: str) -> CacheEntry | None:
        """The entry, or None if there is none; the maker removes a damaged one, with a warning."""
        entry = self._read(name)
        if entry is None or (damage := _damage(entry.folder)) is None:
            return entry
        warnings.warn(f"{entry.folder}: {damage}; it is made again", stacklevel=2)
        if self.maker:
            self.remove(name)
        return None

    def entries(self, prefix: str) -> dict[str, CacheEntry]:
        """All entries whose names begin with `prefix`, unverified."""
        with disk.explained(self.folder):
            names = sorted(os.listdir(self.folder)) if self.folder.is_dir() else []
        read = {name: self._read(name) for name in names if name.startswith(prefix)}
        return {name: entry for name, entry in read.items() if entry}

    def remove(self, name: str) -> None:
        """Remove an entry by a rename, then delete its files. On NFS no process may have them mapped any more."""
        away = self._private(name)
        with disk.explained(self.folder):
            try:
                os.rename(self.folder / name, away)
            except FileNotFoundError:
                return
            shutil.rmtree(away)

    def wait(self, look: Callable[[], _T | None], name: str) -> _T:
        """Call `look` until it returns a value. Error if the maker takes too long, Stopped if asked to stop."""
        began = time.monotonic()
        while (found := look()) is None:
            waited = time.monotonic() - began
            if self.stop():
                raise Stopped(f"stopped while waiting for {self.folder / name}")
            if waited > self.patience:
                raise Error(
                    f"{self.folder / name} did not appear within {self.patience:g} s: rank 0 makes it; check that its"
                    " process is alive, and that this folder is the same on all nodes"
                )
            self.progress(waited, None, "s", waiting_for=name)
            time.sleep(_PAUSE)
        return found

    def _make(self, name: str, fill: Callable[[Path], dict[str, Fact]]) -> CacheEntry:
        making = self._private(name)
        with disk.explained(making):
            self._sweep()
            disk.make(making)
            try:
                facts = fill(making)
                files = {path.name: glance(path) for path in sorted(making.iterdir())}
                for path in making.iterdir():
                    disk.sync(path)
                text = json.dumps({"facts": facts, "files": files}, sort_keys=True, indent=1)
                disk.write(making / _MANIFEST, text.encode())
                disk.sync(making)
                self._publish(making, self.folder / name)
            finally:
                shutil.rmtree(making, ignore_errors=True)
        made = self._read(name)
        if made is None:
            raise Error(f"{self.folder / name}: disappeared right after it was made; does something clean up there?")
        return made

    def _publish(self, making: Path, target: Path) -> None:
        try:
            disk.move(making, target)
        except OSError as error:
            # Another process was first, with the same content.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    def _read(self, name: str) -> CacheEntry | None:
        try:
            text = (self.folder / name / _MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return CacheEntry(self.folder / name, json.loads(text)["facts"])
        except (ValueError, KeyError) as e:
            raise BadInput(f"{self.folder / name / _MANIFEST}: not readable: {e}; delete this folder") from e

    def _private(self, name: str) -> Path:
        place = disk.make(self.folder / _MAKING)
        return place / f"{name}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def _sweep(self) -> None:
        """Remove leftovers of killed processes: a running one has written there within the last day."""
        place = disk.make(self.folder / _MAKING)
        now = time.time()
        for folder in place.iterdir():
            newest = max((path.stat().st_mtime for path in [folder, *folder.glob("*")]), default=now)
            if now - newest > _ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)


def glance(path: Path) -> str:
    """A hash of the size of a file and of blocks spread over it, the first and the last among them."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(str(size).encode())
        for start in sorted({int(at) for at in np.linspace(0, max(0, size - _BLOCK), _BLOCKS)}):
            digest.update(os.pread(file.fileno(), _BLOCK, start))
    return digest.hexdigest()[:32]


def _damage(folder: Path) -> str | None:
    """The damage to the files of an entry; only samples are read, since the rename came after they were on disk."""
    recorded = json.loads((folder / _MANIFEST).read_bytes())["files"]
    for name, digest in recorded.items():
        try:
            if glance(folder / name) != digest:
                return f"{name} is not what was written"
        except FileNotFoundError:
            return f"{name} is missing"
    return None
