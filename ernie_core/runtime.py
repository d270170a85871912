"""Starting a process that computes with Paddle: its environment, and the order of its imports."""

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

PARENT = "ERNIE_JOBS_PARENT"
"""Environment variable with the id of the parent process; this process must not outlive it."""
_PDEATHSIG = 1
"""Option of prctl: the signal that the kernel sends when the parent has ended."""


def paddle_environment(cpus: int) -> dict[str, str]:
    """Environment variables to set before the process starts, on any machine.

    The number of threads is fixed because one and two threads give different bits.
    """
    return {"OMP_NUM_THREADS": str(max(1, cpus))}


def fit_processor() -> None:
    """Set what depends on the processor of this machine; call it before Paddle is imported.

    On AMD processors the variable makes the old MKL in Paddle's wheel use its fast path; on Intel's it would keep it
    from using AVX-512, at half the speed. It changes bits, as another processor does, so checkpoints note it.
    """
    if _is_amd():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")


def keep_signals() -> None:
    """Take back the signals that Paddle took when it was imported: at SIGTERM it would end this process unsaved."""
    import paddle

    if threading.current_thread() is not threading.main_thread():
        return  # the main thread has them
    ours = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    paddle.disable_signal_handler()
    for number, handler in ours.items():
        signal.signal(number, handler)


def child() -> Mapping[str, str]:
    """Environment variables of a process that is to end with this one."""
    return {PARENT: str(os.getpid())}


def is_orphan() -> bool:
    """Whether the process that started this one has ended; False if no parent is named."""
    parent = os.environ.get(PARENT)
    return parent is not None and os.getppid() != int(parent)


def end_with_parent(how: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent has ended, or send it now if it has.

    Nothing where no parent is named, or where the system is not Linux.
    """
    if os.environ.get(PARENT) is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PDEATHSIG, int(how), 0, 0, 0)
    if is_orphan():
        os.kill(os.getpid(), how)


@contextlib.contextmanager
def deaf(seconds: float) -> Iterator[None]:
    """Context of a call that neither handles signals nor lets other threads run: this process is killed with its
    parent, and exits by itself after `seconds`, with the stack of every thread in its log."""
    end_with_parent(signal.SIGKILL)
    with contextlib.suppress(OSError, ValueError):  # a log that is no file
        faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        end_with_parent(signal.SIGTERM)


def _is_amd() -> bool:
    info = Path("/proc/cpuinfo")
    return info.is_file() and "AuthenticAMD" in info.read_text(encoding="utf-8", errors="replace")
