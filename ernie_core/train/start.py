"""The start of a training: build optimiser and exchange, then load the newest checkpoint or initial weights."""

import os
from dataclasses import replace
from functools import partial
from typing import Any

import paddle

from ernie_core.errors import BadInput, Refused
from ernie_core.model import fused, weights
from ernie_core.model.arrays import read_arrays
from ernie_core.train.checkpoint import commit, snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.guard import Guard
from ernie_core.train.monitor.log import Log, say
from ernie_core.train.monitor.report.page import Subject
from ernie_core.train.objective import Best, Identity, Objective
from ernie_core.train.optim import optimiser, precision
from ernie_core.train.optim.adamw import AdamWSettings
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import sharding, shared_memory
from ernie_core.train.parallel.exchange import Exchange, SharedMemoryExchange, exchange
from ernie_core.train.parallel.team import Team
from ernie_core.train.training import Training


def prepare(objective: Objective[Any], place: CheckpointLocation, team: Team, log: Log) -> Training:
    """Build a training. BadInput if the ranks were given different data or settings."""
    settings = objective.course.settings
    precision.check(settings, paddle.device.get_device())
    adamw, way = _build(objective, team)
    identity = _identity(objective, team, way)
    alike = team.gather(identity.must)
    if any(must != alike[0] for must in alike):
        raise BadInput(f"rank {team.rank}: the processes were given different data or settings: {alike}")
    parameters = sum(int(parameter.size) for parameter in objective.net.parameters())
    return Training(
        objective, team, adamw, way, identity, place, log,
        precision.scaler(settings),
        Guard(settings.max_loss_spike, settings.loss_spike_window, settings.loss_spike_steps, objective.remedy),
        Saver(place, team, say, log.busy),
        Subject(place.address, objective.course, parameters, objective.data),
    )  # fmt: skip


def resume(training: Training, start_fresh: bool) -> None:
    """Load the checkpoint that rank 0 chose, on every rank, or the initial weights; returns when all ranks have."""
    _resume(training, start_fresh)
    training.team.barrier()  # in shared memory the last rank to load would undo a step of the others


def extra(training: Training) -> dict[str, Any]:
    """State for a checkpoint besides weights, moments and curve; `_restore` reads it."""
    kept: dict[str, Any] = {}
    if state := training.objective.state():
        kept["objective"] = dict(state)
    if training.best is not None:
        best = training.best
        kept["best"] = {"step": best.step, "figures": dict(best.figures)}
    if training.worse and training.objective.patience is not None:
        kept["worse"] = training.worse
    return training.guard.state() | kept


def _resume(training: Training, start_fresh: bool) -> None:
    objective, steps = training.objective, training.objective.course.steps
    limit = objective.course.settings.max_restarts
    found = commit.agreed(training.place, training.team, training.say, fresh=start_fresh, limit=limit)
    if found is None:
        begin = objective.begin(training.say)
        training.say(f"training {begin}, {steps} steps")
        return
    training.at, notes = snapshot.read(found.folder, objective.net, training.adamw, training.identity)
    for note in notes:
        training.say(note)
    if found.step > steps:
        raise Refused(
            f"{found.folder} is at step {found.step}, beyond the {steps} steps of this training: make it longer"
        )
    _restore(training, found)
    training.resumed = found.step
    training.say(f"resuming after step {found.step} of {steps}, from {found.folder}")


def _restore(training: Training, found: commit.Checkpoint) -> None:
    at, objective = training.at, training.objective
    at.sums = at.sums[: len(objective.course.names)]  # an earlier version kept a sum for an absent loss
    training.scaler.restore(at.scaler)
    training.guard.restore(at.extra)
    if "objective" in at.extra:
        objective.restore(at.extra["objective"])
    if best := at.extra.get("best"):
        file = found.folder / (weights.FILE if best["step"] == at.step else snapshot.BEST)
        training.best = Best(best["step"], best["figures"], read_arrays(file))
    training.worse = int(at.extra.get("worse", 0))


def _build(objective: Objective[Any], team: Team) -> tuple[Optimiser, Exchange]:
    """The optimiser and the exchange for a net whose weights are equal on all ranks."""
    net, chosen = objective.net, objective.course.settings
    precision.keep_bits()
    precision.cast(net, chosen)
    settings = AdamWSettings(
        chosen.weight_decay, chosen.adam_beta1, chosen.adam_beta2, chosen.adam_epsilon,
        optimiser.layer_factors(net.config.num_hidden_layers, chosen.layer_decay),
    )  # fmt: skip
    memory = partial(shared_memory.zeros, team)
    way = exchange(net, team, chosen.sharding, memory)
    if isinstance(way, SharedMemoryExchange):  # moments in shared memory belong to all ranks
        adamw = optimiser.adamw(net, settings, memory=memory)
    else:
        adamw = optimiser.adamw(net, settings, only=None if chosen.sharding == "none" else sharding.share(net, team))
    net.train()
    return adamw, way


def _identity(objective: Objective[Any], team: Team, way: Exchange) -> Identity:
    """The facts that must be equal for a training to resume, and those worth a note."""
    own = objective.identity()
    names = ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
    note: dict[str, str | int | float | bool] = {name: os.environ.get(name, "unset") for name in names}
    note |= {"paddle": paddle.__version__, "processes": team.world, "max_steps": objective.course.steps}
    note["compiled operations"] = fused.is_compiled()
    if team.world > 1:  # the order in which numbers are added decides the last bits
        note["gradients are added"] = (
            "in shared memory" if isinstance(way, SharedMemoryExchange) else "over the network"
        )
    return replace(own, note={**note, **own.note}, samples=objective.course.samples, title=objective.course.title)
