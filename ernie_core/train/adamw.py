"""What AdamW goes by, wherever it computes, and how its state is named."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ernie_core.errors import BadInput

ACCUMULATORS = ("moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc")
MASTER = "master_weight"
"""The float32 weight of a parameter in half precision."""


@dataclass(frozen=True)
class Settings:
    """What AdamW goes by. Biases and norms do not decay."""

    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    factors: Callable[[str], float] | None = None
    """Gives a parameter, by its name in the model, a share of the rate (layer-wise rates)."""
    multi_precision: bool = False
    """Whether weights of half precision are kept in float32 too."""


def decays(name: str) -> bool:
    """Whether weight decay applies to a parameter, by its name in the model."""
    return "bias" not in name and "norm" not in name


def fitting(
    found: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Name, accumulator and array of a state, all of which belong to parameters of these shapes."""
    for key, array in found.items():
        name, _, kind = key.rpartition(".")
        if name not in shapes or kind not in (*ACCUMULATORS, MASTER):
            raise BadInput(f"the optimiser's state is of another model: it has {key}")
        if "_pow_acc" not in kind and array.shape != shapes[name]:
            said = f"{array.shape}, not {shapes[name]}"
            raise BadInput(f"the optimiser's state is of another model: {key} is {said}")
        yield name, kind, array
