"""What a step sees of the spec around it, so that contradictions are refused before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.contract.base import Step


@dataclass(frozen=True)
class Made:
    """What is bound at a port: its name in the spec, and the step that makes it; an input is made by none."""

    name: str
    step: "Step | None" = None
    reads: Mapping[str, tuple["Made", ...]] = field(default_factory=dict)
    """Port -> what is bound there, of that step."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Those of the artefact, once it is made."""

    @property
    def task(self) -> str:
        """The task of the examples or of the model that it is; empty if that is not known before they are read."""
        own = self.step.tells_task if self.step else ""
        return own or next((made.task for group in self.reads.values() for made in group if made.task), "")

    def differs(self, other: "Made") -> bool:
        """Whether it cannot be the same artefact; of inputs that is not known before they are read."""
        if self.step is None or other.step is None:
            return (self.step is None) != (other.step is None)
        if type(self.step) is not type(other.step) or self.step.settings() != other.step.settings():
            return True
        pairs = [zip(group, other.reads.get(port, ()), strict=False) for port, group in self.reads.items()]
        return any(mine.differs(theirs) for group in pairs for mine, theirs in group)


@dataclass(frozen=True)
class Around:
    """The place of a step in its spec."""

    reads: Mapping[str, tuple[Made, ...]] = field(default_factory=dict)
    """Port -> what is bound there."""
    nodes: int = 1
    gpus: int = 0

    @property
    def task(self) -> str:
        """The task of what is read; empty if it is not known."""
        return Made("", reads=self.reads).task

    @property
    def ranks(self) -> int:
        """Processes of a gang: one for each GPU, or for each node where there are none."""
        return self.nodes * max(1, self.gpus)
