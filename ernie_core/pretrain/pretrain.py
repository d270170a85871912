"""Pretraining: masked tokens and sentence order, on any number of processes, resumable to the bit at every step."""

import json
import time
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import paddle

from ernie_core.data.cache import Cache
from ernie_core.errors import Error, Stopped
from ernie_core.model import weights
from ernie_core.pretrain.losses import evaluate
from ernie_core.pretrain.recipe import TEST_ITERS, Recipe
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.runtime import keep_signals
from ernie_core.store import artefact
from ernie_core.train import start
from ernie_core.train.checkpoint import snapshot
from ernie_core.train.checkpoint.commit import Place
from ernie_core.train.checkpoint.snapshot import Progressed
from ernie_core.train.monitor import watch
from ernie_core.train.monitor.log import Log, line
from ernie_core.train.monitor.report.page import FILE, page, publish
from ernie_core.train.optim import precision
from ernie_core.train.optim.adamw import halves
from ernie_core.train.parallel.team import ALONE, Team
from ernie_core.train.step import feed, step
from ernie_core.train.training import Training

LEAVE = 10.0
"""Seconds that a process needs to end, beside two steps, two saves and an evaluation: each may have just begun."""
LAST_LINES = 20
"""Lines of train_log.jsonl that the training loss among the scores is the mean of."""


def run(
    ids: Sequence[tuple[Path, float]],
    vocab: Path,
    model: Path,
    recipe: Recipe,
    *,
    checkpoints: Place,
    init: Path | None = None,
    cache: Path | None = None,
    textfiles: Path | None = None,
    team: Team = ALONE,
    progress: Progress = silent,
    stop: Stop = never,
    start_fresh: bool = False,
) -> dict[str, float]:
    """Train a model on folders of ids with weights, into the folder `model`; returns its scores.

    Every process of a team calls it alike; the first one writes. Starts from random weights, or from those of a model
    folder `init`. What is dear to make of the data is kept in `cache`, a folder of the machine; figures for Prometheus
    go to `textfiles`, a folder of the node. Goes on from the newest checkpoint, and then ends with the same
    bits as a run that was never interrupted, given the same number of processes and threads. On `stop` of any process
    the step is finished and committed, then errors.Stopped is raised.
    """
    keep_signals()
    precision.check(recipe, paddle.device.get_device())
    log = Log(recipe, silent if team.rank else progress, aloud=team.rank == 0)
    # pods have a folder each, so the first process of each makes what is in it; if it is one folder, they may race
    keep = Cache(cache, maker=team.local == 0, progress=log.progress, stop=stop) if cache else None
    training = start.prepare(ids, vocab, recipe, checkpoints, init, keep, team, log)
    start.resume(training, start_fresh)
    try:
        return _train(training, model, textfiles, stop)
    except BaseException:
        training.saver.close()
        raise


def _train(training: Training, model: Path, textfiles: Path | None, stop: Stop) -> dict[str, float]:
    """From where it stands to the end, or to the step in which it is asked to stop."""
    recipe, log, checkpoints, team = training.recipe, training.log, training.place, training.team
    config, at = training.net.config, training.at
    watch.begin(log, checkpoints, config, at.step, at.lines, textfiles=textfiles, rank=team.rank)
    with feed(training) as batches:
        while training.at.step < recipe.max_steps:
            log.leave_seconds = LEAVE + 2 * (training.seconds + training.saver.seconds) + training.evaluating
            stopping = step(training, batches, stop())
            _publish(training)
            done = training.at.step
            if done % recipe.eval_freq == 0 and "valid" in training.data:
                _validate(training)
            often = done % recipe.checkpoint_steps == 0 or done % recipe.save_steps == 0
            if stopping or often or done == recipe.max_steps:
                _save(training)
            if stopping and done < recipe.max_steps:
                training.saver.wait()
                _publish(training)
                raise Stopped(f"stopped after step {done}, committed as {checkpoints.of(f'model_{done}')}")
    training.saver.wait()
    _publish(training)
    scores = _finish(training, model, stop)
    watch.end(log)
    return scores


