"""CLUENER2020: entities of ten types, given as characters of the text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.tagged import Tagged
from ernie_core.datasets.source import Line, spell
from ernie_core.tasks.metrics import spans
from ernie_core.tasks.metrics.spans import Span
from ernie_core.text import lines
from ernie_core.wording import listed

_TYPES = (
    "address", "book", "company", "game", "government", "movie", "name", "organization", "position", "scene"
)  # fmt: skip


class CluEner(Tagged):
    """JSON objects, one a line or over several lines: `text`, and `label` {type: {entity: [[first, last], ...]}}."""

    name: ClassVar[str] = "cluener"
    summary: ClassVar[str] = "JSON: text, label `{type: {entity: [[first, last]]}}`"
    tag_names: ClassVar[tuple[str, ...]] = (*(f"{mark}-{kind}" for kind in _TYPES for mark in "BI"), "O")

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        path = names.sample(names.with_suffix(files, (".json", ".jsonl")))
        if path is None:
            return False
        with path.open("rb") as file:
            start = file.read(1 << 16).removeprefix(lines.BOM).decode(errors="replace").lstrip()
        try:
            row, _ = json.JSONDecoder().raw_decode(start)
        except (ValueError, RecursionError):
            return False
        label = row.get("label") if isinstance(row, dict) else None
        return isinstance(label, dict) and "text" in row and all(isinstance(of, dict) for of in label.values())

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return names.by_split(names.with_suffix(files, (".json", ".jsonl")))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for found in _objects(path):
            yield found if isinstance(found, Rejected) else self._example(*found, split)

    def _example(self, line: Line, row: Mapping[str, Any], split: str) -> Example | Rejected:
        text = row.get("text")
        if not isinstance(text, str):
            return line.reject(f"`text` is {spell(text)}, it must be a string" if "text" in row else "no `text`")
        if "label" not in row:
            return self.example(line, split, list(text), None, id=row.get("id"))
        found = _spans(row["label"], text)
        if isinstance(found, str):
            return line.reject(found)
        return self.example(line, split, list(text), spans.tags(found, len(text), "BIO"), id=row.get("id"))


def _spans(label: object, text: str) -> list[Span] | str:
    """The entities of a row, or what is wrong with them."""
    form = "{type: {entity: [[first, last], ...]}}"
    if not isinstance(label, dict) or not all(isinstance(entities, dict) for entities in label.values()):
        return f"`label` is {spell(label)}, it must be {form}"
    found: list[Span] = []
    for kind, entities in label.items():
        if kind not in _TYPES:
            return f"type {spell(kind)} is unknown, it must be one of {listed(_TYPES)}"
        for entity, places in entities.items():
            for place in places if isinstance(places, list) else [places]:
                if not (isinstance(place, list) and len(place) == 2 and all(type(n) is int for n in place)):
                    return f"{kind} {spell(entity)} is at {spell(place)}, it must be [first, last]"
                first, last = place
                if first < 0 or last < first or text[first : last + 1] != entity:
                    there = spell(text[max(first, 0) : last + 1])
                    return f"{kind} is {spell(entity)}, from {first} to {last} the text has {there}"
                found.append(Span(kind, first, last + 1))
    found.sort(key=lambda span: span.start)
    for number, span in enumerate(found[1:]):
        before = found[number]
        if span.start < before.end:
            return f"{before.type} and {span.type} overlap at {span.start}: a character has one tag"
    return found


def _objects(path: Path) -> Iterator[tuple[Line, dict[str, Any]] | Rejected]:
    """The JSON objects of a file with the lines they begin in; behind a damaged one, the next that begins a line."""
    text = lines.text_of(path.read_bytes(), str(path))
    decoder, at, number = json.JSONDecoder(), 0, 1
    while True:
        start = _skipped(text, at)
        number += text.count("\n", at, start)
        if start >= len(text):
            return
        line = Line(f"{path}:{number}", text[start : start + 200].split("\n")[0])
        try:
            row, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as e:
            yield line.reject(f"not JSON: {e.msg if isinstance(e, json.JSONDecodeError) else e}")
            following = text.find("\n{", start + 1)
            at = len(text) if following < 0 else following
        else:
            yield (line, row) if isinstance(row, dict) else line.reject("not a JSON object")
        number += text.count("\n", start, at)


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
