"""Batches of rows of about equal length, in an order that is a pure function of seed and epoch."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_WINDOW = 50
"""Number of batches whose rows are sorted together: enough for little padding, few enough for mixed batches."""


def shuffled(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Row numbers of every batch of an epoch; each row occurs once, only one batch may be smaller."""
    chance = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = chance.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), _WINDOW * batch_size):
        window = order[start : start + _WINDOW * batch_size]
        batches += _cut(window[np.argsort(lengths[window], kind="stable")], batch_size)
    return [batches[i] for i in chance.permutation(len(batches))]


def in_order(results: Sequence[Sequence[T]], chosen: Sequence[np.ndarray]) -> list[T]:
    """Results of the rows of each batch, sorted by row number."""
    together = [row for batch in results for row in batch]
    return [together[i] for i in np.argsort(np.concatenate(chosen), kind="stable")] if together else []


def by_length(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Row numbers of every batch for evaluation: shortest rows first."""
    return _cut(np.argsort(lengths, kind="stable"), batch_size)


def pad(rows: Sequence[Sequence[int] | np.ndarray], filler: int) -> np.ndarray:
    """Rows padded to the longest, int64 [N, L]."""
    table = np.full((len(rows), max(map(len, rows))), filler, np.int64)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table


def _cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
