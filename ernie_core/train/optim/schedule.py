"""The learning rate of every step. Imports nothing heavy."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every step: it rises to `max_lr`, falls to `min_lr`, and stays there; with `constant` it
    stays at `max_lr`."""

    max_lr: float
    min_lr: float = 0.0
    warmup_steps: float = 0.0
    """Number of steps of the warm-up; may be a fraction, since it is a share of the steps."""
    decay_steps: int = 1
    shape: Literal["linear", "cosine", "constant"] = "linear"
    """How it falls after the warm-up: on a line, along half a cosine (Loshchilov and Hutter, 2017), or not at all."""

    def __call__(self, step: int) -> float:
        """The learning rate of step `step` (from 1)."""
        if self.warmup_steps > 0 and step <= self.warmup_steps:
            return self.max_lr * step / self.warmup_steps
        if self.shape == "constant":
            return self.max_lr
        if step > self.decay_steps or self.decay_steps <= self.warmup_steps:
            return self.min_lr
        share = (step - self.warmup_steps) / (self.decay_steps - self.warmup_steps)
        left = 1.0 - share if self.shape == "linear" else 0.5 * (1.0 + math.cos(math.pi * share))
        return self.min_lr + left * (self.max_lr - self.min_lr)
