"""The `finetune` step: a pretrained model and labelled examples -> a task model."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.around import Around
from components.base import Here, In, Out, Scores, Step
from components.kinds import Finetuned, Model, TaskData
from components.pretrain import positions
from components.scores import Score, share


class Finetune(Step):
    """Train a pretrained model on labelled examples and keep the weights that are best on dev.

    Scores are those of dev, and of test as `test_...`. A stopped run starts from its beginning.
    """

    image = "train"
    cpu = 2
    revision: ClassVar[int] = 2
    scores: ClassVar[tuple[Score, ...]] = (
        *(share(f"{split}{name}") for split in ("", "test_") for name in ("accuracy", "macro_f1")),
        Score("loss"),
        Score("test_loss"),
    )

    task: Literal["sequence_classification"] = "sequence_classification"
    """What to learn: one label for a text or a pair of texts."""
    max_seq_len: Annotated[int, Field(ge=3)] = 128
    """Tokens of an example, special tokens included; what is longer is cut."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Examples a step."""
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    """The highest rate; it falls linearly to 0."""
    num_train_epochs: Annotated[float, Field(gt=0)] = 3.0
    """Passes over the train split; may be a fraction."""
    max_steps: Annotated[int, Field(ge=-1)] = -1
    """Steps in all, instead of epochs; -1: not set."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decay of all weights but biases and norms."""
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the steps in which the rate rises."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rate that each layer has of the one above it; 1: all learn alike."""
    eval_steps: Annotated[int, Field(ge=1)] = 200
    """Steps between evaluations on dev; the last step is always evaluated."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Decides the first weights of the head, the order of examples, and dropout."""
    hidden_dropout_prob: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Dropout of hidden states; left out: as the pretrained model says."""
    attention_probs_dropout_prob: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Dropout of attention; left out: as the pretrained model says."""

    def misfits(self, around: Around) -> Iterator[str]:
        if self.max_steps == 0:
            yield "max_steps 0 trains nothing: give a number of steps, or leave it out"
        if self.max_steps > 0 and "num_train_epochs" in self.model_fields_set:
            yield (
                f"max_steps {self.max_steps} and num_train_epochs {self.num_train_epochs:g} both say how long to train:"
                " leave one of them out"
            )
        for made in around.reads.get("model", ()):
            if (limit := positions(made)) and self.max_seq_len > limit:
                yield (
                    f"max_seq_len {self.max_seq_len} is above the {limit} positions of the model of `{made.name}`:"
                    " lower it, or raise max_position_embeddings there"
                )

    def run(self, model: In[Model], task_data: In[TaskData], finetuned: Out[Finetuned], here: Here) -> Scores:
        from ernie_core.tasks import classification

        recipe = classification.Recipe(**self.model_dump(exclude={"task"}))
        return classification.finetune(model, task_data, finetuned, recipe, progress=here.progress, stop=here.stop)
