"""The optimiser: AdamW on the host or on a device."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import numpy as np
import paddle

from ernie_core.train.optim.adamw import AdamWSettings
from ernie_core.train.optim.device import PaddleAdamW
from ernie_core.train.optim.host import HostAdamW, Memory, zeros


class Optimiser(Protocol):
    """Updates the weights of a model by their gradients, and has a state for checkpoints."""

    def step(self, rate: float, factor: float = 1.0) -> None:
        """One update by `factor` times the gradients, which are not kept."""

    def tensors(self) -> Mapping[str, paddle.Tensor | np.ndarray]:
        """The state in this process, as `<name in the model>.<accumulator>`; a step changes what was returned.

        It is complete from the beginning: it has every parameter that this process updates. With a sharded optimiser
        that is the share of this process.
        """

    def restore(self, state: Mapping[str, np.ndarray], *, partial: bool = False) -> list[str]:
        """Set the state before the first step, from that of all parameters; each process takes its own share.

        BadInput if a name is unknown to the model, or missing. With `partial` whole parameters may be missing, though
        not all: they start at zero, and their names are returned.
        """


def adamw(
    model: paddle.nn.Layer,
    settings: AdamWSettings | None = None,
    *,
    only: Collection[str] | None = None,
    memory: Memory = zeros,
) -> Optimiser:
    """AdamW for a model, on the device of its weights.

    `only` are the names that this process updates, if others update the rest. `memory` allocates moments on the host.
    """
    if all(parameter.place.is_cpu_place() for parameter in model.parameters()):
        return HostAdamW(model, settings or AdamWSettings(), only=only, memory=memory)
    return PaddleAdamW(model, settings or AdamWSettings(), only=only)


def layer_factors(layers: int, decay: float) -> Callable[[str], float] | None:
    """Factors of layer-wise learning rates: largest for the heads and the pooler, smaller with each layer below."""
    if decay == 1.0:
        return None

    def factor(name: str) -> float:
        parts = name.split(".")
        if "layers" in parts:
            return decay ** (layers - int(parts[parts.index("layers") + 1]))
        return decay ** (layers + 1) if "embeddings" in parts else 1.0

    return factor


def state(optimiser: Optimiser) -> dict[str, np.ndarray]:
    """A copy of the state, as arrays."""
    return {
        name: np.array(held if isinstance(held, np.ndarray) else held.numpy())
        for name, held in optimiser.tensors().items()
    }
