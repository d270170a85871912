"""A step that several processes do together on this machine: started, ended and restarted together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from components.contract.base import Here
from components.contract.task import Task
from components.runtime import locks, reports
from ernie_core import errors, runtime
from ernie_core.store import Store
from ernie_core.train.checkpoint import standing
from ernie_core.waiting import Wait

PATIENCE = 3
"""Attempts in a row that may die without a new checkpoint."""
LAST_WORDS = 10.0
"""Seconds that the others have to say what is wrong, once one has died; they usually die of it."""
LEAVING = 3600.0
"""Seconds that processes have to stop when asked: the store may be unreachable meanwhile. A person who does not
want to wait asks again, which kills them."""
NEVER_AGAIN = range(64, 79)
"""Exit codes that no restart can cure: sysexits.h, see ernie_core/errors.py."""


def rank() -> tuple[int, int]:
    """Rank and size of the gang, by the variables of `paddle.distributed.launch`; (0, 1) is a single process."""
    return int(os.environ.get("PADDLE_TRAINER_ID", "0")), int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))


def rank_task(task: Task, number: int) -> Task:
    """The task with places of the rank's own for what it writes; the progress is that of rank 0."""
    progress = task.progress if number == 0 else f"{task.progress}.{number}"
    return replace(
        task, scratch=f"{task.scratch}.{number}", progress=progress, outcome=f"{task.outcome}.{number}", ranks=1
    )


def run(task: Task, file: Path, store: Store, here: Here) -> None:
    """Start all ranks, and restart them until they are done. What one of them refuses ends it at once, and so does
    dying repeatedly without a new checkpoint."""
    newest, failures = standing.newest(store, task.address), 0
    while True:
        codes, first = _attempt(task, file, here)
        if not any(codes):
            return
        cause = _cause(task, codes, first)
        if here.stop():
            raise errors.Stopped(cause)
        if final := [code for code in codes if code in NEVER_AGAIN]:
            raise errors.kind(final[0])(cause)
        before, newest = newest, standing.newest(store, task.address)
        failures = 1 if newest != before else failures + 1
        begin = newest or "the beginning"
        if failures == PATIENCE:
            raise errors.Error(f"{cause}; that was {failures} times in a row without a new checkpoint after {begin}")
        print(f"{cause}; restarting all {task.ranks} processes from {begin}", flush=True)


def last_words(task: Task) -> float:
    """Seconds that the others have once one process has died: a checkpoint may be on its way into the store."""
    return max(LAST_WORDS, float(reports.read(Path(task.progress)).get("leave_seconds") or 0.0))


def _attempt(task: Task, file: Path, here: Here) -> tuple[list[int], int]:
    """One life of all ranks: the exit code of each, and which ended it."""
    ports, leaving = _ports(task.ranks + 1), None
    processes = [_start(task, file, number, ports, here) for number in range(task.ranks)]
    try:
        while not any(p.poll() for p in processes) and any(p.poll() is None for p in processes):
            if here.stop():
                if leaving is None:
                    for process in processes:
                        process.terminate()
                leaving = leaving or Wait(f"{task.ranks} processes save and exit", LEAVING, alone=None)
                leaving.more()
            time.sleep(0.05)
        first = next((n for n, p in enumerate(processes) if p.poll()), 0)
        end = time.monotonic() + last_words(task)
        while time.monotonic() < end and any(p.poll() is None for p in processes):
            time.sleep(0.05)
    finally:
        for process in processes:
            process.kill()
    return [process.wait() for process in processes], first


def _start(task: Task, file: Path, number: int, ports: list[int], here: Here) -> "subprocess.Popen[bytes]":
    shared = {locks.LEASE: here.lease.shared} if here.lease else {}
    own = rank_task(task, number)
    Path(own.outcome).unlink(missing_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "components", task.component, "--task", str(file)],
        stdin=subprocess.PIPE,
        env={**os.environ, **_environment(number, ports), **runtime.child(), **shared},
    )


def _environment(number: int, ports: list[int]) -> Mapping[str, str]:
    """What `paddle.distributed.launch` would say. It is not used itself: it writes the whole environment, with the
    credentials in it, into files and makes one exit code of all."""
    master, *places = (f"127.0.0.1:{port}" for port in ports)
    return {
        "PADDLE_TRAINER_ID": str(number),
        "PADDLE_TRAINERS_NUM": str(len(places)),
        "PADDLE_CURRENT_ENDPOINT": places[number],
        "PADDLE_TRAINER_ENDPOINTS": ",".join(places),
        "PADDLE_MASTER": master,
    }


def _ports(count: int) -> list[int]:
    """Free ones; another process may take one before its rank does, which then dies and is started again."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]
    finally:
        for found in sockets:
            found.close()


def _cause(task: Task, codes: list[int], first: int) -> str:
    """The message of a rank that refused to continue, else how the first one died: the others die of that."""
    number = next((n for n, code in enumerate(codes) if code in NEVER_AGAIN), first)
    code, cause = codes[number], reports.read(Path(rank_task(task, number).outcome)).get("error")
    if cause and (code in NEVER_AGAIN or code == errors.Stopped.exit_code):
        return str(cause)
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"died: {cause or f'exit code {code}'}"
    return f"rank {number} {how}"
