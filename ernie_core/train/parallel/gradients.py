"""The gradients of a step as one: added up over the network, measured by one norm, multiplied by one factor.

Those of half precision are float32 as soon as a backward pass has made them: they are a loss scale too big, and what is
left when it is taken out again may be less than half precision can say.
"""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Iterable, Iterator, Sequence

import paddle

from ernie_core.train.optim.adamw import half
from ernie_core.train.parallel.team import Team

_ALONE = 1 << 16
"""Numbers from which on a gradient travels by itself: copying it together with others costs more than a message."""


def of(net: paddle.nn.Layer) -> dict[str, paddle.Tensor]:
    """The gradients that there are, by the names of their parameters: without the order head the pooler has none."""
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


class Wide:
    """The gradients of parameters in half precision, added up in float32 over the micro steps of a step.

    A gradient lies here from its backward pass on, and its parameter has none: Paddle would add the next one in half
    precision. `give` makes the sums the gradients of their parameters, as AdamW on devices takes them.
    """

    def __init__(self) -> None:
        self._sums: dict[str, tuple[paddle.Tensor, paddle.Tensor]] = {}

    def take(self, parameter: paddle.Tensor, over: Callable[[paddle.Tensor], bool] = lambda gradient: True) -> None:
        """Add what a backward pass has left of a gradient, and let that go.

        `over` is given it in float32, to add up ranks in place, and says whether it is kept here.
        """
        with paddle.no_grad():
            gradient = parameter.grad.astype("float32")
            parameter.clear_gradient(False)
            if over(gradient):
                _, held = self._sums.setdefault(parameter.name, (parameter, gradient))
                if held is not gradient:
                    held.add_(gradient)

    def take_all(self, parameters: Iterable[paddle.Tensor]) -> None:
        """From now on, after every backward pass, of those in half precision; the others stay as they are."""
        for parameter in filter(half, parameters):
            parameter._register_backward_hook(lambda *_, parameter=parameter: self.take(parameter))

    def give(self) -> None:
        """After the last micro step; for nets of float32 there is nothing to do."""
        while self._sums:
            _, (parameter, total) = self._sums.popitem()
            parameter.grad = total


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
        squares = [paddle._C_ops.squared_l2_norm(gradient) for gradient in gradients]
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
    small: list[paddle.Tensor] = []
    for gradient in gradients:
        if gradient.size >= _ALONE:
            yield [gradient]
        else:
            small.append(gradient)
    if small:
        yield small
