"""The examples of a file of JSON lines that is too large to be kept in memory."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np

from ernie_core.text import json_text, lines

T = TypeVar("T")


class StoredLines(Sequence[T]):
    """The rows of a file that was checked, read when they are used; where each begins is kept, 8 bytes a row.

    `make` turns a place (`file:row`) and an object into an example.
    """

    def __init__(self, path: Path, make: Callable[[str, Mapping[str, Any]], T]) -> None:
        self._path, self._make = path, make
        starts, at = array("q"), 0
        with path.open("rb") as file:
            for line in file:
                if _text(line):
                    starts.append(at)
                at += len(line)
        self._starts = np.frombuffer(starts, np.int64) if starts else np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            start, end, step = place.indices(len(self))
            if step != 1:
                return [self[number] for number in range(start, end, step)]
            return list(islice(self._from(start), max(0, end - start)))
        number = place + len(self) if place < 0 else place
        if not 0 <= number < len(self):
            raise IndexError(place)
        return next(self._from(number))

    def __iter__(self) -> Iterator[T]:
        return self._from(0)

    def _from(self, number: int) -> Iterator[T]:
        if number >= len(self):
            return
        with self._path.open("rb") as file:
            file.seek(int(self._starts[number]))
            for line in file:
                if text := _text(line):
                    yield self._make(f"{self._path}: row {number + 1}", json_text.parse(text))
                    number += 1


def _text(line: bytes) -> str:
    """What is on a line; empty for the same lines as in `rows.read`: `strip` of bytes knows no U+00A0 or U+3000."""
    return line.removeprefix(lines.BOM).decode().strip()
