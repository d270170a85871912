"""What each rank of a team comes to: one JSON object on standard output. agreeing.py FILE, for test_team.py."""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle

from ernie_core.train.optim.adamw import AdamWSettings
from ernie_core.train.optim.device import PaddleAdamW
from ernie_core.train.optim.host import HostAdamW
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import gradients, sharding, shared_memory
from ernie_core.train.parallel.exchange import Exchange, exchange
from ernie_core.train.parallel.join import join
from ernie_core.train.parallel.team import Team


def main() -> None:
    """Make every call once."""
    team, done = join(), Path(sys.argv[1])
    if team.rank == 0:
        time.sleep(1)  # time enough for the others, if they did not wait
        done.touch()
    team.barrier()
    waited = done.exists()
    far = replace(team, shared=None)
    net = build()
    for name in sharding.share(net, team):
        parameter = dict(net.named_parameters())[name]
        parameter.set_value(np.full(parameter.shape, 7.0, "float32"))
    sharding.pass_on(sharding.owned(net, team), team)
    found = {
        "waited": waited,
        "rank": team.rank,
        "gather": team.gather({"of": team.rank, "text": "x" * (10 * team.rank)}),
        "first": team.first("from the first" if team.rank == 0 else None),
        "mean": [each.mean(np.array([float(team.rank), 4.0])).tolist() for each in (team, far)],
        "sum": [each.sum(np.array([1.0])).tolist() for each in (team, far)],
        "any": [[each.any(team.rank == 1), each.any(False)] for each in (team, far)],
        "shared": team.shared is not None,
        "share": sorted(sharding.share(net, team)),
        "passed on": [[float(p.min()), float(p.max())] for p in net.parameters()],
        "updates": {
            "in shared memory": updated(team, "none", whole),
            "over the network": updated(far, "none", whole),
            "stage 1": updated(far, "stage1", shared),
            "stage 2": updated(team, "stage2", shared),
            "stage 2 by Paddle": updated(team, "stage2", by_paddle),
        },
    }
    print(json.dumps(found))


def build() -> paddle.nn.Layer:
    """The same on every rank: two big parameters and two small ones."""
    paddle.seed(5)
    return paddle.nn.Sequential(paddle.nn.Linear(300, 300), paddle.nn.Linear(300, 256))


def updated(
    team: Team, stage: str, adamw: Callable[[paddle.nn.Layer, Team, Callable[[int], np.ndarray]], Optimiser]
) -> dict[str, object]:
    """Two steps of two micro steps with gradients of whole numbers: what is left of them, their norm, the weights."""
    net = build()

    def memory(size: int) -> np.ndarray:
        return shared_memory.zeros(team, size)

    way: Exchange = exchange(net, team, stage, memory)
    moves, norms = adamw(net, team, memory), []
    for _ in range(2):
        for _ in range(2):
            sum((p * float(team.rank + 1)).sum() for p in net.parameters()).backward()
        held = list(gradients.of(net))
        norms.append(way.add_up())
        way.update(moves, 0.1, 0.5)
        gradients.let_go(net)
    said = hashlib.sha256(b"".join(p.numpy().tobytes() for p in net.parameters())).hexdigest()
    team.barrier()  # what is shared stays until everyone has looked
    return {"norms": norms, "held": held, "weights": said, "moments": sorted(moves.tensors())}


def whole(net: paddle.nn.Layer, team: Team, memory: Callable[[int], np.ndarray]) -> Optimiser:
    return HostAdamW(net, AdamWSettings(), memory=memory) if team.shared else HostAdamW(net, AdamWSettings())


def shared(net: paddle.nn.Layer, team: Team, memory: object) -> Optimiser:
    return HostAdamW(net, AdamWSettings(), only=sharding.share(net, team))


def by_paddle(net: paddle.nn.Layer, team: Team, memory: object) -> Optimiser:
    return PaddleAdamW(net, AdamWSettings(), only=sharding.share(net, team))


main()
