"""Batches: every row once, rows of a length together, the order a function of seed and epoch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.tasks import batches

LENGTHS = np.random.default_rng(0).integers(3, 64, 1000)


def flat(found: list[np.ndarray]) -> list[int]:
    return [int(row) for batch in found for row in batch]


@given(st.lists(st.integers(2, 128), min_size=1, max_size=200), st.integers(1, 40), st.integers(0, 5))
def test_every_row_comes_once_an_epoch(lengths: list[int], size: int, epoch: int) -> None:
    found = batches.shuffled(np.array(lengths), size, 42, epoch)
    assert sorted(flat(found)) == list(range(len(lengths)))
    assert len(found) == -(-len(lengths) // size)


def test_seed_and_epoch_decide_the_order_and_nothing_else_does() -> None:
    first = flat(batches.shuffled(LENGTHS, 16, 1, 0))
    np.random.seed(5)
    assert flat(batches.shuffled(LENGTHS, 16, 1, 0)) == first
    assert flat(batches.shuffled(LENGTHS, 16, 1, 1)) != first
    assert flat(batches.shuffled(LENGTHS, 16, 2, 0)) != first


def test_batches_hold_rows_of_about_one_length() -> None:
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in batches.shuffled(LENGTHS, 16, 1, 0))
    assert padded < 1.1 * LENGTHS.sum()


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 7))
def test_results_of_batches_come_back_in_the_order_of_the_rows(lengths: list[int], size: int) -> None:
    chosen = batches.by_length(np.array(lengths, np.int64), size)
    assert batches.in_order([[lengths[row] for row in batch] for batch in chosen], chosen) == lengths
    later = [batch + 100 for batch in chosen]
    assert batches.in_order([[lengths[row - 100] for row in batch] for batch in later], later) == lengths
