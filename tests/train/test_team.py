"""Processes agree on values, sums and shares; alone, nothing of that needs Paddle."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from train import launching

from ernie_core import errors
from ernie_core.train.parallel.join import join
from ernie_core.train.parallel.team import ALONE, Team


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
        assert (each["mean"], each["sum"]) == ([[0.5, 4.0]] * 2, [[2.0]] * 2)
        assert each["any"] == [[True, False]] * 2
        assert each["shared"] == hasattr(os, "memfd_create")


NUMBERS = 300 * 300 + 300 + 300 * 256 + 256
WAYS = ["in shared memory", "over the network", "stage 1", "stage 2", "stage 2 by Paddle"]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_share_an_update_comes_to_the_same_weights(said: list[dict[str, dict]], way: str) -> None:
    for each in said:
        found, plain = each["updates"][way], each["updates"]["over the network"]
        assert found["norms"] == pytest.approx([6.0 * NUMBERS**0.5] * 2)
        assert found["weights"] == said[0]["updates"][way]["weights"], "the ranks have different weights"
        if way != "stage 2 by Paddle":  # Paddle rounds at other places
            assert found["weights"] == plain["weights"]


def test_stage_2_leaves_a_gradient_with_its_owner_alone(said: list[dict[str, dict]]) -> None:
    small, big = {"0.bias", "1.bias"}, {"0.weight", "1.weight"}
    for way in ("stage 2", "stage 2 by Paddle"):
        one, other = (set(each["updates"][way]["held"]) for each in said)
        assert one & other == small and one | other == small | big
    assert all(set(each["updates"]["stage 1"]["held"]) == small | big for each in said)


@pytest.mark.parametrize("way", WAYS)
def test_the_state_is_everyones_or_that_of_the_own_share(said: list[dict[str, dict]], way: str) -> None:
    for each in said:
        names = {key.rpartition(".")[0] for key in each["updates"][way]["moments"]}
        everything = {"0.bias", "0.weight", "1.bias", "1.weight"}
        assert names == (set(each["share"]) if way.startswith("stage") else everything)


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
    code = (
        "from ernie_core.train.parallel.join import join; import sys; join().barrier(); print('paddle' in sys.modules)"
    )
    top = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=top, capture_output=True, text=True).stdout == "False\n"


def test_a_half_given_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.delenv("PADDLE_TRAINER_ID", raising=False)
    with pytest.raises(errors.BadInput, match="PADDLE_TRAINER_ID is not set: start through a launcher"):
        join()
