"""The `finetune` step: a pretrained model and labelled examples -> a task model."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.base import Here, In, Out, Scores, Step
from components.kinds import Finetuned, Model, TaskData


class Finetune(Step):
    """Train a pretrained model on labelled examples and keep the weights that are best on dev.

    Scores: accuracy, macro_f1 and loss of dev, and of test as `test_...`. A stopped run starts from its beginning.
    """

    image = "train"
    cpu = 2
    revision: ClassVar[int] = 2

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
    max_steps: int = -1
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

    def run(self, model: In[Model], task_data: In[TaskData], finetuned: Out[Finetuned], here: Here) -> Scores:
        from ernie_core.tasks import classification

        recipe = classification.Recipe(**self.model_dump(exclude={"task"}))
        return classification.finetune(model, task_data, finetuned, recipe, progress=here.progress, stop=here.stop)
