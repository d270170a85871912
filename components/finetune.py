"""The `finetune` step: a pretrained model and labelled examples -> a task model."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from components.contract.around import Around
from components.contract.base import Free, Here, In, Out, Scores, Step
from components.contract.kinds import Finetuned, Model, TaskData
from components.contract.scores import Score, share
from components.pretrain import positions
from ernie_core.errors import BadInput
from ernie_core.tasks import defaults, known
from ernie_core.tasks.recipe import CHOICES, ONLY, TABLED, FinetuneRecipe
from ernie_core.train.settings import Settings


def _score(split: str, name: str) -> Score:
    """A score of labelled examples, if the task has it; of test only if its labels are known."""
    return share(f"{split}{name}", sure=not split and known.everywhere(name), tasks=known.having(name))


class Finetune(Step, FinetuneRecipe):
    """Train a pretrained model on labelled examples and keep the weights that are best on dev.

    Scores are those of dev, and of test as `test_...`.
    """

    image = "train"
    cpu = 2
    memory: ClassVar[str] = "4GiB"
    revision: ClassVar[int] = 2
    gang: ClassVar[bool] = True
    drilled: ClassVar[Mapping[str, Any]] = {
        "max_seq_len": 64, "batch_size": 8, "micro_batch_size": 4, "eval_steps": 20, "early_stopping_patience": None,
        "evaluation_strategy": "steps", "warmup_steps": None,
    }  # fmt: skip
    added: ClassVar[frozenset[str]] = frozenset(field.name for field in fields(Settings)) - {
        "seed", "weight_decay", "layer_decay"
    } | {"micro_batch_size", "early_stopping_patience"} | ONLY.keys() | CHOICES  # fmt: skip
    tabled: ClassVar[frozenset[str]] = TABLED
    main_scores: ClassVar[tuple[str, ...]] = (*known.SHARES, *(f"test_{name}" for name in known.MAIN))
    scores: ClassVar[tuple[Score, ...]] = (
        *(_score(split, name) for split in ("", "test_") for name in known.SHARES),
        *(
            share(f"{split}{name}", sure=False, tasks=tasks)
            for split in ("", "test_")
            for name, tasks in known.BY_LANGUAGE.items()
        ),
        Score("loss"),
        Score("test_loss", sure=False),
    )

    start_fresh: Free[bool] = False
    """Train again from step 0 if there was progress but no checkpoint of it is whole; without it that is an error."""

    def misfits(self, around: Around) -> Iterator[str]:
        if self.max_steps == 0:
            yield "max_steps 0 trains nothing: give a number of steps, or leave it out"
        if self.max_steps > 0 and "num_train_epochs" in self.model_fields_set:
            yield (
                f"max_steps {self.max_steps} and num_train_epochs {self.num_train_epochs:g} both say how long to train:"
                " leave one of them out"
            )
        if task := self.task or around.task:
            left = {name: value for name, value in defaults.TASKS.get(task, {}).items() if name not in self.given}
            yield from self.model_copy(update=left).unfit_for(task)
        if fault := self.doubled(self.model_fields_set):
            yield fault
        if self.evaluation_strategy == "epoch" and "eval_steps" in self.model_fields_set:
            yield (
                f"evaluation_strategy epoch and eval_steps {self.eval_steps} both say when to evaluate: leave one of"
                " them out"
            )
        try:
            self.micro_batches(around.ranks)
        except BadInput as error:
            yield str(error)
        if fault := self.unsuited(around.gpus):
            yield fault
        for made in around.reads.get("model", ()):
            if (limit := positions(made)) and self.max_seq_len > limit:
                yield (
                    f"max_seq_len {self.max_seq_len} is above the {limit} positions of the model of `{made.name}`:"
                    " lower it, or raise max_position_embeddings there"
                )

    def run(self, model: In[Model], task_data: In[TaskData], finetuned: Out[Finetuned], here: Here) -> Scores:
        from ernie_core.tasks.finetune import finetune
        from ernie_core.train.checkpoint.commit import CheckpointLocation
        from ernie_core.train.parallel import join

        return finetune(
            model,
            task_data,
            finetuned,
            FinetuneRecipe(**self.model_dump(exclude={"start_fresh"})),
            checkpoints=CheckpointLocation(here.store, here.address, here.scratch, here.lease, here.continues),
            team=join.join(),
            textfiles=here.metrics,
            progress=here.progress,
            stop=here.stop,
            start_fresh=self.start_fresh,
            given=self.given,
        )
