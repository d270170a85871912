"""Every setting of a fine-tuning, under PaddleNLP's names. Imports nothing heavy: the command line reads it too."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Lt

from ernie_core.declared import Above, AtLeast0, Below1, Count, Share
from ernie_core.errors import BadInput
from ernie_core.tasks.known import TASKS
from ernie_core.train import settings
from ernie_core.train.settings import Settings

if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(TASKS)]


ONLY = {
    "class_weight": "sequence_classification",
    **dict.fromkeys(
        ("doc_stride", "max_query_length", "max_answer_length", "n_best_size", "null_score_diff_threshold"),
        "question_answering",
    ),
}
"""Settings that mean something for one task only, with the name of that task."""
TABLED = frozenset(
    ("max_seq_len", "batch_size", "learning_rate", "num_train_epochs", "weight_decay", "warmup_ratio", "adam_epsilon",
     "layer_decay", "classifier_dropout")
) | ONLY.keys()  # fmt: skip
"""Settings whose default may be that of the task or of the data set, see defaults.py."""
CHOICES = frozenset((
    "lr_scheduler_type", "warmup_steps", "evaluation_strategy", "metric_for_best_model", "freeze_embeddings",
    "freeze_layers", "rdrop_alpha", "fgm_epsilon", "classifier_dropout",
))  # fmt: skip
"""Settings that an earlier version did not have, and whose defaults are what it did."""


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
    """Peak learning rate."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    """Course of the learning rate after the warm-up: it falls to 0 on a straight line or along half a cosine, or
    stays."""
    num_train_epochs: Above = 3.0
    """Number of passes over the train split; may be a fraction. More than a training of the same settings has made
    continues it."""
    max_steps: Annotated[int, Ge(-1)] = -1
    """Steps in all, instead of epochs; default: not set."""
    warmup_ratio: Share = 0.1
    """Share of steps during which the learning rate rises."""
    warmup_steps: Annotated[int, Ge(0)] | None = None
    """Number of those steps, instead of `warmup_ratio`."""
    evaluation_strategy: Literal["steps", "epoch"] = "steps"
    """Whether to evaluate on dev every `eval_steps` steps or after each epoch; the last step is always evaluated."""
    eval_steps: Count = 200
    """Number of steps between evaluations on dev."""
    metric_for_best_model: str | None = None
    """Score of dev by which the best weights are chosen, and by which `early_stopping_patience` counts: any score of
    the task, the greater the better, or `loss`, the smaller the better. Default: the main score of the task; between
    equals the smaller loss decides. PaddleNLP's `eval_` before the name may be there."""
    early_stopping_patience: Count | None = None
    """Evaluations in a row without a better result, after which the training ends; default: never."""
    seed: Annotated[int, Ge(0), Lt(2**32)] = 42
    """Random seed of the head's weights, the order of examples, and dropout."""
    hidden_dropout_prob: Below1 | None = None
    """Dropout probability of hidden states; default: that of the pretrained model."""
    attention_probs_dropout_prob: Below1 | None = None
    """Dropout probability of attention weights; default: that of the pretrained model."""
    classifier_dropout: Below1 | None = None
    """Dropout probability before the classifier; default: that of the pretrained model."""
    freeze_embeddings: bool = False
    """Whether the embeddings keep the pretrained weights."""
    freeze_layers: Annotated[int, Ge(0)] = 0
    """Number of layers, from the lowest, that keep the pretrained weights."""
    rdrop_alpha: AtLeast0 = 0.0
    """Weight of the R-Drop term (Liang et al., 2021); 0: none. Each micro batch passes twice, with other dropout: the
    loss is the mean of both, plus this times the mean of the two KL divergences between the answers."""
    fgm_epsilon: AtLeast0 = 0.0
    """Size of the FGM perturbation (Miyato et al., 2017); 0: none. Each micro batch passes once more, its word
    embeddings moved by this times the normalised gradient of its loss, and the gradients of both passes are added."""

    class_weight: Literal["none", "balanced"] = "none"
    """Sequence classification: weight of a label in the loss of training; `balanced` is inverse to its frequency in
    train, with a mean of 1 over the examples. Scores, `loss` among them, are not weighted."""
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

    def deciding(self, task: str | None) -> str:
        """The name of the score that chooses the best weights; empty: the main one of a task that is not known yet.

        BadInput if the task has no such score; None: if no task has.
        """
        tasks = [TASKS[task]] if task else list(TASKS.values())
        if self.metric_for_best_model is None:
            return tasks[0].main if task else ""
        names = (*dict.fromkeys(name for known in tasks for name in known.shares), "loss")
        if (name := self.metric_for_best_model.removeprefix("eval_")) not in names:
            raise BadInput(
                f"metric_for_best_model `{self.metric_for_best_model}` is no score of {task or 'any task'}, choose"
                f" from: {', '.join(names)}"
            )
        return name

    def unfit_for(self, task: str) -> list[str]:
        """What of these settings does not suit a task, each with the remedy."""
        fields = type(self).__dataclass_fields__
        found = [
            f"{name} is a setting of {owner}, these examples are for {task}: leave it out"
            for name, owner in ONLY.items()
            if owner != task and getattr(self, name) != fields[name].default
        ]
        try:
            self.deciding(task)
        except BadInput as error:
            found.append(str(error))
        if task == "question_answering" and self.max_seq_len < self.max_query_length + 4:
            found.append(
                f"max_seq_len {self.max_seq_len} has no room for a context behind a question of max_query_length"
                f" {self.max_query_length} tokens and 3 special tokens: raise the one, or lower the other"
            )
        return found

    def warmup(self, steps: int) -> float:
        """Number of steps of the warm-up of a training of `steps` steps; BadInput if it would never end."""
        if self.warmup_steps is None:
            return self.warmup_ratio * steps
        if self.warmup_steps >= steps:
            raise BadInput(
                f"warmup_steps {self.warmup_steps} leave none of the {steps} steps of the training: lower it"
            )
        return float(self.warmup_steps)

    def doubled(self, given: Collection[str]) -> str:
        """Why these settings, of which a person gave some, say how long the warm-up is twice; empty if they do not."""
        if self.warmup_steps is None or "warmup_ratio" not in given:
            return ""
        return (
            f"warmup_steps {self.warmup_steps} and warmup_ratio {self.warmup_ratio:g} both say how long the learning"
            " rate rises: leave one of them out"
        )

    def contradictions(self) -> list[str]:
        found, micro = [], self.micro_batch_size
        if micro is not None and self.batch_size % micro:
            found.append(
                f"batch_size {self.batch_size} is not a multiple of micro_batch_size {micro}:"
                f" it must be a multiple, such as {-(-self.batch_size // micro) * micro}"
            )
        if self.rdrop_alpha and self.hidden_dropout_prob == self.attention_probs_dropout_prob == 0:
            found.append(
                f"rdrop_alpha {self.rdrop_alpha:g} compares two passes with other dropout, and all dropout is 0:"
                " leave one of them out"
            )
        try:
            self.deciding(self.task)
            if self.max_steps > 0:
                self.warmup(self.max_steps)
        except BadInput as error:
            found.append(str(error))
        return found

    def ends(self) -> frozenset[str]:
        return frozenset({"max_steps", "num_train_epochs"})
