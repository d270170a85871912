"""Figures of a training by tag: PaddleNLP's tags where it has them, ours for what delays the training."""

from collections.abc import Mapping

from ernie_core.train.monitor import pace
from ernie_core.train.monitor.pace import Pace


def of_step(step: int, losses: Mapping[str, float], rate: float, scaler: Mapping[str, float]) -> dict[str, float]:
    """Figures that depend on the training alone: `train/*` and `amp/*`."""
    figures: dict[str, float] = {"train/global_step": step} | {f"train/{name}": loss for name, loss in losses.items()}
    figures["train/learning_rate"] = rate
    return figures | {f"amp/{name}": value for name, value in scaler.items()}


def of_pace(stretch: Pace, now: float, samples: int) -> dict[str, float]:
    """Steps and samples per second, without the time of evaluations and saves."""
    speed = stretch.steps / stretch.busy(now)
    return {"train/steps_per_second": speed, "train/samples_per_second": speed * samples}


def of_machine(stretch: Pace, now: float, flops: float, peak: float) -> dict[str, float]:
    """Use of the machine: `speed/*` and `memory/*`; `flops` per token, `peak` as in `Log`."""
    busy = stretch.busy(now)
    figures = {"speed/tokens_per_second": stretch.tokens / busy}
    if flops:
        figures["speed/flops_per_second"] = flops * stretch.tokens / busy
    if flops and peak:
        figures["speed/flops_utilisation"] = flops * stretch.tokens / busy / peak
    figures |= {"speed/wait_share": stretch.waited / busy, "speed/save_seconds": stretch.saved}
    return figures | {f"memory/{kind}_bytes": size for kind, size in pace.memory().items()}
