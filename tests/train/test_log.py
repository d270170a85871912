"""What a training says of itself, on a clock that the test turns."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ernie_core.pretrain.objective import course
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.progress import silent
from ernie_core.train.monitor import history
from ernie_core.train.monitor.log import Log
from ernie_core.train.objective import Evaluation

RECIPE = PretrainRecipe(
    arch="pico", max_steps=3000, max_seq_len=64, global_batch_size=16, logging_freq=2, micro_batch_size=4
)
CONFIG = RECIPE.shape(1000, 0)
COURSE = course(RECIPE, CONFIG)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Seen:
    """A view that remembers."""

    def __init__(self) -> None:
        self.figures: list[tuple[int, dict[str, float]]] = []

    def __call__(self, step: int, said: Mapping[str, float]) -> None:
        self.figures.append((step, dict(said)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_line_of_the_reference_to_the_letter(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(COURSE, silent, clock=clock)
    for step, loss in ((1, 10.0), (2, 9.0)):
        clock.now += 0.5
        log.step(step, [loss, loss - 0.7, 0.7], 1e-6)
    assert capsys.readouterr().err.splitlines()[0] == (
        "global step 2, loss: 9.500000, lm_loss: 8.800000, sop_loss: 0.700000, speed: 2.00 steps/s,"
        " ips: 32.00 seqs/s, learning rate: 1.00000e-06"
    )


def test_the_loss_scaler_is_in_the_line_with_mixed_precision(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(course(PretrainRecipe(logging_freq=1, binary_head=False), CONFIG), silent, clock=clock)
    clock.now += 0.25
    log.step(1, [9.0, 9.0], 1e-4, scaler={"loss_scaling": 32768.0, "incr_count": 20, "decr_count": 0})
    assert capsys.readouterr().err.splitlines()[0] == (
        "global step 1, loss: 9.000000, speed: 4.00 steps/s, ips: 32.00 seqs/s, learning rate: 1.00000e-04,"
        " loss_scaling: 32768.00, incr_count: 20.00, decr_count: 0.00"
    )


def test_saving_and_evaluating_do_not_count_as_speed_but_waiting_does(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = Seen()
    log = Log(replace(COURSE, flops=1e6), silent, peak=1e10, views=[seen], clock=clock)
    clock.now += 1.0  # a step
    log.step(1, [9.0, 9.0, 0.0], 1e-4)
    clock.now += 7.0
    log.saved(3.0)
    figures = {"loss": 9.5, "lm_loss": 9.0, "sop_loss": 0.5, "lm_accuracy": 0.1}
    log.scored(Evaluation("valid", figures, batches=5, samples=20), 1, 4.0)
    clock.now += 1.0
    log.waited(0.5)
    log.step(2, [9.0, 9.0, 0.0], 1e-4)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "valid step 1, batch: 5, loss: 9.500000, lm_loss: 9.000000, sop_loss: 0.500000, ips: 5.00 seqs/s"
    assert said[2].startswith(
        "machine step 2, tokens: 1024 /s, model: 1.02 GFLOP/s, utilisation: 10.2 %, waiting for data: 25 %,"
        " saving: 3.00 s, resident memory: "
    )
    assert seen.figures[0] == (
        1, {"valid/loss": 9.5, "valid/lm_loss": 9.0, "valid/sop_loss": 0.5, "valid/lm_accuracy": 0.1},
    )  # fmt: skip
    figures = seen.figures[1][1]
    assert figures["train/steps_per_second"] == 1.0 and figures["train/samples_per_second"] == 16.0
    assert figures["speed/wait_share"] == 0.25 and figures["total/save_seconds"] == 3.0


def test_fewer_tokens_are_counted_when_batches_are_cut_to_their_longest_sample(clock: Clock) -> None:
    seen = Seen()
    log = Log(COURSE, silent, views=[seen], clock=clock)
    clock.now += 2.0
    log.step(1, [9.0, 9.0, 0.0], 1e-4, tokens=600)
    log.step(2, [9.0, 9.0, 0.0], 1e-4, tokens=400)
    assert seen.figures[0][1]["speed/tokens_per_second"] == 500.0


def test_a_view_that_fails_is_said_once_and_shows_again_when_it_can(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []

    def broken(step: int, said: Mapping[str, float]) -> None:
        if step < 5:
            raise OSError("no space left")
        shown.append(step)

    seen = Seen()
    log = Log(COURSE, silent, views=[broken, seen], clock=clock)
    for step in range(1, 7):
        clock.now += 1.0
        log.step(step, [9.0, 9.0, 0.0], 1e-4)
    assert capsys.readouterr().err.count("no space left") == 1
    assert [step for step, _ in seen.figures] == [2, 4, 6]
    assert shown == [6]


def test_a_line_that_cannot_be_printed_ends_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stderr", full)
        log = Log(COURSE, silent, clock=clock)
        clock.now += 1.0
        log.step(2, [9.0, 9.0, 0.0], 1e-4)
        monkeypatch.undo()
        with pytest.raises(OSError):
            full.close()


def test_other_processes_keep_silent(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(COURSE, silent, aloud=False, clock=clock)
    clock.now += 1.0
    log.step(2, [9.0, 9.0, 0.0], 1e-4)
    assert capsys.readouterr().err == ""


def test_the_times_are_kept_stretch_by_stretch_with_the_open_one(clock: Clock) -> None:
    log = Log(COURSE, silent, clock=clock)
    clock.now += 30.0  # opening the data
    log.begin(["{}"])
    for step in range(1, 5):  # a stretch is three steps, as a line of the curve is
        clock.now += 1.0
        log.step(step, [9.0, 9.0, 0.0], 1e-4)
    first, open_ = (history.decode(text, "here") for text in log.times()[1:])
    assert isinstance(first, history.Stretch) and isinstance(open_, history.Stretch)
    assert (first.step, first.steps, first.seconds) == (3, 3, 3.0)
    assert (open_.step, open_.steps, open_.seconds) == (4, 1, 1.0)
    assert first.tokens == 3 * 16 * 64 and first.resident > 1e6
    clock.now += 1.0
    log.step(5, [9.0, 9.0, 0.0], 1e-4)
    assert json.loads(log.times()[-1])["steps"] == 2
