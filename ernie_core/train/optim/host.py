"""AdamW on the host: weights, gradients and moments in one pass over memory, whole or in any part.

Decoupled weight decay (Loshchilov and Hutter, 2019), with the corrections for young moments where Paddle has them.
"""

import math
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import paddle

from ernie_core.train.native import flat, kernel
from ernie_core.train.optim.adamw import Settings, decays, fitting, lacking

Part = Mapping[str, list[tuple[int, int]]]
"""Which numbers of each parameter, by its name: from where to where."""

Memory = Callable[[int], np.ndarray]
"""Gives so many zeros, as float32."""


def zeros(size: int) -> np.ndarray:
    """Memory of this process."""
    return np.zeros(size, np.float32)


class HostAdamW:
    """Keeps the moments of float32 parameters of the host, under their names in the model."""

    def __init__(
        self,
        model: paddle.nn.Layer,
        settings: Settings,
        *,
        only: Collection[str] | None = None,
        memory: Memory = zeros,
    ) -> None:
        self.settings = settings
        self._parameters = {name: p for name, p in model.named_parameters() if only is None or name in only}
        self._model = {name: tuple(p.shape) for name, p in model.named_parameters()}
        betas = (settings.beta1, settings.beta2)
        self._powers = {name: [np.float32(beta) for beta in betas] for name in self._parameters}
        """What the betas of each parameter have come to; those of one that was never updated are as they began."""
        room = memory(2 * sum(int(p.size) for p in self._parameters.values()))
        self._moments: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name, parameter in self._parameters.items():
            size = int(parameter.size)
            self._moments[name], room = (room[:size], room[size : 2 * size]), room[2 * size :]
        self._places = {
            name: [moment.__array_interface__["data"][0] for moment in both] for name, both in self._moments.items()
        }

    def step(self, rate: float, factor: float = 1.0, part: Part | None = None) -> None:
        """One update by `factor` times the gradients.

        With `part` the rest of the weights and moments is left to others, who must do the same step.
        """
        found = self.settings
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            powers = self._powers[name]
            numbers = self._numbers(name, rate, factor, *map(float, powers))
            for start, stop in [(0, math.prod(self._model[name]))] if part is None else part.get(name, []):
                self._update(name, start, stop, numbers)
            self._powers[name] = [powers[0] * np.float32(found.beta1), powers[1] * np.float32(found.beta2)]

    def tensors(self) -> dict[str, np.ndarray]:
        """See `Optimiser`."""
        made: dict[str, np.ndarray] = {}
        for name, powers in self._powers.items():
            shape = self._model[name]
            made |= {f"{name}.moment{k + 1}": moment.reshape(shape) for k, moment in enumerate(self._moments[name])}
            made |= {f"{name}.beta{k + 1}_pow_acc": np.array([power]) for k, power in enumerate(powers)}
        return made

    def restore(self, found: Mapping[str, np.ndarray], *, partial: bool = False) -> list[str]:
        """See `Optimiser`."""
        fits = fitting(found, self._model)
        anew = lacking(found, dict.fromkeys(self._model, False), partial=partial)
        for name, kind, array in fits:
            if name not in self._parameters:
                continue
            if kind.startswith("moment"):
                np.copyto(self._moments[name][int(kind[-1]) - 1], array.reshape(-1))
            elif "_pow_acc" in kind:
                self._powers[name][int(kind[4]) - 1] = np.float32(array[0])
        return anew

    def _numbers(self, name: str, rate: float, factor: float, one: float, two: float) -> tuple[float, ...]:
        """What `Update` in host.h holds, for a parameter whose betas have come to `one` and `two`."""
        found = self.settings
        own, young = rate * (found.factors(name) if found.factors else 1.0), math.sqrt(1.0 - two)
        decay = 1.0 - own * found.weight_decay if decays(name) else 1.0
        betas = (found.beta1, 1.0 - found.beta1, found.beta2, 1.0 - found.beta2)
        return (factor, decay, own * young / (1.0 - one), found.epsilon * young, *betas)

    def _update(self, name: str, start: int, stop: int, numbers: tuple[float, ...]) -> None:
        parameter, compiled = self._parameters[name], kernel.load()
        if compiled is not None and parameter.grad.is_contiguous():  # a view takes as long as a small parameter
            places = (parameter.data_ptr(), parameter.grad.data_ptr(), *self._places[name])
            compiled.update(*(place + 4 * start for place in places), stop - start, *numbers)
        else:
            arrays = (flat.view(parameter), flat.view(parameter.grad), *self._moments[name])
            plain([array[start:stop] for array in arrays], *numbers)


def plain(arrays: Sequence[np.ndarray], *numbers: float) -> None:
    """Weights, gradients and the two moments after a step, without the kernel and to the same bit.

    The numbers are those of `Update` in host.h, as float32.
    """
    weights, gradients, one, two = arrays
    factor, decay, rate, epsilon, beta1, rest1, beta2, rest2 = (np.float32(number) for number in numbers)
    scaled = gradients * factor
    one[:] = beta1 * one + rest1 * scaled
    two[:] = beta2 * two + rest2 * (scaled * scaled)
    weights[:] = weights * decay - rate * (one / (np.sqrt(two) + epsilon))
