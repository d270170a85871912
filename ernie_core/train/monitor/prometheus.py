"""Figures of a training for Prometheus: one text file per process, which the collector of the node reads.

It is for node_exporter's textfile collector: `<folder>/ernie_<run>_<rank>.prom`. Queries compute ages, as
`time() - ernie_train_updated_timestamp_seconds`: an age in the file would not grow while a training hangs.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

METRICS: dict[str, tuple[str, str, str]] = {
    "train/global_step": ("step", "gauge", "Steps made."),
    "train/loss": ("loss", "gauge", "Training loss, mean since the figures before."),
    "train/lm_loss": ("lm_loss", "gauge", "Loss of the masked tokens."),
    "train/sop_loss": ("sop_loss", "gauge", "Loss of the order of sentences."),
    "train/learning_rate": ("learning_rate", "gauge", "Learning rate of the last step."),
    "train/steps_per_second": ("steps_per_second", "gauge", "Steps a second, saves and evaluations left out."),
    "train/samples_per_second": ("samples_per_second", "gauge", "Samples a second, over all processes."),
    "speed/tokens_per_second": ("tokens_per_second", "gauge", "Tokens a second, padding included."),
    "speed/flops_per_second": ("model_flops_per_second", "gauge", "Operations a second that the model needs."),
    "speed/flops_utilisation": ("model_flops_utilisation_ratio", "gauge", "Their share of what the devices can do."),
    "speed/wait_share": ("data_wait_ratio", "gauge", "Share of the time of steps spent waiting for data."),
    "total/wait_seconds": ("data_wait_seconds_total", "counter", "Waiting for data since this process began."),
    "total/save_seconds": ("save_stall_seconds_total", "counter", "Standing still for saves since it began."),
    "memory/resident_bytes": ("resident_memory_bytes", "gauge", "Memory of this process."),
    "memory/gpu_bytes": ("gpu_memory_peak_bytes", "gauge", "Most memory that it ever held on its GPU."),
    "amp/loss_scaling": ("loss_scale", "gauge", "Factor of the loss scaler."),
    "amp/incr_count": ("loss_scale_good_steps", "gauge", "Steps without overflow since the factor changed."),
    "amp/decr_count": ("loss_scale_bad_steps", "gauge", "Overflows since it changed."),
    "checkpoint/step": ("checkpoint_step", "gauge", "Step of the newest checkpoint in the store."),
    "checkpoint/timestamp": ("checkpoint_timestamp_seconds", "gauge", "When this process committed it."),
    "run/restarts": ("restarts_total", "counter", "Times that the run was begun again."),
    "valid/loss": ("valid_loss", "gauge", "Loss of the last validation."),
}
"""Tag: name after `ernie_train_`, type, help. Figures without a row here are not exported."""


@dataclass
class TextfileView:
    """A view of a log: replaces the file by one with the newest value of every figure."""

    folder: Path
    """Folder that the collector reads."""
    run: str
    """Address of the training, a label of every figure."""
    rank: int = 0
    newest: dict[str, float] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The file that the collector reads."""
        return self.folder / f"ernie_{re.sub(r'[^0-9A-Za-z]+', '_', self.run)}_{self.rank}.prom"

    def __call__(self, step: int, figures: Mapping[str, float]) -> None:
        """Write the figures of a step, and earlier ones that it does not have."""
        self.newest |= figures
        draft = self.file.with_name(f".{self.file.name}.draft")  # the collector reads only *.prom
        draft.write_text(text(self.newest, {"run": self.run, "rank": str(self.rank)}, time.time()), encoding="utf-8")
        os.replace(draft, self.file)

    def close(self) -> None:
        """Remove the file: the node would show the ended training for ever."""
        self.file.unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self.file)


def text(figures: Mapping[str, float], labels: Mapping[str, str], now: float) -> str:
    """The figures in the text format of Prometheus, in the order of `METRICS`."""
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    rows = [(*METRICS[tag], figures[tag]) for tag in METRICS if tag in figures]
    rows.append(("updated_timestamp_seconds", "gauge", "When these figures were written.", now))
    return "".join(
        f"# HELP ernie_train_{name} {help_}\n# TYPE ernie_train_{name} {kind}\n"
        f"ernie_train_{name}{{{inside}}} {value!r}\n"
        for name, kind, help_, value in rows
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
