"""A process ends with the one that started it: it saves and exits, or is ended if it does not react."""

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback

from components.runtime.stop import Stop
from ernie_core import errors, runtime, waiting
from ernie_core.progress import say

STILL = 180.0
"""Seconds without any sign of work, once its launcher has gone, after which a process is ended: a request that hangs is
given up after 120."""
WORK = 0.02
"""Seconds of CPU time between two checks that count as work."""
LOOK = 1.0


def follow(stop: Stop) -> None:
    """Set `stop` when the process that started this one ends, if it asked for that, and enforce it.

    The other end of stdin is held by the parent, and the kernel sends SIGTERM when it dies: either is enough.
    """
    if os.environ.get(runtime.PARENT) is not None:
        threading.Thread(target=_follow, args=(stop,), daemon=True).start()
        runtime.end_with_parent(signal.SIGTERM)


def _follow(stop: Stop) -> None:
    while os.read(0, 4096):
        pass
    stop.set()
    at, since, spent = _place(), time.monotonic(), time.process_time()
    while True:
        time.sleep(LOOK)
        worked, spent = time.process_time() - spent > WORK, time.process_time()
        if (now := _place()) != at or worked:
            at, since = now, time.monotonic()
        elif time.monotonic() - since > STILL:
            say(f"the process that started this one is gone and this one was idle for {STILL:.0f} s: exiting")
            faulthandler.dump_traceback(file=sys.__stderr__ or 2)
            os._exit(errors.Stopped.exit_code)


def _place() -> object:
    """The position of the main thread in Python code; it changes for one that waits within bounds."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    return waiting.turns(), [(f.f_code.co_filename, f.f_lasti) for f, _ in traceback.walk_stack(frame)]
