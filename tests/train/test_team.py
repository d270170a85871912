"""Processes agree on values, sums and shares; alone, nothing of that needs Paddle."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from train import launching

from ernie_core import errors
from ernie_core.train.team import ALONE, Team, join


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """What two ranks came to, the first of which was late."""
    done = tmp_path_factory.mktemp("team") / "done"
    found = launching.finish(launching.start(2, Path(__file__).with_name("agreeing.py"), str(done)))
    return [json.loads(text.splitlines()[-1]) for text in found]


def test_a_rank_that_is_busy_is_waited_for(said: list[dict[str, float]]) -> None:
    assert [each["rank"] for each in said] == [0, 1]
    assert [each["waited"] for each in said] == [True, True]


def test_every_rank_gets_every_value(said: list[dict[str, object]]) -> None:
    for each in said:
        assert each["gather"] == [{"of": 0, "text": ""}, {"of": 1, "text": "x" * 10}]
        assert each["first"] == "from the first"
        assert (each["mean"], each["sum"], each["any"]) == ([0.5, 4.0], [2.0], [True, False])


def test_gradients_big_and_small_are_added_up_in_shared_memory_and_over_the_network(
    said: list[dict[str, object]],
) -> None:
    for each in said:
        assert each["near"] == Path("/dev/shm").is_dir()
        assert each["gradients"] == [[3.0, 3.0]] * 6
        assert each["norms"] == pytest.approx([3.0 * 70_008**0.5] * 2)


def test_every_parameter_has_an_owner_and_reaches_everyone(said: list[dict[str, list[str]]]) -> None:
    small = {"0.bias", "1.bias"}
    assert set(said[0]["share"]) & set(said[1]["share"]) == small
    assert set(said[0]["share"]) | set(said[1]["share"]) == small | {"0.weight", "1.weight"}
    for each in said:
        assert each["passed on"] == [[7.0, 7.0]] * 4


def test_one_process_needs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PADDLE_TRAINERS_NUM", raising=False)
    team = join()
    team.barrier()
    assert team is ALONE and team == Team(0, 1)
    assert (team.gather("x"), team.first(5), team.any(True)) == (["x"], 5, True)
    assert np.array_equal(team.mean(np.array([1.0, 2.0])), [1.0, 2.0])


def test_one_process_does_not_import_paddle() -> None:
    code = "from ernie_core.train.team import join; import sys; join().barrier(); print('paddle' in sys.modules)"
    top = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=top, capture_output=True, text=True).stdout == "False\n"


def test_a_half_given_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.delenv("PADDLE_TRAINER_ID", raising=False)
    with pytest.raises(errors.BadInput, match="PADDLE_TRAINER_ID is not set: start through a launcher"):
        join()
