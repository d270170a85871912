"""The record of a run of this machine and the logs of its steps, in the store: never worth a run, caught up later."""

import time
from collections.abc import Iterable

from ernie_core.errors import Error
from ernie_core.store import Store
from jobs import runs
from jobs.process import StepProcess
from jobs.runs import Run
from jobs.screen import Screen

BEAT = 10.0
"""Seconds between two signs of life, two copies of a log, and two tries after one that failed."""
LAST_TRIES = 6
"""Of the last record; there is no later one."""


class Keeper:
    """Writes when something is new, and in between; a store that cannot take it now is said once and tried again."""

    def __init__(self, store: Store, screen: Screen) -> None:
        self._store, self._screen = store, screen
        self._saved, self._copied, self._retry = 0.0, time.monotonic(), 0.0
        self._trouble = ""

    def keep(self, record: Run, running: Iterable[StepProcess], *, new: bool) -> bool:
        """Whether the record is in the store as it is now."""
        now = time.monotonic()
        if now < self._retry:
            return not new
        try:
            if new or now - self._saved > BEAT:
                runs.save(self._store, record)
                self._saved, new = now, False
            if now - self._copied > BEAT:
                self._copied = now
                for step in running:
                    self._copy(record, step)
            self._well()
        except Error as error:
            self._trouble = self._say(error)
        return not new

    def log(self, record: Run, step: StepProcess) -> None:
        """The whole log of a step that has ended."""
        try:
            self._copy(record, step)
        except Error as error:
            self._trouble = self._say(error)

    def end(self, record: Run, state: str, running: Iterable[StepProcess] = ()) -> Run:
        """The last record. If it cannot be written that is said, and the run has ended as it has."""
        for tries in range(LAST_TRIES):
            try:
                ended = runs.end(self._store, record, state)
                self._well()
                return ended
            except Error as error:
                self._trouble = self._say(error)
                time.sleep(2.0**tries / 4)
        self._screen.say(f"the record of {record.id} says nothing of its end ({state}): {self._trouble}")
        return runs.ended(record, state)

    def _copy(self, record: Run, step: StepProcess) -> None:
        """Object stores cannot append: the log is written anew each time. One that lies in the store is there."""
        key = record.log(step.node.name)
        if step.log != self._store.path(key) and step.log.is_file():
            self._store.write(key, step.log.read_bytes())

    def _say(self, error: Error) -> str:
        self._retry = time.monotonic() + BEAT
        if not self._trouble:
            self._screen.say(f"the record of the run could not be written, the run goes on and tries again: {error}")
        return str(error)

    def _well(self) -> None:
        if self._trouble:
            self._screen.say("the record of the run is written again")
        self._trouble = ""
