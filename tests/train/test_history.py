"""Measured times over restarts, in the store beside the checkpoints."""

from pathlib import Path

import pytest

from ernie_core.errors import BadInput
from ernie_core.store import open_store
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor import history
from ernie_core.train.monitor.history import Start, Stretch
from ernie_core.train.monitor.pace import Pace


@pytest.fixture
def place(tmp_path: Path) -> CheckpointLocation:
    return CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path)


def stretch(step: int) -> str:
    return history.entry(step, Pace(began=0.0, steps=10), now=5.0)


def test_a_restart_keeps_what_leads_up_to_its_step_and_is_itself_kept(place: CheckpointLocation) -> None:
    times = history.begin(place, 0)
    history.write(place, [*times, stretch(10), stretch(20)])  # 20 was written, but its checkpoint was not committed
    history.begin(place, 10)
    found = history.read(history.begin(place, 10), "here")  # the process before came to nothing
    assert [type(entry) for entry in found] == [Start, Stretch, Start, Start]
    assert [entry.step for entry in found] == [0, 10, 10, 10]
    assert history.restarts(history.begin(place, 10)) == 3


def test_a_file_that_is_something_else_is_refused_with_its_line(place: CheckpointLocation) -> None:
    place.store.write("pretrain/x/train_times.jsonl", b'{"step": 1}\n')
    with pytest.raises(BadInput, match=r"pretrain/x/train_times.jsonl: '\{\"step\": 1\}' is not an entry"):
        history.begin(place, 0)
