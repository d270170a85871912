"""How a process joins the team that it was started for."""

import os
from dataclasses import replace

from ernie_core import runtime
from ernie_core.errors import BadInput
from ernie_core.progress import say
from ernie_core.train.parallel.shared_memory import open_shared
from ernie_core.train.parallel.team import ALONE, Team

MEETING = 1800.0
"""Most seconds until all processes have started."""


def join() -> Team:
    """The team of this process, from the variables of `paddle.distributed.launch`. BadInput if one is missing."""
    world = int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))
    if world == 1:
        return ALONE
    import paddle

    if not paddle.is_compiled_with_cuda():
        os.environ["PADDLE_DISTRI_BACKEND"] = "gloo"
    for name in ("PADDLE_TRAINER_ID", "PADDLE_CURRENT_ENDPOINT", "PADDLE_TRAINER_ENDPOINTS"):
        if name not in os.environ:
            raise BadInput(f"PADDLE_TRAINERS_NUM is {world}, but {name} is not set: start through a launcher")
    import paddle.distributed as dist

    say(f"rank {os.environ['PADDLE_TRAINER_ID']} of {world} waits for the others, at most {MEETING:.0f} s")
    with runtime.deaf(MEETING):
        dist.init_parallel_env()
    rank = int(os.environ["PADDLE_TRAINER_ID"])
    team = Team(rank, world, int(os.environ.get("PADDLE_RANK_IN_NODE", rank)))
    return team if paddle.is_compiled_with_cuda() else replace(team, shared=open_shared(team))
