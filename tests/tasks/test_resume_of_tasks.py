"""A fine-tuning of any task that was stopped ends with the same bits as one that was not."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import tiny_tags
import tiny_task
from tasks import finetuner, test_multiple_choice, test_question_answering
from tasks.test_resume import after, digests, killed_at_random

from ernie_core import errors

EXAMPLES = {
    "question answering": test_question_answering.examples, "multiple choice": test_multiple_choice.examples
}  # fmt: skip
TAGGING = ("token_classification", "joint_intent_slots")
QUESTIONS = {"max_query_length": 3, "doc_stride": 6, "num_train_epochs": 1.0}


@pytest.mark.parametrize(
    ("examples", "settings"),
    [
        (test_question_answering.examples, QUESTIONS),
        (test_multiple_choice.examples, {"max_seq_len": 24, "num_train_epochs": 1.0}),
        *((partial(tiny_tags.data, task=task), {}) for task in TAGGING),
        *((partial(tiny_tags.data, task=task), {"rdrop_alpha": 0.5, "micro_batch_size": 4}) for task in TAGGING),
    ],
)
def test_stopping_changes_no_bit(
    tmp_path: Path, examples: Callable[[Path, int], Path], settings: dict[str, object]
) -> None:
    tiny_task.model(tmp_path / "pretrained")
    examples(tmp_path / "data", train=85)
    finetuner.train(tmp_path / "through", **settings)
    for step in (1, 4):
        root = tmp_path / f"stopped-{step}"
        with pytest.raises(errors.Stopped, match=f"stopped after step {step}, committed"):
            finetuner.train(root, stop=after(step), **settings)
        finetuner.train(root, **settings)
        assert digests(root) == digests(tmp_path / "through")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [("question answering", QUESTIONS | {"num_train_epochs": 8.0}),
     ("multiple choice", {"max_seq_len": 24, "num_train_epochs": 8.0})],
)  # fmt: skip
def test_questions_that_are_killed_end_with_the_same_bits(
    tmp_path: Path, name: str, settings: dict[str, object]
) -> None:
    tiny_task.model(tmp_path / "pretrained")
    EXAMPLES[name](tmp_path / "data", train=85)
    killed_at_random(tmp_path, 2, lives=3, **settings)
