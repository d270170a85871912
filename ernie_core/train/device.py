"""AdamW on devices: Paddle's own, its state under the names of the parameters."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Collection, Mapping

import numpy as np
import paddle

from ernie_core.train import gradients
from ernie_core.train.adamw import ACCUMULATORS, MASTER, Settings, decays, fitting


class PaddleAdamW:
    """Paddle's AdamW, for devices. It numbers its own names, which change with every layer that was ever built."""

    def __init__(self, model: paddle.nn.Layer, settings: Settings, *, only: Collection[str] | None = None) -> None:
        self._named = dict(model.named_parameters())
        self._own = [(name, p) for name, p in self._named.items() if only is None or name in only]
        decayed = {p.name for name, p in self._own if decays(name)}
        for name, parameter in self._own:
            parameter.optimize_attr["learning_rate"] = settings.factors(name) if settings.factors else 1.0
        self.inner = paddle.optimizer.AdamW(
            learning_rate=0.0,
            beta1=settings.beta1,
            beta2=settings.beta2,
            epsilon=settings.epsilon,
            parameters=[p for _, p in self._own],
            weight_decay=settings.weight_decay,
            multi_precision=settings.multi_precision,
            apply_decay_param_fun=lambda name: name in decayed,
        )

    def step(self, rate: float, factor: float = 1.0) -> None:
        """See `Optimiser`."""
        gradients.scale([p.grad for _, p in self._own if p.grad is not None], factor)
        self.inner.set_lr(rate)
        self.inner.step()

    def tensors(self) -> dict[str, paddle.Tensor]:
        """See `Optimiser`."""
        made = self.inner.state_dict()
        masters = made.get("master_weights", {})
        found = {}
        for name, parameter in self._named.items():
            for accumulator in ACCUMULATORS:
                # Paddle numbers its names, and puts the master weight's name in front when there is one
                for owner in (parameter.name, getattr(masters.get(parameter.name), "name", parameter.name)):
                    if (key := f"{owner}_{accumulator}_0") in made:
                        found[f"{name}.{accumulator}"] = made[key]
            if parameter.name in masters:
                found[f"{name}.{MASTER}"] = masters[parameter.name]
        return found

    def restore(self, found: Mapping[str, np.ndarray]) -> None:
        """See `Optimiser`; for one that has made no step."""
        own = {name for name, _ in self._own}
        made: dict[str, object] = {}
        masters: dict[str, paddle.Tensor] = {}
        for name, kind, array in fitting(found, {name: tuple(p.shape) for name, p in self._named.items()}):
            if name not in own:
                continue
            parameter, tensor = self._named[name].name, paddle.to_tensor(array)
            if kind == MASTER:
                tensor.name = f"{parameter}_fp32_master_0"
                masters[parameter] = tensor
            else:
                master = "_fp32_master_0" if f"{name}.{MASTER}" in found else ""
                made[f"{parameter}{master}_{kind}_0"] = tensor
        self.inner.set_state_dict(made | ({"master_weights": masters} if masters else {}))
