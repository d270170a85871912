"""Checks that end a failing training: a loss or gradients that are not finite, or repeated spikes of the loss."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ernie_core.errors import BadInput, Refused


@dataclass
class Guard:
    """Checks the losses; the same on all ranks, since it gets their means."""

    max_loss_spike: float | None = None
    """Multiple of the running mean above which a loss is a spike; None: only non-finite numbers count."""
    window: int = 100
    """Number of steps in the running mean; before that nothing counts as a spike."""
    steps: int = 5
    """Number of consecutive spikes that end the training."""
    remedy: str = "lower the learning rate"
    """Advice on what to change."""
    recent: deque[float] = field(default_factory=deque)
    above: list[float] = field(default_factory=list)

    def check(self, step: int, loss: float, kept: str) -> None:
        """Raise if the training should not continue: BadInput for a loss that is not finite, Refused for spikes.

        `kept` says what is saved.
        """
        if not math.isfinite(loss):
            raise BadInput(f"step {step}: the loss is {loss}; {self._remedy(kept)}")
        if self.max_loss_spike is None:
            return
        mean = sum(self.recent) / max(1, len(self.recent))
        if len(self.recent) == self.window and loss > self.max_loss_spike * mean:
            self.above.append(loss)
            if len(self.above) == self.steps:
                raise Refused(self._spike(step, mean, kept))
            return
        self.above.clear()
        self.recent.append(loss)
        if len(self.recent) > self.window:
            self.recent.popleft()

    def check_norm(self, step: int, norm: float, kept: str) -> None:
        """BadInput if an update with gradients of this norm would spoil the weights."""
        if not math.isfinite(norm):
            raise BadInput(f"step {step}: the norm of the gradients is {norm}; {self._remedy(kept)}")

    def state(self) -> dict[str, list[float]]:
        """State for a checkpoint; empty if spikes are not checked."""
        return {"recent": list(self.recent), "above": list(self.above)} if self.max_loss_spike is not None else {}

    def restore(self, state: Mapping[str, object]) -> None:
        """Resume from the state in a checkpoint; without one it starts empty."""
        self.recent = deque(map(float, state.get("recent", ())), maxlen=self.window)  # type: ignore[call-overload]
        self.above = list(map(float, state.get("above", ())))  # type: ignore[call-overload]

    def _spike(self, step: int, mean: float, kept: str) -> str:
        shown = ", ".join(f"{loss:.4f}" for loss in self.above)
        return (
            f"step {step}: the last {self.steps} losses are {shown}, above {self.max_loss_spike:g} times the mean"
            f" {mean:.4f} of the {self.window} before them; {self._remedy(kept)}, or raise max_loss_spike"
        )

    def _remedy(self, kept: str) -> str:
        return f"nothing is saved after it, {kept}; {self.remedy}"
