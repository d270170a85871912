"""Every setting of a fine-tuning, under PaddleNLP's names. Imports nothing heavy: the command line reads it too."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Lt

from ernie_core.declared import Above, Below1, Count, Share
from ernie_core.tasks.known import TASKS
from ernie_core.train import settings
from ernie_core.train.settings import Settings

if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(TASKS)]


ONLY = dict.fromkeys(
    ("doc_stride", "max_query_length", "max_answer_length", "n_best_size", "null_score_diff_threshold"),
    "question_answering",
)
"""Settings that mean something for one task only, with the name of that task."""
TABLED = frozenset(
    ("max_seq_len", "batch_size", "learning_rate", "num_train_epochs", "weight_decay", "warmup_ratio", "adam_epsilon")
) | ONLY.keys()  # fmt: skip
"""Settings whose default may be that of the task or of the data set, see defaults.py."""


@dataclass(frozen=True)
class FinetuneRecipe(Settings):
    """What to fine-tune for, and how."""

    task: Name | None = None
    """Task to learn; default: the one that the examples are for, which is one label for a text or a pair of texts if
    they do not say."""
    max_seq_len: Annotated[int, Ge(3)] = 128
    """Length of an example in tokens, including special tokens; longer ones are truncated."""
    batch_size: Count = 32
    """Number of examples in one step."""
    micro_batch_size: Count | None = None
    """Examples that pass through the net at once; `batch_size` must be a multiple of it, times the number of processes.
    Default: the share of each process."""
    learning_rate: Above = 5e-5
    """Peak learning rate; it falls linearly to 0."""
    num_train_epochs: Above = 3.0
    """Number of passes over the train split; may be a fraction. More than a training of the same settings has made
    continues it."""
    max_steps: Annotated[int, Ge(-1)] = -1
    """Steps in all, instead of epochs; default: not set."""
    warmup_ratio: Share = 0.1
    """Share of steps during which the learning rate rises."""
    eval_steps: Count = 200
    """Number of steps between evaluations on dev; the last step is always evaluated."""
    early_stopping_patience: Count | None = None
    """Evaluations in a row without a better result, after which the training ends; default: never."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 42
    """Random seed of the head's weights, the order of examples, and dropout."""
    hidden_dropout_prob: Below1 | None = None
    """Dropout probability of hidden states; default: that of the pretrained model."""
    attention_probs_dropout_prob: Below1 | None = None
    """Dropout probability of attention weights; default: that of the pretrained model."""

    doc_stride: Count = 128
    """Question answering: tokens between the beginnings of two windows over a long context."""
    max_query_length: Annotated[int, Ge(1)] = 64
    """Question answering: length of a question in tokens; longer ones are truncated."""
    max_answer_length: Count = 30
    """Question answering: length of the longest answer in tokens."""
    n_best_size: Count = 20
    """Question answering: number of candidates for the beginning of an answer, and for its end."""
    null_score_diff_threshold: float = 0.0
    """Question answering: how much better than the best answer no answer must be to be chosen, where some questions
    have none."""

    def micro_batches(self, world: int) -> int:
        """Micro batches in one step, over all `world` processes. BadInput if the batch cannot be split evenly."""
        micro = self.micro_batch_size
        if micro is None:
            return world
        return world * settings.accumulate(self.batch_size, micro, world, names=("batch_size", "micro_batch_size"))

    def contradictions(self) -> list[str]:
        micro = self.micro_batch_size
        if micro is None or self.batch_size % micro == 0:
            return []
        return [
            f"batch_size {self.batch_size} is not a multiple of micro_batch_size {micro}:"
            f" it must be a multiple, such as {-(-self.batch_size // micro) * micro}"
        ]

    def ends(self) -> frozenset[str]:
        return frozenset({"max_steps", "num_train_epochs"})
