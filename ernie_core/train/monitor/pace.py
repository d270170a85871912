"""The speed and the delays of a training, measured over a stretch of steps."""

import os
import resource
import sys
from dataclasses import dataclass

import paddle


@dataclass
class Pace:
    """A stretch of steps; times in seconds, `began` by a monotonic clock."""

    began: float
    steps: int = 0
    tokens: float = 0.0
    """Positions that passed through the net, including padding."""
    waited: float = 0.0
    """Seconds of waiting for data, part of the time of the steps."""
    saved: float = 0.0
    """Seconds of waiting for saves."""
    paused: float = 0.0
    """Seconds of waiting for anything else, such as evaluations."""

    def busy(self, now: float) -> float:
        """Seconds of the steps themselves; never 0, so that it can be a divisor."""
        return max(1e-9, now - self.began - self.saved - self.paused)


def memory() -> dict[str, int]:
    """Memory of this process in bytes: `resident`, and `gpu`, the peak on its GPU if it has one."""
    sizes = {"resident": _resident()}
    if paddle.device.get_device().startswith("gpu"):
        sizes["gpu"] = int(paddle.device.cuda.max_memory_allocated())
    return sizes


def _resident() -> int:
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: the peak
