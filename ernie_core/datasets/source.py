"""Lines of labelled data: text, JSON objects, columns; what cannot be read is rejected line by line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ernie_core.datasets.format import Rejected
from ernie_core.text import json_text, lines
from ernie_core.wording import shorten

_NO_OBJECT = "not a JSON object; of an array, jq -c '.[]' makes one object a line"
BEGINS = 100
"""Most characters that are kept of a rejected line."""


@dataclass(frozen=True)
class Line:
    """A line, its place as `file:line`, and its content: the text, a JSON object, or its columns."""

    where: str
    text: str

    def reject(self, why: str, *, expected: bool = False) -> Rejected:
        """The line as one that cannot be used."""
        return Rejected(self.where, why, self.text[:BEGINS], expected)


def numbered(path: Path, *, empty: bool = False) -> Iterator[Line | Rejected]:
    """The lines of a file that are not empty, or all. BadInput if it is in UTF-16, or has line ends of CR alone."""
    with path.open("rb") as file:
        lines.check(file.read(lines.SAMPLE), str(path))
        file.seek(0)
        for number, raw in enumerate(file, 1):
            where = f"{path}:{number}"
            raw = raw.removeprefix(lines.BOM) if number == 1 else raw
            if number == 1 and lines.is_cr_alone(raw):
                raise lines.cr_alone(str(path))
            try:
                text = raw.decode().removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as e:
                why = f"not UTF-8 at byte {e.start}, {lines.convert(raw)}"
                yield Rejected(where, why, raw[:BEGINS].decode(errors="replace").rstrip())
                continue
            if empty or text.strip():
                yield Line(where, text)


def blocks(path: Path) -> Iterator[list[Line] | Rejected]:
    """The lines of a file in blocks with empty lines between them; one with a line that is not UTF-8 is rejected."""
    block: list[Line] = []
    fault: Rejected | None = None
    for line in chain(numbered(path, empty=True), (Line(str(path), ""),)):
        if isinstance(line, Rejected):
            fault = fault or line
        elif line.text.strip():
            block.append(line)
        elif fault or block:
            yield fault or block
            block, fault = [], None


def objects(path: Path) -> Iterator[tuple[Line, dict[str, Any]] | Rejected]:
    """The JSON objects of a file, one a line."""
    for line in numbered(path):
        if isinstance(line, Rejected):
            yield line
            continue
        try:
            row = json_text.parse(line.text)
        except ValueError as e:
            yield line.reject(f"not JSON: {e}")
            continue
        yield (line, row) if isinstance(row, dict) else line.reject(_NO_OBJECT)


def columns(path: Path, allowed: Sequence[int]) -> Iterator[tuple[Line, list[str]] | Rejected]:
    """The columns of a file, separated by tabs and without quotes; a line must have one of the allowed numbers."""
    for line in numbered(path):
        if isinstance(line, Rejected):
            yield line
            continue
        row = line.text.split("\t")
        if len(row) in allowed:
            yield line, row
        else:
            wanted = " or ".join(map(str, allowed))
            yield line.reject(f"{len(row)} column(s) instead of {wanted}, separated by tabs")


def cells(path: Path, header: Sequence[str]) -> Iterator[tuple[Line, dict[str, str]] | Rejected]:
    """The rows behind the header of a file, separated by tabs and without quotes, as column -> cell."""
    read = columns(path, (len(header),))
    next(read)
    for found in read:
        yield found if isinstance(found, Rejected) else (found[0], dict(zip(header, found[1], strict=True)))


def first_object(path: Path) -> Mapping[str, Any]:
    """The first JSON object of a file, for recognising it; empty if its first line is none."""
    return next(iter(first_objects(path, 1)), {})


def first_objects(path: Path, most: int) -> list[Mapping[str, Any]]:
    """The JSON objects at the beginning of a file, up to the first line that is none."""
    found: list[Mapping[str, Any]] = []
    for text in first_lines(path, most):
        try:
            row = json_text.parse(text)
        except ValueError:
            break
        if not isinstance(row, dict):
            break
        found.append(row)
    return found


def first_lines(path: Path, most: int) -> list[str]:
    """The lines at the beginning of a file as far as they are text, for recognising it."""
    with path.open("rb") as file:
        sample = file.read(1 << 16).removeprefix(lines.BOM)
    whole = len(sample) < 1 << 16
    found = lines.split(sample.decode(errors="replace"))
    return [text for text in (found if whole else found[:-1]) if text.strip()][:most]


def text_of(line: Line, row: Mapping[str, Any], key: str) -> str | Rejected:
    """The text under a key of a JSON object."""
    if key not in row:
        return line.reject(f"no `{key}`, there are: {shorten(', '.join(row))}")
    if not isinstance(row[key], str):
        return line.reject(f"`{key}` is {spell(row[key])}, it must be a string")
    return str(row[key])


def label_of(value: object) -> str:
    """A label as its name: numbers and truth values as JSON writes them; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return json.dumps(value) if isinstance(value, bool | int) else ""


def spell(value: object) -> str:
    """A value as JSON writes it, short."""
    return shorten(json.dumps(value, ensure_ascii=False))
