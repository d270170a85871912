"""Logs of pods: the first one followed into the launcher's log and into the store, the last lines of one that died."""

import threading
import time

from components.launch.kube import Kube
from components.launch.observation import Refusal, Unavailable
from components.runtime.redact import redact
from ernie_core import errors
from ernie_core.store import Store

PIECE, EVERY, MOST = 256 * 2**10, 30.0, 4 * 2**20
"""Bytes and seconds after which a piece of the log goes to the store; bytes that wait for one that does not answer."""
LAST = 200
"""Lines of a pod that died."""
PAUSE = 2.0


def last_words(kube: Kube, pod: str, container: str, lines: int = LAST) -> list[str]:
    """The end of a pod's log; empty if it no longer exists."""
    try:
        found = list(kube.log(pod, container, tailLines=lines))
    except (Refusal, Unavailable):
        return []
    return [redact(line.decode("utf-8", "replace")) for line in found]


class Follower:
    """Follows the log of one pod from a thread of its own, over every cut of the line, each line once.

    Lines are kept with their times in `<folder>/<series>-<number>.log`, from which a launcher that comes later sees
    where the one before it was.
    """

    def __init__(self, kube: Kube, store: Store, folder: str, series: str, pod: str, container: str,
                 prefix: str) -> None:  # fmt: skip
        self.pod = pod
        self._kube, self._store, self._container, self._prefix = kube, store, container, prefix
        self._place, self._folder, self._series = f"{folder}/{series}", folder, series
        self._over, self._last, self._piece = threading.Event(), "", 0
        self._lines: list[str] = []
        self._size, self._kept = 0, time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, seconds: float = 5.0) -> None:
        """The pod has ended: read what is left, and keep it."""
        self._over.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            over = self._over.is_set()
            try:
                if not self._piece:
                    self._resume()
                # The server compares whole seconds: it sends again what came in the same one.
                floor, since = self._last, {"sinceTime": self._last} if self._last else {}
                for line in self._kube.log(self.pod, self._container, follow="true", timestamps="true", **since):
                    self._take(line, floor)
            except Refusal as refusal:
                over = over or refusal.status == 404  # the pod is gone, and its log with it
            except errors.Error:
                pass  # the next turn continues after the last line
            self._flush(True)
            if over:
                return
            self._over.wait(PAUSE)

    def _resume(self) -> None:
        """After what is kept already."""
        pieces = [name for name in self._store.children(self._folder) if name.startswith(f"{self._series}-")]
        if pieces:
            kept = self._store.read(f"{self._folder}/{pieces[-1]}").decode("utf-8", "replace").rstrip("\n")
            # not by splitlines: a line of text may hold what that takes for an end, U+2028 for example
            self._last = kept.rpartition("\n")[2].partition(" ")[0]
        self._piece = 1 + (int(pieces[-1].removesuffix(".log").rpartition("-")[2]) if pieces else 0)

    def _take(self, line: bytes, floor: str) -> None:
        moment, _, text = redact(line.decode("utf-8", "replace")).partition(" ")
        if moment <= floor:
            return
        self._last = moment
        print(f"{self._prefix} {text}", flush=True)
        self._lines.append(f"{moment} {text}")
        self._size += len(line) + 1
        self._flush(self._size >= PIECE or time.monotonic() - self._kept >= EVERY)

    def _flush(self, now: bool) -> None:
        if not now or not self._lines:
            return
        self._kept = time.monotonic()
        try:
            self._store.write(f"{self._place}-{self._piece:05d}.log", ("\n".join(self._lines) + "\n").encode())
        except errors.Error as error:
            if self._size > MOST:
                print(f"{self._prefix} {len(self._lines)} lines are not in the store: {error}", flush=True)
                self._lines, self._size = [], 0
            return
        self._lines, self._size, self._piece = [], 0, self._piece + 1
