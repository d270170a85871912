"""Gradients added up by ranges: every number once, by one rank, in the order of the ranks."""

from functools import reduce

import numpy as np
import pytest
from train import ranks

from ernie_core.train.parallel import shared_memory
from ernie_core.train.parallel.ranges import Ranges
from ernie_core.train.parallel.team import Team

SIZES = {"a": 15, "b": 1, "c": 280, "d": 8, "e": 90}


def gradients(rank: int) -> list[np.ndarray]:
    random = np.random.RandomState(rank)
    return [random.randn(size).astype("float32") for size in SIZES.values()]


@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize("window", [2, 16, 94, 10_000])
def test_every_number_is_summed_by_one_rank(world: int, window: int) -> None:
    def rank(team: Team) -> list[tuple[dict[str, list[tuple[int, int]]], list[np.ndarray], float]]:
        memory = shared_memory.open_shared(team, window)
        assert memory is not None
        found = []
        for turn in range(2):
            ranges, arrays = Ranges(memory, SIZES), gradients(team.rank + 10 * turn)
            squares = ranges.add_up(arrays)
            found.append((ranges.own, arrays, squares))
        return found

    found = ranks.together(world, rank)
    for turn in range(2):
        every = zip(*(gradients(rank + 10 * turn) for rank in range(world)), strict=True)
        sums = dict(zip(SIZES, (reduce(np.add, arrays) for arrays in every), strict=True))
        met = {name: np.zeros(size, int) for name, size in SIZES.items()}
        for own, arrays, squares in (each[turn] for each in found):
            for (name, total), array in zip(sums.items(), arrays, strict=True):
                for start, stop in own.get(name, []):
                    met[name][start:stop] += 1
                    assert array[start:stop].tobytes() == total[start:stop].tobytes()
            assert squares == found[0][turn][2]
            expected = sum(float(np.square(total, dtype="float64").sum()) for total in sums.values())
            assert squares == pytest.approx(expected, rel=1e-6)
        assert all((counts == 1).all() for counts in met.values())
        loads = [sum(stop - start for parts in each[turn][0].values() for start, stop in parts) for each in found]
        assert max(loads) - min(loads) <= len(range(0, sum(SIZES.values()), window))


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 3e38])
def test_what_is_not_finite_shows_in_the_squares_of_all(number: float) -> None:
    def rank(team: Team) -> float:
        memory = shared_memory.open_shared(team)
        assert memory is not None
        return Ranges(memory, {"a": 3}).add_up([np.array([1.0, number, 2.0], "float32")])

    assert not np.isfinite(ranks.together(2, rank)).any()
