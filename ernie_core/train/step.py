"""One step: batches ahead of time, micro steps, gradients of all processes, one update."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

from ernie_core.train.feed import Feed
from ernie_core.train.monitor.lines import line
from ernie_core.train.objective import Losses
from ernie_core.train.optim import precision
from ernie_core.train.parallel import gradients
from ernie_core.train.training import SLOW, Training


def feed(training: Training) -> Feed[Any]:
    """The batches of this process from the next step on; the ranks take the micro batches of a step in turn."""
    objective, team = training.objective, training.team
    each = objective.micro_batches // team.world
    steps = range(training.at.step + 1, objective.course.steps + 1)
    numbers = ((step, micro) for step in steps for micro in range(team.rank, objective.micro_batches, team.world))
    return Feed(lambda number: objective.batch(*number), numbers, 2 * each + 2)


def step(training: Training, batches: Feed[Any], stop: bool) -> bool:
    """One update; everything random in it depends on the seed, the step and the rank alone.

    Returns whether any process was asked to stop.
    """
    objective, at, waited = training.objective, training.at, batches.waited
    number = at.step + 1
    rate = objective.course.schedule(number)
    means, tokens, stopping = _micro_steps(training, batches, number, stop)
    training.guard.check(number, means[0], training.kept)
    _update(training, number, rate)
    if number == 1 and (verdict := objective.first(means[0])):
        training.say(verdict)
    at.step = number
    objective.stepped(number, means)
    _note(training, means)
    training.log.waited(batches.waited - waited)
    training.log.step(number, means, rate, tokens=tokens, scaler=training.scaler.state())
    return stopping


def _micro_steps(training: Training, batches: Feed[Any], number: int, stop: bool) -> tuple[list[float], float, bool]:
    """Compute each rank's gradients; returns losses and tokens over all ranks, and whether one was asked to stop."""
    objective, team, began = training.objective, training.team, time.monotonic()
    accumulate = objective.micro_batches // team.world
    paddle.seed(objective.seed(number, team.rank))
    sums, tokens = np.zeros(len(objective.course.names)), 0
    for _ in range(accumulate):
        batch = batches.next()
        losses = _pass(training, objective.losses, batch, accumulate)
        assert losses is not None
        again = _pass(training, objective.again, batch, accumulate)
        sums = sums + losses.weight * np.array(losses.values)
        tokens += losses.tokens + (again.tokens if again else 0)
    if training.seconds >= SLOW and team.shared is None:
        team.barrier()
    own = [*(sums / accumulate), tokens * team.world, time.monotonic() - began, float(stop)]
    *means, tokens, training.seconds, stopping = team.mean(np.array(own)).tolist()
    return means, tokens, stopping > 0


def _pass(training: Training, forward: Callable[[Any], Losses | None], batch: Any, accumulate: int) -> Losses | None:
    """A forward pass, if there is one, and its backward pass."""
    with precision.context(training.objective.course.settings):
        losses = forward(batch)
    if losses is not None:
        (losses.total * (training.scaler.loss_scaling / accumulate * losses.weight)).backward()
    return losses


def _update(training: Training, step: int, rate: float) -> None:
    """Add up the gradients of all ranks, clip them by their global norm, and update the weights."""
    objective, scaler = training.objective, training.scaler
    unit = 1.0 / (training.team.world * scaler.loss_scaling)
    # before the ranks meet for the norm: in shared memory one may update what another copies
    training.log.saved(training.saver.before_update())
    norm = training.exchange.add_up() * unit
    if scaler.accept(norm):
        training.guard.check_norm(step, norm, training.kept)
        clipped = gradients.clip(norm, objective.course.settings.grad_clip)
        training.exchange.update(training.adamw, rate, unit * clipped)
    gradients.let_go(objective.net)


def _note(training: Training, means: list[float]) -> None:
    """Add the losses to the curve, which has a line with the means of each window of steps."""
    at, course = training.at, training.objective.course
    at.sums, at.summed = [a + b for a, b in zip(at.sums or [0.0] * len(means), means, strict=True)], at.summed + 1
    if at.step % course.window == 0 or at.step == course.steps:
        flush(training)


def flush(training: Training) -> None:
    """Add the steps since the last line of the curve as one more."""
    at, course = training.at, training.objective.course
    if at.summed:
        scores = dict(zip(course.names, (total / at.summed for total in at.sums), strict=True))
        at.lines.append(line(at.step, "train", scores))
        at.sums, at.summed = [0.0] * len(course.names), 0
