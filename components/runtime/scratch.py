"""The folder of a step on one machine: held by every process that works in it, and removed only when none does."""

import contextlib
import fcntl
import os
import shutil
import threading
import time
from pathlib import Path
from typing import IO

from ernie_core.errors import Error

LOCK = "held"
"""In the folder of a step."""
_kept: list[IO[bytes]] = []


def hold(folder: Path) -> IO[bytes]:
    """Keep open for as long as the folder is needed; the kernel lets go when this process ends, however suddenly.

    Any number of processes hold a folder at once. Error if it was removed before this one could.
    """
    try:
        handle = open(folder / LOCK, "ab")  # noqa: SIM115 - held for as long as the caller likes
    except FileNotFoundError:
        raise _removed(folder) from None
    fcntl.flock(handle, fcntl.LOCK_SH)
    if not _is_there(handle, folder):
        handle.close()
        raise _removed(folder)
    return handle


def keep(folder: Path) -> None:
    """Hold it until this process ends, whatever happens in it: a background thread may save when all else is over."""
    _kept.append(hold(folder))


def clear(run: Path) -> list[str]:
    """Remove from the folder of a run what no process holds; the names of the steps that some process still works on.

    A step whose runner was killed may be saving: with an object store its checkpoint is here until it is uploaded.
    """
    held = [step.name for step in sorted(run.iterdir()) if not _remove(step)] if run.is_dir() else []
    if not held:
        shutil.rmtree(run, ignore_errors=True)
    return held


def keep_fresh(folder: Path) -> None:
    """Touch a folder for as long as it is filled: a training writes nothing into it for weeks, and old ones are swept
    as left by killed writers."""

    def touch() -> None:
        with contextlib.suppress(FileNotFoundError):  # published, or gone with the step
            while True:
                os.utime(folder)
                time.sleep(600)

    threading.Thread(target=touch, daemon=True).start()


def _remove(step: Path) -> bool:
    """Whether it could be removed."""
    if not step.is_dir():
        return True
    try:
        with open(step / LOCK, "ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(step, ignore_errors=True)
    except BlockingIOError:
        return False
    except OSError:
        # a disk without space for the lock's name has space once this is gone; no process holds a folder without a lock
        if (step / LOCK).exists():
            return False
        shutil.rmtree(step, ignore_errors=True)
    return True


def _is_there(handle: IO[bytes], folder: Path) -> bool:
    """Whether this is still the lock of the folder: who removes it may have been quicker."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), os.stat(folder / LOCK))
    except FileNotFoundError:
        return False


def _removed(folder: Path) -> Error:
    return Error(f"{folder} was removed while this step started: run again")
