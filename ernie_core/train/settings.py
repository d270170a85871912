"""The settings of every training. Imports nothing heavy: the command line reads it too."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from ernie_core.declared import Above, AtLeast0, Below1, Count, Declared, Free, free
from ernie_core.errors import BadInput


@dataclass(frozen=True)
class Settings(Declared):
    """How weights move, what is saved and said, and how a training fits on its machines."""

    seed: Annotated[int, Ge(0), Lt(2**32)] = 1234
    """Random seed of weights, masks, dropout and sample order."""
    weight_decay: AtLeast0 = 0.01
    """Weight decay of AdamW; biases and norms have none."""
    grad_clip: AtLeast0 = 1.0
    """Largest global norm of the gradients; 0 disables clipping."""
    adam_beta1: Below1 = 0.9
    """Decay rate of AdamW's running mean of gradients."""
    adam_beta2: Below1 = 0.999
    """Decay rate of AdamW's running mean of squared gradients."""
    adam_epsilon: Above = 1e-8
    """Constant that keeps AdamW from dividing by zero."""
    layer_decay: Annotated[float, Gt(0), Le(1)] = 1.0
    """Ratio of a layer's learning rate to that of the layer above it; 1: the same rate for all."""
    logging_freq: Free[Count] = 20
    """Number of steps between log lines."""
    checkpoint_steps: Free[Count] = 500
    """Number of steps between checkpoints; the newest two are kept."""
    save_steps: Free[Count] = 100_000
    """Number of steps between checkpoints that are kept for good."""
    use_recompute: Free[bool] = False
    """Whether to recompute activations in the backward pass: less memory, a third more time."""
    use_amp: bool = False
    """Whether to compute in half precision; needs GPUs."""
    fp16_opt_level: Literal["O1", "O2"] = "O2"
    """Level of half precision. O1: weights in float32, most operations in half precision; O2: weights in half
    precision, with float32 copies."""
    amp_dtype: Literal["float16", "bfloat16"] = "float16"
    """Half-precision type; bfloat16 needs no loss scaling, but a GPU that supports it."""
    scale_loss: Annotated[float, Ge(1)] = 32768.0
    """Initial loss scale with float16; training adjusts it."""
    sharding: Free[Literal["none", "stage1", "stage2"]] = "none"
    """Sharding of the optimiser. `stage1`: each process keeps the state of its share of the weights; `stage2`: their
    gradients too. Processes of one machine without GPUs always share that state."""
    max_loss_spike: Free[Annotated[float, Gt(1)] | None] = None
    """Multiple of the running mean above which a loss counts as a spike; default: never."""
    loss_spike_window: Free[Count] = 100
    """Number of steps in that running mean."""
    loss_spike_steps: Free[Count] = 5
    """Number of consecutive spikes that end the training."""
    max_restarts: Free[Count] = 10
    """Number of starts without a new checkpoint after which another start is refused."""

    def lasting(self) -> dict[str, Any]:
        """The settings that cannot change when a training resumes: not its end, its logs, its use of memory, nor the
        number of processes, with which the samples of a step do not change."""
        without = free(type(self)) | self.ends()
        return {name: value for name, value in asdict(self).items() if name not in without}

    def unsuited(self, gpus: int) -> str:
        """Why these settings cannot be trained with this number of GPUs per process; empty if they can."""
        if not self.use_amp or gpus:
            return ""
        return "use_amp computes in half precision, which only GPUs can: add `gpus: 1` or more, or leave use_amp out"

    def ends(self) -> frozenset[str]:
        """The settings that only say when the training ends."""
        return frozenset({"max_steps"})

    def extends(self, earlier: Mapping[str, Any]) -> bool:
        """Whether a training of these settings continues one with earlier settings and the same inputs.

        They must differ only in the end of the training, and this one must end later.
        """
        now, unmarked = asdict(self), {field.name: field.default for field in fields(self)}
        # a setting that the earlier record lacks was at its default, or is marked as free
        earlier = {name: earlier.get(name, default) for name, default in unmarked.items()}
        differing = {name for name in now.keys() - free(type(self)) if earlier[name] != now[name]}
        if len(differing) != 1 or not differing <= self.ends():
            return False
        (name,) = differing
        return bool(0 < earlier[name] < now[name])


def accumulate(size: int, micro: int, world: int, *, names: tuple[str, str]) -> int:
    """Number of micro batches of a step per process: `size` samples of a step, `micro` of a micro batch.

    `names` are the names of the two settings. BadInput if a step cannot be split evenly.
    """
    if size // micro % world:
        raise BadInput(
            f"{names[0]} {size} does not divide into {world} processes with a {names[1]} of {micro}:"
            f" make it a multiple of {world * micro}, or train with fewer processes"
        )
    return size // micro // world
