"""Processes that die before any one of their file operations."""

import faulthandler
import os
import sys
from collections.abc import Callable

CHANGES = (
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.utime", "os.truncate",
    "shutil.",
)  # fmt: skip


def dies_after(operations: int, work: Callable[[], None]) -> bool:
    """Do work in a child process that dies before its file operation number `operations`; False if it finished.

    The operations of all its threads count.
    """
    child = os.fork()
    if child == 0:
        left = operations

        def count(event: str, _: object) -> None:
            nonlocal left
            if event.startswith(CHANGES):
                left -= 1
                if left < 0:
                    os._exit(9)

        code = 1
        faulthandler.dump_traceback_later(60, exit=True)  # a child that hangs says where
        try:
            sys.addaudithook(count)
            work()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), "the work failed by itself"
    return code == 9
