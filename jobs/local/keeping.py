"""The record of a run of this machine and the logs of its steps, in the store: never worth a run, caught up later.

A store may not only fail but hang, and a run must still react to a person: so another thread makes the requests to it.
"""

import threading
import time
from collections.abc import Iterable

from ernie_core.store import Store, disk
from jobs import runs
from jobs.local.process import StepProcess
from jobs.runs import Run
from jobs.screen import Screen

BEAT = 10.0
"""Seconds between two heartbeats, two copies of a log, and two retries."""
LAST = 20.0
"""Seconds for the last record of a run; it is not retried later."""


class Keeper:
    """Writes when something is new, and in between; a store that cannot take it now is reported once and retried."""

    def __init__(self, store: Store, screen: Screen) -> None:
        self._store, self._screen = store, screen
        self._record: Run | None = None
        self._written: Run | None = None
        self._logs: dict[str, StepProcess] = {}
        """Steps that run, and those that ended since their log was copied, by name."""
        self._ended: set[str] = set()
        self._saved, self._copied = 0.0, time.monotonic()
        self._trouble = ""
        self._wake, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def keep(self, record: Run, running: Iterable[StepProcess]) -> None:
        """Take note of how things are now; returns at once."""
        with self._lock:
            self._logs |= {step.node.name: step for step in running}
        if record is not self._record:
            self._record = record
            self._wake.set()

    def log(self, step: StepProcess) -> None:
        """The whole log of a step that has ended is to be kept."""
        with self._lock:
            self._logs[step.node.name] = step
            self._ended.add(step.node.name)
        self._wake.set()

    def end(self, record: Run, state: str) -> Run:
        """Write the last record. A failure is reported, and does not change how the run ended."""
        ended = runs.ended(record, state)
        self.keep(ended, ())
        until = time.monotonic() + LAST
        while time.monotonic() < until and (self._written is not ended or self._ended):
            self._wake.set()
            time.sleep(0.05)
        self._over.set()
        if self._written is not ended:
            why = self._trouble or f"the store did not answer within {LAST:.0f} s"
            self._screen.say(f"the record of {record.id} does not show that it ended ({state}): {why}")
        return ended

    def _work(self) -> None:
        while not self._over.is_set():
            self._wake.wait(0.5)
            self._wake.clear()
            try:
                self._write()
                self._well()
            except Exception as error:  # whatever it is: the record must be renewed, or others take the run for dead
                self._say(error)
                self._over.wait(BEAT / 5)

    def _write(self) -> None:
        record, now = self._record, time.monotonic()
        if record is None:
            return
        if record is not self._written or now - self._saved > BEAT:
            runs.save(self._store, record)
            self._written, self._saved = record, now
        if now - self._copied > BEAT or self._ended:
            self._copied = now
            self._copy(record)

    def _copy(self, record: Run) -> None:
        """Object stores cannot append: the whole log is written each time. A log that is in the store is skipped."""
        with self._lock:
            logs, ended = dict(self._logs), set(self._ended)
        for name, step in logs.items():
            key = record.log(name)
            if step.log != self._store.path(key) and step.log.is_file():
                with disk.explained(step.log):
                    self._store.write(key, step.log.read_bytes())
            if name in ended:
                with self._lock:
                    self._ended.discard(name)
                    del self._logs[name]

    def _say(self, error: Exception) -> None:
        if not self._trouble:
            self._screen.say(f"the record of the run could not be written, the run continues and retries: {error}")
        self._trouble = str(error)

    def _well(self) -> None:
        if self._trouble:
            self._screen.say("the record of the run is written again")
        self._trouble = ""
