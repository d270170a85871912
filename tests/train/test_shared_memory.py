"""Memory that processes share: they meet there, come to equal sums, and hear of the death of one of them."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from train import launching, ranks

from ernie_core.train.native import kernel
from ernie_core.train.parallel import shared_memory
from ernie_core.train.parallel.meeting import SharedMemory
from ernie_core.train.parallel.team import Team

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system has no memory without a name")


def opened(team: Team, window: int = 64) -> SharedMemory:
    found = shared_memory.open_shared(team, window)
    assert found is not None
    return found


@pytest.mark.parametrize("world", [2, 3, 5])
def test_every_rank_gets_the_same_sum_turn_after_turn(world: int) -> None:
    values = [[np.random.RandomState(100 * turn + rank).randn(2, 3) for rank in range(world)] for turn in range(50)]

    def rank(team: Team) -> list[bytes]:
        memory = opened(team)
        return [memory.sum(each[team.rank]).tobytes() for each in values]

    found = ranks.together(world, rank)
    assert found == [[sum(each, np.zeros((2, 3))).tobytes() for each in values]] * world


def test_a_rank_that_is_late_is_waited_for() -> None:
    arrived = []

    def rank(team: Team) -> None:
        memory = opened(team)
        if team.rank == 1:
            time.sleep(0.3)
            arrived.append(time.monotonic())
        memory.meet()
        assert arrived

    ranks.together(3, rank)


def test_what_one_rank_writes_into_shared_memory_the_others_see() -> None:
    def rank(team: Team) -> bytes:
        memory = shared_memory.share(team, 3)
        assert memory is not None and memory[:3] == b"\0\0\0"
        team.barrier()
        memory[team.rank] = team.rank + 1
        team.barrier()
        return memory[:3]

    assert ranks.together(3, rank) == [b"\1\2\3"] * 3


def test_if_one_rank_cannot_have_it_none_has(monkeypatch: pytest.MonkeyPatch) -> None:
    find, asked = shared_memory._find, []

    def not_the_last(*given: object) -> object:
        asked.append(given)
        return find(*given) if len(asked) < 2 else None  # type: ignore[arg-type]

    def rank(team: Team) -> bool:
        return shared_memory.open_shared(team) is None

    with monkeypatch.context() as patched:
        patched.setattr(shared_memory, "_find", not_the_last)
        assert ranks.together(3, rank) == [True] * 3
    for module, name in ((os, "memfd_create"), (os, "pidfd_open")):
        with monkeypatch.context() as patched:
            patched.delattr(module, name)
            assert ranks.together(2, rank) == [True] * 2
    with monkeypatch.context() as patched:
        patched.setattr(kernel, "load", lambda: None)
        assert ranks.together(2, rank) == [True] * 2
    assert ranks.together(2, rank) == [False] * 2


def test_the_same_place_on_another_machine_is_not_taken() -> None:
    made = shared_memory._make(64 + 16)
    assert made is not None
    memory, file = made
    memory[64:] = b"that of this run"
    here = Path(f"/proc/{os.getpid()}/fd/{file}")
    assert shared_memory._find(here, 64 + 16, b"that of this run") is not None
    assert shared_memory._find(here, 64 + 16, b"of another one..") is None
    assert shared_memory._find(here, 32 + 16, b"that of this run") is None
    assert shared_memory._find(here.with_name("999999"), 64 + 16, b"that of this run") is None
    os.close(file)


@pytest.mark.parametrize("how", ["ends", "is killed"])
@pytest.mark.parametrize("waits", ["sum", "barrier", "gather"])
def test_the_death_of_a_process_ends_the_wait_of_the_others(how: str, waits: str) -> None:
    processes = launching.start(2, Path(__file__).with_name("meeting.py"), how, waits)
    said = launching.hear(processes)
    assert processes[1].returncode == (0 if how == "ends" else -signal.SIGKILL)
    assert said[0][0].splitlines()[-1] == "rank 0: the process of rank 1 has ended"


def test_nothing_is_left_of_the_memory() -> None:
    def files() -> set[Path]:
        """Tests beside this one have folders there."""
        return {path for path in Path("/dev/shm").glob("*") if path.is_file()}

    before = files()
    launching.hear(launching.start(2, Path(__file__).with_name("meeting.py"), "is killed"))
    assert files() <= before
