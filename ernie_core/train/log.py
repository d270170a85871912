"""What a training says: PaddleNLP's log lines for people, a curve without times for files."""

import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ernie_core.progress import Progress
from ernie_core.train.recipe import Recipe


def say(line: str) -> None:
    """Print a line to the log of the step."""
    print(line, file=sys.stderr, flush=True)


@dataclass
class Log:
    """Means of the losses since the last line, and how fast it goes."""

    recipe: Recipe
    progress: Progress
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    steps: int = 0
    since: float = field(default_factory=time.monotonic)

    def step(self, step: int, losses: list[float], rate: float) -> None:
        """Take note of a step, and print a line every `logging_freq` steps."""
        self.sums = [a + b for a, b in zip(self.sums, losses, strict=True)]
        self.steps += 1
        self.progress(step, self.recipe.max_steps, "steps", loss=losses[0])
        if step % self.recipe.logging_freq:
            return
        means = [total / self.steps for total in self.sums]
        speed = self.steps / max(1e-9, time.monotonic() - self.since)
        say(
            f"global step {step}, {three(means, self.recipe.binary_head)}, speed: {speed:.2f} steps/s,"
            f" ips: {speed * self.recipe.global_batch_size:.2f} seqs/s, learning rate: {rate:.5e}"
        )
        self.sums, self.steps, self.since = [0.0, 0.0, 0.0], 0, time.monotonic()

    def paused(self, seconds: float) -> None:
        """Time that was not spent on steps."""
        self.since += seconds


def three(means: list[float], binary_head: bool) -> str:
    """Losses as PaddleNLP prints them: the parts only if there are two."""
    text = f"loss: {means[0]:.6f}"
    return f"{text}, lm_loss: {means[1]:.6f}, sop_loss: {means[2]:.6f}" if binary_head else text


def first_loss(loss: float, vocab_size: int, binary_head: bool) -> str:
    """Whether the first loss is that of random weights: if not, weights or data are not what they should be."""
    expected = math.log(vocab_size) + (math.log(2) if binary_head else 0.0)
    verdict = "as it should be" if abs(loss - expected) < 1.0 else "NOT as it should be: check vocabulary and data"
    return f"first loss {loss:.3f}, random weights give about {expected:.3f}: {verdict}"


def line(step: int, part: str, scores: Mapping[str, float]) -> str:
    """A line of train_log.jsonl."""
    return json.dumps({"step": step, "part": part, **scores})
