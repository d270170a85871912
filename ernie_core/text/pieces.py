"""Division of work into pieces by the sizes of files alone: any process may do any of them, in any order."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ernie_core.progress import Progress
from ernie_core.store.files import StoredFile

LEAST, MOST = 4 << 20, 256 << 20
"""Fewest and most bytes of a piece: a compromise between work lost by a kill and the cost of a piece."""
_SHARES = 64
"""Least number of pieces, unless they would be too small: enough to keep many processes busy."""
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Span:
    """Bytes of the file with this number; everything that begins in them belongs to the span, wherever it ends."""

    file: int
    begin: int
    end: int


Piece = tuple[Span, ...]


def cut(
    files: Sequence[StoredFile],
    *,
    divisible: Callable[[StoredFile], bool],
    wanted: Callable[[StoredFile], bool] = lambda _: True,
    least: int = LEAST,
    most: int = MOST,
) -> list[Piece]:
    """All bytes of the wanted files in their order, in pieces of about equal size.

    A file that is not divisible is in one piece, however large; an empty one has a span too.
    """
    chosen = [(number, file) for number, file in enumerate(files) if wanted(file)]
    room = size = _size(sum(file.size for _, file in chosen), least, most)
    found: list[Piece] = []
    held: list[Span] = []
    for number, file in chosen:
        if held and file.size > room and not divisible(file):
            found.append(tuple(held))
            held, room = [], size
        begin, ended = 0, False
        while not ended:
            end = min(file.size, begin + room) if divisible(file) else file.size
            held.append(Span(number, begin, end))
            room -= end - begin
            begin, ended = end, end == file.size
            if room <= 0:
                found.append(tuple(held))
                held, room = [], size
    return [*found, tuple(held)] if held else found


def size(piece: Piece) -> int:
    """Number of bytes of a piece."""
    return sum(span.end - span.begin for span in piece)


def line_behind(file: StoredFile, at: int) -> int:
    """Offset of the first line that begins at or after byte `at`; the end of the file if there is none."""
    if at == 0 or at >= file.size:
        return min(at, file.size)
    with file.open(at - 1) as stream:
        end = at - 1
        while block := stream.read(_BLOCK):
            if (found := block.find(b"\n")) >= 0:
                return end + found + 1
            end += len(block)
    return file.size


def lines_before(file: StoredFile, at: int) -> int:
    """Number of lines that end before byte `at`; it reads all of them, so it is only for messages."""
    lines, left = 0, at
    if at:
        with file.open() as stream:
            while left and (block := stream.read(min(left, _BLOCK))):
                lines += block.count(b"\n")
                left -= len(block)
    return lines


@contextmanager
def made_here(todo: Sequence[Piece], out: Path, make: Callable[[Piece, int, Path], object]) -> Iterator[list[Path]]:
    """Make piece after piece: files named `part-*` go to `out`; the folders with the others exist within the block."""
    with tempfile.TemporaryDirectory(prefix=".pieces-", dir=out) as name:
        folders = [Path(name, str(number)) for number in range(len(todo))]
        for number, (piece, folder) in enumerate(zip(todo, folders, strict=True)):
            folder.mkdir()
            make(piece, number, folder)
            for part in folder.glob("part-*"):
                part.rename(out / part.name)
        yield folders


def onwards(progress: Progress, todo: Sequence[Piece], number: int) -> Progress:
    """The progress of one piece as part of the total progress."""
    before, every = sum(map(size, todo[:number])), sum(map(size, todo))

    def report(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
        progress(before + done, every, unit, **facts)

    return report


def _size(total: int, least: int, most: int) -> int:
    """Number of bytes of each piece, so that the last is not much smaller than the others."""
    about = max(1, least, min(most, total // _SHARES))
    pieces = max(1, -(-total // about))
    return max(1, -(-total // pieces))
