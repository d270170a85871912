"""What `task.json` of labelled examples says, and what is refused before anything is trained."""

import json
from pathlib import Path

import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks import data


@pytest.mark.parametrize("name", ["a\0b", "two\nlines", "n" * 300])
def test_a_name_that_no_file_can_be_called_after_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / data.FILE).write_text(json.dumps({"task": "question_answering", "dataset": name}))
    with pytest.raises(BadInput, match=r"task.json: dataset .* is no name: give 100 printable characters at most"):
        data.read(tmp_path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    facts = data.DataFacts("token_classification", "msra_ner", {"scheme": "BIO"})
    facts.write(tmp_path)
    assert data.read(tmp_path) == facts
