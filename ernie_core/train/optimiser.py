"""AdamW with warm-up and linear decay; its state is kept under the names of the parameters."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import paddle

from ernie_core.errors import BadInput

_ACCUMULATORS = ("moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc")
_MASTER = "master_weight"
"""The float32 weight of a parameter in half precision."""


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
    multi_precision: bool = False,
    only: Collection[str] | None = None,
) -> paddle.optimizer.AdamW:
    """AdamW over a model: no decay of biases and norms, gradients clipped by their global norm (0 = not).

    The rate is set before every step: `optimiser.set_lr(schedule(step))`. `factors` gives a parameter, by its name in
    the model, a share of that rate (layer-wise rates). `multi_precision` keeps weights of half precision in float32
    too. `only` names the parameters that this process updates, if others update the rest (sharding).
    """
    named = [(name, p) for name, p in model.named_parameters() if only is None or name in only]
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
        multi_precision=multi_precision,
        apply_decay_param_fun=lambda name: name in decayed,
        grad_clip=paddle.nn.ClipGradByGlobalNorm(grad_clip) if grad_clip > 0 else None,
    )


def decays(name: str) -> bool:
    """Whether weight decay applies to a parameter, by its name in the model."""
    return "bias" not in name and "norm" not in name


def tensors(optimiser: paddle.optimizer.Optimizer, model: paddle.nn.Layer) -> dict[str, paddle.Tensor]:
    """The state that lies here, as `<name in the model>.<accumulator>`: Paddle's own names change with every layer.

    With a sharded optimiser that is the share of this process.
    """
    made = optimiser.state_dict()
    masters = made.get("master_weights", {})
    found = {}
    for name, parameter in model.named_parameters():
        for accumulator in _ACCUMULATORS:
            # Paddle numbers its names, and puts the master weight's name in front when there is one
            for owner in (parameter.name, getattr(masters.get(parameter.name), "name", parameter.name)):
                if (key := f"{owner}_{accumulator}_0") in made:
                    found[f"{name}.{accumulator}"] = made[key]
        if parameter.name in masters:
            found[f"{name}.{_MASTER}"] = masters[parameter.name]
    return found


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


def state(optimiser: paddle.optimizer.Optimizer, model: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """The state as `<name in the model>.<accumulator>`: Paddle's own names change with every layer built."""
    return {name: tensor.numpy() for name, tensor in tensors(optimiser, model).items()}


def restore(optimiser: paddle.optimizer.Optimizer, model: paddle.nn.Layer, found: Mapping[str, np.ndarray]) -> None:
    """Set the state of a fresh optimiser; a name that the model does not have is an error.

    A sharded optimiser takes its own share out of the whole.
    """
    own = {p.name for p in optimiser._parameter_list}
    made: dict[str, object] = {}
    masters: dict[str, paddle.Tensor] = {}
    named = dict(model.named_parameters())
    for key, array in found.items():
        name, _, kind = key.rpartition(".")
        if name not in named or kind not in (*_ACCUMULATORS, _MASTER):
            raise BadInput(f"the optimiser's state is of another model: it has {key}")
        parameter = named[name]
        if "_pow_acc" not in kind and array.shape != tuple(parameter.shape):
            shapes = f"{array.shape}, not {tuple(parameter.shape)}"
            raise BadInput(f"the optimiser's state is of another model: {key} is {shapes}")
        if parameter.name not in own:
            continue
        tensor = paddle.to_tensor(array)
        if kind == _MASTER:
            tensor.name = f"{parameter.name}_fp32_master_0"
            masters[parameter.name] = tensor
        else:
            made[_key(parameter.name, kind, f"{name}.{_MASTER}" in found)] = tensor
    optimiser.set_state_dict(made | ({"master_weights": masters} if masters else {}))


def _key(parameter: str, accumulator: str, has_master: bool) -> str:
    """What Paddle calls it."""
    return f"{parameter}_fp32_master_0_{accumulator}_0" if has_master else f"{parameter}_{accumulator}_0"
