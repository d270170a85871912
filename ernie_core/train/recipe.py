"""Every setting of a pretraining, under PaddleNLP's names, and the checks that need no data."""

from dataclasses import asdict, dataclass

from ernie_core.data.samples import Masking
from ernie_core.errors import BadInput
from ernie_core.model import config as configs
from ernie_core.model.config import ErnieConfig
from ernie_core.train.optimiser import Schedule


@dataclass(frozen=True)
class Recipe:
    """What to train and how."""

    arch: str = "base"
    max_steps: int = 500_000
    max_seq_len: int = 512
    max_position_embeddings: int = 512
    micro_batch_size: int = 8
    global_batch_size: int = 8
    max_lr: float = 1e-4
    min_lr: float = 1e-5
    warmup_rate: float = 0.01
    decay_steps: int | None = None
    weight_decay: float = 0.01
    grad_clip: float = 1.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    masked_lm_prob: float = 0.15
    short_seq_prob: float = 0.1
    max_ngrams: int = 3
    favor_longer_ngram: bool = False
    binary_head: bool = True
    split: str = "949,50,1"
    seed: int = 1234
    eval_freq: int = 500
    eval_iters: int = 10
    logging_freq: int = 20
    checkpoint_steps: int = 500
    save_steps: int = 100_000

    def __post_init__(self) -> None:
        if self.min_lr > self.max_lr:
            raise BadInput(f"min_lr {self.min_lr} is above max_lr {self.max_lr}: lower min_lr")
        if not 8 <= self.max_seq_len <= self.max_position_embeddings:
            raise BadInput(
                f"max_seq_len {self.max_seq_len} must be in 8..max_position_embeddings {self.max_position_embeddings}"
            )
        if self.global_batch_size % self.micro_batch_size:
            raise BadInput(
                f"global_batch_size {self.global_batch_size} must be a multiple of"
                f" micro_batch_size {self.micro_batch_size}"
            )
        steps = (self.max_steps, self.eval_freq, self.logging_freq, self.checkpoint_steps, self.save_steps)
        if min(*steps, self.micro_batch_size, self.max_ngrams) < 1 or self.eval_iters < 0:
            raise BadInput("steps, frequencies, batch sizes and max_ngrams must be at least 1, eval_iters at least 0")

    @property
    def accumulate(self) -> int:
        """Micro batches of one step."""
        return self.global_batch_size // self.micro_batch_size

    @property
    def window(self) -> int:
        """Steps that one line of train_log.jsonl sums up: about a thousand lines for a run of any length."""
        return max(1, self.max_steps // 1000)

    def schedule(self) -> Schedule:
        """The learning rate of every step."""
        decay = self.max_steps if self.decay_steps is None else self.decay_steps
        return Schedule(self.max_lr, self.min_lr, self.warmup_rate * self.max_steps, decay)

    def masking(self) -> Masking:
        """How samples are made."""
        return Masking(
            self.max_seq_len, self.masked_lm_prob, self.max_ngrams, self.favor_longer_ngram, self.binary_head, self.seed
        )

    def shape(self, vocab_size: int, pad: int) -> ErnieConfig:
        """The model."""
        return configs.shape(
            self.arch,
            vocab_size,
            max_position_embeddings=self.max_position_embeddings,
            hidden_dropout_prob=self.hidden_dropout_prob,
            attention_probs_dropout_prob=self.attention_probs_dropout_prob,
            pad_token_id=pad,
        )

    def lasting(self) -> dict[str, str | int | float | bool]:
        """What a run cannot change when it goes on; how far it goes and how often it reports it can."""
        free = {"max_steps", "eval_freq", "eval_iters", "logging_freq", "checkpoint_steps", "save_steps", "decay_steps"}
        return {name: value for name, value in asdict(self).items() if name not in free}
