"""Gates that cannot work are found when a spec is checked: no such score, not with these settings, in vain."""

from pathlib import Path

import pytest
from small_spec import load, problems

import components
from components.contract.gates import Gate

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {text: corpus/*.txt}
  labels: {task_data: labels}
steps:
  - segment:
  - vocab:
  - ids:
  - pretrain:
  - finetune:
  - compress:
  - evaluate:
  - package: {name: x}
"""


def wrong(tmp_path: Path, *edits: str) -> str:
    [said] = problems(tmp_path, TEXT, *edits)
    return said.removeprefix("--set: ")


@pytest.mark.parametrize(
    ("step", "score", "near"),
    [
        ("finetune", "acuracy", "did you mean `accuracy`?"),
        ("finetune", "test_acuracy", "did you mean `test_accuracy`?"),
        ("pretrain", "valid_los", "did you mean `valid_loss`?"),
        ("vocab", "unk", "choose from: bytes, characters,"),
        ("ids", "unkrate", "did you mean `unk_rate`?"),
        ("evaluate", "test_f1_of_all", "choose from: "),
        ("package", "acc", "choose from: "),
        ("segment", "train_loss", "choose from: blank_lines,"),
    ],
)
def test_a_score_that_no_such_step_gives_is_named_with_what_is_near(
    tmp_path: Path, step: str, score: str, near: str
) -> None:
    said = wrong(tmp_path, f"{step}.require.{score}=>=0.5")
    assert f".{step}.require.{score}: `{step}` gives no score `{score}`, {near}" in said


@pytest.mark.parametrize(
    ("step", "score", "change", "needs"),
    [
        ("pretrain", "valid_loss", "pretrain.eval_iters=0", "`eval_iters` above 0 and a share for valid in `split`"),
        ("pretrain", "test_loss", 'pretrain.split="9,1"', "a share for test in `split`"),
        ("pretrain", "train_sop_loss", "pretrain.binary_head=false", "`binary_head: true`"),
        ("vocab", "english", "vocab.recipe=whole", "`recipe: merge`"),
        ("package", "size_mb", "package.version=v1", "no `report`"),
    ],
)
def test_a_score_that_these_settings_do_not_give_is_named_with_what_it_needs(
    tmp_path: Path, step: str, score: str, change: str, needs: str
) -> None:
    said = wrong(tmp_path, f"{step}.require.{score}=<=5", change)
    assert f"`{step}` gives no `{score}` with these settings, it needs " in said and needs in said


def test_without_labelled_examples_an_export_has_no_accuracy(tmp_path: Path) -> None:
    text = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {finetuned: model}
steps:
  - compress: {require: {accuracy: ">=0.5"}}
"""
    assert "it needs labelled examples, `task_data`" in problems(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        (">=1.5", "never holds, `accuracy` is from 0 to 1: write a bound from 0 to 1"),
        (">=80", 'never holds, `accuracy` is from 0 to 1: write ">=0.8" or ">=80%"'),
        (">1", 'never holds, `accuracy` is from 0 to 1: write ">=1"'),
        ("<0", "never holds"),
        ("<=-0.5", "never holds"),
        ("<=75", 'always holds, `accuracy` is from 0 to 1: write "<=0.75" or "<=75%"'),
        (">=-1", "always holds"),
        (">=150%", "never holds"),
    ],
)
def test_a_bound_that_decides_nothing_is_refused(tmp_path: Path, bound: str, said: str) -> None:
    assert said in wrong(tmp_path, f"evaluate.require={{accuracy: '{bound}'}}")


@pytest.mark.parametrize("edit", ["{}", "null", ""])
def test_an_edit_leaves_out_the_gates_of_a_step(tmp_path: Path, edit: str) -> None:
    gated = "evaluate.require={accuracy: '>=1'}"
    assert not load(tmp_path, TEXT, gated, f"evaluate.require={edit}").steps[-2].gates


@pytest.mark.parametrize("bound", [">=1", "<=0", ">0", ">=80%", "<1e-3", ">=.8", " >= 0.80 "])
def test_a_bound_at_the_edge_is_one(tmp_path: Path, bound: str) -> None:
    assert load(tmp_path, TEXT, f"evaluate.require={{accuracy: '{bound}'}}").steps[-2].gates


@pytest.mark.parametrize(
    ("bound", "remedy"),
    [
        ("0.8", 'write it as ">=0.8"'),
        ("=>0.8", 'write it as ">=0.8"'),
        ("≥0.8", 'write it as ">=0.8"'),
        (">= 0,8", 'write it as ">=0.8"'),
        ("==0.8", '`==` is not one of >=, <=, > and <: write it as ">=0.8"'),
        ("!=0.8", '`!=` is not one of >=, <=, > and <: write it as ">=0.8"'),
        (">=nan", 'write it as ">=0.75"'),
        (">=1e400", "the number is not finite"),
        (">=", 'write it as ">=0.75"'),
        (None, "`null` is not a bound"),
        ("x" * 10_000, "(9,920 more characters)` is not a bound"),
    ],
)
def test_what_is_no_bound_is_said_with_how_to_write_it(bound: object, remedy: str) -> None:
    with pytest.raises(ValueError, match="is not a bound") as caught:
        Gate.parse("accuracy", bound)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("name", components.names())
def test_every_declared_score_can_be_a_gate_if_its_settings_are_there(name: str) -> None:
    cls = components.find(name)
    assert cls.scores, "what does it measure?"
    assert len({score.name for score in cls.scores}) == len(cls.scores)
    assert all(score.needs for score in cls.scores if score.when), "a person must learn what a score needs"


FINETUNED = """\
version: 1
name: demo
store: ./store
inputs:
  model: {model: model/*}
  raw: {raw_data: raw/*}
steps:
  - dataset: {format: cmrc2018}
  - finetune: {max_steps: 5}
"""


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        ("finetune.max_seq_len=48", "max_seq_len 48 has no room for a context behind a question of max_query_length"),
        ("finetune.class_weight=balanced", "class_weight is a setting of sequence_classification, these examples"),
        ("finetune.metric_for_best_model=macro_f1", "`macro_f1` is no score of question_answering, choose from: f1"),
        ("finetune.require={macro_f1: '>=0.5'}", "`finetune` gives no `macro_f1` for question_answering"),
    ],
)  # fmt: skip
def test_what_does_not_suit_the_task_of_the_data_is_refused_before_anything_runs(
    tmp_path: Path, edit: str, problem: str
) -> None:
    load(tmp_path, FINETUNED)
    (found,) = problems(tmp_path, FINETUNED, edit)
    assert problem in found
