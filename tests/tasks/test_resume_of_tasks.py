"""A fine-tuning of any task that was stopped ends with the same bits as one that was not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_task
from tasks import finetuner, test_multiple_choice, test_question_answering
from tasks.test_resume import after, digests

from ernie_core import errors

QUESTIONS = {"max_query_length": 3, "doc_stride": 6, "num_train_epochs": 1.0}


@pytest.mark.parametrize(
    ("examples", "settings"),
    [
        (test_question_answering.examples, QUESTIONS),
        (test_multiple_choice.examples, {"max_seq_len": 24, "num_train_epochs": 1.0}),
    ],
)
def test_stopping_changes_no_bit(
    tmp_path: Path, examples: Callable[[Path, int], Path], settings: dict[str, object]
) -> None:
    tiny_task.model(tmp_path / "pretrained")
    examples(tmp_path / "data", 85)
    finetuner.train(tmp_path / "through", **settings)
    for step in (1, 4):
        root = tmp_path / f"stopped-{step}"
        with pytest.raises(errors.Stopped, match=f"stopped after step {step}, committed"):
            finetuner.train(root, stop=after(step), **settings)
        finetuner.train(root, **settings)
        assert digests(root) == digests(tmp_path / "through")
