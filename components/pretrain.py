"""The `pretrain` step: train an ERNIE model on token ids."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from components.around import Around, Made
from components.base import Free, Here, In, Many, Out, Scores, Step
from components.kinds import Ids, Model, Vocab
from components.scores import Score, several, share
from ernie_core.data import shares
from ernie_core.errors import BadInput
from ernie_core.pretrain import fitting

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Below = Annotated[float, Field(ge=0, lt=1)]


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


class Pretrain(Step):
    """Train an ERNIE model to guess masked tokens and the order of sentences."""

    image = "train"
    cpu: ClassVar[int] = 2
    memory: ClassVar[str] = "4GiB"
    revision: ClassVar[int] = 3
    gang: ClassVar[bool] = True
    scores: ClassVar[tuple[Score, ...]] = tuple(score for part in shares.PARTS for score in _scores(part))

    arch: Annotated[str, Field(pattern=r"^(large|base|medium|mini|micro|nano|pico|\d{1,6}L\d{1,6}H\d{1,6})$")] = "base"
    """Shape: large, base, medium, mini, micro, nano, pico, or layers, hidden size and heads as in 6L768H12."""
    max_steps: Count = 500_000
    """Updates to make."""
    max_seq_len: Annotated[int, Field(ge=8)] = 512
    """Tokens of a sample, with [CLS] and [SEP]."""
    max_position_embeddings: Count = 512
    """Positions that the model has; `max_seq_len` must not be above."""
    micro_batch_size: Count = 8
    """Samples that pass through the net at once."""
    global_batch_size: Count | None = None
    """Samples of one update, a multiple of `micro_batch_size`; the same as that if absent."""
    max_lr: Annotated[float, Field(gt=0)] = 1e-4
    """Learning rate after the warm-up."""
    min_lr: Annotated[float, Field(ge=0)] = 1e-5
    """Learning rate at the end of the decay and after it."""
    warmup_rate: Share = 0.01
    """Share of `max_steps` in which the rate rises."""
    decay_steps: Count | None = None
    """Step at which the rate has fallen to `min_lr`; `max_steps` if absent."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decay of all weights but biases and norms."""
    grad_clip: Annotated[float, Field(ge=0)] = 1.0
    """Largest global norm of the gradients; 0 does not clip."""
    adam_beta1: Below = 0.9
    """Memory of the mean of the gradients."""
    adam_beta2: Below = 0.999
    """Memory of their squares."""
    adam_epsilon: Annotated[float, Field(gt=0)] = 1e-8
    """Keeps AdamW from dividing by zero."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rate that each layer has of the one above it; 1: all learn alike."""
    hidden_dropout_prob: Below = 0.1
    """Dropout of the layers' outputs."""
    attention_probs_dropout_prob: Below = 0.1
    """Dropout of the attention."""
    masked_lm_prob: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the tokens to guess."""
    short_seq_prob: Share = 0.1
    """Share of samples with a shorter target length."""
    max_ngrams: Count = 3
    """Most words that are masked in a row."""
    favor_longer_ngram: bool = False
    """Whether long runs of words are likelier than short ones."""
    geometric_dist: bool = False
    """Whether the lengths of runs follow a geometric distribution; goes before `favor_longer_ngram`."""
    inplace_random_mask: bool = False
    """Whether a random replacement is a token of the same sample instead of any of the vocabulary."""
    do_permutation: bool = False
    """Whether as many tokens again change places, and are to be guessed too."""
    index_order: Literal["epochs", "paddlenlp"] = "epochs"
    """Order of the samples: epoch after epoch, which `max_steps` does not change; or PaddleNLP's, all epochs shuffled
    together, which it does."""
    binary_head: bool = True
    """Whether to learn the order of sentences too; documents of one sentence can only be used without."""
    split: Annotated[str, Field(pattern=r"^\d+(\.\d+)?([,/]\d+(\.\d+)?){0,2}$")] = "949,50,1"
    """Shares of the documents for training, validation and test; a part that is left out is not asked for."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1234
    """Decides weights, masks, dropout and order."""
    eval_freq: Count = 500
    """Steps between two evaluations."""
    eval_iters: Annotated[int, Field(ge=0)] = 10
    """Batches of an evaluation; 0 evaluates nothing. The test at the end takes ten times as many."""
    logging_freq: Free[Count] = 20
    """Steps between two log lines."""
    checkpoint_steps: Free[Count] = 500
    """Steps between two checkpoints; the newest two are kept."""
    save_steps: Free[Count] = 100_000
    """Steps between two checkpoints that stay for good."""
    use_recompute: Free[bool] = False
    """Whether to keep the inputs of the layers only and compute the rest again: less memory, a third more time."""
    use_amp: bool = False
    """Whether to compute in half precision; only on GPUs, elsewhere it is refused."""
    fp16_opt_level: Literal["O1", "O2"] = "O2"
    """O1: weights in float32, most operations in half precision; O2: weights in half precision, with float32 copies."""
    amp_dtype: Literal["float16", "bfloat16"] = "float16"
    """The half precision; bfloat16 needs no loss scaling, and a GPU that knows it."""
    scale_loss: Annotated[float, Field(ge=1)] = 32768.0
    """First factor of the loss scaler with float16; it finds its own from there."""
    sharding: Free[Literal["none", "stage1", "stage2"]] = "none"
    """stage1: each process keeps the optimiser's state of its share of the weights only; stage2: their gradients too.
    Processes of one machine without GPUs share that state anyway."""
    max_loss_spike: Free[Annotated[float, Field(gt=1)] | None] = None
    """Ends the training if losses are above so many times their running mean; absent: whatever they are."""
    loss_spike_window: Free[Count] = 100
    """Steps of that running mean."""
    loss_spike_steps: Free[Count] = 5
    """Such losses in a row that end it."""
    max_restarts: Free[Count] = 10
    """Starts without a new checkpoint, after which it is refused to start again."""
    start_fresh: Free[bool] = False
    """Train again from step 0 if there was progress but no checkpoint of it is whole; without it that is an error."""

    @model_validator(mode="after")
    def _fits(self) -> "Pretrain":
        if found := fitting.contradictions(self):
            raise ValueError("; ".join(found))
        return self

    def misfits(self, around: Around) -> Iterator[str]:
        try:
            fitting.accumulate(self.global_batch_size or self.micro_batch_size, self.micro_batch_size, around.ranks)
        except BadInput as error:
            yield str(error)
        if self.use_amp and not around.gpus:
            yield "use_amp computes in half precision, which only GPUs can: add `gpus: 1` or more, or leave use_amp out"
        if said := fitting.jump(self):
            yield said
        if "eval_iters" in self.model_fields_set and self.eval_iters and not self._evaluated():
            yield f"eval_iters {self.eval_iters}: split {self.split} holds out nothing to evaluate, add a second share"
        yield from self._unlike(around)

    def _evaluated(self) -> list[str]:
        """The parts that are scored."""
        return [part for part in ("valid", "test") if self.eval_iters and shares.requested(part, self.split)]

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
            if (first := origin(made)) is None:
                continue
            if self.max_seq_len > (limit := first.max_position_embeddings):
                yield f"max_seq_len {self.max_seq_len} is above the {limit} positions of `{made.name}`: lower it"
            if "arch" in self.model_fields_set and self.arch != first.arch:
                yield f"arch {self.arch}: this goes on from `{made.name}`, which is {first.arch}, leave arch out"

    def run(self, ids: Many[Ids], vocab: In[Vocab], init: In[Model] | None, model: Out[Model], here: Here) -> Scores:
        from ernie_core.pretrain import pretrain
        from ernie_core.pretrain.recipe import Recipe
        from ernie_core.train.checkpoint.commit import Place
        from ernie_core.train.parallel import join

        settings = self.model_dump(exclude={"start_fresh"}) | {
            "global_batch_size": self.global_batch_size or self.micro_batch_size
        }
        return pretrain.run(
            [(source.path, source.weight) for source in ids],
            vocab,
            model,
            Recipe(**settings),
            checkpoints=Place(here.store, here.address, here.scratch, here.lease),
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
    while before := made.reads.get("init"):
        made = before[0]
    return made.step if isinstance(made.step, Pretrain) else None


def positions(made: Made) -> int:
    """How many a model has; 0 if the spec does not say."""
    return first.max_position_embeddings if (first := origin(made)) else 0
