"""What the ranks do together in an update: gradients added up, one norm of all, and equal weights in the end."""

import math
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from typing import Protocol

import numpy as np
import paddle

from ernie_core.train.native import flat
from ernie_core.train.optim.host import HostAdamW, Memory
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import gradients, sharding
from ernie_core.train.parallel.meeting import Near
from ernie_core.train.parallel.ranges import Ranges
from ernie_core.train.parallel.team import Team


class Exchange(Protocol):
    """After the last micro step every rank calls `add_up`, then `update`. What is added up is float32."""

    def add_up(self) -> float:
        """Add up the gradients of all ranks; the norm of the sums, with equal bits on all of them."""

    def update(self, adamw: Optimiser, rate: float, factor: float) -> None:
        """Move the weights by `factor` times the sums; they are equal on all ranks then."""


def exchange(net: paddle.nn.Layer, team: Team, stage: str, memory: Memory) -> Exchange:
    """The way of a team; `stage` is one of recipe.SHARDING, `memory` gives what all ranks of a machine see.

    Stage 2 changes what a backward pass leaves. In shared memory there is nothing to shard for stage 1.
    """
    if team.world > 1 and stage == "stage2":
        return Collected(net, team)
    if team.near is not None:
        return Nearby(net, team.near, memory)
    return Everywhere(net, team, pass_on=stage == "stage1")


class Everywhere:
    """Every rank gets every sum, over the network; whoever is alone has them."""

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


class Collected(Everywhere):
    """The owner of a parameter has its sum since the backward pass; the small ones are added up now."""

    def __init__(self, net: paddle.nn.Layer, team: Team) -> None:
        super().__init__(net, team, pass_on=True)
        self.owners = sharding.owners(net, team)

    def add_up(self) -> float:
        """See `Exchange`."""
        self.wide.give()
        found = gradients.of(self.net)
        small = [gradient for name, gradient in found.items() if self.owners[name] is None]
        own = [gradient for name, gradient in found.items() if self.owners[name] == self.team.rank]
        everyones = gradients.add_up(small, self.team) if small else 0.0
        mine = gradients.norm(own) if own else 0.0
        return math.sqrt(everyones**2 + float(self.team.sum(np.array([mine**2]))[0]))

    def _collect(self) -> None:
        sharding.collect(self.passed_on, self.team, self.wide)
        sent = {id(parameter) for parameter, _ in self.passed_on}
        self.wide.take_all(parameter for parameter in self.net.parameters() if id(parameter) not in sent)


class Nearby:
    """Processes of one machine: each adds up a range of all gradients, and moves the same range of the weights.

    Weights and moments lie in memory that all ranks share: nobody has a share of its own, and nothing is passed on.
    Whoever writes weights or reads moments does so where no rank can be in an update.
    """

    def __init__(self, net: paddle.nn.Layer, near: Near, memory: Memory) -> None:
        self.net, self.near = net, near
        self._ranges: Ranges | None = None
        place, start = memory(sum(int(p.size) for p in net.parameters())), 0
        for parameter in net.parameters():
            flat.lay(parameter, place[start : start + int(parameter.size)])
            start += int(parameter.size)

    def add_up(self) -> float:
        """See `Exchange`."""
        found = gradients.of(self.net)
        sizes = {name: int(np.prod(gradient.shape)) for name, gradient in found.items()}
        if self._ranges is None or self._ranges.sizes != sizes:
            self._ranges = Ranges(self.near, sizes)
        return math.sqrt(self._ranges.add_up([flat.view(gradient) for gradient in found.values()]))

    def update(self, adamw: Optimiser, rate: float, factor: float) -> None:
        """See `Exchange`."""
        assert isinstance(adamw, HostAdamW) and self._ranges is not None
        adamw.step(rate, factor, self._ranges.own)
        self.near.meet()
