"""Fine-tuning: a pretrained model and labelled examples -> a task model. One objective of the engine for all tasks."""

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import paddle

from ernie_core.data.cache import Cache
from ernie_core.data.order import derived
from ernie_core.errors import BadInput, Stopped
from ernie_core.model import weights
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.runtime import keep_signals
from ernie_core.store import digests, open_store
from ernie_core.tasks import batches, data, defaults, encoded, languages, nets, outcome, rdrop, task
from ernie_core.tasks.adversarial import Perturbation
from ernie_core.tasks.data import DataFacts
from ernie_core.tasks.encoded import EncodedSplit
from ernie_core.tasks.features import Features
from ernie_core.tasks.recipe import CHOICES, FinetuneRecipe
from ernie_core.tasks.results import Answered
from ernie_core.tasks.task import Outputs, Task
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.train import loop
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.objective import Best, Course, Curve, Evaluation, Facts, Figures, Identity, Losses, Summary
from ernie_core.train.optim import precision
from ernie_core.train.optim.schedule import Schedule
from ernie_core.train.parallel.team import ALONE, Team


@dataclass(frozen=True)
class ExampleBatch:
    """Rows of a split for one process: inputs by name, true answers, and the weight in their step of each term of the
    loss."""

    inputs: Mapping[str, np.ndarray]
    targets: np.ndarray
    weights: Sequence[float]


