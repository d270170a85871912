"""Collective updates: the ranks add up gradients, compute one norm, and end with equal weights."""

import math
from typing import Protocol

import numpy as np
import paddle

from ernie_core.train.native import flat
from ernie_core.train.optim.host import HostAdamW, Memory
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import gradients, sharding
from ernie_core.train.parallel.meeting import SharedMemory
from ernie_core.train.parallel.ranges import Ranges
from ernie_core.train.parallel.team import Team


class Exchange(Protocol):
    """One update of all ranks: after the last micro step every rank calls `add_up`, then `update`. Sums are float32."""

    def add_up(self) -> float:
        """Add up the gradients of all ranks; returns the norm of the sums, with equal bits on all ranks."""

    def update(self, adamw: Optimiser, rate: float, factor: float) -> None:
        """Update the weights with `factor` times the sums; they are equal on all ranks afterwards."""


def exchange(net: paddle.nn.Layer, team: Team, stage: str, memory: Memory) -> Exchange:
    """The exchange of a team; `stage` is the setting `sharding`, `memory` allocates memory shared by all ranks.

    Stage 2 registers hooks on the backward pass. In shared memory stage 1 has nothing to shard.
    """
    if team.world > 1 and stage == "stage2":
        return ReduceToOwnerExchange(net, team)
    if team.shared is not None:
        return SharedMemoryExchange(net, team.shared, memory)
    return AllReduceExchange(net, team, pass_on=stage == "stage1")


class AllReduceExchange:
    """Every rank gets all sums over the network; a single process has them already."""

    def __init__(self, net: paddle.nn.Layer, team: Team, *, pass_on: bool = False) -> None:
        self.net, self.team = net, team
        self.passed_on = sharding.owned(net, team) if pass_on else []
        self.wide = gradients.Wide()
        self._collect()

    def add_up(self) -> float:
        """See `Exchange`."""
        self.wide.give()
        return gradients.add_up(list(gradients.of(self.net).values()), self.team)

    def update(self, adamw: Optimiser, rate: float, factor: float) -> None:
        """See `Exchange`."""
        adamw.step(rate, factor)
        sharding.pass_on(self.passed_on, self.team)

    def _collect(self) -> None:
        self.wide.take_all(self.net.parameters())


class ReduceToOwnerExchange(AllReduceExchange):
    """The owner of a parameter gets its sum in the backward pass; small ones are added up afterwards."""

    def __init__(self, net: paddle.nn.Layer, team: Team) -> None:
        super().__init__(net, team, pass_on=True)
        self.owners = sharding.owners(net, team)

    def add_up(self) -> float:
        """See `Exchange`."""
        self.wide.give()
        held = gradients.of(self.net)
        small = [gradient for name, gradient in held.items() if self.owners[name] is None]
        own = [gradient for name, gradient in held.items() if self.owners[name] == self.team.rank]
        everyones = gradients.add_up(small, self.team) if small else 0.0
        mine = gradients.norm(own) if own else 0.0
        return math.sqrt(everyones**2 + float(self.team.sum(np.array([mine**2]))[0]))

    def _collect(self) -> None:
        sharding.collect(self.passed_on, self.team, self.wide)
        sent = {id(parameter) for parameter, _ in self.passed_on}
        self.wide.take_all(parameter for parameter in self.net.parameters() if id(parameter) not in sent)


class SharedMemoryExchange:
    """Processes of one machine: each adds up a range of all gradients, and updates the same range of the weights.

    Weights and moments are in memory shared by all ranks, so none has a copy, and nothing is broadcast. Weights may be
    set, and moments read, only where no rank can be in an update.
    """

    def __init__(self, net: paddle.nn.Layer, shared: SharedMemory, memory: Memory) -> None:
        self.net, self.shared = net, shared
        self._ranges: Ranges | None = None
        place, start = memory(sum(int(p.size) for p in net.parameters())), 0
        for parameter in net.parameters():
            flat.lay(parameter, place[start : start + int(parameter.size)])
            start += int(parameter.size)

    def add_up(self) -> float:
        """See `Exchange`."""
        held = gradients.of(self.net)
        sizes = {name: int(np.prod(gradient.shape)) for name, gradient in held.items()}
        if self._ranges is None or self._ranges.sizes != sizes:
            self._ranges = Ranges(self.shared, sizes)
        return math.sqrt(self._ranges.add_up([flat.view(gradient) for gradient in held.values()]))

    def update(self, adamw: Optimiser, rate: float, factor: float) -> None:
        """See `Exchange`."""
        assert isinstance(adamw, HostAdamW) and self._ranges is not None
        adamw.step(rate, factor, self._ranges.own)
        self.shared.meet()
