"""The `pretrain` step: train an ERNIE model on token ids."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from components.contract.around import Around, Made
from components.contract.base import Free, Here, In, Many, Out, Scores, Step
from components.contract.kinds import Ids, Model, Vocab
from components.contract.scores import Score, several, share
from ernie_core.data import shares
from ernie_core.errors import BadInput
from ernie_core.pretrain.recipe import NO_ORDER, PretrainRecipe


def _scores(part: str) -> Iterator[Score]:
    """Those of a part of the data, each if that is scored and the head that it is of is there."""
    if part == "train":
        yield from several("train_loss train_lm_loss")
        yield Score("train_sop_loss", when=lambda step, _: step.binary_head, needs="`binary_head: true`")
        return

    def scored(step: "Pretrain", _: object) -> bool:
        return part in step._evaluated()

    needs = f"`eval_iters` above 0 and a share for {part} in `split`"
    yield from several(f"{part}_loss {part}_lm_loss", when=scored, needs=needs)
    yield share(f"{part}_lm_accuracy", when=scored, needs=needs)
    both = f"`binary_head: true`, {needs}"
    yield Score(f"{part}_sop_loss", when=lambda step, _: step.binary_head and scored(step, _), needs=both)


class Pretrain(Step, PretrainRecipe):
    """Train an ERNIE model to guess masked tokens and the order of sentences, or an ERNIE-M to guess masked tokens."""

    image = "train"
    cpu: ClassVar[int] = 2
    memory: ClassVar[str] = "4GiB"
    revision: ClassVar[int] = 3
    gang: ClassVar[bool] = True
    drilled: ClassVar[Mapping[str, Any]] = {
        "arch": "2L64H2", "max_seq_len": 64, "micro_batch_size": 2, "global_batch_size": 8,
        "eval_freq": 20, "eval_iters": 1, "split": "900,100",
    }  # fmt: skip
    added: ClassVar[frozenset[str]] = frozenset({"model_type"})
    main_scores: ClassVar[tuple[str, ...]] = ("train_loss", "valid_loss", "valid_lm_accuracy", "test_loss")
    scores: ClassVar[tuple[Score, ...]] = tuple(score for part in shares.PARTS for score in _scores(part))

    start_fresh: Free[bool] = False
    """Whether to train again from step 0 if there was progress but no checkpoint of it is whole; otherwise that is an
    error."""

    def misfits(self, around: Around) -> Iterator[str]:
        try:
            self.accumulate(around.ranks)
        except BadInput as error:
            yield str(error)
        if fault := self.unsuited(around.gpus):
            yield fault
        if fault := self.jump():
            yield fault
        if "eval_iters" in self.model_fields_set and self.eval_iters and not self._evaluated():
            yield f"eval_iters {self.eval_iters}: split {self.split} holds out nothing to evaluate, add a second share"
        if self.model_type == "ernie" and not around.reads.get("init"):
            for made in around.reads.get("vocab", ()):
                if getattr(made.step, "recipe", "") == "sentencepiece":
                    yield f"`{made.name}` is of SentencePiece: only ERNIE-M has one, set model_type ernie_m"
        yield from self._unlike(around)
        yield from self._empty(around)

    def _evaluated(self) -> list[str]:
        """The parts that are scored."""
        return [part for part in ("valid", "test") if self.eval_iters and shares.requested(part, self.split)]

    def _empty(self, around: Around) -> Iterator[str]:
        """Requested parts that get no document, as soon as the number of documents is known."""
        for made in around.reads.get("ids", ()):
            words = next(iter(made.reads.get("words", ())), made)
            known = "documents" in made.scores
            count = (made if known else words).scores.get("documents")
            if count is None:
                continue
            ranges = dict(zip(shares.PARTS, shares.split(self.split, int(count)), strict=True))
            if none := [part for part in ("train", *self._evaluated()) if ranges[part][0] >= ranges[part][1]]:
                held = f"the {count:.0f} documents of `{made.name}`" if known else f"{count:.0f} documents at most"
                yield shares.lacking(none, self.split, held)

    def _unlike(self, around: Around) -> Iterator[str]:
        """Ids and models that were made for another vocabulary, or another shape, than this training is given."""
        own = next(iter(around.reads.get("vocab", ())), None)
        for made in (*around.reads.get("ids", ()), *around.reads.get("init", ())):
            theirs = next(iter(made.reads.get("vocab", ())), None)
            if own and theirs and own.differs(theirs):
                yield (
                    f"`{made.name}` was made with the vocabulary of `{theirs.name}`, this reads that of `{own.name}`:"
                    " choose one with `from:`"
                )
        for made in around.reads.get("init", ()):
            if (limit := positions(made)) and self.max_seq_len > limit:
                yield f"max_seq_len {self.max_seq_len} is above the {limit} positions of `{made.name}`: lower it"
            if (first := origin(made)) is None:
                yield from self._unlike_named(made)
                continue
            if "arch" in self.model_fields_set and self.arch != first.arch:
                yield f"arch {self.arch}: this continues from `{made.name}`, which is {first.arch}, leave arch out"
            if "model_type" in self.model_fields_set and self.model_type != first.model_type:
                yield (
                    f"model_type {self.model_type}: this continues from `{made.name}`, which is an {first.model_type},"
                    " leave model_type out"
                )
            elif first.model_type == "ernie_m" and self.binary_head:
                yield f"`{made.name}` is an ernie_m: {NO_ORDER}"

    def _unlike_named(self, made: Made) -> Iterator[str]:
        """What the catalogue tells of a model by its name."""
        theirs = getattr(root(made).step, "model_type", "")
        if theirs == "ernie_m" and self.binary_head:
            yield f"`{made.name}` is an ernie_m: {NO_ORDER}"
        elif theirs == "ernie" and self.model_type == "ernie_m":
            yield f"model_type ernie_m: this continues from `{made.name}`, which is an ernie, leave model_type out"

    def run(self, ids: Many[Ids], vocab: In[Vocab], init: In[Model] | None, model: Out[Model], here: Here) -> Scores:
        from ernie_core.pretrain import pretrain
        from ernie_core.train.checkpoint.commit import CheckpointLocation
        from ernie_core.train.parallel import join

        return pretrain.run(
            [(source.path, source.weight) for source in ids],
            vocab,
            model,
            PretrainRecipe(**self.model_dump(exclude={"start_fresh"})),
            checkpoints=CheckpointLocation(here.store, here.address, here.scratch, here.lease, here.continues),
            init=init,
            cache=here.cache,
            textfiles=here.metrics,
            team=join.join(),
            progress=here.progress,
            stop=here.stop,
            start_fresh=self.start_fresh,
        )


def origin(made: Made) -> Pretrain | None:
    """The training that decided the shape of a model; None if that is not in the spec."""
    step = root(made).step
    return step if isinstance(step, Pretrain) else None


def root(made: Made) -> Made:
    """What the first of the trainings behind a model made, or the model that it began with."""
    while before := made.reads.get("init"):
        made = before[0]
    return made


def positions(made: Made) -> int:
    """How many a model has; 0 if the spec does not say."""
    if first := origin(made):
        return first.max_position_embeddings
    return int(getattr(root(made).step, "positions", 0))  # of `pretrained`, which is not loaded for specs without it
