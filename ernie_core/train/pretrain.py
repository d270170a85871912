"""Pretraining: masked tokens and sentence order, resumable to the bit at every step."""

import json
import math
import os
import time
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import paddle

from ernie_core.data import ids as corpora
from ernie_core.data import vocabulary
from ernie_core.data.order import Mixture, derived, mixture, requested
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput, Refused, Stopped
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.train import checkpoint, optimiser, snapshot
from ernie_core.train.checkpoint import Place
from ernie_core.train.evaluation import evaluate, losses
from ernie_core.train.log import Log, first_loss, line, say, three
from ernie_core.train.recipe import Recipe
from ernie_core.train.snapshot import Identity, Progressed

LAST_LINES = 20
"""Lines of train_log.jsonl that the training loss among the scores is the mean of."""

TEST_ITERS = 10
"""The test at the end is this many times longer than an evaluation."""


@dataclass
class Run:
    """A training in progress."""

    recipe: Recipe
    net: ErnieForPretraining
    adamw: paddle.optimizer.AdamW
    data: dict[str, Mixture]
    vocab: Path
    identity: Identity
    place: Place
    log: Log
    at: Progressed = field(default_factory=Progressed)
    committed: int = 0


def run(
    ids: Sequence[tuple[Path, float]],
    vocab: Path,
    model: Path,
    recipe: Recipe,
    *,
    checkpoints: Place,
    progress: Progress = silent,
    stop: Stop = never,
    start_fresh: bool = False,
) -> dict[str, float]:
    """Train a model on folders of ids with weights, into the folder `model`; returns its scores.

    Goes on from the newest checkpoint, and then ends with the same bits as a run that was never interrupted, given
    the same number of threads. On `stop` the step is finished and committed, then errors.Stopped is raised.
    """
    training = _prepare(ids, vocab, recipe, checkpoints, progress)
    _resume(training, start_fresh)
    while training.at.step < recipe.max_steps:
        _step(training)
        step, stopping = training.at.step, stop()
        if step % recipe.eval_freq == 0 and "valid" in training.data:
            _validate(training)
        if stopping or step == recipe.max_steps or step % recipe.checkpoint_steps == 0 or step % recipe.save_steps == 0:
            _commit(training)
        if stopping and step < recipe.max_steps:
            raise Stopped(f"stopped after step {step}, committed as {checkpoints.of(f'model_{step}')}")
    return _finish(training, model, stop)


def _prepare(ids: Sequence[tuple[Path, float]], vocab: Path, recipe: Recipe, place: Place, progress: Progress) -> Run:
    words = vocabulary.read(vocab)
    for folder, _ in ids:
        if (folder / "vocab.txt").is_file() and vocabulary.read(folder).digest != words.digest:
            raise BadInput(f"{folder} was made with another vocabulary than {vocab}: make the ids again")
    read = [corpora.read([folder]) for folder, _ in ids]
    shares = [weight for _, weight in ids]
    parts = ["train"] + [p for p in ("valid", "test") if recipe.eval_iters and requested(p, recipe.split)]
    masking, short = recipe.masking(), recipe.short_seq_prob
    data = {part: mixture(part, read, shares, words, masking, recipe.split, short) for part in parts}
    paddle.seed(derived(recipe.seed, "weights"))
    net = ErnieForPretraining(recipe.shape(words.size, words.pad), recipe.binary_head)
    adamw = optimiser.adamw(
        net,
        weight_decay=recipe.weight_decay,
        grad_clip=recipe.grad_clip,
        beta1=recipe.adam_beta1,
        beta2=recipe.adam_beta2,
        epsilon=recipe.adam_epsilon,
    )
    net.train()
    fingerprints = [corpus.fingerprint() for corpus in read]
    identity = _identity(recipe, net, words, fingerprints, shares)
    return Run(recipe, net, adamw, data, vocab, identity, place, Log(recipe, progress))


def _identity(
    recipe: Recipe, net: ErnieForPretraining, words: Vocabulary, fingerprints: list[str], shares: list[float]
) -> Identity:
    must = recipe.lasting() | {
        "vocabulary": words.digest[:16],
        "data": " ".join(fingerprint[:16] for fingerprint in fingerprints),
        "weights": " ".join(f"{share:g}" for share in shares),
        "model": json.dumps(asdict(net.config), sort_keys=True),
    }
    names = ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
    note: dict[str, str | int | float | bool] = {name: os.environ.get(name, "unset") for name in names}
    return Identity(must, note | {"paddle": paddle.__version__, "max_steps": recipe.max_steps})


def _resume(training: Run, start_fresh: bool) -> None:
    found = checkpoint.latest(training.place, say, fresh=start_fresh)
    if found is None:
        say(f"training from random weights, {training.recipe.max_steps} steps")
        return
    training.at, notes = snapshot.read(found.folder, training.net, training.adamw, training.identity)
    for note in notes:
        say(note)
    step, last = training.at.step, training.recipe.max_steps
    if step > last:
        raise Refused(f"{found.folder} is at step {step}, beyond max_steps {last}: raise max_steps")
    training.committed = step
    say(f"going on after step {step} of {last}, from {found.folder}")


