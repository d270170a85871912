"""Settings of AdamW on the host and on devices, and the names of its state."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import paddle

from ernie_core.errors import BadInput

ACCUMULATORS = ("moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc")
MASTER = "master_weight"
"""Name of the float32 copy of a parameter in half precision."""
_FEW = 3
"""Number of names that an error lists of many."""


@dataclass(frozen=True)
class AdamWSettings:
    """Settings of AdamW. Biases and norms do not decay."""

    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    factors: Callable[[str], float] | None = None
    """Returns the factor of the learning rate for a parameter, by its name in the model (layer-wise rates)."""


def decays(name: str) -> bool:
    """Whether weight decay applies to a parameter, by its name in the model."""
    return "bias" not in name and "norm" not in name


def half(parameter: paddle.Tensor) -> bool:
    """Whether a parameter is in half precision; then it has a master weight."""
    return bool(parameter.dtype != paddle.float32)


def halves(model: paddle.nn.Layer) -> dict[str, bool]:
    """The parameters of a model; True for those in half precision."""
    return {name: half(parameter) for name, parameter in model.named_parameters()}


def keys(halves: Mapping[str, bool]) -> list[str]:
    """The names in the optimiser's state of some parameters; True for those in half precision."""
    return [f"{name}.{kind}" for name, half in halves.items() for kind in (*ACCUMULATORS, *[MASTER][: int(half)])]


def fitting(
    state: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> list[tuple[str, str, np.ndarray]]:
    """Name, accumulator and array of each entry of a state. BadInput if one does not fit parameters of these shapes."""
    fits = []
    for key, array in state.items():
        name, _, kind = key.rpartition(".")
        if name not in shapes or kind not in (*ACCUMULATORS, MASTER):
            raise BadInput(f"the optimiser's state is of another model: it has {key}")
        wanted = (1,) if "_pow_acc" in kind else shapes[name]
        if array.shape != wanted:
            raise BadInput(f"the optimiser's state is of another model: {key} is {array.shape}, not {wanted}")
        fits.append((name, kind, array))
    return fits


def lacking(state: Collection[str], halves: Mapping[str, bool], *, partial: bool) -> list[str]:
    """The parameters without any state. BadInput unless `partial` allows that, and always if none has state or if the
    state of one is incomplete."""
    without = [name for name in halves if not any(f"{name}.{kind}" in state for kind in (*ACCUMULATORS, MASTER))]
    allowed = without if partial and len(without) < len(halves) else []
    wanted = keys({name: half for name, half in halves.items() if name not in allowed})
    if missing := [key for key in wanted if key not in state]:
        raise BadInput(
            f"the optimiser's state is incomplete, it lacks {len(missing)} of {len(wanted)} arrays: {few(missing)}"
        )
    return allowed


def few(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more
