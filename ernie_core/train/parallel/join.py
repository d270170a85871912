"""How a process gets into the team that it was started for."""

import os
from dataclasses import replace

from ernie_core import runtime
from ernie_core.errors import BadInput
from ernie_core.progress import say
from ernie_core.train.parallel.shared_memory import open_near
from ernie_core.train.parallel.team import ALONE, Team

MEETING = 1800.0
"""Seconds in which all processes must have started."""


def join() -> Team:
    """The team that this process was started for, from the environment of `paddle.distributed.launch` or its like."""
    world = int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))
    if world == 1:
        return ALONE
    paddle = runtime.import_paddle()
    if not paddle.is_compiled_with_cuda():
        os.environ["PADDLE_DISTRI_BACKEND"] = "gloo"
    for name in ("PADDLE_TRAINER_ID", "PADDLE_CURRENT_ENDPOINT", "PADDLE_TRAINER_ENDPOINTS"):
        if name not in os.environ:
            raise BadInput(f"PADDLE_TRAINERS_NUM is {world}, but {name} is not set: start through a launcher")
    import paddle.distributed as dist

    say(f"rank {os.environ['PADDLE_TRAINER_ID']} of {world} looks for the others, for {MEETING:.0f} s at most")
    with runtime.deaf(MEETING):
        dist.init_parallel_env()
    rank = int(os.environ["PADDLE_TRAINER_ID"])
    team = Team(rank, world, int(os.environ.get("PADDLE_RANK_IN_NODE", rank)))
    return team if paddle.is_compiled_with_cuda() else replace(team, near=open_near(team))
