"""The `pretrain` step: its settings are checked before anything starts, and it trains from its ports."""

from pathlib import Path

import pytest
from pydantic import ValidationError

import components
from components.contract.base import Here, Source
from components.pretrain import Pretrain
from ernie_core.progress import never, silent
from ernie_core.store import open_store

TINY = {
    "arch": "1L32H2", "max_steps": 4, "max_seq_len": 32, "micro_batch_size": 4, "split": "90,10", "eval_freq": 4,
    "eval_iters": 1,
}  # fmt: skip


@pytest.mark.parametrize(("settings", "remedy"), [
    ({"min_lr": 1e-3}, "lower min_lr"),
    ({"max_seq_len": 1024}, "raise the second"),
    ({"micro_batch_size": 8, "global_batch_size": 12}, "not a multiple"),
    ({"arch": "huge"}, "pattern"),
    ({"max_step": 5}, "Extra inputs"),
])  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        Pretrain(**settings)


def test_what_cannot_change_the_model_stays_out_of_the_fingerprint() -> None:
    free = {"checkpoint_steps": 7, "logging_freq": 3, "save_steps": 9, "start_fresh": True, "use_recompute": True,
            "sharding": "stage1", "max_loss_spike": 4.0}  # fmt: skip
    assert Pretrain(**free).settings() == Pretrain().settings()
    assert Pretrain(seed=1).settings() != Pretrain().settings()


def test_it_trains_a_model_from_its_ports(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    here = Here(tmp_path / "scratch", silent, never, open_store(tmp_path / "store"), "pretrain/x")
    step = Pretrain(**TINY)
    scores = step.run((Source(corpus, "ids"),), corpus, None, tmp_path / "model", here)
    assert scores is not None and scores["valid_loss"] > 0
    assert not components.mismatch(step, scores, ["ids", "vocab"])
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.json", "metrics.json", "model_state.pdparams", "report.html", "train_log.jsonl", "vocab.txt",
    ]  # fmt: skip
    assert (tmp_path / "store/pretrain/x/model_last").is_symlink()
    assert {port.name: (port.kind, port.way) for port in Pretrain.ports()} == {
        "ids": ("ids", "many"), "vocab": ("vocab", "in"), "init": ("model", "in"), "model": ("model", "out"),
    }  # fmt: skip


@pytest.mark.parametrize("changes", [{"binary_head": False}, {"split": "1"}, {"split": "8,1,1"}, {"eval_iters": 0}])
def test_it_returns_the_scores_that_its_settings_say(changes: dict[str, object], corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    here = Here(tmp_path / "scratch", silent, never, open_store(tmp_path / "store"), "pretrain/x")
    step = Pretrain(**{**TINY, **changes})
    scores = step.run((Source(corpus, "ids"),), corpus, None, tmp_path / "model", here)
    assert scores is not None and not components.mismatch(step, scores, ["ids", "vocab"])


def test_a_tiny_corpus_is_learned_by_heart(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    here = Here(tmp_path / "scratch", silent, never, open_store(tmp_path / "store"), "pretrain/x")
    settings = {**TINY, "max_steps": 150, "max_lr": 1e-2, "eval_freq": 1000, "micro_batch_size": 16}
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    scores = Pretrain(**settings, **no_dropout).run((Source(corpus, "ids"),), corpus, None, tmp_path / "model", here)
    assert scores is not None and scores["train_loss"] < 4.9  # random weights: ln 105 + ln 2 = 5.35
