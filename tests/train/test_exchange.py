"""Processes of one machine that share weights and moments: no rank changes what another one is still copying."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from train import ranks

from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.store import artefact, open_store
from ernie_core.train import step
from ernie_core.train.checkpoint import commit, copies, snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.guard import Guard
from ernie_core.train.optim import optimiser
from ernie_core.train.optim.adamw import AdamWSettings
from ernie_core.train.optim.host import HostAdamW
from ernie_core.train.optim.precision import Scaler
from ernie_core.train.parallel import shared_memory
from ernie_core.train.parallel.exchange import SharedMemoryExchange
from ernie_core.train.parallel.team import Team

BUSY = threading.Lock()
"""Paddle's seed belongs to the process, so ranks that are threads compute one after the other."""


def begin(team: Team, place: CheckpointLocation) -> SimpleNamespace:
    """What `step` needs of a training whose ranks share everything."""

    def memory(size: int) -> np.ndarray:
        return shared_memory.zeros(team, size)

    shared = shared_memory.open_shared(team, 1024)
    assert shared is not None
    with BUSY:
        net, _ = ranks.build()
    way = SharedMemoryExchange(net, shared, memory)
    return SimpleNamespace(
        objective=SimpleNamespace(net=net, course=SimpleNamespace(settings=PretrainRecipe())),
        scaler=Scaler(), team=team, net=net, exchange=way, guard=Guard(None, 100, 5), kept="",
        adamw=HostAdamW(net, AdamWSettings(), memory=memory), saver=Saver(place, team, [].append),
        log=SimpleNamespace(saved=lambda seconds: None),
    )  # fmt: skip


def update(training: SimpleNamespace, number: int) -> None:
    """One step on a batch of the rank's own."""
    with BUSY:
        paddle.seed(number)
        ids = np.random.RandomState(10 * number + training.team.rank).randint(1, 100, (4, 12))
        scores, order = training.net(paddle.to_tensor(ids))
        (scores.square().mean() + order.square().mean()).backward()
    training.team.barrier()
    step._update(training, number, 1e-2)


@pytest.mark.parametrize("late", [0, 1])
def test_no_rank_moves_what_another_one_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: int) -> None:
    place = CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path / "scratch")
    place.scratch.mkdir()
    copy, take = copies.Copies._copy, copies.Copies.take
    slow: list[object] = []

    def slowly(memory: copies.Copies, name: str, values: np.ndarray) -> np.ndarray:
        time.sleep(0.01 if memory in slow else 0.0)
        return copy(memory, name, values)

    def begun_late(memory: copies.Copies, seen: dict[str, copies.Captured]) -> dict[str, np.ndarray]:
        time.sleep(0.3 if memory in slow else 0.0)
        return take(memory, seen)

    monkeypatch.setattr(copies, "SMALL", 4)
    monkeypatch.setattr(copies.Copies, "_copy", slowly)
    monkeypatch.setattr(copies.Copies, "take", begun_late)

    def rank(team: Team) -> dict[str, bytes]:
        training = begin(team, place)
        if team.rank == late:
            slow.append(training.saver._copies)
        team.barrier()
        update(training, 1)
        state = ranks.state(training.net, training.adamw)
        team.barrier()
        ranks.save(training.saver, 1, training.net, training.adamw, ranks.vocabulary(place))
        update(training, 2)
        assert ranks.state(training.net, training.adamw) != state
        training.saver.wait()
        return state

    one, other = ranks.together(2, rank)
    assert one == other
    found = commit.latest(place, [].append)
    assert found is not None and artefact.verify(place.store, "pretrain/x/model_1") == []
    net, _ = ranks.build(seed=9)
    adamw = optimiser.adamw(net)
    snapshot.read(found.folder, net, adamw, ranks.IDENTITY)
    assert ranks.state(net, adamw) == one
