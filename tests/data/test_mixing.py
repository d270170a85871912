"""Which corpus gives which sample: the order of the reference, for any sample at once."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core import errors
from ernie_core.data import index, mixing
from ernie_core.data.cache import Cache
from ernie_core.data.mixing import Mixing

WEIGHTS = st.lists(st.integers(1, 20), min_size=2, max_size=6)


def from_the_start(weights: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """All places, by one call."""
    chosen, numbers = np.empty(size, "uint8"), np.empty(size, "int64")
    index.blend(weights, np.zeros(len(weights), "int64"), 0, chosen, numbers)
    return chosen, numbers


@given(WEIGHTS, st.integers(0, 400))
@settings(max_examples=50, deadline=None)
def test_the_c_code_equals_the_plain_python_and_keeps_the_weights(weights: list[int], first: int) -> None:
    shares = mixing.shares(weights)

    def mixed() -> tuple[np.ndarray, np.ndarray]:
        taken, chosen, numbers = np.zeros(len(shares), "int64"), np.empty(500, "uint8"), np.empty(500, "int64")
        index.skip(shares, taken, 0, first)
        index.blend(shares, taken, first, chosen, numbers)
        return chosen, numbers

    chosen, numbers = mixed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_native", lambda: None)
        plainly = mixed()
    assert (chosen == plainly[0]).all() and (numbers == plainly[1]).all()
    whole = from_the_start(shares, first + 500)
    assert (chosen == whole[0][first:]).all() and (numbers == whole[1][first:]).all()
    assert np.abs(np.bincount(whole[0], minlength=len(shares)) - (first + 500) * shares).max() <= len(shares)
    for corpus in range(len(shares)):
        assert (whole[1][whole[0] == corpus] == np.arange((whole[0] == corpus).sum())).all()


def test_five_to_seven_gives_the_order_of_the_reference() -> None:
    chosen, _ = Mixing(mixing.shares([5, 7])).places(0, 20)
    assert chosen.tolist() == [1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1]


@pytest.mark.parity
@pytest.mark.parametrize("weights", [[5, 7], [5, 7, 12], [1, 1, 1], [0.1, 0.2, 0.7], [1] * 24, [3, 1, 4, 1, 5, 9, 2]])
def test_equals_the_native_reference(weights: list[float]) -> None:
    helpers = pytest.importorskip("tool_helpers.helpers")
    shares, size = mixing.shares(weights), 300_000
    chosen, numbers = np.zeros(size, "uint8"), np.zeros(size, "int64")
    helpers.build_blending_indices(chosen, numbers, shares, len(weights), size, False)
    found = Mixing(shares).places(0, size)
    assert (found[0] == chosen).all() and (found[1] == numbers).all()


@given(WEIGHTS, st.lists(st.tuples(st.integers(0, 1100), st.integers(1, 90)), min_size=1, max_size=8), st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sample_is_found_from_any_state(
    tmp_path_factory: pytest.TempPathFactory, weights: list[int], asked: list[tuple[int, int]], cached: bool
) -> None:
    shares, cache = mixing.shares(weights), Cache(tmp_path_factory.mktemp("cache")) if cached else None
    chosen, numbers = from_the_start(shares, 1200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixing, "_CHUNK", 16)
        patch.setattr(mixing, "_MARK", 64)
        one = Mixing(shares, cache)
        for first, size in asked:
            for found in (one.places(first, size), Mixing(shares, cache).places(first, size)):
                assert (found[0] == chosen[first : first + size]).all()
                assert (found[1] == numbers[first : first + size]).all()
            assert one.upcoming(first) == [int((chosen[:first] == k).sum()) for k in range(len(weights))]


def test_a_restart_counts_from_the_last_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "_CHUNK", 16)
    monkeypatch.setattr(mixing, "_MARK", 64)
    shares = mixing.shares([5, 7, 12])
    before = Mixing(shares, Cache(tmp_path)).places(1000, 8)
    assert len(Cache(tmp_path).entries("mix-")) == 1000 // 64

    counted: list[int] = []
    skip = index.skip
    monkeypatch.setattr(
        index, "skip", lambda weights, taken, first, size: (counted.append(size), skip(weights, taken, first, size))
    )
    after = Mixing(shares, Cache(tmp_path, maker=False)).places(1000, 8)
    assert sum(counted) < 64
    assert (after[0] == before[0]).all() and (after[1] == before[1]).all()


def test_counts_of_other_corpora_never_reach_the_c_code() -> None:
    with pytest.raises(errors.BadInput, match="2 corpora"):
        index.blend(mixing.shares([1, 1]), np.zeros(3, "int64"), 0, np.empty(5, "uint8"), np.empty(5, "int64"))
