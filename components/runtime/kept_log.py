"""Keeps a copy of a step's output in the store: pods are deleted, and their logs with them."""

import contextlib
import os
import sys
import threading
import time
from datetime import datetime, timezone
from types import TracebackType

from components.runtime.redact import redact
from ernie_core import errors
from ernie_core.store import Store

PIECE, EVERY, MOST = 256 * 2**10, 20.0, 4 * 2**20
"""Bytes and seconds after which a piece goes to the store; bytes that wait for one that does not answer."""
_OUT, _ERROR = 1, 2


class KeptLog:
    """A `with` block in which everything that this process and its children print is kept as well, in
    `<folder>/<series>-<number>.log`: a line behind the time at which it came. Killed, it loses the last seconds."""

    def __init__(self, store: Store, folder: str, series: str) -> None:
        self._store, self._place, self._piece = store, f"{folder}/{series}", 1
        self._lines: list[str] = []
        self._size, self._written = 0, time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> None:
        self._before = {number: os.dup(number) for number in (_OUT, _ERROR)}
        self._threads = [
            threading.Thread(target=self._read, args=pair, daemon=True) for pair in map(_divert, (_OUT, _ERROR))
        ]
        self._writer = threading.Thread(target=self._write, daemon=True)
        for thread in (*self._threads, self._writer):
            thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, old in self._before.items():
            os.dup2(old, number)
        for thread in self._threads:
            thread.join(5.0)  # a surviving child keeps the pipe open
        self._over.set()
        self._writer.join(30.0)

    def _read(self, number: int, source: int) -> None:
        rest, out = b"", self._before[number]
        while data := os.read(source, 65536):
            with contextlib.suppress(OSError):  # the reader of this output is gone: it is still kept
                os.write(out, data)
            *lines, rest = (rest + data).split(b"\n")
            self._take(lines)
        self._take([rest] if rest else [])

    def _take(self, lines: list[bytes]) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self._lock:
            for line in lines:
                self._lines.append(f"{now} {redact(line.decode('utf-8', 'replace'))}")
                self._size += len(line)

    def _write(self) -> None:
        while not self._over.wait(0.5):
            if self._size >= PIECE or time.monotonic() - self._written >= EVERY:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines, size, self._lines, self._size = self._lines, self._size, [], 0
        self._written = time.monotonic()
        if not lines:
            return
        try:
            self._store.write(f"{self._place}-{self._piece:05d}.log", ("\n".join(lines) + "\n").encode())
            self._piece += 1
        except errors.Error as error:
            if size > MOST:
                os.write(self._before[_ERROR], f"{len(lines)} lines are not kept: {error}\n".encode())
                return
            with self._lock:
                self._lines, self._size = lines + self._lines, size + self._size


def _divert(number: int) -> tuple[int, int]:
    """Have all that is written to a stream go into a pipe; the stream, and where the pipe is read."""
    source, sink = os.pipe()
    os.dup2(sink, number)
    os.close(sink)
    return number, source
