"""The gradients of a step as one: added up over the network, measured by one norm, multiplied by one factor."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Iterator, Sequence

import paddle

from ernie_core.train.team import Team

_ALONE = 1 << 16
"""Numbers from which on a gradient travels by itself: copying it together with others costs more than a message."""


def of(net: paddle.nn.Layer) -> dict[str, paddle.Tensor]:
    """The gradients that there are, by the names of their parameters: without the order head the pooler has none."""
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


def add_up(gradients: Sequence[paddle.Tensor], team: Team) -> float:
    """Replace every gradient by its sum over the ranks, with equal bits on all; returns the norm of the sums.

    One message for each big one and one for all small ones, once a step, after the last micro step: no rank waits for
    another before, and recomputing needs no care.
    """
    if team.world > 1:
        with paddle.no_grad():
            _send(gradients, team)
    return norm(gradients)


def norm(gradients: Sequence[paddle.Tensor]) -> float:
    """The root of the sum of all squares; inf or NaN if one of them is."""
    with paddle.no_grad():
        squares = [paddle._C_ops.squared_l2_norm(_wide(gradient)) for gradient in gradients]
        return float(paddle.concat([square.reshape([1]) for square in squares]).sum().sqrt())


def scale(gradients: Sequence[paddle.Tensor], factor: float) -> None:
    """Multiply all of them, in place."""
    if factor != 1.0:
        with paddle.no_grad():
            for gradient in gradients:
                gradient.scale_(factor)


def let_go(net: paddle.nn.Layer) -> None:
    """Free all of them instead of filling them with zeros: the next ones are written where these were."""
    for parameter in net.parameters():
        parameter.clear_gradient(False)


def clip(norm: float, most: float) -> float:
    """What gradients with this norm are multiplied by so that it is at most `most`; 0 does not clip."""
    return most / norm if 0 < most < norm else 1.0


def _wide(gradient: paddle.Tensor) -> paddle.Tensor:
    """In float32: squares of half precision overflow at 256."""
    return gradient if gradient.dtype == paddle.float32 else gradient.astype("float32")


def _send(gradients: Sequence[paddle.Tensor], team: Team) -> None:
    """Add up over the network."""
    for some in _together(gradients):
        if len(some) == 1:
            team.add_up(some)
            continue
        joined = paddle.concat([gradient.flatten() for gradient in some])
        team.add_up([joined])
        for gradient, total in zip(some, joined.split([g.size for g in some]), strict=True):
            paddle.assign(total.reshape(gradient.shape), gradient)


def _together(gradients: Sequence[paddle.Tensor]) -> Iterator[list[paddle.Tensor]]:
    small: dict[str, list[paddle.Tensor]] = {}
    for gradient in gradients:
        if gradient.size >= _ALONE:
            yield [gradient]
        else:
            small.setdefault(str(gradient.dtype), []).append(gradient)
    yield from small.values()
