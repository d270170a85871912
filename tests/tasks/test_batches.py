"""Batches: every row once, rows of a length together, the order a function of seed and epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.tasks import batches
from ernie_core.tasks.metrics import classification

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


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=8), min_size=1, max_size=30), st.integers(1, 7))
def test_forward_gives_every_row_its_own_result_in_the_order_of_the_rows(rows: list[list[int]], size: int) -> None:
    def net(ids: np.ndarray, types: np.ndarray) -> np.ndarray:
        assert ids.shape == types.shape
        return ids.sum(axis=1, keepdims=True)

    found = batches.forward(net, rows, [[0] * len(row) for row in rows], pad_id=0, batch_size=size)
    assert found[:, 0].tolist() == [sum(row) for row in rows]


def test_softmax_survives_large_logits() -> None:
    assert classification.softmax(np.array([[1e4, 0.0], [0.0, 0.0]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_scores_of_a_classifier_worked_out_by_hand() -> None:
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    found = classification.scores(logits, np.array([0, 0, 1, 1]))
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["loss"] == pytest.approx(np.log(1 + np.exp([-2, -2, -2, 2])).mean())
