"""Who keeps the optimiser's state of a parameter, updates it, and passes it on: stages 1 and 2 of ZeRO.

Rajbhandari et al., 2020. A parameter has one owner as a whole; the loads are about equal.
"""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Sequence

import paddle

from ernie_core.train.optim.adamw import half
from ernie_core.train.parallel.gradients import Wide
from ernie_core.train.parallel.team import Team

_SMALL = 1 << 16
"""Numbers below which every rank updates a parameter itself: that is cheaper than a message."""


def share(net: paddle.nn.Layer, team: Team) -> frozenset[str]:
    """The names of the parameters that this rank updates; everything if it is alone."""
    return frozenset(name for name, owner in owners(net, team).items() if owner in (None, team.rank))


def owners(net: paddle.nn.Layer, team: Team) -> dict[str, int | None]:
    """Which rank updates a parameter (None: every rank), in the order of the model; the loads are about equal."""
    loads = [0] * team.world
    sizes = {name: int(parameter.size) for name, parameter in net.named_parameters()}
    found: dict[str, int | None] = dict.fromkeys(sizes)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if team.world > 1 and sizes[name] >= _SMALL:
            owner = loads.index(min(loads))
            found[name] = owner
            loads[owner] += sizes[name]
    return found


Owned = Sequence[tuple[paddle.Tensor, int]]
"""Parameters with their owners."""


def owned(net: paddle.nn.Layer, team: Team) -> Owned:
    """What has one owner, in the order of the model: the same on every rank."""
    found = zip(net.parameters(), owners(net, team).values(), strict=True)
    return [(parameter, owner) for parameter, owner in found if owner is not None]


def pass_on(parameters: Owned, team: Team) -> None:
    """Give every rank the parameters that the others have updated."""
    for parameter, owner in parameters:
        team.hand_out(parameter, owner)


def collect(parameters: Owned, team: Team, wide: Wide) -> None:
    """From now on every backward pass leaves the gradient of a parameter with its owner alone, added up over the ranks.

    The others let theirs go as soon as it is sent, so that no rank ever holds all gradients. The owner's may already
    have what earlier micro steps brought. What has no owner stays as it is. Half precision is sent as float32, and the
    owner's is in `wide` then.
    """
    for parameter, owner in parameters:
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
