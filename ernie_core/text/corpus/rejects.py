"""Rejected lines and objects of a corpus, one JSON line each, with place and reason."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ernie_core.errors import BadInput

NAME = "rejected.jsonl"
Row = Mapping[str, Any]
"""`file`, `line` counted from 1 or `byte` from 0, `why`, and how it `begins`."""
_SHOWN = 100
_EXAMPLES = 5


class Rejected(Exception):
    """A line or an object is rejected; the text says why."""


class Rejects:
    """Writes `rejected.jsonl` to a folder, empty if nothing was rejected."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / NAME).open("wb")
        self.first: list[Row] = []

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, file: str, place: Mapping[str, int], why: str, content: bytes) -> None:
        """Add a row; `place` is `{"line": n}` or `{"byte": n}`, and the beginning of the content is kept."""
        self.copy({"file": file, **place, "why": why, "begins": content[:_SHOWN].decode(errors="replace")})

    def copy(self, row: Row) -> None:
        """Add a row as it is."""
        if len(self.first) < _EXAMPLES:
            self.first.append(row)
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def spell(row: Row) -> str:
    """Place and reason, for messages."""
    place = f"{row['file']}:{row['line']}" if "line" in row else f"{row['file']} at byte {row['byte']}"
    return f"{place} {row['why']}"


def moved(row: Row, file: str, lines: int) -> Row:
    """The row, with its line number increased by `lines` if it is of this file."""
    return {**row, "line": row["line"] + lines} if lines and row["file"] == file and "line" in row else row


def check(figures: Mapping[str, int], first: Sequence[Row], max_rejected: float, held: int | None = None) -> None:
    """BadInput if more than the share `max_rejected` of lines and objects is damaged or rejected.

    `held` is the most lines and objects that there can be, if not all were read.
    """
    damaged, rejected = figures["damaged_lines"], figures["rejected"]
    read = figures["lines"] + figures["objects"]
    most = max_rejected * (read if held is None else held)
    examples = f"(first: {', '.join(map(spell, first))}), more than max_rejected {max_rejected:g}"
    if damaged > most:
        raise BadInput(
            f"{damaged} of {read} lines are not UTF-8 {examples}: convert the files "
            f"(iconv -f GB18030 -t UTF-8), or raise max_rejected"
        )
    if damaged + rejected > most:
        raise BadInput(
            f"{rejected} of {read} JSON texts cannot be read, {damaged} are damaged {examples}: correct the files, or "
            f"json_key, or raise max_rejected"
        )
