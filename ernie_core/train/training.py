"""A training in progress, as one process sees it: what all its stages work on."""

from dataclasses import dataclass, field
from pathlib import Path

from ernie_core.data.order import Mixture
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.pretrain.recipe import Recipe
from ernie_core.train.checkpoint.commit import Place
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.checkpoint.snapshot import Identity, Progressed
from ernie_core.train.guard import Guard
from ernie_core.train.monitor.log import Log, say
from ernie_core.train.monitor.report.page import Subject
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.optim.precision import Scaler
from ernie_core.train.parallel.exchange import Exchange
from ernie_core.train.parallel.team import Team

SLOW = 5.0
"""Seconds of a step from which on the ranks wait for each other with patience: they may be far apart."""


@dataclass
class Training:
    """A training in progress, as one process of the team sees it."""

    recipe: Recipe
    team: Team
    net: ErnieForPretraining
    adamw: Optimiser
    exchange: Exchange
    data: dict[str, Mixture]
    words: Vocabulary
    vocab: Path
    init: Path | None
    identity: Identity
    place: Place
    log: Log
    scaler: Scaler
    guard: Guard
    saver: Saver
    subject: Subject
    at: Progressed = field(default_factory=Progressed)
    published: int = 0
    """The newest checkpoint that the report knows of."""
    resumed: int = 0
    """The step that this process went on after."""
    evaluating: float = 0.0
    """The longest that an evaluation took between two steps."""
    seconds: float = SLOW
    """What the last step took, on the mean of the ranks."""

    def say(self, text: str) -> None:
        """Print what all ranks know, once."""
        if self.team.rank == 0:
            say(text)

    @property
    def kept(self) -> str:
        """What there is to go on from."""
        last = max(self.resumed, self.saver.committed)
        return f"the last checkpoint is of step {last}" if last else "there is no checkpoint"
