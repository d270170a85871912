"""Labelled examples: reading a folder of task data, and token ids from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import json_text, lines

SPLITS = ("train", "dev", "test")
LABELS = "labels.txt"
_SHOWN = 5


@dataclass(frozen=True)
class Example:
    """A text, or a pair of texts, and the id of its label."""

    id: str
    text: str
    text_pair: str | None
    label: int


@dataclass(frozen=True)
class Features:
    """Examples as token ids, a row each, none padded; `labels` int64 [N]."""

    input_ids: list[list[int]]
    token_type_ids: list[list[int]]
    labels: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of every row, int64 [N]."""
        return np.fromiter((len(row) for row in self.input_ids), np.int64, len(self.input_ids))


class Cutter(Protocol):
    """What is needed of a tokenizer."""

    def encode(self, text: str) -> list[int]: ...

    def frame(self, a: list[int], b: list[int] | None, max_seq_len: int) -> tuple[list[int], list[int]]: ...


def label_names(folder: Path) -> tuple[str, ...]:
    """The names of `labels.txt`; the id of a label is its line number from 0."""
    path = folder / LABELS
    names = tuple(lines.split(_text(path)))
    first: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip() or name != name.strip():
            raise BadInput(f"{path}:{number}: `{name}` is not a label: one name a line, no empty lines or outer spaces")
        if "\r" in name or "\0" in name:
            raise BadInput(
                f"{path}:{number}: {json.dumps(name)} is not a label: take out what is no character of a name"
            )
        if (other := first.setdefault(name, number)) != number:
            raise BadInput(f"{path}:{number}: label `{name}` stands in line {other} already, remove one")
    if len(names) < 2:
        raise BadInput(f"{path}: {len(names)} label(s), a classifier needs at least two, one name a line")
    return names


def shown(names: Sequence[str]) -> str:
    """The first of many names, and how many there are."""
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def difference(found: Sequence[str], names: Sequence[str]) -> str:
    """Where two lists of labels differ first; nothing if they are the same, in the same order."""
    if tuple(found) == tuple(names):
        return ""
    if len(found) != len(names) or len(names) <= _SHOWN:
        return f"the labels are {shown(found)}, the model's are {shown(names)}"
    line = next(n for n, (a, b) in enumerate(zip(found, names, strict=True)) if a != b)
    return f"label {line + 1} of {LABELS} is {found[line]}, the model's is {names[line]}, of {shown(names)}"


def examples(folder: Path, split: str, names: Sequence[str]) -> tuple[Example, ...]:
    """All examples of `<split>.jsonl`; faults are errors that say file and line."""
    path = folder / f"{split}.jsonl"
    ids = {name: number for number, name in enumerate(names)}
    rows = enumerate(lines.split(_text(path)), 1)
    found = tuple(_example(f"{path}:{n}", line, ids) for n, line in rows if line.strip())
    if not found:
        raise BadInput(f"{path}: no examples, every split needs at least one")
    if len({e.text_pair is None for e in found}) > 1:
        raise BadInput(f"{path}: some examples have a text_pair and some have none, give all or none")
    return found


def are_pairs(splits: Mapping[str, Sequence[Example]]) -> bool:
    """Whether the examples of all splits are pairs; BadInput if the splits differ."""
    pairs = {split: rows[0].text_pair is not None for split, rows in splits.items()}
    if len(set(pairs.values())) > 1:
        said = ", ".join(f"{split} {'has' if pair else 'has no'} text_pair" for split, pair in pairs.items())
        raise BadInput(f"{said}: give all splits or none a text_pair")
    return next(iter(pairs.values()))


def encode(rows: Sequence[Example], cutter: Cutter, max_seq_len: int) -> Features:
    """Token ids of examples, each cut to `max_seq_len`."""
    framed = [pair_ids(cutter, e.text, e.text_pair, max_seq_len) for e in rows]
    labels = np.fromiter((e.label for e in rows), np.int64, len(rows))
    return Features([ids for ids, _ in framed], [types for _, types in framed], labels)


def pair_ids(cutter: Cutter, text: str, text_pair: str | None, max_seq_len: int) -> tuple[list[int], list[int]]:
    """Ids and token types of one text or pair, framed by the special tokens."""
    second = None if text_pair is None else cutter.encode(text_pair)
    return cutter.frame(cutter.encode(text), second, max_seq_len)


def _example(where: str, line: str, ids: dict[str, int]) -> Example:
    try:
        row = json_text.parse(line.removeprefix("\ufeff"))
    except ValueError as e:
        raise BadInput(f'{where}: not JSON ({e}): write {{"id", "text", "label"}} a line') from None
    if not isinstance(row, dict):
        raise BadInput(f'{where}: not an object: write {{"id", "text", "label"}} a line')
    for key in ("id", "text", "label"):
        if key not in row:
            raise BadInput(f'{where}: no "{key}": every example needs id, text and label')
    for key in ("text", "text_pair"):
        if not isinstance(row.get(key, ""), str):
            raise BadInput(f'{where}: "{key}" is {_spell(row[key])}, it must be a string')
    if isinstance(row["id"], bool) or not isinstance(row["id"], str | int | float):
        raise BadInput(f'{where}: "id" is {_spell(row["id"])}, it must be a string or a number')
    for key in ("id", "text", "text_pair"):
        if half := json_text.half_character(str(row.get(key, ""))):
            raise BadInput(
                f'{where}: "{key}" holds {half}, half of a surrogate pair: write the whole pair, or take it out'
            )
    return Example(str(row["id"]), row["text"], row.get("text_pair"), _label(where, row["label"], ids))


def _label(where: str, label: object, ids: Mapping[str, int]) -> int:
    if isinstance(label, str):
        if label not in ids:
            raise BadInput(f"{where}: label {_spell(label)} is not in {LABELS}: {shown(tuple(ids))}")
        return ids[label]
    said = f'{where}: "label" is {_spell(label)}, it must be a string, a line of {LABELS}'
    if isinstance(label, int | float) and not isinstance(label, bool):
        names, number = tuple(ids), str(label)
        if number in ids:
            raise BadInput(f'{said}: put it in quotes, "label": "{number}"')
        if isinstance(label, int) and 0 <= label < len(names):
            raise BadInput(f"{said}: write the name; if it is meant as a number from 0, that is {_spell(names[label])}")
    raise BadInput(f"{said}: {shown(tuple(ids))}")


def _spell(value: object) -> str:
    """A value as JSON writes it, not longer than a line can show; what UTF-8 cannot write stays escaped."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(path: Path) -> str:
    try:
        return lines.text_of(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file, task data is train.jsonl, dev.jsonl, test.jsonl and {LABELS}") from None
