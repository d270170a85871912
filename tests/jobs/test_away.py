"""An object store that is away for a while, and steps that outlive their runner because they still save into it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
import trainings
from machines import Machine, wait_for

from ernie_core.store import Store, open_store, pointed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seaweed")


@pytest.fixture(scope="module")
def s3(place: Path) -> Iterator[dict[str, str]]:
    with servers.seaweed(place) as (_, environment):
        yield environment


@pytest.fixture
def store(machine: Machine, s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The machine's store, in the bucket; its job trains for a while."""
    machine.environment = s3
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    machine.corpus(300)
    machine.spec(trainings.steps(900, 100), store=f"s3://{servers.BUCKET}/{tmp_path.name}")
    return open_store(f"s3://{servers.BUCKET}/{tmp_path.name}")


def newest(store: Store) -> int:
    """The step of the newest checkpoint; 0 without one."""
    for fingerprint in store.children("pretrain"):
        return int((pointed(store, f"pretrain/{fingerprint}/model_last") or "model_0").removeprefix("model_"))
    return 0


@pytest.mark.slow
def test_a_store_that_is_away_for_twenty_seconds_ends_no_training(machine: Machine, store: Store, place: Path) -> None:
    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: newest(store))
    with servers.away(place):
        time.sleep(20)
        assert runner.poll() is None
    _, err = runner.communicate(timeout=180)
    assert runner.returncode == 0, err
    log = machine.kfp("logs", "demo.yaml", "pretrain").stdout
    assert "training from random weights" in log and "resuming after step" not in log
    assert "the record of the run is written again" in err or "could not be written" not in err


def test_no_other_run_removes_what_a_step_still_saves_after_its_runner_was_killed(
    machine: Machine, store: Store, place: Path, tmp_path: Path
) -> None:
    machine.spec(trainings.TEXT, name="other", store=str(tmp_path / "elsewhere"))
    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: newest(store) and trainings.at(machine) > newest(store) + 20)
    with servers.away(place):
        before = trainings.at(machine)
        os.killpg(runner.pid, signal.SIGKILL)
        runner.communicate()
        step = machine.step_pid("pretrain")
        said = machine.kfp("run", "other.yaml").stderr
        assert step and Path(f"/proc/{step}").exists()
        assert "`pretrain` of run" in said and "its files are kept" in said
        assert list(machine.home.glob("scratch/*/pretrain/task.json"))
    wait_for(lambda: machine.step_pid("pretrain") is None)
    assert newest(store) >= before, "it saved the step that it was in"
    machine.kfp("run", "other.yaml", "--redo", "ids")
    assert not list(machine.home.glob("scratch/*/pretrain")), "once nobody needs it, it goes"
    machine.kfp("run", "demo.yaml")
    assert "resuming after step" in machine.kfp("logs", "demo.yaml", "pretrain").stdout


@pytest.mark.slow
def test_the_first_ctrl_c_waits_as_long_as_a_save_takes_and_says_for_what(
    machine: Machine, store: Store, place: Path
) -> None:
    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: newest(store) and trainings.at(machine) > newest(store) + 20)
    with servers.away(place):
        before = trainings.at(machine)
        os.kill(runner.pid, signal.SIGINT)
        time.sleep(33)  # half a minute is what a step with a `timeout:` has
        assert runner.poll() is None and machine.step_pid("pretrain")
    _, err = runner.communicate(timeout=120)
    assert runner.returncode == 130, err
    assert "waiting for `pretrain`, asked to stop" in err and "saving step" in err
    assert newest(store) >= before, "nothing is lost"


def test_a_second_ctrl_c_kills_and_says_what_is_lost(machine: Machine, store: Store, place: Path) -> None:
    runner = machine.start("run", "demo.yaml")

    def between() -> int:
        """The newest checkpoint, while the training is well past it and well before the next; else 0."""
        kept = newest(store)
        return kept if kept and kept + 10 < trainings.at(machine) < kept + 35 else 0

    kept = wait_for(between)
    with servers.away(place):
        os.kill(runner.pid, signal.SIGINT)
        time.sleep(15)  # by now the runner has asked the store for something, and hears a person all the same
        os.kill(runner.pid, signal.SIGINT)
        wait_for(lambda: machine.step_pid("pretrain") is None, 20)
    _, err = runner.communicate(timeout=120)
    assert runner.returncode == 130, err
    assert f"step `pretrain` killed before it had saved: steps {kept + 1} to " in err
    assert f"it resumes from model_{kept}" in err
