"""AdamW on devices: Paddle's own, its state under the names of the parameters."""

from collections.abc import Collection, Mapping

import numpy as np
import paddle

from ernie_core.train.optim.adamw import ACCUMULATORS, MASTER, AdamWSettings, decays, fitting, half, lacking
from ernie_core.train.parallel import gradients


class PaddleAdamW:
    """Paddle's AdamW, for devices. Paddle's own names for the state depend on how many layers the process has built.

    Weights in half precision have a master weight in float32, and take float32 gradients; see `gradients.Wide`.
    """

    def __init__(self, model: paddle.nn.Layer, settings: AdamWSettings, *, only: Collection[str] | None = None) -> None:
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
            multi_precision=True,
            apply_decay_param_fun=lambda name: name in decayed,
        )
        self._coming = {
            f"{name}.{kind}": _fresh(kind, parameter, settings)
            for name, parameter in self._own
            for kind in ACCUMULATORS
        }
        """State that Paddle does not have yet, fresh or restored: it makes that of a parameter at its first update."""

    def step(self, rate: float, factor: float = 1.0) -> None:
        """See `Optimiser`."""
        moving = [(name, p.grad) for name, p in self._own if p.grad is not None]
        gradients.scale([gradient for _, gradient in moving], factor)
        self.inner.set_lr(rate)
        self.inner.step()
        for name, _ in moving if self._coming else ():
            for kind in ACCUMULATORS:
                self._coming.pop(f"{name}.{kind}", None)

    def tensors(self) -> dict[str, paddle.Tensor | np.ndarray]:
        """See `Optimiser`."""
        state: dict[str, paddle.Tensor | np.ndarray] = self._coming | self._made()
        for name, parameter in self._own:
            if half(parameter) and f"{name}.{MASTER}" not in state:
                state[f"{name}.{MASTER}"] = parameter.astype("float32")  # as Paddle will make it
        return state

    def restore(self, state: Mapping[str, np.ndarray], *, partial: bool = False) -> list[str]:
        """See `Optimiser`."""
        fits = fitting(state, {name: tuple(p.shape) for name, p in self._named.items()})
        fresh = lacking(state, {name: half(p) for name, p in self._named.items()}, partial=partial)
        own = dict(self._own)
        masters: dict[str, paddle.Tensor] = {}
        for name, kind, array in fits:
            if name in own and kind in ACCUMULATORS:
                self._coming[f"{name}.{kind}"] = array
            elif name in own and half(own[name]):
                tensor = masters[own[name].name] = paddle.to_tensor(array)
                tensor.name = _owner(own[name])
        made: dict[str, object] = {
            f"{_owner(own[name])}_{kind}_0": self._coming[f"{name}.{kind}"] for name in own for kind in ACCUMULATORS
        }
        self.inner.set_state_dict(made | ({"master_weights": masters} if masters else {}))
        return fresh

    def _made(self) -> dict[str, paddle.Tensor]:
        """The state that Paddle has so far."""
        made = self.inner.state_dict()
        masters = made.get("master_weights", {})
        state = {f"{name}.{MASTER}": masters[p.name] for name, p in self._own if p.name in masters}
        for name, parameter in self._own:
            for kind in ACCUMULATORS:
                if (key := f"{_owner(parameter)}_{kind}_0") in made:
                    state[f"{name}.{kind}"] = made[key]
        return state


def _owner(parameter: paddle.Tensor) -> str:
    """The name after which Paddle names the state of a parameter: of its master weight, if it has one."""
    return f"{parameter.name}_fp32_master_0" if half(parameter) else str(parameter.name)


def _fresh(kind: str, parameter: paddle.Tensor, settings: AdamWSettings) -> np.ndarray:
    """The initial value of an accumulator, as Paddle's."""
    if kind.startswith("moment"):
        return np.zeros(parameter.shape, np.float32)
    return np.array([settings.beta1 if kind.startswith("beta1") else settings.beta2], np.float32)
