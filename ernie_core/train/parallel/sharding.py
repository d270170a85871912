"""Stages 1 and 2 of ZeRO: which rank keeps the optimiser's state of a parameter, updates it, and broadcasts it.

Rajbhandari et al., 2020. Each parameter has one owner; the loads are about equal.
"""

from collections.abc import Callable, Sequence

import paddle

from ernie_core.train.optim.adamw import half
from ernie_core.train.parallel.gradients import Wide
from ernie_core.train.parallel.team import Team

_SMALL = 1 << 16
"""Number of elements below which every rank updates a parameter itself: that is cheaper than a message."""


def share(net: paddle.nn.Layer, team: Team) -> frozenset[str]:
    """The names of the parameters that this rank updates; all if there is one rank."""
    return frozenset(name for name, owner in owners(net, team).items() if owner in (None, team.rank))


def owners(net: paddle.nn.Layer, team: Team) -> dict[str, int | None]:
    """The rank that updates each parameter (None: every rank), in the order of the model; the loads are about equal."""
    loads = [0] * team.world
    sizes = {name: int(parameter.size) for name, parameter in net.named_parameters()}
    chosen: dict[str, int | None] = dict.fromkeys(sizes)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if team.world > 1 and sizes[name] >= _SMALL:
            owner = loads.index(min(loads))
            chosen[name] = owner
            loads[owner] += sizes[name]
    return chosen


Owned = Sequence[tuple[paddle.Tensor, int]]
"""Parameters with their owners."""


def owned(net: paddle.nn.Layer, team: Team) -> Owned:
    """The parameters with one owner, in the order of the model: the same on every rank."""
    pairs = zip(net.parameters(), owners(net, team).values(), strict=True)
    return [(parameter, owner) for parameter, owner in pairs if owner is not None]


def pass_on(parameters: Owned, team: Team) -> None:
    """Broadcast each parameter from its owner to all ranks."""
    for parameter, owner in parameters:
        team.hand_out(parameter, owner)


def collect(parameters: Owned, team: Team, wide: Wide) -> None:
    """Let every backward pass reduce the gradient of a parameter to its owner, added up over the ranks.

    The others free theirs as soon as it is sent, so that no rank ever holds all gradients. The owner's may already hold
    sums of earlier micro steps. Parameters without an owner, and frozen ones, are unchanged. Half precision is sent as
    float32, and the owner's sum is then in `wide`.
    """
    for parameter, owner in parameters:
        if parameter.stop_gradient:
            continue
        parameter._register_backward_hook(_sender(parameter, owner, team, wide))


def _sender(parameter: paddle.Tensor, owner: int, team: Team, wide: Wide) -> Callable[[], None]:
    def sent(gradient: paddle.Tensor) -> bool:
        team.reduce(gradient, owner)
        return team.rank == owner

    def send(*_: object) -> None:
        if half(parameter):
            wide.take(parameter, sent)
            return
        with paddle.no_grad():
            kept = sent(parameter.grad)
        if not kept:
            parameter.clear_gradient(False)

    return send
