"""Batches of rows that are about equally long, in an order that is a pure function of seed and epoch."""

from collections.abc import Callable, Sequence

import numpy as np

_WINDOW = 50
"""Batches that are sorted together: long enough that little is padded, short enough that batches stay mixed."""


def shuffled(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Row numbers of every batch of an epoch; each row once, only one batch may be smaller."""
    chance = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = chance.permutation(len(lengths))
    found = []
    for start in range(0, len(order), _WINDOW * batch_size):
        window = order[start : start + _WINDOW * batch_size]
        found += _cut(window[np.argsort(lengths[window], kind="stable")], batch_size)
    return [found[i] for i in chance.permutation(len(found))]


def forward(
    net: Callable[[np.ndarray, np.ndarray], np.ndarray],
    input_ids: Sequence[Sequence[int]],
    token_type_ids: Sequence[Sequence[int]],
    *,
    pad_id: int,
    batch_size: int,
) -> np.ndarray:
    """What a net makes of rows of any lengths, in their order: short rows meet short rows, so little is padded."""
    lengths = np.fromiter(map(len, input_ids), np.int64, len(input_ids))
    chosen = by_length(lengths, batch_size)
    found = [
        net(pad([input_ids[i] for i in rows], pad_id), pad([token_type_ids[i] for i in rows], 0)) for rows in chosen
    ]
    back = np.argsort(np.concatenate(chosen), kind="stable")
    together: np.ndarray = np.concatenate(found)[back]
    return together


def by_length(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Row numbers of every batch for evaluation: shortest rows first."""
    return _cut(np.argsort(lengths, kind="stable"), batch_size)


def pad(rows: Sequence[Sequence[int]], filler: int) -> np.ndarray:
    """Rows filled up to the longest, int64 [N, L]."""
    table = np.full((len(rows), max(map(len, rows))), filler, np.int64)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table


def _cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
