"""A tiny net, its optimiser and ranks that are threads of one process, for the tests of saving."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import paddle

from ernie_core.model import config
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.checkpoint.snapshot import Progressed
from ernie_core.train.objective import Identity
from ernie_core.train.optim import optimiser
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import gradients
from ernie_core.train.parallel.team import Team

T = TypeVar("T")
IDENTITY = Identity({"arch": "1L16H2", "global_batch_size": 8}, {"processes": 1}, samples=8, title="1L16H2")


class Threads(Team):
    """A team whose ranks are threads; `meeting` is where they exchange values."""

    def __init__(self, rank: int, world: int, meeting: "Meeting") -> None:
        super().__init__(rank, world)
        object.__setattr__(self, "meeting", meeting)

    def gather(self, value: object) -> list[object]:
        return self.meeting.exchange(self.rank, value)

    def first(self, value: T | None) -> T:
        return self.gather(value)[0]  # type: ignore[return-value]

    def barrier(self) -> None:
        self.gather(None)


class Meeting:
    """Where threads hand each other values."""

    def __init__(self, world: int) -> None:
        self.values: list[object] = [None] * world
        self.barrier = threading.Barrier(world, timeout=60)

    def exchange(self, rank: int, value: object) -> list[object]:
        self.values[rank] = value
        self.barrier.wait()
        found = list(self.values)
        self.barrier.wait()
        return found


def together(world: int, work: Callable[[Team], T]) -> list[T]:
    """Do the work as every rank at once; the first error is raised, which ends the waiting of the others."""
    meeting = Meeting(world)

    def run(rank: int) -> T:
        try:
            return work(Threads(rank, world, meeting))
        except BaseException:
            meeting.barrier.abort()
            raise

    with ThreadPoolExecutor(world) as pool:
        futures = [pool.submit(run, rank) for rank in range(world)]
    errors = [error for future in futures if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]


def build(seed: int = 0, arch: str = "1L16H2") -> tuple[ErnieForPretraining, Optimiser]:
    """A net of 7,000 numbers, or a bigger one."""
    paddle.seed(seed)
    shape = config.shape(arch, 100, max_position_embeddings=16, hidden_dropout_prob=0.1)
    net = ErnieForPretraining(shape, True)
    return net, optimiser.adamw(net)


def train(net: ErnieForPretraining, adamw: Optimiser, step: int, saver: Saver | None = None) -> None:
    """One update that depends on the state and on the number of the step alone; `saver` may be saving the last one."""
    paddle.seed(1000 + step)
    ids = paddle.to_tensor(np.random.RandomState(step).randint(1, 100, (4, 12)))
    scores, order = net(ids)
    (scores.square().mean() + order.square().mean()).backward()
    if saver is not None:
        saver.before_update()
    adamw.step(1e-3)
    gradients.let_go(net)


def state(net: ErnieForPretraining, adamw: Optimiser) -> dict[str, bytes]:
    """Every bit of weights and moments."""
    found = {name: tensor.numpy() for name, tensor in net.state_dict().items()} | optimiser.state(adamw)
    return {name: array.tobytes() for name, array in found.items()}


def save(saver: Saver, step: int, net: ErnieForPretraining, adamw: Optimiser, vocab: Path, **options: bool) -> None:
    """Save a step with a log that says so."""
    at = Progressed(step, [f'{{"step": {step}}}'], extra={"spike": 1.5})
    saver.save(step, net, adamw, at, IDENTITY, vocab, {"loss_scaling": 1024.0}, **options)


def vocabulary(place: CheckpointLocation) -> Path:
    """A folder with a vocabulary."""
    folder = place.scratch / "vocab"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("[PAD]\n[CLS]\n")
    return folder