@dataclass
class FineTuning:
    """The objective of fine-tuning, see ernie_core/train/objective.py; `of` makes one."""

    settings: FinetuneRecipe
    task: Task[Any, Any]
    net: paddle.nn.Layer
    encoder: Tokenizer
    splits: Mapping[str, EncodedSplit]
    model: Path
    world: int
    facts: DataFacts
    between: EncodedSplit
    """What is evaluated between steps: dev, or its examples in the languages that choose the best weights."""
    deciding_languages: tuple[str, ...] = ()
    """Those languages; empty: all."""
    curve: list[dict[str, float]] = field(default_factory=list)
    """Evaluations on dev, for metrics.json."""
    since: list[float] = field(default_factory=list)
    """Losses of the steps since the last evaluation."""
    final: dict[str, dict[str, float]] = field(default_factory=dict)
    """Figures of the best weights on test, and on all of dev if it is in several languages, after the training."""
    answered: dict[str, Answered] = field(default_factory=dict)
    """Answers of the best weights to dev and test, in the first process after the training."""
    orders: dict[int, list[np.ndarray]] = field(default_factory=dict)
    """Row numbers of the batches of the current epoch, by epoch."""

    course: Course = field(init=False)
    micro_batches: int = field(init=False)
    patience: int | None = field(init=False)
    deciding: str = field(init=False)
    """Name of the score that chooses the best weights."""
    inputs: tuple[str, ...] = field(init=False)
    """Names of the inputs of the net."""
    perturbation: Perturbation | None = field(init=False)
    tokenizer: Path = field(init=False)
    data: Sequence[Facts] = field(init=False)
    remedy: str = "lower learning_rate, or raise warmup_ratio, or check the weights of the model"

    @classmethod
    def of(
        cls, model: Path, folder: Path, settings: FinetuneRecipe, team: Team, given: Collection[str] | None = None,
        cache: Cache | None = None,
    ) -> "FineTuning":  # fmt: skip
        """Read model and examples; the same in every process of a team. `given` as in `defaults.resolved`."""
        facts = data.read(folder)
        name = facts.chosen(settings.task, folder)
        settings = defaults.resolved(settings, name, facts.dataset, given)
        if given is not None and (fault := settings.doubled(given)):
            raise BadInput(fault)
        learned = task.find(name).of_data(folder, settings)
        tokenizer = tokenizers.open(model)
        net = nets.opened(model, tokenizer, learned, settings)
        splits = encoded.splits(folder, learned, tokenizer, cache)
        between, chosen = splits["dev"], languages.deciding(facts, folder, splits["dev"].examples)
        if chosen:
            between = between.part(languages.rows(between.examples, chosen))
        return cls(settings, learned, net, tokenizer, splits, model, team.world, facts, between, chosen)

    def __post_init__(self) -> None:
        chosen, rows = self.settings, len(self.splits["train"].features.lengths)
        self.each = math.ceil(rows / chosen.batch_size)
        """Number of steps in an epoch."""
        steps = chosen.max_steps if chosen.max_steps > 0 else math.ceil(chosen.num_train_epochs * self.each)
        self.micro_batches = chosen.micro_batches(self.world)
        self.patience, self.deciding = chosen.early_stopping_patience, chosen.deciding(self.task.name)
        self.inputs = self.task.fed(self.net.config)
        words = self.net.base.embeddings.word_embeddings
        self.perturbation = Perturbation(words, chosen.fgm_epsilon) if chosen.fgm_epsilon else None
        self.tokenizer = self.model
        self.data = [{"split": name, "examples": len(split.examples)} for name, split in self.splits.items()]
        self.course = Course(
            title=f"{self.task.name.replace('_', ' ')} on {self.net.architecture}",
            settings=chosen,
            steps=steps,
            samples=chosen.batch_size,
            names=("loss",),
            part="dev",
            schedule=Schedule(chosen.learning_rate, 0.0, chosen.warmup(steps), steps, chosen.lr_scheduler_type),
            text=lambda figures: ", ".join(f"{name}: {value:.6f}" for name, value in figures.items()),
            curves=(Curve("loss", "Loss"), *(Curve(n, _title(n), is_share=True) for n in self.task.known.shares)),
        )

    def seed(self, step: int, rank: int) -> int:
        # Dropout of a step depends on the step alone: evaluations in between change nothing.
        alone = self.settings.seed * 1_000_003 + step
        return derived(self.settings.seed, "step", step, "rank", rank) if rank else alone

    def batch(self, step: int, micro: int) -> ExampleBatch:
        """One micro batch of the step's rows, padded to its longest row."""
        epoch, number = divmod(step - 1, self.each)
        train = self.splits["train"]
        if epoch not in self.orders:
            size, seed = self.settings.batch_size, self.settings.seed
            self.orders = {epoch: batches.shuffled(train.features.lengths, size, seed, epoch)}
        chosen = self.orders[epoch][number]
        mine = np.array_split(chosen, self.micro_batches)[micro]
        # The last batch of an epoch may have fewer rows than there are processes. Every process must have gradients, so
        # one without rows gets a row of weight 0.
        rows = mine if len(mine) else chosen[:1]
        counts, whole = (self.task.counts(train.targets[some]) for some in (mine, chosen))
        weights = [one * self.micro_batches / max(all_, 1) for one, all_ in zip(counts, whole, strict=True)]
        inputs = self.task.batch(train.features, rows, self.net.config.pad_token_id)
        return ExampleBatch(self._fed(inputs), train.targets[rows], weights)

    def losses(self, batch: ExampleBatch) -> Losses:
        if self.perturbation:
            self.perturbation.listen(batch.inputs["input_ids"])
        return self._losses(batch)

    def again(self, batch: ExampleBatch) -> Losses | None:
        if not self.perturbation:
            return None
        self.perturbation.turn()
        losses = self._losses(batch)
        self.perturbation.rest()
        return losses

    def first(self, loss: float) -> str:
        return ""

    def begin(self, say: Callable[[str], None]) -> str:
        return f"from {self.model} with a new head"

    def stepped(self, step: int, losses: Sequence[float]) -> None:
        self.since.append(losses[0])

    def is_due(self, step: int) -> bool:
        every = self.each if self.settings.evaluation_strategy == "epoch" else self.settings.eval_steps
        return step % every == 0 or step == self.course.steps

    def evaluate(self, step: int, team: Team) -> Evaluation:
        found = self._evaluation(self._answered("dev", self.between, team, never))
        row = {"step": step, "epoch": round(step / self.each, 4), "train_loss": float(np.mean(self.since))}
        self.curve.append({**row, **found.figures})
        self.since = []
        return found

    def better(self, figures: Figures, best: Figures | None) -> bool:
        return self.task.better(figures, best, self.deciding)

    def state(self) -> Mapping[str, Any]:
        return {"curve": self.curve, "since": self.since}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.curve, self.since = list(state["curve"]), list(state["since"])

    def identity(self) -> Identity:
        chosen = self.settings.lasting()
        unmarked = {name for name in CHOICES if chosen[name] == FinetuneRecipe.__dataclass_fields__[name].default}
        must: dict[str, Any] = {name: value for name, value in chosen.items() if name not in unmarked} | {
            "task": self.task.name,
            "data": " ".join(split.digest[:16] for split in self.splits.values()),
            "learned": json.dumps(self.task.learned(), sort_keys=True, ensure_ascii=False),
            "network": json.dumps(self.net.config.facts(), sort_keys=True),
            "model": digests.sha256(self.model / weights.FILE)[:16],
        }
        if self.deciding_languages:
            must["deciding_languages"] = " ".join(self.deciding_languages)
        return Identity(must, {})

    def finish(self, team: Team, stop: Stop) -> Iterator[Evaluation]:
        """Answer dev again, since what is kept of evaluations between steps are figures, and test, which is scored."""
        for split in sorted(self.splits.keys() - {"train"}):
            found = self._answered(split, self.splits[split], team, stop)
            if team.rank == 0:
                self.answered[split] = found
            if found.scores and (split == "test" or found.by_language):
                self.final[split] = found.figures
                yield self._evaluation(found, found.figures)

    def scores(self, summary: Summary) -> dict[str, float]:
        assert summary.best is not None  # the last step is always evaluated
        tested = {f"test_{name}": value for name, value in self.final.get("test", {}).items()}
        return {**self._of_dev(summary.best), **tested}

    def write(self, folder: Path, summary: Summary) -> None:
        assert summary.best is not None
        self.encoder.save(folder)
        self.task.save(folder)
        recipe = asdict(self.settings) | {"task": self.task.name, "metric_for_best_model": self.deciding}
        said = {"best_step": summary.best.step, "recipe": recipe, "curve": self.curve}
        text = json.dumps(self.scores(summary) | said, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
        outcome.write(
            folder, self.answered, self._of_dev(summary.best),
            best_step=summary.best.step, deciding=self.deciding,
            deciding_languages=self.deciding_languages, data=self.facts,
        )  # fmt: skip

    def outputs(self, features: Features, team: Team = ALONE, stop: Stop = never) -> Outputs:
        """The outputs of all rows in their order, without dropout; the processes take the batches in turn."""
        chosen = batches.by_length(features.lengths, self.settings.batch_size)
        pad_id, mine = self.net.config.pad_token_id, []
        self.net.eval()
        with paddle.no_grad():
            for number, rows in enumerate(chosen):
                if team.any(stop()):
                    raise Stopped("stopped during the last evaluation; the checkpoint of the last step is committed")
                if number % team.world == team.rank:
                    mine.append(self.task.forward(self._numpy, features, rows, pad_id))
        self.net.train()
        everyone: list[Any] = team.gather(mine)
        found = [everyone[number % team.world][number // team.world] for number in range(len(chosen))]
        return batches.in_order(found, chosen)

    def _answered(self, split: str, rows: EncodedSplit, team: Team, stop: Stop) -> Answered:
        outputs = self.outputs(rows.features, team, stop)
        return Answered.of(self.task, split, rows.examples, rows.features, outputs)

    def _of_dev(self, best: Best) -> dict[str, float]:
        """The figures of dev: those that chose the weights, or of several languages those of all."""
        return {**best.figures, **self.final.get("dev", {})}

    def _evaluation(self, found: Answered, figures: Figures | None = None) -> Evaluation:
        count = len(found.features.lengths)
        return Evaluation(found.split, figures or found.scores, math.ceil(count / self.settings.batch_size), count)

    def _losses(self, batch: ExampleBatch) -> Losses:
        inputs = {name: paddle.to_tensor(array) for name, array in batch.inputs.items()}
        found, tokens = self._run(inputs), next(iter(batch.inputs.values())).size
        terms = list(self.task.terms(found, batch.targets))
        if alpha := self.settings.rdrop_alpha:
            other, tokens = self._run(inputs), 2 * tokens
            one, two = (self.task.distributions(outputs, batch.targets) for outputs in (found, other))
            apart = rdrop.divergences(one, two)
            # where a loss has several terms, each is that of one output
            apart = [paddle.add_n(apart) / len(apart)] if len(terms) == 1 else [each / len(apart) for each in apart]
            again = self.task.terms(other, batch.targets)
            terms = [0.5 * (a + b) + alpha * c for a, b, c in zip(terms, again, apart, strict=True)]
        if len(terms) == 1:
            return Losses(terms[0], (float(terms[0]),), tokens, batch.weights[0])
        loss = paddle.add_n([term * weight for term, weight in zip(terms, batch.weights, strict=True)])
        return Losses(loss, (float(loss),), tokens)

    def _fed(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The inputs that the net takes."""
        return {name: inputs[name] for name in self.inputs}

    def _run(self, inputs: Mapping[str, paddle.Tensor]) -> tuple[paddle.Tensor, ...]:
        outputs = self.net(**inputs)
        return tuple(outputs) if isinstance(outputs, list | tuple) else (outputs,)

    def _numpy(self, **inputs: np.ndarray) -> list[np.ndarray]:
        with precision.context(self.settings):
            outputs = self._run({name: paddle.to_tensor(array) for name, array in self._fed(inputs).items()})
        return [tensor.astype("float32").numpy() for tensor in outputs]


def finetune(
    model: Path,
    task_data: Path,
    finetuned: Path,
    settings: FinetuneRecipe,
    *,
    checkpoints: CheckpointLocation | None = None,
    cache: Path | None = None,
    team: Team = ALONE,
    textfiles: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
    start_fresh: bool = False,
    given: Collection[str] | None = None,
) -> Mapping[str, float]:
    """Train on `train`, keep the weights that are best on `dev`, score those once on `test`; fills `finetuned`.

    Returns the scores of dev, and of test as `test_...`. The same inputs, processes and threads give the same bits.
    Settings whose names are not in `given` are those of the data set or of the task, where these have others; None: all
    count as they are. Resumes from the newest of `checkpoints`; without a location for them nothing is kept of a
    stopped run. `cache` is a folder of the machine for encoded examples, which trainings with other settings share.
    """
    keep_signals()
    if team.world > 1 and checkpoints is None:
        raise BadInput(f"{team.world} processes train together: give a place for checkpoints that all of them reach")
    precision.check(settings, paddle.device.get_device())
    keep = Cache(cache, maker=team.local == 0, progress=silent if team.rank else progress, stop=stop) if cache else None
    with TemporaryDirectory() as folder:
        place = checkpoints or CheckpointLocation(open_store(folder), "finetune", Path(folder))
        try:
            return loop.run(
                FineTuning.of(model, task_data, settings, team, given, keep), finetuned, checkpoints=place, team=team,
                textfiles=textfiles, progress=progress, stop=stop, start_fresh=start_fresh,
            )  # fmt: skip
        except Stopped as stopped:
            if checkpoints:
                raise
            raise Stopped(
                "fine-tuning stopped, nothing is kept without a place for checkpoints: it will start from the beginning"
            ) from stopped


def _title(name: str) -> str:
    """`macro_f1` -> `Macro F1`."""
    return name.replace("_", " ").capitalize().replace(" f1", " F1")
