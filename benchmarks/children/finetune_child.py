"""Our fine-tuning in a separate process, which prints the CPU seconds of its epochs: for ../finetune.py."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ernie_core.tasks.finetune import FineTuning, finetune
from ernie_core.tasks.recipe import FinetuneRecipe

asked = json.loads(sys.argv[1])
times = []
begin, stepped = FineTuning.begin, FineTuning.stepped


def began(self: FineTuning, say: Callable[[str], None]) -> str:
    """What precedes the first step; also note the time."""
    times.append(time.process_time())
    return begin(self, say)


def marked(self: FineTuning, step: int, losses: Sequence[float]) -> None:
    """What follows a step; also note the end of an epoch."""
    stepped(self, step, losses)
    if step % self.each == 0:
        times.append(time.process_time())


FineTuning.begin, FineTuning.stepped = began, marked
recipe = FinetuneRecipe(
    max_seq_len=asked["max_seq_len"], batch_size=asked["batch_size"], num_train_epochs=asked["epochs"],
    eval_steps=10**6,
)  # fmt: skip
finetune(Path(asked["model"]), Path(asked["data"]), Path(asked["out"]), recipe)
print(times[-1] - times[0])
