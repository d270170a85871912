"""Sums through shared memory: the same bits on every rank, added in the order of the ranks, and nothing left behind."""

import errno
import os
from functools import reduce
from pathlib import Path

import numpy as np
import paddle
import pytest
from train import ranks

from ernie_core.train import near
from ernie_core.train.team import Team

SIZES = [(3, 5), (1,), (40, 7), (2, 2, 2), (90,)]


def gradients(rank: int, sizes: list[tuple[int, ...]] = SIZES) -> list[np.ndarray]:
    random = np.random.RandomState(rank)
    return [random.randn(*size).astype("float32") for size in sizes]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of that whose files are memory."""
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(near, "FOLDER", tmp_path / "memory")
    return tmp_path / "memory"


@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize("window", [1, 16, 94, 10_000])
def test_every_rank_gets_the_sum_and_its_squares(folder: Path, world: int, window: int) -> None:
    def rank(team: Team) -> tuple[list[bytes], float]:
        memory = near.open_near(team, team.barrier, 4 * window * (world + 1))
        assert memory is not None and memory.slots.shape == (world + 1, window)
        for turn in range(2):
            tensors = [paddle.to_tensor(array) for array in gradients(team.rank + 10 * turn)]
            squares = memory.add_up(tensors)
        return [tensor.numpy().tobytes() for tensor in tensors], squares

    every = [gradients(rank + 10) for rank in range(world)]
    sums = [reduce(np.add, arrays) for arrays in zip(*every, strict=True)]
    for found, squares in ranks.together(world, rank):
        assert found == [array.tobytes() for array in sums]
        assert squares == pytest.approx(sum(float(np.square(array, dtype="float64").sum()) for array in sums), rel=1e-6)
    assert not any(folder.iterdir())


def test_what_does_not_lie_in_a_row_is_summed_too(folder: Path) -> None:
    def rank(team: Team) -> np.ndarray:
        memory = near.open_near(team, team.barrier)
        assert memory is not None
        turned = paddle.to_tensor(gradients(team.rank, [(4, 6)])[0]).transpose([1, 0])
        assert not turned.is_contiguous()
        memory.add_up([turned])
        return np.asarray(turned.numpy())

    one, other = (gradients(rank, [(4, 6)])[0].T for rank in range(2))
    assert all(np.array_equal(found, one + other) for found in ranks.together(2, rank))


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 3e38])
def test_what_is_not_finite_shows_in_the_squares(folder: Path, number: float) -> None:
    def rank(team: Team) -> float:
        memory = near.open_near(team, team.barrier)
        assert memory is not None
        return memory.add_up([paddle.to_tensor([1.0, number, 2.0])])

    assert not np.isfinite(ranks.together(2, rank)).any()


def test_without_room_or_on_other_machines_no_rank_has_any(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rank(team: Team) -> bool:
        return near.open_near(team, team.barrier) is None

    taken, asked = near._map, []

    def not_the_last(path: Path, size: int, flags: int) -> object:
        asked.append(path)
        return taken(path, size, flags) if len(asked) < 3 else None

    monkeypatch.setattr(near, "_map", not_the_last)
    assert ranks.together(3, rank) == [True] * 3

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(near, "_map", taken)
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        assert ranks.together(2, rank) == [True] * 2
    assert ranks.together(2, rank) == [False] * 2
    assert not any(folder.iterdir())
    monkeypatch.setattr(near, "FOLDER", folder / "not there")
    assert ranks.together(2, rank) == [True] * 2