def _step(training: Run) -> None:
    """One update; everything random in it comes from the seed and the number of the step alone."""
    recipe, at = training.recipe, training.at
    step, size = at.step + 1, recipe.micro_batch_size
    paddle.seed(derived(recipe.seed, "step", step))
    sums = np.zeros(3)
    for micro in range(recipe.accumulate):
        first = (step - 1) * recipe.global_batch_size + micro * size
        found = losses(training.net, training.data["train"].batch(first, size))
        sums += found.floats()
        (found.total / recipe.accumulate).backward()
    means = (sums / recipe.accumulate).tolist()
    if not math.isfinite(means[0]):
        raise BadInput(f"step {step}: the loss is {means[0]}; {_diverged(training)}")
    rate = recipe.schedule()(step)
    training.adamw.set_lr(rate)
    training.adamw.step()
    training.adamw.clear_grad()
    if step == 1:
        say(first_loss(means[0], training.net.config.vocab_size, recipe.binary_head))
    at.step = step
    _note(training, means)
    training.log.step(step, means, rate)


def _note(training: Run, means: list[float]) -> None:
    at = training.at
    at.sums, at.summed = [a + b for a, b in zip(at.sums, means, strict=True)], at.summed + 1
    if at.step % training.recipe.window == 0 or at.step == training.recipe.max_steps:
        total, lm, sop = (s / at.summed for s in at.sums)
        scores = {"loss": total, "lm_loss": lm} | ({"sop_loss": sop} if training.recipe.binary_head else {})
        at.lines.append(line(at.step, "train", scores))
        at.sums, at.summed = [0.0, 0.0, 0.0], 0


def _validate(training: Run) -> None:
    """Each evaluation reads the samples after those of the one before."""
    recipe, began = training.recipe, time.monotonic()
    number = training.at.step // recipe.eval_freq - 1
    batches, size = recipe.eval_iters * recipe.accumulate, recipe.micro_batch_size
    scores = evaluate(training.net, training.data["valid"], number * batches * size, batches, size)
    training.at.lines.append(line(training.at.step, "valid", scores))
    seconds = time.monotonic() - began
    means = [scores["loss"], scores["lm_loss"], scores.get("sop_loss", 0.0)]
    say(
        f"valid step {training.at.step}, batch: {batches}, {three(means, recipe.binary_head)},"
        f" ips: {batches * size / seconds:.2f} seqs/s"
    )
    training.log.paused(seconds)


def _commit(training: Run) -> None:
    began, step = time.monotonic(), training.at.step
    # A finite loss can still have infinite gradients: such weights must never become the checkpoint to go on from.
    for name, parameter in training.net.named_parameters():
        if not np.isfinite(parameter.numpy()).all():
            raise BadInput(f"step {step}: {name} is no longer finite; {_diverged(training)}")

    def fill(folder: Path) -> None:
        snapshot.write(folder, training.net, training.adamw, training.at, training.identity, training.vocab)

    checkpoint.commit(training.place, step, fill, permanent=step % training.recipe.save_steps == 0)
    training.committed = step
    training.log.paused(time.monotonic() - began)


def _diverged(training: Run) -> str:
    kept = f"the last checkpoint is of step {training.committed}" if training.committed else "there is no checkpoint"
    return f"nothing is saved after it, {kept}; lower max_lr, or raise warmup_rate, or set grad_clip"


def _finish(training: Run, model: Path, stop: Stop) -> dict[str, float]:
    """Score the final weights and write the model; the same after a resume, for it depends on the weights alone."""
    recipe, size = training.recipe, training.recipe.micro_batch_size
    scores = {f"train_{k}": v for k, v in _last_means(training.at).items()}
    for part, times in (("valid", 1), ("test", TEST_ITERS)):
        if part in training.data:
            batches = times * recipe.eval_iters * recipe.accumulate
            found = evaluate(training.net, training.data[part], 0, batches, size, stop)
            means = [found["loss"], found["lm_loss"], found.get("sop_loss", 0.0)]
            say(f"{part} step {training.at.step}, batch: {batches}, {three(means, recipe.binary_head)}")
            scores |= {f"{part}_{k}": v for k, v in found.items()}
    weights.save(training.net, model)
    snapshot.copy_tokenizer(training.vocab, model)
    (model / snapshot.LOG).write_text("".join(f"{text}\n" for text in training.at.lines), encoding="utf-8")
    text = json.dumps({"step": training.at.step, **scores}, indent=2, sort_keys=True)
    (model / "metrics.json").write_text(text + "\n", encoding="utf-8")
    return scores


def _last_means(at: Progressed) -> dict[str, float]:
    """Losses over the end of the training: one line may be a single batch."""
    said = [json.loads(text) for text in at.lines]
    last = [s for s in said if s["part"] == "train"][-LAST_LINES:]
    return {name: sum(s[name] for s in last) / len(last) for name in last[0] if name not in ("step", "part")}
