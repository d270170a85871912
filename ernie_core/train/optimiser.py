"""AdamW with warm-up and linear decay; its state is kept under the names of the parameters."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import paddle

from ernie_core.errors import BadInput

_ACCUMULATORS = ("moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc")


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


def adamw(
    model: paddle.nn.Layer,
    *,
    weight_decay: float = 0.01,
    grad_clip: float = 1.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    factors: Callable[[str], float] | None = None,
) -> paddle.optimizer.AdamW:
    """AdamW over a model: no decay of biases and norms, gradients clipped by their global norm (0 = not).

    The rate is set before every step: `optimiser.set_lr(schedule(step))`. `factors` gives a parameter, by its name in
    the model, a share of that rate (layer-wise rates).
    """
    named = list(model.named_parameters())
    decayed = {p.name for name, p in named if decays(name)}
    for name, parameter in named:
        parameter.optimize_attr["learning_rate"] = factors(name) if factors else 1.0
    return paddle.optimizer.AdamW(
        learning_rate=0.0,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        parameters=[p for _, p in named],
        weight_decay=weight_decay,
        apply_decay_param_fun=lambda name: name in decayed,
        grad_clip=paddle.nn.ClipGradByGlobalNorm(grad_clip) if grad_clip > 0 else None,
    )


def decays(name: str) -> bool:
    """Whether weight decay applies to a parameter, by its name in the model."""
    return "bias" not in name and "norm" not in name


def state(optimiser: paddle.optimizer.Optimizer, model: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """The state as `<name in the model>.<accumulator>`: Paddle's own names change with every layer built."""
    made = optimiser.state_dict()
    found = {}
    for name, parameter in model.named_parameters():
        for accumulator in _ACCUMULATORS:
            key = f"{parameter.name}_{accumulator}_0"
            if key in made:
                found[f"{name}.{accumulator}"] = made[key].numpy()
    return found


def restore(optimiser: paddle.optimizer.Optimizer, model: paddle.nn.Layer, found: Mapping[str, np.ndarray]) -> None:
    """Set the state of a fresh optimiser; a name that the model does not have is an error."""
    names = {
        f"{name}.{accumulator}": (f"{p.name}_{accumulator}_0", tuple(p.shape))
        for name, p in model.named_parameters()
        for accumulator in _ACCUMULATORS
    }
    unknown = sorted(found.keys() - names.keys())
    if unknown:
        raise BadInput(f"the optimiser's state is of another model: it has {', '.join(unknown[:5])}")
    for key, array in found.items():
        if "_pow_acc" not in key and array.shape != names[key][1]:
            raise BadInput(f"the optimiser's state is of another model: {key} is {array.shape}, not {names[key][1]}")
    optimiser.set_state_dict({names[key][0]: paddle.to_tensor(array) for key, array in found.items()})
