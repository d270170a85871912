"""The learning rate of every step. Imports nothing heavy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every step: it rises to `max_lr`, falls to `min_lr`, and stays there."""

    max_lr: float
    min_lr: float = 0.0
    warmup_steps: float = 0.0
    """Number of steps of the warm-up; may be a fraction, since it is a share of the steps."""
    decay_steps: int = 1

    def __call__(self, step: int) -> float:
        """The learning rate of step `step` (from 1)."""
        if self.warmup_steps > 0 and step <= self.warmup_steps:
            return self.max_lr * step / self.warmup_steps
        if step > self.decay_steps or self.decay_steps <= self.warmup_steps:
            return self.min_lr
        share = (step - self.warmup_steps) / (self.decay_steps - self.warmup_steps)
        return self.min_lr + (1.0 - share) * (self.max_lr - self.min_lr)
