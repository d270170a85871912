"""Figures of a training under tags: PaddleNLP's for what it shows too, ours for what held the training up."""

from collections.abc import Mapping, Sequence

from ernie_core.pretrain.recipe import Recipe
from ernie_core.train.monitor import pace
from ernie_core.train.monitor.pace import Pace


def of_step(
    step: int, means: Sequence[float], rate: float, scaler: Mapping[str, float], recipe: Recipe
) -> dict[str, float]:
    """What depends on the training alone: `train/*` and `amp/*`."""
    found: dict[str, float] = {"train/global_step": step, "train/loss": means[0]}
    if recipe.binary_head:
        found |= {"train/lm_loss": means[1], "train/sop_loss": means[2]}
    found["train/learning_rate"] = rate
    return found | {f"amp/{name}": value for name, value in scaler.items()}


def of_pace(stretch: Pace, now: float, recipe: Recipe) -> dict[str, float]:
    """How fast it goes, evaluations and saves left out."""
    speed = stretch.steps / stretch.busy(now)
    return {"train/steps_per_second": speed, "train/samples_per_second": speed * recipe.global_batch_size}


def of_machine(stretch: Pace, now: float, flops: float, peak: float) -> dict[str, float]:
    """What the machine makes of its time: `speed/*` and `memory/*`; `flops` and `peak` as in `Log`."""
    busy = stretch.busy(now)
    found = {"speed/tokens_per_second": stretch.tokens / busy}
    if flops:
        found["speed/flops_per_second"] = flops * stretch.tokens / busy
    if flops and peak:
        found["speed/flops_utilisation"] = flops * stretch.tokens / busy / peak
    found |= {"speed/wait_share": stretch.waited / busy, "speed/save_seconds": stretch.saved}
    return found | {f"memory/{kind}_bytes": size for kind, size in pace.memory().items()}
