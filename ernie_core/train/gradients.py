"""The gradients of a step as one: added up over the processes, measured by one norm, multiplied by one factor."""

import math
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Iterator, Sequence

import paddle

from ernie_core.train.team import Team

_ALONE = 1 << 16
"""Numbers from which on a gradient travels by itself: copying it together with others costs more than a message."""


def add_up(gradients: Sequence[paddle.Tensor], team: Team) -> float:
    """Replace every gradient by its sum over the ranks, with equal bits on all; returns the norm of the sums.

    Through memory that all ranks share, or over the network: one message for each big one and one for all small ones.
    Done once a step, after the last micro step: no rank waits for another before, and recomputing needs no care.
    """
    with paddle.no_grad():
        if team.near is not None and all(gradient.dtype == paddle.float32 for gradient in gradients):
            return math.sqrt(team.near.add_up(gradients))
        if team.world > 1:
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
