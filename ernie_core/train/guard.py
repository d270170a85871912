"""What ends a training that has gone wrong: a loss that is no number, gradients that are not, a loss that jumped."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ernie_core.errors import BadInput, Refused

_FAR = 0.5
"""Share of the loss of random weights below which a model has plainly learned something."""


@dataclass
class Guard:
    """Watches the losses; the same on all ranks, for it sees their means."""

    max_loss_spike: float | None = None
    """Times the running mean; None watches for numbers that are not finite only."""
    window: int = 100
    """Steps that the running mean is over; until there are so many nothing counts as a spike."""
    steps: int = 5
    """Spikes in a row that end the training."""
    recent: deque[float] = field(default_factory=deque)
    above: list[float] = field(default_factory=list)

    def check(self, step: int, loss: float, kept: str) -> None:
        """Raise if the training should not go on; `kept` says what is saved."""
        if not math.isfinite(loss):
            raise BadInput(f"step {step}: the loss is {loss}; {_remedy(kept)}")
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
        """Raise if an update with gradients of this norm would spoil the weights."""
        if not math.isfinite(norm):
            raise BadInput(f"step {step}: the norm of the gradients is {norm}; {_remedy(kept)}")

    def state(self) -> dict[str, list[float]]:
        """What a checkpoint keeps; nothing if spikes are not watched for."""
        return {"recent": list(self.recent), "above": list(self.above)} if self.max_loss_spike is not None else {}

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on with what a checkpoint kept; one without it begins anew."""
        self.recent = deque(map(float, state.get("recent", ())), maxlen=self.window)  # type: ignore[call-overload]
        self.above = list(map(float, state.get("above", ())))  # type: ignore[call-overload]

    def _spike(self, step: int, mean: float, kept: str) -> str:
        shown = ", ".join(f"{loss:.4f}" for loss in self.above)
        return (
            f"step {step}: the last {self.steps} losses are {shown}, above {self.max_loss_spike:g} times the mean"
            f" {mean:.4f} of the {self.window} before them; {_remedy(kept)}, or raise max_loss_spike"
        )


def first_loss(loss: float, vocab_size: int, binary_head: bool) -> str:
    """Whether the first loss of a continued training is that of a trained model."""
    random = math.log(vocab_size) + (math.log(2) if binary_head else 0.0)
    verdict = "as it should be" if loss < _FAR * random else "NOT as it should be: check the vocabulary and `init`"
    return f"first loss {loss:.3f}, random weights give about {random:.3f}, a trained model far less: {verdict}"


def _remedy(kept: str) -> str:
    return f"nothing is saved after it, {kept}; lower max_lr, or raise warmup_rate, or set grad_clip"
