"""One process at a time has a file of the cache: it downloads, reads or removes it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ernie_core import waiting
from ernie_core.errors import Stopped
from ernie_core.progress import Say, Stop
from ernie_core.store import disk


@contextlib.contextmanager
def alone(target: Path, stop: Stop, tell: Say) -> Iterator[None]:
    """While no other process of this machine has the file; its folder is made. Stopped if asked to stop meanwhile."""
    told = False
    while not (lock := _locked(target)):
        if not told:
            tell(f"{target.name}: another process has it, waiting for that")
        told = True
        waiting.turn()
        if stop():
            raise Stopped(f"{target.name}: stopped while another process has it")
        time.sleep(0.2)
    with lock:
        yield


def remove(target: Path) -> bool:
    """Remove a file, unless another process has it at this moment: that one will. Whether nobody had it.

    The lock stays: with a new one beside it, two processes could have the file.
    """
    if not target.parent.is_dir() or not (lock := _locked(target)):
        return False
    with lock:
        target.unlink(missing_ok=True)
    return True


def _locked(target: Path) -> IO[bytes] | None:
    """The locked file beside the target; None if another process has locked it."""
    path = target.with_name(f"{target.name}.lock")
    while True:
        disk.make(target.parent)
        try:
            lock = path.open("ab")
        except FileNotFoundError:  # the cache was deleted at this moment
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except BlockingIOError:
            lock.close()
            return None
        except FileNotFoundError:  # deleted, perhaps another process has made a new one
            pass
        except BaseException:
            lock.close()
            raise
        lock.close()
