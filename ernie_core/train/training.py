"""A training in progress in one process: the state that all its stages share."""

from dataclasses import dataclass, field
from typing import Any

from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.checkpoint.snapshot import Progressed
from ernie_core.train.guard import Guard
from ernie_core.train.monitor.log import Log, say
from ernie_core.train.monitor.report.page import Subject
from ernie_core.train.objective import Best, Identity, Objective
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.optim.precision import Scaler
from ernie_core.train.parallel.exchange import Exchange
from ernie_core.train.parallel.team import Team

SLOW = 5.0
"""Seconds of a step from which the ranks meet in a barrier first: they may finish far apart."""


@dataclass
class Training:
    """A training in progress in one process of a team."""

    objective: Objective[Any]
    team: Team
    adamw: Optimiser
    exchange: Exchange
    identity: Identity
    place: CheckpointLocation
    log: Log
    scaler: Scaler
    guard: Guard
    saver: Saver
    subject: Subject
    at: Progressed = field(default_factory=Progressed)
    best: Best | None = None
    """The best evaluation with its weights, if the objective compares evaluations."""
    worse: int = 0
    """Number of consecutive evaluations that did not beat it."""
    published: int = 0
    """Step of the newest checkpoint in the report."""
    resumed: int = 0
    """Step that this process resumed after; 0 if it began."""
    evaluating: float = 0.0
    """Seconds of the longest evaluation between two steps."""
    seconds: float = SLOW
    """Seconds of the last step, the mean over the ranks."""

    def say(self, text: str) -> None:
        """Print a line on rank 0 alone."""
        if self.team.rank == 0:
            say(text)

    @property
    def is_over(self) -> bool:
        """Whether the last step is done, or early stopping ends the training."""
        patience = self.objective.patience
        return self.at.step >= self.objective.course.steps or (patience is not None and self.worse >= patience)

    @property
    def best_step(self) -> int:
        """The step of the best evaluation; 0 without one."""
        return self.best.step if self.best else 0

    @property
    def kept(self) -> str:
        """The newest checkpoint, in words."""
        last = max(self.resumed, self.saver.committed)
        return f"the last checkpoint is of step {last}" if last else "there is no checkpoint"
