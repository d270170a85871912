"""How weights move: the learning rate of every step, and AdamW on the host or on a device."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import paddle

from ernie_core.train.optim.adamw import Settings
from ernie_core.train.optim.device import PaddleAdamW
from ernie_core.train.optim.host import HostAdamW, Memory, zeros


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every step: up to `max_lr`, down to `min_lr`, then level."""

    max_lr: float
    min_lr: float = 0.0
    warmup_steps: float = 0.0
    """May be a fraction of a step: it is a share of the steps."""
    decay_steps: int = 1

    def __call__(self, step: int) -> float:
        """The rate that step number `step` (from 1) uses."""
        if self.warmup_steps > 0 and step <= self.warmup_steps:
            return self.max_lr * step / self.warmup_steps
        if step > self.decay_steps or self.decay_steps <= self.warmup_steps:
            return self.min_lr
        share = (step - self.warmup_steps) / (self.decay_steps - self.warmup_steps)
        return self.min_lr + (1.0 - share) * (self.max_lr - self.min_lr)


class Optimiser(Protocol):
    """Moves the weights of a model by their gradients, and has a state that goes into checkpoints."""

    def step(self, rate: float, factor: float = 1.0) -> None:
        """One update by `factor` times the gradients, which are not kept."""

    def tensors(self) -> Mapping[str, paddle.Tensor | np.ndarray]:
        """The state that lies here, as `<name in the model>.<accumulator>`; a step changes what was returned.

        It is whole from the beginning on: of every parameter that this process updates, whether it ever was or not.
        With a sharded optimiser that is the share of this process.
        """

    def restore(self, found: Mapping[str, np.ndarray], *, partial: bool = False) -> list[str]:
        """Set the state of one that has made no step, from that of all parameters; the own share is taken.

        BadInput if it has a name that the model has not, or lacks one. `partial` lets it lack whole parameters, though
        not all of them: they begin anew, and their names are returned.
        """


def adamw(
    model: paddle.nn.Layer,
    settings: Settings | None = None,
    *,
    only: Collection[str] | None = None,
    memory: Memory = zeros,
) -> Optimiser:
    """AdamW for a model, where its weights are. `only` names what this process updates, if others update the rest.

    `memory` is where moments of the host lie.
    """
    if all(parameter.place.is_cpu_place() for parameter in model.parameters()):
        return HostAdamW(model, settings or Settings(), only=only, memory=memory)
    return PaddleAdamW(model, settings or Settings(), only=only)


def layer_factors(layers: int, decay: float) -> Callable[[str], float] | None:
    """Layer-wise rates: the heads and the pooler learn fastest, each layer slower than the one above it."""
    if decay == 1.0:
        return None

    def factor(name: str) -> float:
        parts = name.split(".")
        if "layers" in parts:
            return decay ** (layers - int(parts[parts.index("layers") + 1]))
        return decay ** (layers + 1) if "embeddings" in parts else 1.0

    return factor


def state(optimiser: Optimiser) -> dict[str, np.ndarray]:
    """The state as arrays of its own."""
    return {
        name: np.array(held if isinstance(held, np.ndarray) else held.numpy())
        for name, held in optimiser.tensors().items()
    }
