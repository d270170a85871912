"""Every setting of a pretraining, under PaddleNLP's names, and the checks that need no data."""

from dataclasses import asdict, dataclass

from ernie_core.data.samples import Masking
from ernie_core.errors import BadInput
from ernie_core.model import config as configs
from ernie_core.model.config import ErnieConfig
from ernie_core.pretrain import fitting
from ernie_core.train.optim.optimiser import Schedule

SHARDING = ("none", "stage1", "stage2")
"""What of the optimiser a process keeps for its share of the weights only: nothing, its state, gradients too."""

TEST_ITERS = 10
"""The test at the end is this many times longer than an evaluation."""


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
    layer_decay: float = 1.0
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    masked_lm_prob: float = 0.15
    short_seq_prob: float = 0.1
    max_ngrams: int = 3
    favor_longer_ngram: bool = False
    geometric_dist: bool = False
    inplace_random_mask: bool = False
    do_permutation: bool = False
    index_order: str = "epochs"
    binary_head: bool = True
    split: str = "949,50,1"
    seed: int = 1234
    eval_freq: int = 500
    eval_iters: int = 10
    logging_freq: int = 20
    checkpoint_steps: int = 500
    save_steps: int = 100_000
    max_restarts: int = 10
    use_recompute: bool = False
    use_amp: bool = False
    fp16_opt_level: str = "O2"
    amp_dtype: str = "float16"
    scale_loss: float = 32768.0
    sharding: str = "none"
    max_loss_spike: float | None = None
    loss_spike_window: int = 100
    loss_spike_steps: int = 5

    def __post_init__(self) -> None:
        steps = (self.max_steps, self.eval_freq, self.logging_freq, self.checkpoint_steps, self.save_steps)
        spikes = (self.loss_spike_window, self.loss_spike_steps)
        if min(*steps, *spikes, self.micro_batch_size, self.max_ngrams) < 1 or self.eval_iters < 0:
            raise BadInput("steps, frequencies, batch sizes and max_ngrams must be at least 1, eval_iters at least 0")
        if not 0 < self.layer_decay <= 1:
            raise BadInput(f"layer_decay {self.layer_decay} must be above 0 and at most 1")
        if self.max_loss_spike is not None and self.max_loss_spike <= 1:
            raise BadInput(f"max_loss_spike {self.max_loss_spike} must be above 1: it is times the mean loss")
        self._choose("fp16_opt_level", ("O1", "O2"))
        self._choose("amp_dtype", ("float16", "bfloat16"))
        self._choose("index_order", ("epochs", "paddlenlp"))
        self._choose("sharding", SHARDING)
        if found := fitting.contradictions(self):
            raise BadInput("; ".join(found))

    @property
    def micro_batches(self) -> int:
        """Micro batches of one step, over all processes."""
        return self.global_batch_size // self.micro_batch_size

    def accumulate(self, world: int) -> int:
        """Micro batches of one step in each of `world` processes."""
        return fitting.accumulate(self.global_batch_size, self.micro_batch_size, world)

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
        return batches[part] * self.global_batch_size

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
        """What a run cannot change when it goes on; how far it goes, what it logs, and how it fits in memory it can.

        The number of processes is not among it: the samples of a step are the same for any.
        """
        free = _FREE - {"max_steps"} if self.index_order == "paddlenlp" else _FREE
        return {name: value for name, value in asdict(self).items() if name not in free}

    def _choose(self, name: str, known: tuple[str, ...]) -> None:
        if getattr(self, name) not in known:
            raise BadInput(f"{name} `{getattr(self, name)}` is not known, choose from: {', '.join(known)}")


_FREE = {
    "max_steps", "max_restarts", "logging_freq", "checkpoint_steps", "save_steps", "use_recompute", "sharding",
    "max_loss_spike", "loss_spike_window", "loss_spike_steps",
}  # fmt: skip
"""What the `pretrain` step leaves out of its fingerprint too, but for `max_steps`: a longer training is another model,
though it may begin as the shorter one."""
