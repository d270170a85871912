"""Ways to do a thing, rows of ways to compare, and interleaved rounds of measurement; see `text.py`."""

import importlib.metadata
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MB = 1 << 20
SLOW = 3
"""One in this many rounds includes the slow ones."""


@dataclass(frozen=True)
class Way:
    """Something that takes CPU seconds for `size` bytes; 0: the figure is in seconds."""

    name: str
    size: int
    seconds: Callable[[], float]
    every: int = 1
    """It takes part in every `every`-th round; if that is not 1, not in the warm-up round."""

    def figure(self, seconds: float) -> float:
        """MB per second, or seconds."""
        return self.size / MB / seconds if self.size else seconds


Peer = Way | str
"""A string is the reason why it is not measured."""


@dataclass(frozen=True)
class Row:
    """A row of the table; `buffer` is the input of `bytes.decode` for comparing machines, or empty."""

    what: str
    corpus: str
    ours: Way
    reference: Peer
    peers: tuple[Peer, ...] = ()
    decode: Way | None = None

    @property
    def ways(self) -> list[Way]:
        """The ways that are measured."""
        return [way for way in (self.decode, self.ours, self.reference, *self.peers) if isinstance(way, Way)]


@dataclass(frozen=True)
class Cost:
    """The cost of a process with its start and its children; `peak` is the memory of the largest in MiB."""

    cpu: float
    wall: float
    peak: float


def work(name: str, size: int, action: Callable[[], object]) -> Way:
    """A way in this process."""

    def seconds() -> float:
        before = time.process_time()
        action()
        return time.process_time() - before

    return Way(name, size, seconds)


def decode(blocks: Sequence[bytes]) -> Way:
    """The calibration."""
    return work("`bytes.decode`", sum(map(len, blocks)), lambda: [block.decode("utf8") for block in blocks])


def take_turns(rows: Sequence[Row], rounds: int) -> dict[Way, list[float]]:
    """Figures of all ways, measured in turn in every round, so that a slow moment affects all of them."""
    found: dict[Way, list[float]] = {way: [] for row in rows for way in row.ways}
    for number in range(rounds + 1):
        for way, figures in found.items():
            if number == 0 and way.every == 1:
                way.seconds()  # warms everything up
            elif number and (number - 1) % way.every == 0:
                figures.append(way.figure(way.seconds()))
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return found


def cell(way: Peer, figures: dict[Way, list[float]], rounds: int) -> str:
    """Name, median, spread, and the number of rounds if it differs."""
    if isinstance(way, str):
        return way
    found = figures[way]
    unit = "" if way.size else " s"
    said = f"{statistics.median(found):.3g}{unit} [{min(found):.3g}..{max(found):.3g}]"
    rare = "" if len(found) == rounds else f" ({len(found)} rounds)"
    return f"{way.name}: {said}{rare}" if way.name else f"{said}{rare}"


def version(package: str) -> str:
    """The version of a package; empty if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


_LAUNCH = """
import resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
wall, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.buffer.write(done.stderr)
print(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)
sys.exit(done.returncode)
"""
"""An intermediate process: without it the peak of a child would begin at the large one of this process."""


def launch(*processes: Sequence[str | Path], path: Path = ROOT) -> list[Cost]:
    """Run Python processes in parallel; `path` is their module path."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCH, sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for arguments in processes
    ]  # fmt: skip
    said = [process.communicate() for process in running]
    for process, (_, errors) in zip(running, said, strict=True):
        if process.returncode:
            raise SystemExit(f"a measured process failed with {process.returncode}:\n{errors}")
    return [Cost(*map(float, output.split())) for output, _ in said]
