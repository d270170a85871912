"""Starting from a model, recompute, layer-wise rates, the loss-spike guard: each as a training with it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from train import trainer

from ernie_core import errors
from ernie_core.data import parts
from ernie_core.model import config, weights
from ernie_core.model.arrays import Arrays, read_arrays, write_arrays
from ernie_core.model.heads import ErnieForSequenceClassification

SHORT = {"max_steps": 4, "eval_freq": 4}


def arrays(root: Path) -> Arrays:
    return read_arrays(root / "model" / weights.FILE)


@pytest.fixture
def trained(corpus: Path, tmp_path: Path) -> Path:
    """A model folder, trained for a while."""
    trainer.train(corpus, tmp_path / "first", **SHORT)
    return tmp_path / "first/model"


def test_what_is_dear_to_make_of_the_data_is_made_once_and_mapped(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A corpus of 10^8 documents has an index that no process should hold in its memory."""
    cache = tmp_path / "cache"
    trainer.train(corpus, tmp_path / "without", **SHORT)
    trainer.train(corpus, tmp_path / "made", **SHORT, cache=cache)
    assert len(list(cache.glob("index-*"))) == 1

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the index was read again")

    monkeypatch.setattr(parts, "lens", never)
    monkeypatch.setattr(parts, "docs", never)
    trainer.train(corpus, tmp_path / "mapped", **SHORT, cache=cache)
    without, made, mapped = (arrays(tmp_path / name) for name in ("without", "made", "mapped"))
    assert all(np.array_equal(without[name], made[name]) for name in without)
    assert all(np.array_equal(without[name], mapped[name]) for name in without)


def test_recompute_changes_no_bit(corpus: Path, tmp_path: Path) -> None:
    for name, recompute in (("kept", False), ("again", True)):
        trainer.train(corpus, tmp_path / name, **SHORT, arch="2L32H2", use_recompute=recompute)
    one, other = arrays(tmp_path / "kept"), arrays(tmp_path / "again")
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_model_is_trained_on(corpus: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer.train(
        corpus, tmp_path / "on", **SHORT, init=trained, arch="base", max_lr=1e-9, min_lr=0.0, weight_decay=0.0
    )
    said = capsys.readouterr().err
    assert f"the weights are those of {trained}" in said and "hidden_size 32 (not 768)" in said
    first, on = read_arrays(trained / weights.FILE), arrays(tmp_path / "on")
    assert all(np.allclose(first[name], on[name], atol=1e-6) for name in first)


def test_a_resume_with_another_model_to_start_from_is_refused(corpus: Path, trained: Path, tmp_path: Path) -> None:
    trainer.train(corpus, tmp_path / "on", **SHORT, init=trained)
    trainer.train(corpus, tmp_path / "on", **{**SHORT, "max_steps": 5}, init=trained)
    with pytest.raises(errors.Refused, match=r"init .*checkpoint: [0-9a-f]{16}  now: random"):
        trainer.train(corpus, tmp_path / "on", **{**SHORT, "max_steps": 6})


def test_heads_that_a_model_lacks_start_at_random_and_are_named(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = ErnieForSequenceClassification(config.shape("1L32H2", 105))
    (tmp_path / "task").mkdir()
    weights.save(task, tmp_path / "task")
    trainer.train(corpus, tmp_path / "on", **SHORT, init=tmp_path / "task")
    said = capsys.readouterr().err
    assert "so these start at random: cls." in said and "cls.predictions.transform.weight" in said


def test_a_model_that_does_not_fit_is_refused(corpus: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "other")
    (tmp_path / "other/vocab.txt").write_text("[PAD]\n[CLS]\n[SEP]\n[MASK]\n[UNK]\nx\n")
    with pytest.raises(errors.BadInput, match="was trained with another vocabulary"):
        trainer.train(corpus, tmp_path / "on", **SHORT, init=tmp_path / "other")
    found = read_arrays(trained / weights.FILE)
    del found["ernie.pooler.dense.bias"]
    write_arrays(found, trained / weights.FILE)
    with pytest.raises(errors.BadInput, match=r"missing: ernie\.pooler\.dense\.bias"):
        trainer.train(corpus, tmp_path / "on", **SHORT, init=trained)


def test_lower_layers_learn_more_slowly(corpus: Path, tmp_path: Path) -> None:
    settings = {**SHORT, "max_steps": 1, "warmup_rate": 0.0, "min_lr": 1e-3, "weight_decay": 0.0, "arch": "2L32H2"}
    for name, decay in (("alike", 1.0), ("layered", 0.1)):
        trainer.train(corpus, tmp_path / name, **settings, layer_decay=decay)
    one, other = arrays(tmp_path / "alike"), arrays(tmp_path / "layered")
    change = {name: float(np.abs(one[name] - other[name]).max()) for name in one}
    lower, upper, head = (f"{x}.weight" for x in (
        "ernie.encoder.layers.0.linear1", "ernie.encoder.layers.1.linear1", "cls.predictions.transform",
    ))  # fmt: skip
    assert change[lower] > change[upper] > change[head] == 0.0


def test_losses_that_jump_end_the_training(corpus: Path, tmp_path: Path) -> None:
    spikes = {"max_loss_spike": 1.01, "loss_spike_window": 3, "loss_spike_steps": 2}
    with pytest.raises(errors.Refused, match=r"the last 2 losses are .* times the mean .*, or raise max_loss_spike"):
        trainer.train(corpus, tmp_path, max_lr=3.0, min_lr=3.0, **spikes)
    assert not (tmp_path / "model" / weights.FILE).exists()


def test_infinite_gradients_never_reach_the_weights(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.BadInput, match=r"step \d+: the (norm of the gradients|loss) is"):
        trainer.train(corpus, tmp_path, max_lr=1e30, grad_clip=0.0, checkpoint_steps=1000)
