"""One writer at a time at an address that several machines see: a small object that names it, renewed while it lives.

Another process takes over once the writer is certainly gone: on the same machine because its processes are, from
another machine because the lease has not changed for its whole term while it was watched. Clocks are never compared. A
writer that slept through its term finds out before it writes, in `check`.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ernie_core import waiting
from ernie_core.errors import Error, Refused, Stopped
from ernie_core.progress import Say, Stop, never, say
from ernie_core.store.base import Store, join

NAME = "lease.json"
TERM, EVERY = 180.0, 30.0
"""Seconds without a renewal after which another machine may take over, and between two renewals. A request that hangs
may reach a store two minutes later: it must not overwrite what another writer has written since."""
LOOK = 1.0
"""Seconds between two reads of another's lease."""
_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """The writer: enough to know on the same machine whether it still lives."""

    token: str
    host: str
    machine: str
    """Boot id of the kernel, and its PID namespace; empty if unknown."""
    pid: int
    born: int
    """Start time of that process in the kernel's ticks: a PID may be used again."""
    leads: bool
    """Whether it is a session leader: all processes of the session write with it."""
    attempt: int = 0
    """Number of the launcher's attempt, which begins when the one before has ended; 0 without a launcher."""
    signs: int = 0
    """Number of renewals."""

    def __str__(self) -> str:
        return f"process {self.pid} of {self.host}" + (f", attempt {self.attempt}" if self.attempt else "")

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended; False where that cannot be known."""
        here = self.machine == _machine() != "" and self.host == socket.gethostname()
        return here and not _lives(self.pid, self.born, self.leads)


class Lease:
    """The right to write at an address. Call `check` before every change there."""

    def __init__(
        self, store: Store, address: str, *, shared: str = "", attempt: int = 0, term: float = TERM, tell: Say = say
    ) -> None:
        self._store, self._key, self._term, self._tell = store, join(address, NAME), term, tell
        self._own = Holder(**json.loads(shared)) if shared else _this(attempt)
        self._over = threading.Event()
        self._lock = threading.Lock()

    @property
    def shared(self) -> str:
        """The lease for another process of the same session that writes too, as the `shared` of its own `Lease`."""
        return json.dumps(asdict(self._own), sort_keys=True)

    def acquire(self, stop: Stop = never) -> None:
        """Return once the lease is held, and renew it from then on; Stopped if asked to stop meanwhile."""
        seen, since, told = None, time.monotonic(), False
        while True:
            found = self._read()
            if found is None or self._is_free(found):
                if self._take(found):
                    break
            elif found != seen:
                seen, since = found, time.monotonic()
            elif time.monotonic() - since > self._term:
                self._tell(f"{found} has been silent for {self._term:.0f} s: taking over {self._place}")
                if self._take(found):
                    break
            if not told:
                until = f"until it ends, or is silent for {self._term:.0f} s"
                self._tell(f"{found or 'another process'} holds {self._place}: waiting {until}")
                told = True
            if stop():
                raise Stopped(f"asked to stop while waiting for {found}, which holds {self._place}")
            waiting.turn()
            time.sleep(LOOK)
        self.keep()

    def keep(self) -> None:
        """Renew it in the background until `release`."""
        threading.Thread(target=self._renew, daemon=True, name="lease").start()

    def check(self) -> None:
        """Refused if another process holds it now, or it was released. Call it before any write or removal."""
        found = None if self._over.is_set() else self._read()
        if self._over.is_set() or (found is not None and found.token != self._own.token):
            raise Refused(f"{self._place}: now held by {found or 'another process'}, not by this process any more")
        if found is None:
            self._take(None)

    def release(self) -> None:
        """Let the next process have it at once; if the store does not answer, it expires."""
        self._over.set()
        with self._lock:
            try:
                if (found := self._read()) is not None and found.token == self._own.token:
                    self._store.delete(self._key)
            except Error as error:
                self._tell(f"{self._place} could not be released, it expires in {self._term:.0f} s: {error}")

    def _renew(self) -> None:
        trouble = False
        while not self._over.wait(EVERY * self._term / TERM):
            try:
                with self._lock:
                    began = time.monotonic()
                    if self._over.is_set() or ((found := self._read()) and found.token != self._own.token):
                        return  # `check` says so where it matters
                    self._write()
                    if time.monotonic() - began > self._term:
                        return self._withdraw()
                trouble = False
            except Error as error:
                if not trouble:
                    self._tell(f"{self._place} could not be renewed, retrying: {error}")
                trouble = True

    def _withdraw(self) -> None:
        """Give up after a sleep between a read and a write, which may have overwritten another's lease."""
        self._over.set()
        if (found := self._read()) is not None and found.token == self._own.token:
            self._store.delete(self._key)

    def _take(self, found: Holder | None) -> bool:
        """Write a new lease, or over one that is free; whether it is ours then, since others may have tried too."""
        if found is None:
            return self._write(create=True)
        self._write()
        if found.token != self._own.token:
            time.sleep(LOOK)
        now = self._read()
        return now is not None and now.token == self._own.token

    def _is_free(self, found: Holder) -> bool:
        return found.token == self._own.token or 0 < found.attempt < self._own.attempt or found.is_gone

    def _read(self) -> Holder | None:
        data = self._store.get(self._key)
        return None if data is None else _holder(data)

    def _write(self, *, create: bool = False) -> bool:
        self._own = replace(self._own, signs=self._own.signs + 1)
        return self._store.write(self._key, f"{self.shared}\n".encode(), create=create)

    @property
    def _place(self) -> str:
        return f"{self._store.url}/{self._key}"


def busy(store: Store, address: str) -> Holder | None:
    """The holder at an address, as far as a single read can tell. One on another machine is judged by the age of its
    last renewal, for which the clocks of this machine and of the store must agree to about a minute."""
    key = join(address, NAME)
    data, entry = store.get(key), store.head(key)
    if data is None or entry is None:
        return None
    found, age = _holder(data), datetime.now(timezone.utc) - entry.modified
    return None if found.is_gone or age.total_seconds() > TERM + 60 else found


def _holder(data: bytes) -> Holder:
    """The holder in a lease; one that cannot be parsed counts as an unknown holder, and expires like any other."""
    try:
        value: Mapping[str, Any] = json.loads(data)
        return Holder(**value)
    except (ValueError, TypeError):
        return Holder(data[:80].decode("utf-8", "replace"), "unknown", "", 0, 0, False)


def _this(attempt: int) -> Holder:
    pid, token = os.getpid(), secrets.token_hex(16)
    return Holder(token, socket.gethostname(), _machine(), pid, _stat(pid)[1], os.getsid(0) == pid, attempt)


def _machine() -> str:
    """A name that two processes share exactly if each can see whether the other lives."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def _lives(pid: int, born: int, leads: bool) -> bool:
    _, started = _stat(pid)
    if (started == born and started) or (not started and _is_hidden(pid)):
        return True
    # the kernel does not reuse its PID while its session has members
    return leads and not started and any(_stat(int(p.name))[0] == pid for p in _PROC.glob("[0-9]*"))


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process of another user, which /proc may hide."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _stat(pid: int) -> tuple[int, int]:
    """Session and start time of a process; zeros if there is none, or only a zombie."""
    try:
        words = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return (0, 0) if words[0] in "ZX" else (int(words[3]), int(words[19]))
