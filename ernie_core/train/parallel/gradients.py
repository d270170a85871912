"""All gradients of a step: added up over the network, measured by one norm, multiplied by one factor.

Those in half precision become float32 right after the backward pass: they include the loss scale, and dividing by it
may underflow in half precision.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import paddle

from ernie_core.train.optim.adamw import half
from ernie_core.train.parallel.team import Team

_ALONE = 1 << 16
"""Number of elements from which a gradient is sent by itself: copying it into a joint message costs more."""


def of(net: paddle.nn.Layer) -> dict[str, paddle.Tensor]:
    """The existing gradients by the names of their parameters: without the order head the pooler has none."""
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


class Wide:
    """The gradients of parameters in half precision, added up in float32 over the micro steps of a step.

    A gradient is moved here after its backward pass, and its parameter has none: Paddle would add the next one in half
    precision. `give` makes the sums the gradients of their parameters, as AdamW on devices expects.
    """

    def __init__(self) -> None:
        self._sums: dict[str, tuple[paddle.Tensor, paddle.Tensor]] = {}

    def take(self, parameter: paddle.Tensor, over: Callable[[paddle.Tensor], bool] = lambda gradient: True) -> None:
        """Add the gradient of a backward pass to the sum, and free it.

        `over` gets it in float32, may add up the ranks in place, and returns whether it is kept here.
        """
        with paddle.no_grad():
            gradient = parameter.grad.astype("float32")
            parameter.clear_gradient(False)
            if over(gradient):
                _, held = self._sums.setdefault(parameter.name, (parameter, gradient))
                if held is not gradient:
                    held.add_(gradient)

    def take_all(self, parameters: Iterable[paddle.Tensor]) -> None:
        """Do so after every backward pass for parameters in half precision; others, and frozen ones, are unchanged."""
        for parameter in filter(half, parameters):
            if not parameter.stop_gradient:
                parameter._register_backward_hook(lambda *_, parameter=parameter: self.take(parameter))

    def give(self) -> None:
        """Set the sums as gradients after the last micro step; a net in float32 has none."""
        while self._sums:
            _, (parameter, total) = self._sums.popitem()
            parameter.grad = total


def add_up(gradients: Sequence[paddle.Tensor], team: Team) -> float:
    """Replace every gradient by its sum over the ranks, with equal bits on all; returns the norm of the sums.

    One message for each big gradient, one for all small ones, once per step, after the last micro step: no rank waits
    for another before that, and recomputation needs no special care.
    """
    if team.world > 1:
        with paddle.no_grad():
            _send(gradients, team)
    return norm(gradients)


def norm(gradients: Sequence[paddle.Tensor]) -> float:
    """The global L2 norm; inf or NaN if an element is."""
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
    """Free all gradients instead of setting them to zero: the next ones reuse their memory."""
    for parameter in net.parameters():
        parameter.clear_gradient(False)


def clip(norm: float, most: float) -> float:
    """The factor that reduces this norm to at most `most`; 0 does not clip."""
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
