"""The small files by which the process of a step says how far it is and how it ended."""

import builtins
import contextlib
import functools
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ernie_core.progress import Progress, say

LAST_WORDS = 16384
"""Bytes that are reserved for how a step ends."""
QUIET = ("leave_seconds",)
"""Facts that are for a runner, not for people."""


class Reporter:
    """Progress as a small file that a runner reads, and now and then as a line in the log."""

    def __init__(self, file: Path) -> None:
        self._file, self._written, self._logged, self._started = file, 0.0, time.monotonic(), time.monotonic()
        self._doing: object = None
        self._failed = False

    def __call__(self, done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
        now, doing = time.monotonic(), facts.get("doing")
        if now - self._written < 0.3 and done != total and doing == self._doing:
            return
        self._written, self._doing = now, doing
        seconds = round(now - self._started, 3)
        row = {"done": done, "total": total, "unit": unit, "seconds": seconds, "time": time.time(), **facts}
        self._write(json.dumps(row).encode())
        if now - self._logged >= 10:
            self._logged = now
            facts = {k: v for k, v in facts.items() if k not in QUIET}
            shown = {"done": f"{done:g}", "total": f"{total:g}" if total else "?", "unit": unit or "-", **facts}
            print(
                " ".join(f"{k}={v:.6g}" if isinstance(v, float) else f"{k}={v}" for k, v in shown.items()), flush=True
            )

    def bytes(self, doing: str) -> Progress:
        """The same, for bytes that are moved."""
        return functools.partial(self, doing=doing)

    def _write(self, data: "builtins.bytes") -> None:
        """A failed write is reported once: the work is worth more than its progress display."""
        try:
            write(self._file, data, durable=False)
            self._failed = False
        except OSError as error:
            if not self._failed:
                say(f"progress cannot be written, the step continues: {error}")
            self._failed = True


def write(file: Path, data: bytes, durable: bool = True) -> None:
    """Replace a small file so that a reader sees the old or the new one, never a part."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with open(temporary, "wb") as handle:
        handle.write(data)
        if durable:
            handle.flush()
            os.fsync(handle.fileno())
    os.replace(temporary, file)


def read(file: Path) -> Mapping[str, Any]:
    """A small file that another process writes with `write` or `conclude`; empty if it has not, or was killed in it."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def reserve(file: Path) -> None:
    """Reserve space for the outcome on a disk that may be full when it is written."""
    with contextlib.suppress(OSError):  # full already: what comes next will say so
        write(file, b" " * LAST_WORDS, durable=False)


def conclude(file: Path, data: bytes) -> None:
    """Write the outcome, into the reserved space if there is no other."""
    try:
        write(file, data)
    except OSError as error:
        try:
            with open(file, "r+b") as handle:
                handle.write(data[:LAST_WORDS])
                handle.truncate()
        except OSError:
            say(f"the outcome cannot be written to {file}: {error}")


def killed(code: int) -> str:
    """How a process with a negative exit code ended, as `killed by SIGTERM`, with the remedy where there is one."""
    more = ", most likely out of memory: raise `memory:`" if code == -signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{more}"