def _validate(training: Training) -> None:
    """Each evaluation reads the samples after those of the one before."""
    recipe, began = training.recipe, time.monotonic()
    batches = recipe.eval_iters * recipe.micro_batches
    first = (training.at.step // recipe.eval_freq - 1) * batches * recipe.micro_batch_size
    scores = _evaluate(training, "valid", first, batches)
    training.evaluating = max(training.evaluating, time.monotonic() - began)
    training.at.lines.append(line(training.at.step, "valid", scores))
    training.log.scored("valid", training.at.step, batches, scores, time.monotonic() - began)


def _evaluate(training: Training, part: str, first: int, batches: int, stop: Stop = never) -> dict[str, float]:
    size, context = training.recipe.micro_batch_size, partial(precision.context, training.recipe)
    return evaluate(training.net, training.data[part], first, batches, size, stop, training.team, context)


def _save(training: Training) -> None:
    """Hand the state to the saver, which commits it while the training goes on."""
    began, at = time.monotonic(), training.at
    at.extra = dict(training.guard.state())
    training.saver.save(
        at.step, training.net, training.adamw, at, training.identity, training.vocab, training.scaler.state(),
        permanent=at.step % training.recipe.save_steps == 0,
    )  # fmt: skip
    training.log.saved(time.monotonic() - began)


def _publish(training: Training) -> None:
    """Raise if a save has failed; once it is committed, show it. What cannot be shown now is with the next one."""
    training.saver.check()
    committed = training.saver.committed
    if training.team.rank == 0 and committed > training.published:
        began, training.published = time.monotonic(), committed
        training.log.committed(committed)
        try:
            publish(training.place, training.subject, training.at.lines, training.log.times())
        except Error as error:
            training.say(f"the report of step {committed} could not be written, the next one is tried: {error}")
        training.log.paused(time.monotonic() - began)


def _finish(training: Training, model: Path, stop: Stop) -> dict[str, float]:
    """Score the final weights and write the model; the same after a resume, for it depends on the weights alone."""
    recipe, step = training.recipe, training.at.step
    scores = {f"train_{k}": v for k, v in _last_means(training.at).items()}
    for part, times in (("valid", 1), ("test", TEST_ITERS)):
        if part in training.data:
            began, batches = time.monotonic(), times * recipe.eval_iters * recipe.micro_batches
            found = _evaluate(training, part, 0, batches, stop)
            training.log.scored(part, step, batches, found, time.monotonic() - began)
            scores |= {f"{part}_{k}": v for k, v in found.items()}
    if training.team.rank == 0:
        _write(training, model, scores)
    training.team.barrier()
    return scores


def _write(training: Training, model: Path, scores: dict[str, float]) -> None:
    weights.save(training.net, model)
    if any(halves(training.net).values()):  # sharding gives every rank the rounded ones, a checkpoint has all others
        place, last = training.place, training.place.of(f"model_{training.at.step}")
        folder = artefact.fetch(place.store, last, place.scratch / "checkpoints")
        weights.write_arrays(snapshot.trained(training.net, folder), model / weights.FILE)
    snapshot.copy_tokenizer(training.vocab, model)
    (model / snapshot.LOG).write_text("".join(f"{text}\n" for text in training.at.lines), encoding="utf-8")
    (model / FILE).write_text(page(training.subject, training.at.lines), encoding="utf-8")
    text = json.dumps({"step": training.at.step, **scores}, indent=2, sort_keys=True)
    (model / "metrics.json").write_text(text + "\n", encoding="utf-8")


def _last_means(at: Progressed) -> dict[str, float]:
    """Losses over the end of the training: one line may be a single batch."""
    said = [json.loads(text) for text in at.lines]
    last = [s for s in said if s["part"] == "train"][-LAST_LINES:]
    return {name: sum(s[name] for s in last) / len(last) for name in last[0] if name not in ("step", "part")}
