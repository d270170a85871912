"""Every setting of a pretraining, under PaddleNLP's names. Imports nothing heavy: the command line reads it too."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from ernie_core.data.shares import fractions_of
from ernie_core.declared import Above, AtLeast0, Below1, Count, Pattern, Share
from ernie_core.errors import BadInput
from ernie_core.model import config as configs
from ernie_core.model.config import ErnieConfig
from ernie_core.train import settings
from ernie_core.train.optim.schedule import Schedule
from ernie_core.train.settings import Settings

if TYPE_CHECKING:
    from ernie_core.data.samples import Masking

TEST_ITERS = 10
"""Length of the final test, in evaluations."""
NO_ORDER = "it has no sentence order to learn, its segments have no types: set `binary_head: false`"
"""Why an ERNIE-M is trained without the order head, with the remedy."""


@dataclass(frozen=True)
class PretrainRecipe(Settings):
    """What to pretrain and how."""

    model_type: Literal["ernie", "ernie_m"] = "ernie"
    """Type of the model: `ernie`, or `ernie_m`, which has no types of tokens and learns masked tokens alone, with
    `binary_head: false`."""
    arch: Annotated[str, Pattern(r"^(large|base|medium|mini|micro|nano|pico|\d{1,6}L\d{1,6}H\d{1,6})$")] = "base"
    """Model shape: large, base, medium, mini, micro, nano, pico, or layers, hidden size and heads as in `6L768H12`.
    The inner layers of an ERNIE-M have four times the hidden size under every name."""
    max_steps: Count = 500_000
    """Updates to make. More than a training of the same settings has made continues it."""
    max_seq_len: Annotated[int, Ge(8)] = 512
    """Length of a sample in tokens, including [CLS] and [SEP]."""
    max_position_embeddings: Count = 512
    """Number of positions of the model, at least `max_seq_len`; the table of an ERNIE-M has two more rows."""
    micro_batch_size: Count = 8
    """Samples that pass through the net at once."""
    global_batch_size: Count | None = None
    """Number of samples in one update, a multiple of `micro_batch_size`; default: `micro_batch_size`."""
    max_lr: Above = 1e-4
    """Learning rate after the warm-up."""
    min_lr: AtLeast0 = 1e-5
    """Learning rate at the end of the decay and after it."""
    warmup_rate: Share = 0.01
    """Share of `max_steps` during which the learning rate rises."""
    decay_steps: Count | None = None
    """Step at which the learning rate reaches `min_lr`; default: `max_steps`."""
    hidden_dropout_prob: Below1 = 0.1
    """Dropout probability of layer outputs."""
    attention_probs_dropout_prob: Below1 = 0.1
    """Dropout probability of attention weights."""
    masked_lm_prob: Annotated[float, Gt(0), Lt(1)] = 0.15
    """Share of tokens to predict."""
    short_seq_prob: Share = 0.1
    """Share of samples with a shorter target length."""
    max_ngrams: Count = 3
    """Largest number of consecutive words that are masked together."""
    favor_longer_ngram: bool = False
    """Whether longer runs of masked words are more likely than shorter ones."""
    geometric_dist: bool = False
    """Whether lengths of runs follow a geometric distribution; overrides `favor_longer_ngram`."""
    inplace_random_mask: bool = False
    """Whether a random replacement comes from the same sample instead of the whole vocabulary."""
    do_permutation: bool = False
    """Whether to swap as many other tokens, and predict them too."""
    index_order: Literal["epochs", "paddlenlp"] = "epochs"
    """Order of samples: `epochs`, one epoch after another, independent of `max_steps`; or `paddlenlp`, all epochs
    shuffled together, which depends on `max_steps`."""
    binary_head: bool = True
    """Whether to learn sentence order too; documents of one sentence are then left out."""
    split: Annotated[str, Pattern(r"^\d+(\.\d+)?([,/]\d+(\.\d+)?){0,2}$")] = "949,50,1"
    """Shares of documents for training, validation and test; a part without a share is not made."""
    eval_freq: Count = 500
    """Number of steps between evaluations."""
    eval_iters: Annotated[int, Ge(0)] = 10
    """Number of batches in an evaluation; 0: no evaluation. The final test takes ten times as many."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "global_batch_size", self.batch)

    def contradictions(self) -> list[str]:
        found = []
        if self.model_type == "ernie_m" and self.binary_head:
            found.append(f"model_type ernie_m and binary_head true contradict: {NO_ORDER}")
        if self.min_lr > self.max_lr:
            found.append(f"min_lr {self.min_lr} is above max_lr {self.max_lr}: lower min_lr")
        if self.max_seq_len > self.max_position_embeddings:
            found.append(
                f"max_seq_len {self.max_seq_len} must be in 8..max_position_embeddings"
                f" {self.max_position_embeddings}: lower the first or raise the second"
            )
        size = self.global_batch_size
        if size is not None and size % self.micro_batch_size:
            larger = -(-size // self.micro_batch_size) * self.micro_batch_size
            found.append(
                f"global_batch_size {size} is not a multiple of micro_batch_size {self.micro_batch_size}:"
                f" it must be a multiple, such as {larger}"
            )
        try:
            configs.shape(self.arch, vocab_size=1, model_type=self.model_type)
        except BadInput as error:
            found.append(f"arch {self.arch}: {error}")
        try:
            fractions_of(self.split)
        except BadInput as error:
            found.append(str(error))
        return found

    def jump(self) -> str:
        """Why the learning rate jumps instead of falling, if it does: possible, but hardly intended."""
        warm, last = self.warmup_rate * self.max_steps, self.decay_steps
        if last is None or last > warm or last == self.max_steps:
            return ""
        return (
            f"decay_steps {last} is not after the warm-up, which takes {warm:g} steps (warmup_rate {self.warmup_rate:g}"
            f" of max_steps {self.max_steps}): raise decay_steps or lower warmup_rate"
        )

    @property
    def batch(self) -> int:
        """Samples of one update."""
        return self.global_batch_size or self.micro_batch_size

    @property
    def micro_batches(self) -> int:
        """Micro batches of one step, over all processes."""
        return self.batch // self.micro_batch_size

    def accumulate(self, world: int) -> int:
        """Micro batches of one step in each of `world` processes. BadInput if they cannot be split evenly."""
        names = ("global_batch_size", "micro_batch_size")
        return settings.accumulate(self.batch, self.micro_batch_size, world, names=names)

    def lasting(self) -> dict[str, Any]:
        return super().lasting() | {"global_batch_size": self.batch}

    def ends(self) -> frozenset[str]:
        # in PaddleNLP's order of the samples the end decides the beginning
        return frozenset() if self.index_order == "paddlenlp" else super().ends()

    def schedule(self) -> Schedule:
        """The learning rate of every step."""
        decay = self.max_steps if self.decay_steps is None else self.decay_steps
        return Schedule(self.max_lr, self.min_lr, self.warmup_rate * self.max_steps, decay)

    def masking(self) -> "Masking":
        """How samples are made."""
        from ernie_core.data.samples import Masking

        return Masking(
            self.max_seq_len,
            self.masked_lm_prob,
            self.max_ngrams,
            self.favor_longer_ngram,
            self.binary_head,
            self.seed,
            self.geometric_dist,
            self.inplace_random_mask,
            self.do_permutation,
        )

    def samples(self, part: str) -> int:
        """How many samples of `train`, `valid` or `test` the whole training asks for, as PaddleNLP counts them."""
        evaluations = self.max_steps // self.eval_freq + 1
        batches = {
            "train": self.max_steps,
            "valid": evaluations * self.eval_iters,
            "test": TEST_ITERS * self.eval_iters,
        }
        return batches[part] * self.batch

    def shape(self, vocab_size: int, pad: int) -> ErnieConfig:
        """The model."""
        config = configs.shape(
            self.arch,
            vocab_size,
            model_type=self.model_type,
            hidden_dropout_prob=self.hidden_dropout_prob,
            attention_probs_dropout_prob=self.attention_probs_dropout_prob,
            pad_token_id=pad,
        )
        return replace(config, max_position_embeddings=self.max_position_embeddings + config.offset)
