"""Outages that are tolerated: a cluster or a store that does not answer for a while has not ended anything."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from components.launch.backend import Stage
from components.launch.kube import Kube
from components.launch.observation import Refusal, Unavailable
from ernie_core import errors

T = TypeVar("T")
Meaning = Callable[[Refusal], tuple[type[errors.Error], str]]


class Patience:
    """A `with` block whose failures are tolerated until the same one lasts too long; a success resets the clock."""

    def __init__(self, say: Callable[[str], None], firm: float, outage: float, meaning: Meaning) -> None:
        self._say, self._firm, self._outage, self._meaning = say, firm, outage, meaning
        self._what, self._since = "", 0.0

    @property
    def tried(self) -> bool:
        """Whether the last block failed."""
        return bool(self._what)

    def until(self, act: Callable[[], T], pause: float) -> T:
        """Repeat an action until it succeeds."""
        while True:
            with self:
                return act()
            time.sleep(pause)

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if error is None:
            self._what = ""
        elif isinstance(error, (Unavailable, errors.Unreachable)):
            self._bear("no answer", str(error), self._outage, errors.Unreachable)
        elif isinstance(error, Refusal):
            # A server that has just started refuses everyone: the same refusal must last for a while.
            way_out, text = self._meaning(error)
            self._bear(f"{error.status} {error.asked}", text, self._firm, way_out)
        elif isinstance(error, (errors.Denied, errors.NotFound)):
            self._bear(type(error).__name__, str(error), self._firm, type(error))
        else:
            return False
        return True

    def _bear(self, what: str, text: str, limit: float, way_out: type[errors.Error]) -> None:
        now = time.monotonic()
        if self._what != what:
            self._what, self._since = what, now
        if now - self._since > limit:
            raise way_out(text)
        self._say(f"{text} (retries for {limit:.0f} s)")


def meaning(error: Refusal, stage: Stage, kube: Kube) -> tuple[type[errors.Error], str]:
    """What a refusal of the cluster means for the person who has to change something."""
    if error.status in (401, 403):
        return errors.Denied, f"the cluster denies this account access, give it the Role of the chart: {error}"
    if error.status == 404 and error.asked.endswith(stage.backend.path(kube.namespace)):
        return errors.NotFound, stage.backend.remedy
    if error.status == 404:
        return errors.NotFound, f"not there: {error}"
    return errors.BadInput, f"the cluster rejects it, correct the settings of the step or of the site: {error}"
