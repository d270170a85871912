"""What AdamW goes by, wherever it computes, and how its state is named."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import paddle

from ernie_core.errors import BadInput

ACCUMULATORS = ("moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc")
MASTER = "master_weight"
"""The float32 weight of a parameter in half precision."""
_FEW = 3
"""Names that an error gives of many."""


@dataclass(frozen=True)
class Settings:
    """What AdamW goes by. Biases and norms do not decay."""

    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    factors: Callable[[str], float] | None = None
    """Gives a parameter, by its name in the model, a share of the rate (layer-wise rates)."""


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
    """The names of all that the state of some parameters holds; True for those in half precision."""
    return [f"{name}.{kind}" for name, half in halves.items() for kind in (*ACCUMULATORS, *[MASTER][: int(half)])]


def fitting(
    found: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> list[tuple[str, str, np.ndarray]]:
    """Name, accumulator and array of a state, all of which belong to parameters of these shapes, or BadInput."""
    fits = []
    for key, array in found.items():
        name, _, kind = key.rpartition(".")
        if name not in shapes or kind not in (*ACCUMULATORS, MASTER):
            raise BadInput(f"the optimiser's state is of another model: it has {key}")
        wanted = (1,) if "_pow_acc" in kind else shapes[name]
        if array.shape != wanted:
            raise BadInput(f"the optimiser's state is of another model: {key} is {array.shape}, not {wanted}")
        fits.append((name, kind, array))
    return fits


def lacking(found: Collection[str], halves: Mapping[str, bool], *, partial: bool) -> list[str]:
    """The parameters of which a state holds nothing; BadInput unless `partial` allows that, and if it holds nothing
    at all or something but not everything of one."""
    without = [name for name in halves if not any(f"{name}.{kind}" in found for kind in (*ACCUMULATORS, MASTER))]
    allowed = without if partial and len(without) < len(halves) else []
    wanted = keys({name: half for name, half in halves.items() if name not in allowed})
    if missing := [key for key in wanted if key not in found]:
        raise BadInput(
            f"the optimiser's state is not whole, it lacks {len(missing)} of {len(wanted)} arrays: {few(missing)}"
        )
    return allowed


def few(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more
