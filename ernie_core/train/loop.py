"""The loop of every training: steps, evaluations, checkpoints, a stop, the end; resumable to the bit at every step."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ernie_core.errors import Error, Stopped
from ernie_core.model import weights
from ernie_core.model.arrays import write_arrays
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.store import artefact
from ernie_core.train import start
from ernie_core.train.checkpoint import snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor import watch
from ernie_core.train.monitor.lines import line
from ernie_core.train.monitor.log import Log
from ernie_core.train.monitor.report.page import FILE, page, publish
from ernie_core.train.objective import Best, Objective, Summary
from ernie_core.train.optim.adamw import halves
from ernie_core.train.parallel.team import ALONE, Team
from ernie_core.train.step import feed, flush, step
from ernie_core.train.training import Training

LEAVE = 10.0
"""Seconds that a process needs to end, besides two steps, two saves and an evaluation that may have just begun."""


def run(
    objective: Objective[Any],
    model: Path,
    *,
    checkpoints: CheckpointLocation,
    team: Team = ALONE,
    textfiles: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
    start_fresh: bool = False,
) -> Mapping[str, float]:
    """Train what an objective describes, into the folder `model`; returns its scores.

    All processes of a team make the same call; the first one writes. Resumes from the newest checkpoint, and ends with
    the same bits as a run that was never interrupted, given the same number of processes and threads. Figures for
    Prometheus go to `textfiles`, a folder of the node. On `stop` of any process the step is finished and committed,
    then errors.Stopped is raised.
    """
    log = Log(objective.course, silent if team.rank else progress, aloud=team.rank == 0)
    training = start.prepare(objective, checkpoints, team, log)
    start.resume(training, start_fresh)
    try:
        return _train(training, model, textfiles, stop)
    except BaseException:
        training.saver.close()
        raise


def _train(training: Training, model: Path, textfiles: Path | None, stop: Stop) -> Mapping[str, float]:
    """Train from the current step to the end, or to the step in which it is asked to stop."""
    objective, log, checkpoints, team = training.objective, training.log, training.place, training.team
    settings, at = objective.course.settings, training.at
    watch.begin(log, checkpoints, objective.net.config, at.step, at.lines, textfiles=textfiles, rank=team.rank)
    with feed(training) as batches:
        while not training.is_over:
            log.leave_seconds = LEAVE + 2 * (training.seconds + training.saver.seconds) + training.evaluating
            stopping = step(training, batches, stop())
            _publish(training)
            done = training.at.step
            if objective.is_due(done):
                _evaluate(training)
            if training.is_over and done < objective.course.steps:
                flush(training)
                early = objective.course.steps - done
                training.say(
                    f"step {done}: {training.worse} evaluations in a row did not beat that of step"
                    f" {training.best_step}, the training ends {early} steps early"
                )
            often = done % settings.checkpoint_steps == 0 or done % settings.save_steps == 0
            if stopping or often or training.is_over:
                _save(training)
            if stopping and not training.is_over:
                training.saver.wait()
                _publish(training)
                raise Stopped(f"stopped after step {done}, committed as {checkpoints.of(f'model_{done}')}")
    training.saver.wait()
    _publish(training)
    scores = _finish(training, model, stop)
    watch.end(log)
    return scores


def _evaluate(training: Training) -> None:
    """Evaluate the net, add its figures to the curve, and keep its weights if they are the best so far."""
    objective, at, began = training.objective, training.at, time.monotonic()
    evaluation = objective.evaluate(at.step, training.team)
    training.evaluating = max(training.evaluating, time.monotonic() - began)
    at.lines.append(line(at.step, evaluation.part, evaluation.figures))
    if objective.better(evaluation.figures, training.best.figures if training.best else None):
        training.best, training.worse = Best(at.step, evaluation.figures, weights.copies(objective.net)), 0
    else:
        training.worse += 1
    training.log.scored(evaluation, at.step, time.monotonic() - began)


def _save(training: Training) -> None:
    """Hand the state to the saver, which commits it while the training continues."""
    began, at, objective = time.monotonic(), training.at, training.objective
    at.extra = start.extra(training)
    training.saver.save(
        at.step, objective.net, training.adamw, at, training.identity, objective.tokenizer, training.scaler.state(),
        best=training.best, permanent=at.step % objective.course.settings.save_steps == 0,
    )  # fmt: skip
    training.log.saved(time.monotonic() - began)


def _publish(training: Training) -> None:
    """Raise if a save has failed; report a committed one. A report that cannot be written is left to the next one."""
    training.saver.check()
    committed = training.saver.committed
    if training.team.rank == 0 and committed > training.published:
        began, training.published = time.monotonic(), committed
        training.log.committed(committed)
        try:
            publish(training.place, training.subject, training.at.lines, training.log.times())
        except Error as error:
            training.say(f"the report of step {committed} could not be written, retrying with the next one: {error}")
        training.log.paused(time.monotonic() - began)


def _finish(training: Training, model: Path, stop: Stop) -> Mapping[str, float]:
    """Score the final weights and write the model; the same after a resume, since it depends on the weights alone."""
    objective, team, at = training.objective, training.team, training.at
    if training.best is not None:
        weights.restore(objective.net, training.best.weights)
        team.barrier()  # where weights are shared, all must be set before any is used
    evaluations, began = [], time.monotonic()
    for evaluation in objective.finish(team, stop):
        training.log.scored(evaluation, at.step, time.monotonic() - began)
        evaluations.append(evaluation)
        began = time.monotonic()
    summary = Summary(at.step, training.best, at.lines, evaluations)
    if team.rank == 0:
        _write(training, model)
        objective.write(model, summary)
    team.barrier()
    return objective.scores(summary)


def _write(training: Training, model: Path) -> None:
    objective, at = training.objective, training.at
    weights.save(objective.net, model)
    if training.best is None and any(halves(objective.net).values()):
        # with sharding a rank has only the rounded ones, a checkpoint has all
        place, last = training.place, training.place.of(f"model_{at.step}")
        folder = artefact.fetch(place.store, last, place.scratch / "checkpoints")
        write_arrays(snapshot.trained(objective.net, folder), model / weights.FILE)
    (model / snapshot.LOG).write_text("".join(f"{text}\n" for text in at.lines), encoding="utf-8")
    (model / FILE).write_text(page(training.subject, at.lines), encoding="utf-8")
