"""Work cut into pieces in tests: streams that drip, pieces of any size, made in any order."""

import io
import random
from pathlib import Path

from ernie_core.store.files import StoredFile


class Dripping(io.RawIOBase):
    """A stream that gives less than it is asked for."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.left = content

    def read(self, size: int = -1) -> bytes:
        given, self.left = self.left[: min(size, 3)], self.left[min(size, 3) :]
        return given


def dripping(contents: dict[str, bytes]) -> list[StoredFile]:
    return [
        StoredFile(name, len(content), lambda at, content=content: Dripping(content[at:]))
        for name, content in sorted(contents.items())
    ]


def cut_up(monkeypatch, module, size: int) -> None:
    """Have the work of a step cut into pieces of so many bytes."""
    monkeypatch.setattr(module, "LEAST", size)
    monkeypatch.setattr(module, "MOST", size)


def made(todo, folder: Path, make, order: int | None = None) -> list[Path]:
    """The folders of all pieces, made in any order; their parts are moved out of them."""
    numbers = list(range(len(todo)))
    if order is not None:
        random.Random(order).shuffle(numbers)
    for number in numbers:
        (folder / f".{number}").mkdir()
        make(todo[number], number, folder / f".{number}")
        for part in (folder / f".{number}").glob("part-*"):
            part.rename(folder / part.name)
    return [folder / f".{number}" for number in range(len(todo))]
