"""Two ranks that meet once; then the second one goes, and the first waits for it. meeting.py HOW WAITS, for
test_shared_memory.py."""

import os
import signal
import sys

import numpy as np

from ernie_core import errors
from ernie_core.train.parallel.join import join

team = join()
assert team.shared is not None
team.sum(np.ones(1))
if team.rank == 1:
    if sys.argv[1] == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)
waits = {"sum": lambda: team.sum(np.ones(1)), "barrier": team.barrier, "gather": lambda: team.gather(1)}
try:
    waits[sys.argv[2]]()
except errors.Unreachable as error:
    print(error, flush=True)
os._exit(0)
