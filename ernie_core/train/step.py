"""One step: batches ahead of time, micro steps, gradients of all processes, one update."""

import time
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py

import numpy as np
import paddle

from ernie_core.data.order import derived
from ernie_core.data.samples import Batch
from ernie_core.pretrain.losses import losses
from ernie_core.train import guard
from ernie_core.train.feed import Feed
from ernie_core.train.monitor.log import first_loss, line
from ernie_core.train.optim import precision
from ernie_core.train.parallel import gradients
from ernie_core.train.training import SLOW, Training


def feed(training: Training) -> Feed[Batch]:
    """The batches of this process from the next step on: the ranks take turns with the micro batches of a step."""
    recipe, team, size = training.recipe, training.team, training.recipe.micro_batch_size
    first, end = (step * recipe.global_batch_size for step in (training.at.step, recipe.max_steps))
    firsts = range(first + team.rank * size, end, team.world * size)
    train = training.data["train"]
    return Feed(lambda number: train.batch(number, size), firsts, 2 * recipe.accumulate(team.world) + 2)


def step(training: Training, batches: Feed[Batch], stop: bool) -> bool:
    """One update; everything random in it comes from the seed, the number of the step and the rank alone.

    Returns whether any process was asked to stop.
    """
    recipe, at, waited = training.recipe, training.at, batches.waited
    number, rate = at.step + 1, recipe.schedule()(at.step + 1)
    means, tokens, stopping = _micro_steps(training, batches, number, stop)
    training.guard.check(number, means[0], training.kept)
    _update(training, number, rate)
    if number == 1:
        known = first_loss if training.init is None else guard.first_loss
        training.say(known(means[0], training.net.config.vocab_size, recipe.binary_head))
    at.step = number
    _note(training, means)
    training.log.waited(batches.waited - waited)
    training.log.step(number, means, rate, tokens=tokens, scaler=training.scaler.state())
    return stopping


def _micro_steps(training: Training, batches: Feed[Batch], number: int, stop: bool) -> tuple[list[float], float, bool]:
    """Leave each rank's gradients in its parameters; losses and tokens are of all ranks, and whether one shall stop."""
    recipe, team, began = training.recipe, training.team, time.monotonic()
    accumulate = recipe.accumulate(team.world)
    paddle.seed(derived(recipe.seed, "step", number, *(("rank", team.rank) if team.rank else ())))
    sums, tokens = np.zeros(3), 0
    for _ in range(accumulate):
        batch = batches.next()
        with precision.context(recipe):
            found = losses(training.net, batch)
        (found.total * (training.scaler.loss_scaling / accumulate)).backward()
        sums, tokens = sums + found.floats(), tokens + batch.ids.size
    if training.seconds >= SLOW and team.near is None:
        team.barrier()
    own = [*(sums / accumulate), tokens * team.world, time.monotonic() - began, float(stop)]
    *means, tokens, training.seconds, stopping = team.mean(np.array(own)).tolist()
    return means, tokens, stopping > 0


def _update(training: Training, step: int, rate: float) -> None:
    """Add up the gradients of all ranks, clip them by their global norm, and move the weights."""
    recipe, scaler = training.recipe, training.scaler
    unit = 1.0 / (training.team.world * scaler.loss_scaling)
    # before the norm, at which the ranks meet: one of them may update what another one copies
    training.log.saved(training.saver.before_update())
    norm = training.exchange.add_up() * unit
    if scaler.accept(norm):
        training.guard.check_norm(step, norm, training.kept)
        training.exchange.update(training.adamw, rate, unit * gradients.clip(norm, recipe.grad_clip))
    gradients.let_go(training.net)


def _note(training: Training, means: list[float]) -> None:
    at = training.at
    at.sums, at.summed = [a + b for a, b in zip(at.sums, means, strict=True)], at.summed + 1
    if at.step % training.recipe.window == 0 or at.step == training.recipe.max_steps:
        total, lm, sop = (s / at.summed for s in at.sums)
        scores = {"loss": total, "lm_loss": lm} | ({"sop_loss": sop} if training.recipe.binary_head else {})
        at.lines.append(line(at.step, "train", scores))
        at.sums, at.summed = [0.0, 0.0, 0.0], 0
