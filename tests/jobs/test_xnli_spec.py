"""XNLI in both modes from one file: its gates, its languages, and what contradicts the data."""

from pathlib import Path

import pytest
from machines import ROOT
from small_spec import load, problems

from components.finetune import Finetune
from ernie_core.tasks import defaults

TEXT = (ROOT / "specs/ernie_m_xnli.yaml").read_text(encoding="utf-8")


def test_both_modes_train_with_the_published_settings(tmp_path: Path) -> None:
    steps = {step.name: step.step for step in load(tmp_path, TEXT).steps}
    for name in ("transfer", "translate"):
        step = steps[name]
        assert isinstance(step, Finetune)
        assert (step.eval_steps, step.save_steps) == (767, 12272)
        chosen = defaults.resolved(step, "sequence_classification", "xnli", step.given)
        found = (chosen.learning_rate, chosen.batch_size, chosen.num_train_epochs, chosen.layer_decay)
        assert found == (5e-5, 16, 5.0, 0.8)


@pytest.mark.parametrize(
    "gate",
    ["transfer.require.accuracy_en", "transfer.require.test_accuracy_sw", "translate.require.accuracy_average",
     "transfer_report.require.accuracy_zh", "translate_package.require.accuracy_average"],
)  # fmt: skip
def test_a_gate_may_name_a_language(tmp_path: Path, gate: str) -> None:
    assert load(tmp_path, TEXT, f"{gate}=>=0.7")


def test_a_gate_on_a_name_that_is_no_language_is_refused(tmp_path: Path) -> None:
    [said] = problems(tmp_path, TEXT, "transfer.require.accuracy_english=>=0.7")
    assert "gives no score `accuracy_english`" in said


@pytest.mark.parametrize("score", ["accuracy_en", "accuracy_average"])
def test_a_halving_by_a_language_is_refused_before_anything_is_trained(tmp_path: Path, score: str) -> None:
    swept = ("transfer.sweep={learning_rate: [3.0e-5, 5.0e-5]}", f"transfer.best=max {score}")
    assert load(tmp_path, TEXT, *swept)
    [said] = problems(tmp_path, TEXT, *swept, "transfer.halving=[767]")
    assert f"`{score}` is not known: choose by `accuracy`" in said
    assert load(tmp_path, TEXT, *swept, "transfer.halving=[767]", "transfer.best=max accuracy")


def test_an_entity_task_has_no_accuracy_of_a_language(tmp_path: Path) -> None:
    text = TEXT.replace("name: xnli, mode: cross-lingual-transfer", "name: msra_ner")
    [said] = problems(tmp_path, text, "transfer.require.accuracy_en=>=0.7")
    assert "gives no `accuracy_en` for token_classification" in said


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("transfer_data.mode=transfer", "cross-lingual-transfer"),
        ("transfer_data.languages=[en, xx]", "xx"),
        ("transfer_data.languages=[sw, zh]", "languages sw, zh: cross-lingual-transfer trains on en, add it"),
        ("transfer_data.name=xnli_cn", "mode: data of format xnli_cn do not say their language: leave it out"),
        ("transfer_data.mode=null", "say what to train on, `mode: cross-lingual-transfer` or translate-train-all"),
    ],
)
def test_what_no_run_can_do_is_refused(tmp_path: Path, edit: str, said: str) -> None:
    [found] = problems(tmp_path, TEXT, edit)
    assert said in found
