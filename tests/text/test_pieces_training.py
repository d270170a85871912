"""Training pieces is a process of its own: it can be stopped, and ends with the step."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ernie_core.errors import Stopped
from ernie_core.progress import silent
from ernie_core.text.vocab import pieces_training

pytest.importorskip("sentencepiece")
LONG = """
import random
from ernie_core.progress import never, silent
from ernie_core.text.vocab import pieces_training
rng = random.Random(1)
counts = {" " + "".join(rng.choices("abcdefghijklmnopqrst", k=9)): 2 for _ in range(150_000)}
print("ready", flush=True)
pieces_training.run(counts, 20_000, 1.0, scratch=None, progress=silent, stop=never)
"""


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(holds) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_training_stops_when_it_is_asked_to_and_says_what_it_does():
    rng = random.Random(1)
    counts = {" " + "".join(rng.choices("abcdefghij", k=9)): 2 for _ in range(50_000)}
    chunks = len(counts)
    asked, facts, before = iter([False] * 3), [], children(os.getpid())

    def progress(done, total=None, unit="", **more):
        facts.append(more["doing"])

    with pytest.raises(Stopped, match="what was counted is kept"):
        pieces_training.run(counts, 20_000, 1.0, scratch=None, progress=progress, stop=lambda: next(asked, True))
    assert facts == [f"training pieces on {chunks} different words"] * 3
    assert children(os.getpid()) == before, "those of other tests alone"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ends it on Linux alone")
def test_training_ends_with_the_process_that_started_it():
    parent = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout.readline() == "ready\n"
        until(lambda: children(parent.pid))
        [child] = children(parent.pid)
        until(lambda: "pieces_training" in Path(f"/proc/{child}/cmdline").read_text())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not running(child))
    finally:
        parent.kill()
        parent.communicate()


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_training_stops_at_once_where_it_was_asked_before():
    with pytest.raises(Stopped):
        pieces_training.run({" a": 1}, 20, 1.0, scratch=None, progress=silent, stop=lambda: True)
