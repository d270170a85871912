"""Rows of numbers of different length in one array: a tenth of the memory of lists, for splits of millions of rows."""

from array import array
from collections.abc import Iterator, Sequence

import numpy as np

_CODES = {np.dtype(np.int32): "i", np.dtype(np.int8): "b"}


class Ragged:
    """Rows that are made once, in their order. A row is a view of the array."""

    def __init__(self, dtype: "type[np.int32] | type[np.int8]" = np.int32) -> None:
        self._numbers = array(_CODES[np.dtype(dtype)])
        self._ends = array("q", (0,))
        self._dtype = np.dtype(dtype)

    def append(self, row: Sequence[int]) -> None:
        """Add a row. Not while a row or `flat` is in use: they would be views of memory that moves."""
        self._numbers.extend(row)
        self._ends.append(len(self._numbers))

    @property
    def flat(self) -> np.ndarray:
        """All rows, one after the other."""
        return np.frombuffer(self._numbers, self._dtype) if self._numbers else np.zeros(0, self._dtype)

    @property
    def lengths(self) -> np.ndarray:
        """Length of every row, int64 [N]."""
        return np.diff(np.frombuffer(self._ends, np.int64))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> np.ndarray:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.flat[self._ends[number] : self._ends[number + 1]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[number] for number in range(len(self)))
