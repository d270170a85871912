"""The table of CLUE from the best points of its tasks."""

import json
from pathlib import Path

import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks import clue_report
from ernie_core.tasks.clue_report import Result

AFQMC = Result("afqmc", {"accuracy": 0.7484, "loss": 0.5}, {"learning_rate": 3e-5, "batch_size": 32,
                                                            "hidden_dropout_prob": 0.1})  # fmt: skip
CMRC = Result("cmrc2018", {"exact_match": 0.6732, "f1": 0.8783}, {"learning_rate": 1e-5, "batch_size": 24})


def test_a_line_of_names_a_line_of_scores_and_a_line_for_every_task() -> None:
    assert clue_report.text([CMRC, AFQMC]) == (
        "afqmc\tcmrc2018\taverage\n"
        "74.84\t67.32/87.83\t71.08\n"
        "afqmc 74.84 (3e-05, 32, 0.1)\n"
        "cmrc2018 67.32/87.83 (1e-05, 24, -)\n"
    )


def test_the_average_counts_question_answering_by_exact_match_as_the_published_tables_do(tmp_path: Path) -> None:
    figures = clue_report.write([AFQMC, CMRC], tmp_path)
    assert figures == {"average": pytest.approx(0.7108), "afqmc": 0.7484, "cmrc2018": 0.6732}
    assert json.loads((tmp_path / "metrics.json").read_text())["missing"][:2] == ["tnews", "iflytek"]
    for name, row in clue_report.PUBLISHED:
        assert len(row) == len(clue_report.TASKS), name
    page = (tmp_path / "clue.html").read_text(encoding="utf-8")
    assert "67.32/87.83" in page and "79.03" in page, "the published average of ERNIE 1.0-Large-zh-cw"


def test_a_task_that_is_there_twice_or_has_no_score_of_clue_is_refused() -> None:
    with pytest.raises(BadInput, match="afqmc: two steps have learned it"):
        clue_report.text([AFQMC, AFQMC])
    with pytest.raises(BadInput, match="`csl` has neither accuracy nor exact_match"):
        clue_report.text([Result("csl", {"slot_f1": 0.5}, {})])
    with pytest.raises(BadInput, match="`slu` is no task of CLUE: name the step that learned it"):
        clue_report.text([Result("slu", {"accuracy": 0.5}, {})])
