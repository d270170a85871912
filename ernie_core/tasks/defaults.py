"""Defaults of the settings that depend on the task or on the data set.

A setting that a person gives counts first, then that of the data set, then that of the task, then that of
`FinetuneRecipe`. Imports nothing heavy: the command line reads it too.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.recipe import FinetuneRecipe

_QA = {"max_seq_len": 384, "batch_size": 12, "num_train_epochs": 1.0}
_NER = {"batch_size": 64}

TASKS: Mapping[str, Mapping[str, Any]] = {
    "token_classification": _NER,
    "question_answering": _QA,
    "multiple_choice": {"learning_rate": 2e-5, "batch_size": 24},
    "joint_intent_slots": {"max_seq_len": 16, "batch_size": 64, "num_train_epochs": 30.0},
}
"""By the name of a task."""

DATASETS: Mapping[str, Mapping[str, Any]] = {
    "clue/afqmc": {"num_train_epochs": 4.0, "batch_size": 64},
    "clue/tnews": {"num_train_epochs": 4.0, "batch_size": 64},
    "clue/iflytek": {"num_train_epochs": 8.0, "batch_size": 64},
    "clue/ocnli": {"num_train_epochs": 8.0, "batch_size": 64},
    "clue/cmnli": {"num_train_epochs": 3.0, "batch_size": 64},
    "clue/cluewsc2020": {"num_train_epochs": 50.0, "batch_size": 64},
    "clue/csl": {"num_train_epochs": 10.0, "batch_size": 32, "max_seq_len": 256},
    "xnli_cn": {"num_train_epochs": 3.0, "batch_size": 256, "learning_rate": 1e-4},
    "xnli": {
        "max_seq_len": 256,
        "batch_size": 16,
        "num_train_epochs": 5.0,
        "learning_rate": 5e-5,
        "warmup_ratio": 0.1,
        "weight_decay": 0.0,
        "layer_decay": 0.8,
        "classifier_dropout": 0.1,
    },
    "chnsenticorp": {"num_train_epochs": 8.0, "batch_size": 16},
    "peoples_daily_ner": {"num_train_epochs": 4.0, "batch_size": 128},
    "msra_ner": {"num_train_epochs": 3.0, "batch_size": 64},
    "cmrc2018": _QA | {"batch_size": 32},
    "drcd": _QA,
    "dureader_robust": _QA,
    "clue/cmrc2018": _QA | {"batch_size": 32, "max_answer_length": 50},
    "clue/chid": {"max_seq_len": 64, "batch_size": 4, "num_train_epochs": 3.0, "weight_decay": 0.0},
    "clue/c3": {"max_seq_len": 512, "batch_size": 24, "num_train_epochs": 8.0},
}
"""By the name of a data set in its `task.json`: the published defaults of ERNIE 1.0, of CLUE and (xnli) of ERNIE-M."""


def resolved(settings: FinetuneRecipe, task: str, dataset: str, given: Collection[str] | None) -> FinetuneRecipe:
    """Settings with the defaults of the task and the data set in place of those that nobody gave.

    `given` are the names that a person chose; None: all of them. BadInput for what does not suit the task.
    """
    table = {**TASKS.get(task, {}), **DATASETS.get(dataset, {})} if given is not None else {}
    chosen = replace(settings, **{name: value for name, value in table.items() if name not in (given or ())})
    if found := chosen.unfit_for(task):
        raise BadInput("; ".join(found))
    return chosen
