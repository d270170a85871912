"""A person's own classification data: CSV, TSV, and JSON lines."""

import csv
import io
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.columns import Column, Columns
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification
from ernie_core.datasets.source import (
    BEGINS,
    Line,
    first_lines,
    first_object,
    label_of,
    numbered,
    objects,
    spell,
    text_of,
)  # fmt: skip
from ernie_core.errors import BadInput
from ernie_core.text import lines
from ernie_core.wording import choice, listed

_DEFAULTS = {"text": "text", "label": "label"}
_IF_THERE = {"text_pair": "text_pair", "id": "id"}
"""Columns that are taken by these names where they exist."""


class Own(Classification):
    """What the forms share: the columns that a person named, and the labels."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    @classmethod
    def of(cls, columns: Columns) -> "Own":
        for label in (given := columns.labels or ()):
            if label != label.strip() or not label or given.count(label) > 1:
                raise BadInput(f"labels {spell(list(given))}: each once, not empty, and without spaces around it")
        return cls(columns)

    def labels(self) -> Mapping[str, Sequence[str]]:
        return {"labels.txt": self.columns.labels} if self.columns.labels else {}

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        own = self.own(files)
        found = names.by_split(own)
        # files such as part-1.csv say nothing of a split: without a file called train they are it
        rest = [path for name, path in own.items() if not names.split_of(name)]
        return found if "train" in found or not rest else {"train": rest, **found}

    def made(self, line: Line, split: str, cells: Mapping[str, object]) -> Example | Rejected:
        """The example of a row, by the names of the parameters."""
        texts = [str(cells["text"])] + ([str(cells["text_pair"])] if "text_pair" in cells else [])
        group = label_of(cells.get("split_by", ""))
        return self.example(line, split, texts, cells.get("label"), id=cells.get("id"), group=group)


class _Table(Own):
    """Rows of columns. The first row has their names, unless the columns are given as numbers."""

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = names.sample(cls.own(files))
        return found is not None and set(_DEFAULTS.values()) <= set(cls.header(found))

    @classmethod
    @abstractmethod
    def header(cls, path: Path) -> list[str]:
        """The cells of the first row."""

    @abstractmethod
    def records(self, path: Path) -> Iterator[tuple[Line, list[str]] | Rejected]:
        """The rows, the header too."""

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        places: dict[str, int] | None = None
        width = 0
        for found in self.records(path):
            if isinstance(found, Rejected):
                if places is None:
                    raise BadInput(f"{found.where}: {found.why}")
                yield found
                continue
            line, cells = found
            if places is None:
                headed = self._headed()
                places, width = self._places(line, [cell.strip() for cell in cells], headed, split), len(cells)
                if headed:
                    continue
            if len(cells) != width:
                yield line.reject(f"{len(cells)} column(s) instead of {width}")
            else:
                yield self.made(line, split, {name: cells[place] for name, place in places.items()})

    def _headed(self) -> bool:
        if self.columns.header is not None:
            return self.columns.header
        return not isinstance(self.columns.text, int)

    def _places(self, line: Line, cells: list[str], headed: bool, split: str) -> dict[str, int]:
        """The index of each column, by the name of its parameter."""
        found = {}
        for name in ("text", "text_pair", "label", "id", "split_by"):
            wanted: Column | None = getattr(self.columns, name)
            if wanted is None and headed:
                wanted = _DEFAULTS.get(name) or (_IF_THERE.get(name) if _IF_THERE.get(name) in cells else None)
            if wanted is None:
                if name in _DEFAULTS:
                    raise BadInput(f"{line.where}: without a header, columns are numbers from 1: give {name}")
                continue
            if name == "label" and split == "test" and (wanted not in cells if headed else wanted == len(cells) + 1):
                continue  # a test without answers
            found[name] = self._place(line, name, wanted, cells, headed)
        return found

    def _place(self, line: Line, name: str, wanted: Column, cells: list[str], headed: bool) -> int:
        if isinstance(wanted, int):
            if 1 <= wanted <= len(cells):
                return wanted - 1
            raise BadInput(f"{line.where}: {name} is column {wanted}, there are {len(cells)}: {listed(cells)}")
        if not headed:
            raise BadInput(
                f"{name} `{wanted}` is a name, and there is no header: give the number of the column, from 1"
            )
        if cells.count(wanted) > 1:
            raise BadInput(
                f"{line.where}: {cells.count(wanted)} columns are called `{wanted}`: give its number, from 1"
            )
        if wanted not in cells:
            more = " (columns are separated by commas in csv, by tabs in tsv)" if len(cells) == 1 else ""
            raise BadInput(
                f"{line.where}: no column `{wanted}` for {name}, the header is {listed(cells)}{more}: "
                f"{choice(wanted, cells)}; say it as `{name}: ...`"
            )
        return cells.index(wanted)


class Tsv(_Table):
    """Tab-separated; quotes are characters like others."""

    name: ClassVar[str] = "tsv"
    summary: ClassVar[str] = "your own TSV, without quotes: columns text and label, or those you name"
    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".txt")

    @classmethod
    def header(cls, path: Path) -> list[str]:
        return next(iter(first_lines(path, 1)), "").split("\t")

    def records(self, path: Path) -> Iterator[tuple[Line, list[str]] | Rejected]:
        for line in numbered(path):
            yield line if isinstance(line, Rejected) else (line, line.text.split("\t"))


class Csv(_Table):
    """Comma-separated with quotes (RFC 4180); a quoted cell may have several lines."""

    name: ClassVar[str] = "csv"
    summary: ClassVar[str] = "your own CSV with quotes: columns text and label, or those you name"
    suffixes: ClassVar[tuple[str, ...]] = (".csv",)

    @classmethod
    def header(cls, path: Path) -> list[str]:
        try:
            return next(csv.reader(first_lines(path, 1)), [])
        except csv.Error:
            return []

    def records(self, path: Path) -> Iterator[tuple[Line, list[str]] | Rejected]:
        text = lines.escaped(path.read_bytes(), str(path))
        csv.field_size_limit(max(len(text), csv.field_size_limit()))  # of the process: there is no other way
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        begin = 1
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as e:
                raise BadInput(
                    f"{path}:{begin}: not CSV ({e}): put cells with commas or quotes in quotes, double quotes inside"
                ) from None
            if cells is None:
                return
            line = Line(f"{path}:{begin}", ",".join(cells))
            if not lines.is_utf8_text(line.text):
                raw = line.text.encode(errors="surrogateescape")
                yield Rejected(line.where, f"not UTF-8, {lines.convert(raw)}", raw[:BEGINS].decode(errors="replace"))
            elif any(cell.strip() for cell in cells):
                yield line, cells
            begin = reader.line_num + 1


class JsonLines(Own):
    """One JSON object a line, with a text and a label."""

    name: ClassVar[str] = "jsonl"
    summary: ClassVar[str] = "your own JSON lines: keys text and label, or those you name"
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".json")

    @classmethod
    def of(cls, columns: Columns) -> "JsonLines":
        for name in columns.given():
            if isinstance(getattr(columns, name), bool | int):
                raise BadInput(f"{name} {getattr(columns, name)}: JSON lines have keys, give the name of one")
        super().of(columns)
        return cls(columns)

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = names.sample(cls.own(files))
        row = first_object(found) if found else {}
        return isinstance(row.get("text"), str) and bool(label_of(row.get("label")))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for found in objects(path):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            cells: dict[str, object] = {}
            fault = None
            for name in ("text", "text_pair"):
                key = getattr(self.columns, name) or _DEFAULTS.get(name) or _IF_THERE[name]
                if name == "text" or getattr(self.columns, name) or key in row:
                    cells[name] = text = text_of(line, row, str(key))
                    fault = fault or (text if isinstance(text, Rejected) else None)
            for name, default in (("label", "label"), ("id", "id"), ("split_by", None)):
                key = getattr(self.columns, name) or default
                if name == "split_by" and key and key not in row:
                    fault = fault or line.reject(f"no `{key}` to split by, there are: {listed(row)}")
                if key in row:
                    cells[name] = row[key]
            label = cells.get("label")
            if label is not None and not label_of(label):
                fault = fault or line.reject(f"label {spell(label)} must be a string or a whole number")
            yield fault or self.made(line, split, cells)
