"""A training that does little but save, in a process of its own to be killed: saving.py URL SCRATCH STEPS [ARCH]."""

import os
import signal
import sys
from pathlib import Path

from train import ranks

from ernie_core import errors
from ernie_core.store import open_store
from ernie_core.train.checkpoint import commit, snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.monitor.log import say
from ernie_core.train.parallel.team import Team

EVERY = 3


def run(url: str, scratch: Path, steps: int, arch: str, stop: list[int]) -> None:
    """Train so many steps, from the newest checkpoint on, and save every third."""
    place, team = CheckpointLocation(open_store(url), "pretrain/x", scratch), Team()
    vocab = ranks.vocabulary(place)
    commit.attempt(place, limit=100)
    net, adamw = ranks.build(arch=arch)
    saver, step = Saver(place, team, say), 0
    if found := commit.agreed(place, team, say):
        step = snapshot.read(found.folder, net, adamw, ranks.IDENTITY)[0].step
    say(f"training after step {step}")
    while step < steps:
        step += 1
        ranks.train(net, adamw, step, saver)
        saver.check()
        if step % EVERY == 0 or step == steps or stop:
            ranks.save(saver, step, net, adamw, vocab)
        if stop and step < steps:
            saver.wait()
            raise errors.Stopped(f"stopped after step {step}")
    saver.wait()


if __name__ == "__main__":
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), (*sys.argv[4:], "1L16H2")[0], asked)
    except errors.Error as error:
        say(str(error))
        os._exit(error.exit_code)
