"""How fast a training goes and what held it up, measured over a stretch of steps."""

import os
import resource
import sys
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from dataclasses import dataclass

import paddle


@dataclass
class Pace:
    """A stretch of steps; times in seconds, `began` on a monotonic clock."""

    began: float
    steps: int = 0
    tokens: float = 0.0
    """Positions that passed the net, padding included."""
    waited: float = 0.0
    """Waiting for data, which is part of the steps."""
    saved: float = 0.0
    """Standing still for a save."""
    paused: float = 0.0
    """Standing still for anything else: an evaluation."""

    def busy(self, now: float) -> float:
        """Seconds of the steps themselves; never 0, so that rates can be had of it."""
        return max(1e-9, now - self.began - self.saved - self.paused)


def memory() -> dict[str, int]:
    """Bytes that this process holds: `resident`, and on a GPU the most that it ever held there, `gpu`."""
    found = {"resident": _resident()}
    if paddle.device.get_device().startswith("gpu"):
        found["gpu"] = int(paddle.device.cuda.max_memory_allocated())
    return found


def _resident() -> int:
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: the most that it ever held
