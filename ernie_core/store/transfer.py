"""Downloads of one file in parallel ranges, which resume where a killed transfer stopped."""

import fcntl
import json
import os
import shutil
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ernie_core.errors import BadInput
from ernie_core.progress import Progress, silent
from ernie_core.store import digests, disk
from ernie_core.store.manifest import File

T = TypeVar("T")

RANGE = 16 << 20
PARALLEL = 8
_RECORD = struct.Struct("<Q")


@dataclass(frozen=True)
class Blob:
    """Something to download: its size in bytes, a `tag` that changes with the content, and `ranged(start, end)`, which
    reads a part."""

    name: str
    size: int
    tag: str
    ranged: Callable[[int, int], "bytes | memoryview"]


def download(blob: Blob, target: Path, *, size: int, sha256: str | None = None, progress: Progress = silent) -> None:
    """Read a blob into `target`, which appears whole; `<target>.part` and its journal survive a crash.

    The journal gets a range's number after its bytes are in the file, so a range that it lacks is read again. A power
    cut may still lose noted bytes: with `sha256` a resumed file that does not match is read once more. BadInput if the
    size or the digest is wrong.
    """
    if blob.size != size:
        raise BadInput(f"{blob.name}: truncated or replaced, expected {size} bytes, found {blob.size}")
    part, journal = beside(target)
    disk.make(target.parent)
    with disk.explained(target, needs=size):
        handle = _lock(part)
        try:
            while True:
                resumed = _fill(blob, handle, journal, progress)
                digest = digests.sha256(part) if sha256 else None
                if digest == sha256:
                    break
                journal.unlink()
                if not resumed:
                    raise BadInput(f"{blob.name}: tampered or damaged, expected sha256 {sha256}, found {digest}")
            os.fsync(handle)
            journal.unlink()
            os.rename(part, target)
            disk.sync(target.parent)
        finally:
            os.close(handle)


def beside(target: Path) -> tuple[Path, Path]:
    """Paths of the bytes of an unfinished download, and of the journal of its finished ranges."""
    return target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.ranges")


def parallel(work: Callable[[T], None], items: Iterable[T], workers: int = PARALLEL) -> None:
    """Call `work` for every item in threads; after the first error no further items are started."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def big_first(work: Callable[[File], None], files: Sequence[File]) -> None:
    """Big files one after the other, each in parallel parts; then the small ones in parallel."""
    for file in files:
        if file.size > RANGE:
            work(file)
    parallel(work, [file for file in files if file.size <= RANGE])


class SharedProgress:
    """The progress of several transfers as one."""

    def __init__(self, progress: Progress, total: int, **facts: str) -> None:
        self.progress, self.total, self.facts = progress, total, facts
        self.done: float = 0
        self.lock = threading.Lock()

    def part(self) -> Progress:
        """The progress to give to one of the transfers."""
        last: float = 0

        def report(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
            nonlocal last
            with self.lock:
                self.done += done - last
                last = done
                self.progress(self.done, self.total, "B", **self.facts)

        return report


def _lock(part: Path) -> int:
    """Open and lock the part file; another process that finished meanwhile has renamed it, then it is opened again."""
    while True:
        handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(handle), os.stat(part)):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)


def _fill(blob: Blob, handle: int, journal: Path, progress: Progress) -> bool:
    """Read the missing ranges; returns whether some were there already."""
    header = json.dumps({"size": blob.size, "tag": blob.tag, "range": RANGE}).encode() + b"\n"
    done = _noted(journal, header)
    if done is None or os.fstat(handle).st_size != blob.size:
        done = set()
        journal.unlink(missing_ok=True)  # before the bytes that it describes
        os.ftruncate(handle, 0)
        if shutil.disk_usage(journal.parent).free < blob.size:
            raise disk.full(journal.parent, blob.size)
        os.ftruncate(handle, blob.size)
        journal.write_bytes(header)
    todo = [number for number in range(-(-blob.size // RANGE)) if number not in done]
    have = sum(min(RANGE, blob.size - number * RANGE) for number in done)
    progress(have, blob.size, "B")
    with journal.open("ab", buffering=0) as notes, ThreadPoolExecutor(PARALLEL) as pool:
        pending: set[Future[int]] = set()
        while todo or pending:
            while todo and len(pending) < PARALLEL:
                pending.add(pool.submit(_copy, blob, todo.pop(0), handle))
            ready, pending = wait(pending, return_when=FIRST_COMPLETED)
            for number in [future.result() for future in ready]:
                notes.write(_RECORD.pack(number))
                have += min(RANGE, blob.size - number * RANGE)
                progress(have, blob.size, "B")
    return bool(done)


def _copy(blob: Blob, number: int, handle: int) -> int:
    start, end = number * RANGE, min((number + 1) * RANGE, blob.size)
    data = memoryview(blob.ranged(start, end))
    if len(data) != end - start:
        raise BadInput(f"{blob.name}: truncated while it was read: bytes {start} to {end} gave {len(data)}")
    while data:
        count = os.pwrite(handle, data, start)
        data, start = data[count:], start + count
    return number


def _noted(journal: Path, header: bytes) -> set[int] | None:
    """The finished ranges in a journal; None if it belongs to other content."""
    try:
        content = journal.read_bytes()
    except FileNotFoundError:
        return None
    if not content.startswith(header):
        return None
    body = content[len(header) :]
    body = body[: len(body) - len(body) % _RECORD.size]  # a torn last record: its range is read again
    return {number for (number,) in _RECORD.iter_unpack(body)}
