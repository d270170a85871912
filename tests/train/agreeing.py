"""What each rank of a team comes to: one JSON object on standard output. agreeing.py FILE, for test_team.py."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ernie_core.runtime import import_paddle
from ernie_core.train import gradients, sharding
from ernie_core.train.team import join

paddle = import_paddle()


def main() -> None:
    """Make every call once."""
    team, done = join(), Path(sys.argv[1])
    if team.rank == 0:
        time.sleep(1)  # time enough for the others, if they did not wait
        done.touch()
    team.barrier()
    waited = done.exists()
    sizes = (70_000, 3, 5)
    near, far = ([paddle.full([size], float(team.rank + 1)) for size in sizes] for _ in range(2))
    norms = [gradients.add_up(near, team), gradients.add_up(far, replace(team, near=None))]
    net = paddle.nn.Sequential(paddle.nn.Linear(300, 300), paddle.nn.Linear(300, 256))
    for name in sharding.share(net, team):
        parameter = dict(net.named_parameters())[name]
        parameter.set_value(np.full(parameter.shape, 7.0, "float32"))
    sharding.pass_on(net, team)
    found = {
        "waited": waited,
        "rank": team.rank,
        "gather": team.gather({"of": team.rank, "text": "x" * (10 * team.rank)}),
        "first": team.first("from the first" if team.rank == 0 else None),
        "mean": team.mean(np.array([float(team.rank), 4.0])).tolist(),
        "sum": team.sum(np.array([1.0])).tolist(),
        "any": [team.any(team.rank == 1), team.any(False)],
        "near": team.near is not None,
        "gradients": [[float(g.min()), float(g.max())] for g in near + far],
        "norms": norms,
        "share": sorted(sharding.share(net, team)),
        "passed on": [[float(p.min()), float(p.max())] for p in net.parameters()],
    }
    print(json.dumps(found))


main()
