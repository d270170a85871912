"""AdamW on the host: weights, gradients and moments in one pass over memory, whole or in any part.

Decoupled weight decay (Loshchilov and Hutter, 2019), with bias correction in the same places as Paddle.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import paddle

from ernie_core.train.native import flat, kernel
from ernie_core.train.optim.adamw import AdamWSettings, decays, fitting, lacking

Part = Mapping[str, list[tuple[int, int]]]
"""Ranges [start, stop) of elements of each parameter, by its name."""

Memory = Callable[[int], np.ndarray]
"""Returns that many zeros, as float32."""


def zeros(size: int) -> np.ndarray:
    """Zeros in memory of this process."""
    return np.zeros(size, np.float32)


class HostAdamW:
    """AdamW for float32 parameters on the host; it keeps the moments by the names in the model."""

    def __init__(
        self,
        model: paddle.nn.Layer,
        settings: AdamWSettings,
        *,
        only: Collection[str] | None = None,
        memory: Memory = zeros,
    ) -> None:
        self.settings = settings
        self._parameters = {name: p for name, p in model.named_parameters() if only is None or name in only}
        self._model = {name: tuple(p.shape) for name, p in model.named_parameters()}
        betas = (settings.beta1, settings.beta2)
        self._powers = {name: [np.float32(beta) for beta in betas] for name in self._parameters}
        """Powers of the betas of each parameter; a parameter that was never updated has the betas themselves."""
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

        With `part` other processes update the rest of the weights and moments, in the same step.
        """
        settings = self.settings
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            powers = self._powers[name]
            numbers = self._numbers(name, rate, factor, *map(float, powers))
            for start, stop in [(0, math.prod(self._model[name]))] if part is None else part.get(name, []):
                self._update(name, start, stop, numbers)
            self._powers[name] = [powers[0] * np.float32(settings.beta1), powers[1] * np.float32(settings.beta2)]

    def tensors(self) -> dict[str, np.ndarray]:
        """See `Optimiser`."""
        state: dict[str, np.ndarray] = {}
        for name, powers in self._powers.items():
            shape = self._model[name]
            state |= {f"{name}.moment{k + 1}": moment.reshape(shape) for k, moment in enumerate(self._moments[name])}
            state |= {f"{name}.beta{k + 1}_pow_acc": np.array([power]) for k, power in enumerate(powers)}
        return state

    def restore(self, state: Mapping[str, np.ndarray], *, partial: bool = False) -> list[str]:
        """See `Optimiser`."""
        fits = fitting(state, self._model)
        fresh = lacking(state, dict.fromkeys(self._model, False), partial=partial)
        for name, kind, array in fits:
            if name not in self._parameters:
                continue
            if kind.startswith("moment"):
                np.copyto(self._moments[name][int(kind[-1]) - 1], array.reshape(-1))
            elif "_pow_acc" in kind:
                self._powers[name][int(kind[4]) - 1] = np.float32(array[0])
        return fresh

    def _numbers(self, name: str, rate: float, factor: float, one: float, two: float) -> tuple[float, ...]:
        """The fields of `Update` in host.h, for a parameter whose powers of the betas are `one` and `two`."""
        settings = self.settings
        own, correction = rate * (settings.factors(name) if settings.factors else 1.0), math.sqrt(1.0 - two)
        decay = 1.0 - own * settings.weight_decay if decays(name) else 1.0
        betas = (settings.beta1, 1.0 - settings.beta1, settings.beta2, 1.0 - settings.beta2)
        return (factor, decay, own * correction / (1.0 - one), settings.epsilon * correction, *betas)

    def _update(self, name: str, start: int, stop: int, numbers: tuple[float, ...]) -> None:
        parameter, compiled = self._parameters[name], kernel.load()
        if compiled is not None and parameter.grad.is_contiguous():  # views are as slow as a small update
            places = (parameter.data_ptr(), parameter.grad.data_ptr(), *self._places[name])
            compiled.update(*(place + 4 * start for place in places), stop - start, *numbers)
        else:
            arrays = (flat.view(parameter), flat.view(parameter.grad), *self._moments[name])
            plain([array[start:stop] for array in arrays], *numbers)


def plain(arrays: Sequence[np.ndarray], *numbers: float) -> None:
    """Update weights and the two moments in place, given them and gradients; the same bits as the kernel.

    The numbers are the fields of `Update` in host.h, as float32.
    """
    weights, gradients, one, two = arrays
    factor, decay, rate, epsilon, beta1, rest1, beta2, rest2 = (np.float32(number) for number in numbers)
    scaled = gradients * factor
    one[:] = beta1 * one + rest1 * scaled
    two[:] = beta2 * two + rest2 * (scaled * scaled)
    weights[:] = weights * decay - rate * (one / (np.sqrt(two) + epsilon))
