"""Training on several processes: as one process does it, whichever dies, and however many resume."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from train import launching, trainer
from train.test_resume import digests

from ernie_core import errors
from ernie_core.model import weights
from ernie_core.model.arrays import read_arrays

SCRIPT = Path(trainer.__file__)
STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "max_steps": 12, "eval_freq": 4}


def two(corpus: Path, root: Path, **settings: object) -> list[subprocess.Popen[str]]:
    return launching.start(2, SCRIPT, str(corpus), str(root), *(f"{k}={json.dumps(v)}" for k, v in settings.items()))


def curve(root: Path) -> list[dict[str, float]]:
    lines = (root / "model/train_log.jsonl").read_text().splitlines()
    return [json.loads(text) for text in lines]


def assert_close(one: Path, other: Path) -> None:
    """Equal but for the order in which numbers were added."""
    assert len(curve(one)) == len(curve(other)) > 5
    for a, b in zip(curve(one), curve(other), strict=True):
        assert a["step"] == b["step"] and a["loss"] == pytest.approx(b["loss"], rel=1e-4)
    a, b = (read_arrays(root / "model" / weights.FILE) for root in (one, other))
    assert all(np.allclose(a[name], b[name], atol=2e-4) for name in a)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"sharding": "stage1", "arch": "2L256H4"}, {"sharding": "stage2", "arch": "2L256H4"},
     {"sharding": "stage2", "arch": "2L256H4", "use_recompute": True}],
)  # fmt: skip
def test_two_processes_train_as_one_does(corpus: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    settings = {**STILL, **changes, "global_batch_size": 16}  # two micro steps each
    launching.finish(two(corpus, tmp_path / "two", **settings))
    trainer.train(corpus, tmp_path / "one", **{**settings, "sharding": "none"})
    assert_close(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_processes_of_two_pods_make_what_their_own_cache_lacks(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADDLE_RANK_IN_NODE", "0")
    launching.finish(two(corpus, tmp_path / "two", **STILL, cache=str(tmp_path / "cache-{rank}")))
    assert all(len(list((tmp_path / f"cache-{rank}").glob("index-*"))) == 1 for rank in range(2))


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 2])
def test_a_training_goes_on_with_more_or_fewer_processes(corpus: Path, tmp_path: Path, first: int) -> None:
    settings = {**STILL, "warmup_rate": 0.0, "decay_steps": 12}
    trainer.train(corpus, tmp_path / "through", **settings)
    for world, until in ((first, 6), (3 - first, 12)):
        if world == 1:
            trainer.train(corpus, tmp_path / "moved", **{**settings, "max_steps": until})
        else:
            launching.finish(two(corpus, tmp_path / "moved", **{**settings, "max_steps": until}))
    assert_close(tmp_path / "moved", tmp_path / "through")


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_the_death_of_a_rank_ends_all_and_a_restart_ends_with_the_same_bits(
    corpus: Path, tmp_path: Path, victim: int
) -> None:
    settings = {"max_steps": 30, "decay_steps": 30, "warmup_rate": 0.0, "logging_freq": 1}
    processes = two(corpus, tmp_path / "killed", **{**settings, "max_steps": trainer.ENDLESS})
    assert processes[0].stderr is not None
    for text in processes[0].stderr:
        if text.startswith("global step 10,"):
            break
    processes[victim].kill()
    launching.hear(processes)
    assert [process.returncode == 0 for process in processes] == [False, False]
    assert not (tmp_path / "killed/model/metrics.json").exists()
    settings["max_steps"] = trainer.reached(tmp_path / "killed") + 10
    launching.finish(two(corpus, tmp_path / "killed", **settings))
    launching.finish(two(corpus, tmp_path / "through", **settings))
    assert digests(tmp_path / "killed") == digests(tmp_path / "through")


@pytest.mark.slow
def test_a_signal_to_one_rank_stops_all_with_the_step_committed(corpus: Path, tmp_path: Path) -> None:
    processes = two(corpus, tmp_path, max_steps=100_000, checkpoint_steps=100_000, logging_freq=1)
    assert processes[0].stderr is not None
    for text in processes[0].stderr:
        if text.startswith("global step 3,"):
            break
    processes[1].terminate()
    said = launching.hear(processes)
    assert [process.returncode for process in processes] == [143, 143], said
    assert (tmp_path / "store/pretrain/x/model_last/MANIFEST.json").is_file()


def test_a_batch_that_does_not_divide_is_refused_with_the_numbers() -> None:
    with pytest.raises(errors.BadInput, match=r"global_batch_size 24 does not divide into 4 .* micro_batch_size of 4"):
        trainer.PretrainRecipe(micro_batch_size=4, global_batch_size=24).accumulate(4)
