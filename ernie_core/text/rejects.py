"""What of a corpus could not be read, one JSON line each: where it is, and what is wrong with it."""

import json
from pathlib import Path
from types import TracebackType

NAME = "rejected.jsonl"
_SHOWN = 100


class Rejected(Exception):
    """A line or an object that is left out; the text says why."""


class Rejects:
    """Writes `rejected.jsonl` into a folder, empty if nothing was rejected."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / NAME).open("wb")

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, file: str, place: dict[str, int], why: str, content: bytes) -> None:
        """`place` is `{"line": n}`, counted from 1, or `{"byte": n}` from 0; the beginning of the content is shown."""
        shown = content[:_SHOWN].decode(errors="replace")
        row = {"file": file, **place, "why": why, "begins": shown}
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
