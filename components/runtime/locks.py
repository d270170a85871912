"""One writer at a time: of the processes of this machine, and of all machines where a training keeps its progress."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import components
from components.contract.task import Task
from components.runtime.stop import Stop
from ernie_core import errors
from ernie_core import store as stores
from ernie_core.patience import patiently
from ernie_core.store import Store
from ernie_core.store.lease import Lease

LEASE = "ERNIE_JOBS_LEASE"
"""The variable by which a gang's launcher shares its lease with its processes."""
ATTEMPT = "ERNIE_JOBS_ATTEMPT"
"""The variable that says to a process of a pod which attempt of its launcher it is."""


@contextlib.contextmanager
def lock(folder: Path, name: str, stop: Stop) -> Iterator[None]:
    """One process of this machine at a time makes an artefact; the kernel frees the lock of a killed one."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / hashlib.sha256(name.encode()).hexdigest()[:24], "w") as handle:
        reported = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not reported:
                    print(f"waiting for another process that makes {name}, until that ends", flush=True)
                reported = True
                if stop.wait(0.2):
                    raise errors.Stopped(f"asked to stop while waiting for {name}") from None
        yield


@contextlib.contextmanager
def leased(task: Task, place: Store, stop: Stop) -> Iterator[Lease | None]:
    """The right to write below the address of a step that keeps its progress there; its gang may hold it already.

    One process of all machines at a time has it; Stopped if asked to stop while another one has it.
    """
    if not components.find(task.component).gang:
        yield None
        return
    shared = os.environ.get(LEASE, "")
    # not a patient one: a request that is repeated for an hour would come over the lease of whoever took over
    lease = Lease(stores.impatient(place), task.address, shared=shared, attempt=int(os.environ.get(ATTEMPT, "0")))
    if shared:
        lease.keep()  # the launcher that holds it may die while this process still saves
    else:
        patiently(lambda: lease.acquire(stop.is_set), "acquiring the lease for checkpoints")
    try:
        yield lease
    finally:
        if not shared:
            lease.release()
