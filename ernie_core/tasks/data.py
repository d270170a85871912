"""Labelled examples: reading a folder of task data, and token ids from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ernie_core.errors import BadInput, NotFound

SPLITS = ("train", "dev", "test")
LABELS = "labels.txt"


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
    names = tuple(_text(path).splitlines())
    for number, name in enumerate(names, 1):
        if not name.strip() or name != name.strip():
            raise BadInput(f"{path}:{number}: `{name}` is not a label: one name a line, no empty lines or outer spaces")
        if name in names[: number - 1]:
            raise BadInput(f"{path}:{number}: label `{name}` stands there twice, remove one")
    if len(names) < 2:
        raise BadInput(f"{path}: {len(names)} label(s), a classifier needs at least two, one name a line")
    return names


def examples(folder: Path, split: str, names: Sequence[str]) -> tuple[Example, ...]:
    """All examples of `<split>.jsonl`; faults are errors that say file and line."""
    path = folder / f"{split}.jsonl"
    ids = {name: number for number, name in enumerate(names)}
    # Only \n ends a line: JSON strings may hold U+2028 and the like.
    lines = _text(path).split("\n")
    found = tuple(_example(f"{path}:{n}", line, ids) for n, line in enumerate(lines, 1) if line.strip())
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
        row = json.loads(line)
    except ValueError as e:
        raise BadInput(f'{where}: not JSON ({e}): write {{"id", "text", "label"}} a line') from None
    if not isinstance(row, dict):
        raise BadInput(f'{where}: not an object: write {{"id", "text", "label"}} a line')
    for key in ("id", "text", "label"):
        if key not in row:
            raise BadInput(f'{where}: no "{key}": every example needs id, text and label')
    for key in ("text", "text_pair"):
        if not isinstance(row.get(key, ""), str):
            raise BadInput(f'{where}: "{key}" is {json.dumps(row[key])[:40]}, it must be a string')
    label = row["label"]
    if not isinstance(label, str) or label not in ids:
        raise BadInput(f"{where}: label {json.dumps(label, ensure_ascii=False)} is not in {LABELS}: {', '.join(ids)}")
    return Example(str(row["id"]), row["text"], row.get("text_pair"), ids[label])


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file, task data is train.jsonl, dev.jsonl, test.jsonl and {LABELS}") from None
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: not UTF-8 at byte {e.start}: save the file as UTF-8") from None
