"""Half precision: refused where it does not exist, and a loss scaler that resumes its state."""

from pathlib import Path

import paddle
import pytest
from train import trainer

from ernie_core import errors
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.train.optim import precision
from ernie_core.train.optim.precision import STEADY, Scaler


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("level", ["O1", "O2"])
def test_a_cpu_refuses_it_before_anything_starts(corpus: Path, tmp_path: Path, dtype: str, level: str) -> None:
    with pytest.raises(errors.BadInput, match=f"there are no {dtype} kernels for `cpu`.*leave use_amp out"):
        trainer.train(corpus, tmp_path, use_amp=True, fp16_opt_level=level, amp_dtype=dtype)
    assert not (tmp_path / "store/pretrain").exists()


def test_a_gpu_that_knows_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def knows(device: str) -> bool:
        asked.append(device)
        return True

    for dtype in ("float16", "bfloat16"):
        monkeypatch.setattr(paddle.amp, f"is_{dtype}_supported", knows)
        precision.check(PretrainRecipe(use_amp=True, amp_dtype=dtype), "gpu:1")
    assert asked == ["gpu:1", "gpu:1"]
    precision.check(PretrainRecipe(), "cpu")


@pytest.mark.parametrize(("dtype", "remedy"), [("float16", "leave use_amp out"), ("bfloat16", "amp_dtype: float16")])
def test_a_gpu_that_does_not_know_it_refuses_it(monkeypatch: pytest.MonkeyPatch, dtype: str, remedy: str) -> None:
    monkeypatch.setattr(paddle.amp, f"is_{dtype}_supported", lambda device: False)
    with pytest.raises(errors.BadInput, match=f"`gpu:0` does not support {dtype}; .*{remedy}.*newer GPU"):
        precision.check(PretrainRecipe(use_amp=True, amp_dtype=dtype), "gpu:0")


def test_gpus_are_told_to_add_up_in_a_fixed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, object] = {}
    monkeypatch.setattr(paddle, "set_flags", told.update)
    precision.keep_bits()
    assert told == {}, "the host knows no such flags"
    monkeypatch.setattr(paddle, "is_compiled_with_cuda", lambda: True)
    precision.keep_bits()
    assert told == {"FLAGS_embedding_deterministic": 1, "FLAGS_cudnn_deterministic": True}


def test_only_float16_needs_a_scaler() -> None:
    assert precision.scaler(PretrainRecipe(use_amp=True, scale_loss=1024.0)) == Scaler(1024.0, moves=True)
    for recipe in (PretrainRecipe(), PretrainRecipe(use_amp=True, amp_dtype="bfloat16")):
        assert precision.scaler(recipe) == Scaler(1.0) and precision.scaler(recipe).state() == {}


def test_an_overflow_skips_the_step_and_halves_the_scale() -> None:
    scaler = Scaler(1024.0, moves=True)
    assert [scaler.accept(1.0), scaler.accept(float("inf")), scaler.accept(float("nan"))] == [True, False, False]
    assert (scaler.loss_scaling, scaler.incr_count, scaler.decr_count) == (256.0, 0, 2)


def test_steady_steps_double_it() -> None:
    scaler = Scaler(1024.0, moves=True)
    assert all(scaler.accept(1.0) for _ in range(STEADY))
    assert (scaler.loss_scaling, scaler.incr_count) == (2048.0, 0)


def test_gradients_that_overflow_at_scale_1_are_left_to_the_guard() -> None:
    assert Scaler(1.0, moves=True).accept(float("nan")) is True


def test_it_goes_on_where_it_was() -> None:
    first, second = Scaler(1024.0, moves=True), Scaler(32768.0, moves=True)
    first.accept(1.0)
    second.restore(first.state())
    assert second == first
    with pytest.raises(errors.BadInput, match="loss scaler"):
        Scaler(1024.0, moves=True).restore({})


def test_a_scaled_loss_gives_the_same_step(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Powers of two are exact in float32, so the weights must be equal to the bit."""
    trainer.train(corpus, tmp_path / "plain", max_steps=4)
    monkeypatch.setattr(precision, "scaler", lambda recipe: Scaler(1024.0, moves=True))
    trainer.train(corpus, tmp_path / "scaled", max_steps=4)
    one, other = (tmp_path / name / "model/model_state.pdparams" for name in ("plain", "scaled"))
    assert one.read_bytes() == other.read_bytes()
    assert '"incr_count": 4' in (tmp_path / "scaled/store/pretrain/x/model_last/state.json").read_text()
