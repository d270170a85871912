"""A run that was interrupted ends with the same bits as one that was not."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from train import trainer

from ernie_core import errors
from ernie_core.data import ids, order, vocabulary
from ernie_core.model.arrays import read_arrays
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.train.checkpoint import copies
from ernie_core.train.optim import precision
from ernie_core.train.optim.precision import Scaler


def digests(root: Path) -> dict[str, str]:
    """Everything that the run left: the model folder, and the optimiser's state of the last checkpoint."""
    last = root / "store/pretrain/x/model_last"
    files = [*sorted((root / "model").iterdir()), *sorted(last.glob("*.pdopt")), last / "state.json"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def start(corpus: Path, root: Path, **settings: object) -> subprocess.Popen[str]:
    tests, top = Path(__file__).parent, Path(__file__).parents[2]
    words = [f"{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [sys.executable, str(tests / "trainer.py"), str(corpus), str(root), *words],
        env={**os.environ, "PYTHONPATH": str(top)},
        stderr=subprocess.PIPE,
        text=True,
    )


class Stops:
    """Asks to stop after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


def epoch_border(corpus: Path) -> int:
    """The step in which the second epoch begins."""
    recipe = PretrainRecipe(**trainer.TINY)
    part = order.mixture(
        "train", [ids.read([corpus])], [1.0], vocabulary.read(corpus), recipe.masking(), recipe.split, 0.1
    )
    return len(part.orders[0].holding(0).rows) // recipe.global_batch_size + 1


def test_stopping_anywhere_changes_no_bit(corpus: Path, tmp_path: Path) -> None:
    trainer.train(corpus, tmp_path / "through")
    border = epoch_border(corpus)
    assert 1 < border < 35
    for steps in (1, border - 1, border, border + 1, 20, 39):
        root = tmp_path / f"stopped-{steps}"
        with pytest.raises(errors.Stopped):
            trainer.train(corpus, root, stop=Stops(steps))
        trainer.train(corpus, root)
        assert digests(root) == digests(tmp_path / "through"), f"stopped after step {steps}"


@pytest.mark.parametrize("settings", [{}, {"binary_head": False}])
def test_a_first_checkpoint_before_any_update_changes_no_bit(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    """As when a loss scale is too big at first: so many steps are skipped. Without the order head some never move."""

    def accept(scaler: Scaler, norm: float) -> bool:
        skipped = scaler.decr_count < 7
        scaler.decr_count += skipped
        return not skipped

    monkeypatch.setattr(precision, "scaler", lambda recipe: Scaler(1024.0, moves=True))
    monkeypatch.setattr(Scaler, "accept", accept)
    trainer.train(corpus, tmp_path / "through", **settings, max_steps=14)
    for steps in (3, 8, 10):
        root = tmp_path / f"stopped-{steps}"
        with pytest.raises(errors.Stopped):
            trainer.train(corpus, root, **settings, max_steps=14, stop=Stops(steps))
        trainer.train(corpus, root, **settings, max_steps=14)
        assert digests(root) == digests(tmp_path / "through"), f"stopped after step {steps}"


def test_every_checkpoint_is_of_its_step_though_the_next_step_goes_on_beside_the_copy(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"max_steps": 6, "checkpoint_steps": 1, "save_steps": 1, "max_loss_spike": 9.0}
    trainer.train(corpus, tmp_path / "at once", **settings)  # tensors as small as these are copied before save returns
    copy, made = copies.Copies._copy, []

    def late(memory: copies.Copies, name: str, values: np.ndarray) -> np.ndarray:
        time.sleep(0.005)
        made.append(name)
        return copy(memory, name, values)

    monkeypatch.setattr(copies, "SMALL", 16)
    monkeypatch.setattr(copies.Copies, "_copy", late)
    trainer.train(corpus, tmp_path / "late", **settings)
    assert len(made) > 6 * 50
    stores = [tmp_path / name / "store/pretrain/x" for name in ("at once", "late")]
    for step in range(1, 7):
        for name in ("model_state.pdparams", "model_state.pdopt", "state.json", "train_log.jsonl"):
            one, other = ((store / f"model_{step}" / name).read_bytes() for store in stores)
            assert one == other, f"{name} of step {step}"


def test_a_trainer_killed_at_random_moments_ends_with_the_same_bits(corpus: Path, tmp_path: Path) -> None:
    moments, root = random.Random(7), tmp_path / "killed"
    settings = {"warmup_rate": 0.0, "decay_steps": 60, "logging_freq": 1}
    for _ in range(4):
        process, left = start(corpus, root, **settings, max_steps=trainer.ENDLESS), moments.randint(1, 12)
        assert process.stderr is not None
        while left:  # kill while it trains or saves, not while it imports
            left -= process.stderr.readline().startswith("global step")
            assert process.poll() is None
        time.sleep(moments.uniform(0.0, 0.05))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    settings["max_steps"] = trainer.reached(root) + 10
    trainer.train(corpus, root, **settings)
    trainer.train(corpus, tmp_path / "through", **settings)
    assert digests(tmp_path / "killed") == digests(tmp_path / "through")


def test_sigterm_commits_the_step_and_leaves_with_143(corpus: Path, tmp_path: Path) -> None:
    process = start(corpus, tmp_path, max_steps=100000, checkpoint_steps=100000)
    assert process.stderr is not None
    while not process.stderr.readline().startswith("global step"):
        assert process.poll() is None
    process.terminate()
    said = process.stderr.read()
    assert process.wait() == 143, said
    last = (tmp_path / "store/pretrain/x/model_last").readlink().name
    assert f"committed as pretrain/x/{last}" in said
    assert (tmp_path / f"store/pretrain/x/{last}/MANIFEST.json").is_file()


def test_a_finished_run_trains_no_step(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = trainer.train(corpus, tmp_path, max_steps=5)
    before = digests(tmp_path)
    capsys.readouterr()
    assert trainer.train(corpus, tmp_path, max_steps=5) == scores
    assert "global step" not in capsys.readouterr().err
    assert digests(tmp_path) == before


def test_a_run_that_is_extended_keeps_its_past_order(corpus: Path) -> None:
    def drawn(max_steps: int) -> list[list[int]]:
        recipe = PretrainRecipe(**{**trainer.TINY, "max_steps": max_steps})
        part = order.mixture(
            "train", [ids.read([corpus])], [1.0], vocabulary.read(corpus), recipe.masking(), recipe.split, 0.1
        )
        return [part.sample(number).ids for number in range(max_steps * 8)]

    assert drawn(30)[:80] == drawn(10)


def test_a_resume_with_other_settings_is_refused_with_a_table(corpus: Path, tmp_path: Path) -> None:
    trainer.train(corpus, tmp_path, max_steps=4)
    with pytest.raises(errors.Refused) as refused:
        trainer.train(corpus, tmp_path, max_steps=8, seed=99, global_batch_size=4)
    assert "seed" in str(refused.value) and "checkpoint: 1234  now: 99" in str(refused.value)
    assert "checkpoint: 8  now: 4" in str(refused.value)
    for change in ({"decay_steps": 3}, {"eval_freq": 7}, {"eval_iters": 2}, {"scale_loss": 4.0}):
        with pytest.raises(errors.Refused, match=next(iter(change))):
            trainer.train(corpus, tmp_path, max_steps=8, **change)


def test_another_thread_count_is_noted(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.train(corpus, tmp_path, max_steps=4)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    trainer.train(corpus, tmp_path, max_steps=5)
    assert "bits may differ" in (said := capsys.readouterr().err) and "now: 7" in said


def test_a_loss_that_is_not_a_number_names_its_step_and_commits_nothing(corpus: Path, tmp_path: Path) -> None:
    wild = {"max_lr": 1e30, "warmup_rate": 0.1, "grad_clip": 0.0, "weight_decay": 1e10}
    with pytest.raises(errors.BadInput, match=r"step \d+: .*nothing is saved after it") as wrong:
        trainer.train(corpus, tmp_path, **wild)
    assert wrong.value.exit_code == 65
    for path in (tmp_path / "store/pretrain/x").glob("model_*/model_state.pdparams"):
        assert all(np.isfinite(array).all() for array in read_arrays(path).values())
    assert not (tmp_path / "model/model_state.pdparams").exists()
