"""Pretraining as an objective of the engine: masked tokens and sentence order."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import paddle

from ernie_core.data import ids as corpora
from ernie_core.data import vocabulary
from ernie_core.data.cache import Cache
from ernie_core.data.ids import Corpus
from ernie_core.data.order import Mixture, derived, mixture
from ernie_core.data.samples import Batch
from ernie_core.data.shares import requested
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput
from ernie_core.model import config as configs
from ernie_core.model import weights
from ernie_core.model.config import ErnieConfig
from ernie_core.model.ernie import blank
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.pretrain import flops
from ernie_core.pretrain.losses import evaluate, losses
from ernie_core.pretrain.recipe import NO_ORDER, TEST_ITERS, PretrainRecipe
from ernie_core.progress import Stop, never
from ernie_core.store import digests
from ernie_core.train.checkpoint import snapshot
from ernie_core.train.objective import Course, Curve, Evaluation, Facts, Figures, Identity, Losses, Summary
from ernie_core.train.optim import precision
from ernie_core.train.parallel.team import Team

LAST_LINES = 20
"""Number of lines of train_log.jsonl in the mean training loss among the scores."""
_FAR = 0.5
"""Share of the loss of random weights below which a model has clearly learned something."""


@dataclass
class Pretraining:
    """The objective of pretraining, see ernie_core/train/objective.py; `of` makes one."""

    recipe: PretrainRecipe
    course: Course
    net: ErnieForPretraining
    parts: Mapping[str, Mixture]
    """Samples of train, and of valid and test if they are evaluated."""
    words: Vocabulary
    tokenizer: Path
    init: Path | None
    data: Sequence[Facts]
    facts: Facts
    """Facts about the data, for the identity."""

    micro_batches: int = field(init=False)
    patience: int | None = None
    remedy: str = "lower max_lr, or raise warmup_rate, or set grad_clip"

    @classmethod
    def of(
        cls,
        ids: Sequence[tuple[Path, float]],
        vocab: Path,
        recipe: PretrainRecipe,
        init: Path | None,
        cache: Cache | None,
    ) -> "Pretraining":
        """Read folders of ids with their weights, and build the net; every process of a team makes the same."""
        words = vocabulary.read(vocab)
        parts, read = _parts(ids, words, vocab, recipe, cache)
        paddle.seed(derived(recipe.seed, "weights"))
        shape = _shape(recipe, words, init)
        if shape.model_type == "ernie" and (model := vocab / vocabulary.MODEL).is_file():
            raise BadInput(f"{model}: a vocabulary of SentencePiece, which only ERNIE-M has: set model_type ernie_m")
        # Heads that an ERNIE lacks have the random weights that follow those of its encoder, as in earlier versions.
        with nullcontext() if init is None or shape.model_type == "ernie" else blank():
            net = ErnieForPretraining(shape, recipe.binary_head)
        net.base.encoder.recompute = recipe.use_recompute
        rows = [_row(corpus, weight) for corpus, (_, weight) in zip(read, ids, strict=True)]
        facts = {
            "vocabulary": words.digest[:16],
            "data": " ".join(corpus.fingerprint()[:16] for corpus in read),
            "weights": " ".join(f"{weight:g}" for _, weight in ids),
        }
        return cls(recipe, course(recipe, net.config), net, parts, words, vocab, init, rows, facts)

    def __post_init__(self) -> None:
        self.micro_batches = self.recipe.micro_batches

    def seed(self, step: int, rank: int) -> int:
        return derived(self.recipe.seed, "step", step, *(("rank", rank) if rank else ()))

    def batch(self, step: int, micro: int) -> Batch:
        size = self.recipe.micro_batch_size
        return self.parts["train"].batch((step - 1) * self.recipe.batch + micro * size, size)

    def losses(self, batch: Batch) -> Losses:
        found = losses(self.net, batch)
        return Losses(found.total, found.floats()[: len(self.course.names)], batch.ids.size)

    def again(self, batch: Batch) -> None:
        return None

    def first(self, loss: float) -> str:
        return first_loss(loss, self.net.config.vocab_size, self.recipe.binary_head, continued=self.init is not None)

    def begin(self, say: Callable[[str], None]) -> str:
        """Load the weights of the model to start from; missing parts of the heads stay random, and are logged."""
        if self.init is None:
            return "from random weights"
        missing = weights.start_from(self.net, self.init)
        wanted, found = asdict(self.recipe.shape(self.words.size, self.words.pad)), asdict(self.net.config)
        differing = [f"{name} {found[name]} (not {wanted[name]})" for name in found if found[name] != wanted[name]]
        say(f"the weights are those of {self.init}" + (f": {', '.join(differing)}" if differing else ""))
        if missing:
            say(f"not in {self.init}, so these start at random: {', '.join(missing)}")
        return f"from {self.init}"

    def stepped(self, step: int, losses: Sequence[float]) -> None:
        pass

    def is_due(self, step: int) -> bool:
        return step % self.recipe.eval_freq == 0 and "valid" in self.parts

    def evaluate(self, step: int, team: Team) -> Evaluation:
        """Each evaluation reads the samples after those of the one before."""
        recipe = self.recipe
        batches = recipe.eval_iters * recipe.micro_batches
        first = (step // recipe.eval_freq - 1) * batches * recipe.micro_batch_size
        return self._evaluate("valid", first, batches, team, never)

    def better(self, figures: Figures, best: Figures | None) -> bool:
        return False

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass

    def identity(self) -> Identity:
        chosen = self.recipe.lasting()
        if chosen["model_type"] == "ernie":  # an earlier version did not have it: checkpoints without it are of ERNIE
            del chosen["model_type"]
        model = {"model": json.dumps(self.net.config.facts(), sort_keys=True)}
        init = {"init": "random" if self.init is None else digests.sha256(self.init / weights.FILE)[:16]}
        return Identity({**chosen, **self.facts, **model, **init}, {})

    def finish(self, team: Team, stop: Stop) -> Iterator[Evaluation]:
        for part, times in (("valid", 1), ("test", TEST_ITERS)):
            if part in self.parts:
                yield self._evaluate(part, 0, times * self.recipe.eval_iters * self.recipe.micro_batches, team, stop)

    def scores(self, summary: Summary) -> dict[str, float]:
        scores = {f"train_{name}": value for name, value in _last_means(summary.lines).items()}
        for found in summary.evaluations:
            scores |= {f"{found.part}_{name}": value for name, value in found.figures.items()}
        return scores

    def write(self, folder: Path, summary: Summary) -> None:
        snapshot.copy_tokenizer(self.tokenizer, folder)
        text = json.dumps({"step": summary.step, **self.scores(summary)}, indent=2, sort_keys=True)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")

    def _evaluate(self, part: str, first: int, batches: int, team: Team, stop: Stop) -> Evaluation:
        size, context = self.recipe.micro_batch_size, partial(precision.context, self.recipe)
        figures = evaluate(self.net, self.parts[part], first, batches, size, stop, team, context)
        return Evaluation(part, figures, batches, batches * size)


def course(recipe: PretrainRecipe, config: ErnieConfig) -> Course:
    """What log and report show of a pretraining."""
    both = recipe.binary_head
    names = ("loss", "lm_loss", "sop_loss") if both else ("loss", "lm_loss")
    parts = (Curve("lm_loss", "Loss of masked tokens"), Curve("sop_loss", "Loss of sentence order")) if both else ()
    return Course(
        title=recipe.arch,
        settings=recipe,
        steps=recipe.max_steps,
        samples=recipe.batch,
        names=names,
        part="valid",
        schedule=recipe.schedule(),
        text=three if both else lambda figures: f"loss: {figures['loss']:.6f}",
        curves=(Curve("loss", "Loss"), *parts, Curve("lm_accuracy", "Masked tokens predicted", is_share=True)),
        tokens=recipe.batch * recipe.max_seq_len,
        flops=flops.of_token(config, recipe.max_seq_len, recipe.masked_lm_prob, binary_head=both),
    )


def three(figures: Figures) -> str:
    """Losses as PaddleNLP prints them, if there are two parts."""
    return ", ".join(f"{name}: {figures[name]:.6f}" for name in ("loss", "lm_loss", "sop_loss"))


def first_loss(loss: float, vocab_size: int, binary_head: bool, *, continued: bool = False) -> str:
    """Whether the first loss is that of random weights, or of a trained model: else weights or data are wrong."""
    random = math.log(vocab_size) + (math.log(2) if binary_head else 0.0)
    if continued:
        verdict = "as it should be" if loss < _FAR * random else "NOT as it should be: check the vocabulary and `init`"
        return f"first loss {loss:.3f}, random weights give about {random:.3f}, a trained model far less: {verdict}"
    verdict = "as it should be" if abs(loss - random) < 1.0 else "NOT as it should be: check vocabulary and data"
    return f"first loss {loss:.3f}, random weights give about {random:.3f}: {verdict}"


def _parts(
    ids: Sequence[tuple[Path, float]], words: Vocabulary, vocab: Path, recipe: PretrainRecipe, cache: Cache | None
) -> tuple[dict[str, Mixture], list[Corpus]]:
    for folder, _ in ids:
        if (folder / "vocab.txt").is_file() and vocabulary.read(folder).digest != words.digest:
            raise BadInput(f"{folder} was made with another vocabulary than {vocab}: make the ids again")
    read = [corpora.read([folder], cache) for folder, _ in ids]
    shares = [weight for _, weight in ids]
    parts = ["train"] + [p for p in ("valid", "test") if recipe.eval_iters and requested(p, recipe.split)]
    limits = {part: recipe.samples(part) if recipe.index_order == "paddlenlp" else None for part in parts}
    found = {
        part: mixture(
            part, read, shares, words, recipe.masking(), recipe.split, recipe.short_seq_prob,
            cache=cache, index_order=recipe.index_order, limit=limits[part],
        )
        for part in parts
    }  # fmt: skip
    return found, read


def _shape(recipe: PretrainRecipe, words: Vocabulary, init: Path | None) -> ErnieConfig:
    """The shape of the recipe, or of the model to start from, with the dropout of the recipe."""
    if init is None:
        return recipe.shape(words.size, words.pad)
    found = configs.read(init)
    if found.model_type != recipe.model_type:
        if recipe.model_type == "ernie_m":
            raise BadInput(f"{init} is an `{found.model_type}`, not an `ernie_m`: leave model_type out")
        if recipe.binary_head:
            raise BadInput(f"{init} is an `{found.model_type}`: {NO_ORDER}")
    if (init / "vocab.txt").is_file() and vocabulary.read(init).digest != words.digest:
        raise BadInput(f"{init} was trained with another vocabulary: adopt its vocab.txt, and make the ids with it")
    if found.vocab_size < words.size:
        raise BadInput(f"{init} has {found.vocab_size} ids, the vocabulary has {words.size}: use its own vocabulary")
    if found.pad_token_id != words.pad:
        raise BadInput(f"{init} pads with id {found.pad_token_id}, the vocabulary with {words.pad}: they do not match")
    if recipe.max_seq_len > found.positions:
        raise BadInput(
            f"max_seq_len {recipe.max_seq_len} is above the {found.positions} positions of {init}:"
            " lower it, and make the ids again if they are longer"
        )
    return replace(
        found,
        hidden_dropout_prob=recipe.hidden_dropout_prob,
        attention_probs_dropout_prob=recipe.attention_probs_dropout_prob,
    )


def _row(corpus: Corpus, weight: float) -> Facts:
    return {
        "documents": len(corpus.docs) - 1,
        "sentences": len(corpus.lens),
        "weight": weight,
        "fingerprint": corpus.fingerprint()[:16],
    }


def _last_means(lines: Sequence[str]) -> dict[str, float]:
    """Mean losses over the end of the training: a single line may be a single batch."""
    rows = [json.loads(text) for text in lines]
    last = [row for row in rows if row["part"] == "train"][-LAST_LINES:]
    return {name: sum(row[name] for row in last) / len(last) for name in last[0] if name not in ("step", "part")}
