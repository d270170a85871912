"""Fine-tuning a pretrained model to one label for a text or a pair of texts."""

import json
import math
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import paddle

from ernie_core.errors import BadInput, Stopped
from ernie_core.model import config as configs
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForSequenceClassification
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.runtime import keep_signals
from ernie_core.tasks import batches, data
from ernie_core.tasks.data import Features
from ernie_core.tasks.metrics import classification
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.train.optim import optimiser
from ernie_core.train.optim.adamw import Settings
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import gradients

GRAD_CLIP = 1.0
"""The largest global norm of the gradients."""

TASK = "sequence_classification"


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune; the names are PaddleNLP's."""

    max_seq_len: int = 128
    batch_size: int = 32
    learning_rate: float = 5e-5
    num_train_epochs: float = 3.0
    max_steps: int = -1
    """Steps in all; below 1: as many as `num_train_epochs` needs."""
    weight_decay: float = 0.01
    warmup_ratio: float = 0.1
    layer_decay: float = 1.0
    """Share of the learning rate that each layer has of the one above it."""
    eval_steps: int = 200
    seed: int = 42
    hidden_dropout_prob: float | None = None
    """None: as the pretrained model says."""
    attention_probs_dropout_prob: float | None = None
    """None: as the pretrained model says."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "learning_rate", "num_train_epochs", "eval_steps", "layer_decay"):
            if not getattr(self, name) > 0:
                raise BadInput(f"{name} is {getattr(self, name)}, it must be above 0")


@dataclass(frozen=True)
class Evaluation:
    """The figures of one evaluation on dev, and the weights that gave them."""

    step: int
    scores: dict[str, float]
    arrays: weights.Arrays

    def beats(self, other: "Evaluation | None") -> bool:
        """More accurate; as accurate with a smaller loss; or the first."""
        if other is None:
            return True
        mine, theirs = self.scores, other.scores
        return (mine["accuracy"], -mine["loss"]) > (theirs["accuracy"], -theirs["loss"])


def finetune(
    model: Path, data_folder: Path, finetuned: Path, recipe: Recipe, *, progress: Progress = silent, stop: Stop = never
) -> dict[str, float]:
    """Train on `train`, keep the weights that are best on `dev`, score those once on `test`.

    Returns accuracy, macro_f1 and loss of dev, and of test as `test_...`. Same inputs and number of threads: same bits.
    Nothing is kept of a run that was stopped: it starts again from its beginning.
    """
    keep_signals()
    names = data.label_names(data_folder)
    cutter = Tokenizer.from_folder(model)
    net = _net(model, cutter, len(names), recipe)
    read = {split: data.examples(data_folder, split, names) for split in data.SPLITS}
    pair = data.are_pairs(read)
    rows = {split: data.encode(found, cutter, recipe.max_seq_len) for split, found in read.items()}
    best, curve = _train(net, rows["train"], rows["dev"], recipe, progress, stop)
    for name, tensor in net.state_dict().items():
        tensor.set_value(best.arrays[name])
    tested = classification.scores(logits(net, rows["test"], recipe.batch_size), rows["test"].labels)
    scores = best.scores | {f"test_{name}": value for name, value in tested.items()}

    weights.save(net, finetuned)
    cutter.save(finetuned)
    (finetuned / data.LABELS).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    task = {"task": TASK, "max_seq_len": recipe.max_seq_len, "labels": list(names), "text_pair": pair}
    _write(finetuned / "task.json", task)
    _write(finetuned / "metrics.json", scores | {"best_step": best.step, "recipe": asdict(recipe), "curve": curve})
    return scores


def logits(net: paddle.nn.Layer, rows: Features, batch_size: int) -> np.ndarray:
    """Logits [N, K] of all rows, in their order, without dropout."""

    def forward(ids: np.ndarray, types: np.ndarray) -> np.ndarray:
        found: np.ndarray = net(paddle.to_tensor(ids), paddle.to_tensor(types)).numpy()
        return found

    net.eval()
    with paddle.no_grad():
        found = batches.forward(
            forward, rows.input_ids, rows.token_type_ids, pad_id=net.config.pad_token_id, batch_size=batch_size
        )
    net.train()
    return found


def _net(model: Path, cutter: Tokenizer, labels: int, recipe: Recipe) -> ErnieForSequenceClassification:
    config = configs.read(model)
    if recipe.max_seq_len > config.max_position_embeddings:
        limit = config.max_position_embeddings
        raise BadInput(f"max_seq_len {recipe.max_seq_len} is more than the {limit} positions of the model {model}")
    if cutter.size > config.vocab_size:
        raise BadInput(f"{model}: vocab.txt has {cutter.size} tokens, the model was made for {config.vocab_size}")
    said = {name: getattr(recipe, name) for name in ("hidden_dropout_prob", "attention_probs_dropout_prob")}
    changes = {name: value for name, value in said.items() if value is not None}
    paddle.seed(recipe.seed)
    net = ErnieForSequenceClassification(replace(config, num_labels=labels, **changes))
    weights.load(net, model, partial="ernie.")
    return net


def _train(
    net: ErnieForSequenceClassification, train: Features, dev: Features, recipe: Recipe, progress: Progress, stop: Stop
) -> tuple[Evaluation, list[dict[str, float]]]:
    each = math.ceil(len(train.labels) / recipe.batch_size)
    total = recipe.max_steps if recipe.max_steps > 0 else math.ceil(recipe.num_train_epochs * each)
    schedule = optimiser.Schedule(recipe.learning_rate, 0.0, recipe.warmup_ratio * total, total)
    factors = optimiser.layer_factors(net.config.num_hidden_layers, recipe.layer_decay)
    adamw = optimiser.adamw(net, Settings(recipe.weight_decay, factors=factors))
    best: Evaluation | None = None
    curve: list[dict[str, float]] = []
    losses: list[float] = []
    for step, chosen in zip(range(1, total + 1), _endless(train.lengths, recipe), strict=False):
        if stop():
            raise Stopped(f"fine-tuning stopped before step {step} of {total}: it will start again from its beginning")
        losses.append(_step(net, adamw, schedule(step), train, chosen, recipe.seed, step))
        progress(step, total, "steps", loss=losses[-1])
        if step % recipe.eval_steps == 0 or step == total:
            scores = classification.scores(logits(net, dev, recipe.batch_size), dev.labels)
            curve.append({"step": step, "epoch": round(step / each, 4), "train_loss": float(np.mean(losses)), **scores})
            losses = []
            # numpy() of a CPU tensor may share its memory: copy, the next step changes it.
            now = Evaluation(step, scores, {n: t.numpy().copy() for n, t in net.state_dict().items()})
            best = now if now.beats(best) else best
            progress(step, total, "steps", loss=curve[-1]["train_loss"], dev_accuracy=scores["accuracy"])
    assert best is not None  # the last step is always evaluated
    return best, curve


def _step(
    net: ErnieForSequenceClassification,
    adamw: Optimiser,
    rate: float,
    rows: Features,
    chosen: np.ndarray,
    seed: int,
    step: int,
) -> float:
    # Dropout of a step depends on the step alone: an evaluation in between, or its absence, changes nothing.
    paddle.seed(seed * 1_000_003 + step)
    found = net(*_tensors(rows, chosen, net.config.pad_token_id))
    loss = paddle.nn.functional.cross_entropy(found, paddle.to_tensor(rows.labels[chosen]))
    value = float(loss)
    if not math.isfinite(value):
        raise BadInput(
            f"the loss became {value} at step {step}: lower learning_rate, or check the weights of the model"
        )
    loss.backward()
    norm = gradients.norm(list(gradients.of(net).values()))
    adamw.step(rate, gradients.clip(norm, GRAD_CLIP))
    gradients.let_go(net)
    return value


def _endless(lengths: np.ndarray, recipe: Recipe) -> Iterator[np.ndarray]:
    epoch = 0
    while True:
        yield from batches.shuffled(lengths, recipe.batch_size, recipe.seed, epoch)
        epoch += 1


def _tensors(rows: Features, chosen: np.ndarray, pad_id: int) -> tuple[paddle.Tensor, paddle.Tensor]:
    ids = batches.pad([rows.input_ids[i] for i in chosen], pad_id)
    types = batches.pad([rows.token_type_ids[i] for i in chosen], 0)
    return paddle.to_tensor(ids), paddle.to_tensor(types)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
