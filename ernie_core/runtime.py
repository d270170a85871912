"""How a process that computes with Paddle starts: its environment, and the order of its imports."""

import os
import signal
import threading
from pathlib import Path
from types import ModuleType


def paddle_environment(cpus: int) -> dict[str, str]:
    """What must be in the environment before the process starts, wherever that is.

    The number of threads is fixed because one and two threads give different bits.
    """
    return {"OMP_NUM_THREADS": str(max(1, cpus))}


def fit_processor() -> None:
    """Set what depends on the processor that this very process runs on; before Paddle is imported.

    On AMD processors the variable makes the old MKL in Paddle's wheel use its fast path; on Intel's it would keep it
    from using AVX-512, at half the speed. It changes bits, as another processor does, so checkpoints note it.
    """
    if _is_amd():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")


def import_paddle() -> ModuleType:
    """Import paddle behind zlib: the other order ends in a segmentation fault at the first use of zlib."""
    import zlib  # noqa: F401

    import paddle

    return paddle


def keep_signals() -> None:
    """Take back the signals that Paddle took when it was imported: at SIGTERM it would end this process unsaved."""
    import paddle

    if threading.current_thread() is not threading.main_thread():
        return  # whoever started the thread has them
    ours = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    paddle.disable_signal_handler()
    for number, handler in ours.items():
        signal.signal(number, handler)


def _is_amd() -> bool:
    info = Path("/proc/cpuinfo")
    return info.is_file() and "AuthenticAMD" in info.read_text(encoding="utf-8", errors="replace")
