"""One observation of a launcher, as values: an attempt, its pods, what keeps them waiting."""

from dataclasses import dataclass
from typing import Literal

from ernie_core.errors import Error


@dataclass(frozen=True)
class Pod:
    """One pod of an attempt."""

    name: str
    uid: str
    number: int
    attempt: int = 0
    node: str = ""
    code: int | None = None
    """Exit code, once it has ended."""
    ended: str = ""
    """When it did; sorts by time."""
    started: bool = False
    """Whether its process has run."""
    over: bool = False
    """Whether it will not run any more."""
    reason: str = ""
    """A word for how it ended: OOMKilled, Error, Evicted."""
    message: str = ""
    """Last message of the process."""
    disrupted: str = ""
    """What was done to it from outside, if that is how it ended: preemption, eviction, loss of its node."""
    leaving_for: float = 0.0
    """Seconds since it was told to terminate."""
    grace: float = 30.0


@dataclass(frozen=True)
class Attempt:
    """One object of the cluster."""

    number: int
    name: str
    uid: str
    state: Literal["active", "suspended", "succeeded", "failed"]
    digest: str = ""
    message: str = ""
    leaving: bool = False
    gone: bool = False
    """Whether it existed at the last observation and was deleted since, not by this launcher."""
    earlier: bool = False
    """Whether another run started it."""


@dataclass(frozen=True)
class Reason:
    """Why a pod does not start; `hopeless` if waiting is not known to help."""

    text: str
    hopeless: bool = False


@dataclass(frozen=True)
class Observation:
    """One observation. Seconds are measured by the launcher's own clock, so clocks need not agree."""

    done: bool
    """Whether the artefact is committed, or what else proves that the stage is done."""
    digest: str
    attempt: Attempt | None = None
    pods: tuple[Pod, ...] = ()
    lost: tuple[str, ...] = ()
    """Pods of the attempt that ran and are gone, or were replaced: what they were, in words."""
    reasons: tuple[Reason, ...] = ()
    pending_for: float = 0.0
    """Seconds that pods which should run have not started; 0 if all have."""
    silent_for: float | None = None
    """Seconds without a sign of progress; None if none is expected."""
    beaten: bool = False
    """Whether this attempt has given such a sign."""
    elapsed: float = 0.0
    rested: float = 0.0
    """Seconds since nothing of the last attempt is left."""
    forced: bool = False
    """Whether the objects of pods had to be deleted by force, whose processes may still run somewhere."""
    begun: int = 0
    """The last attempt that any run started, by its heartbeat: numbers only grow, for the pods of a lost node see
    by them that they were replaced."""
    together: bool = True
    """Whether the pods live and die together."""


@dataclass(frozen=True)
class Limits:
    """How long each wait may be, and how many attempts there may be."""

    failures: int = 3
    """Attempts in a row that may die of themselves without a new checkpoint."""
    losses: int = 10
    """Attempts in a row that the cluster may end without a new checkpoint."""
    hopeless: float = 30.0
    pending: float = 1800.0
    silent: float = 900.0
    starting: float = 1800.0
    """Until the first sign of progress: fetching the data, building the index."""
    stuck: float = 30.0
    """On top of the grace period of a pod that does not terminate."""
    fence: float = 45.0
    """In which an unreachable pod finds that it has been superseded, and ends itself."""
    pause: float = 5.0
    timeout: float = 0.0


class Unavailable(Error):
    """The cluster's API did not answer, or asked for a later retry: nothing is known, nothing has ended."""


class Refusal(Error):
    """The cluster's API refused the request."""

    def __init__(self, status: int, reason: str, message: str, asked: str) -> None:
        super().__init__(f"{asked}: {message}")
        self.status, self.reason, self.message, self.asked = status, reason, message, asked
