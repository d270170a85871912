"""Labelled texts and pairs of texts: `train.jsonl`, `dev.jsonl`, `test.jsonl` and `labels.txt`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import rows
from ernie_core.tasks.readers.stored import StoredLines
from ernie_core.text import lines

LABELS = "labels.txt"
LARGE = 1 << 28
"""Bytes of a train split above which its texts are not kept in memory: those of XNLI in 15 languages are 2 GB."""
_SHOWN = 5


@dataclass(frozen=True)
class LabelledText:
    """A text, or a pair of texts, and the id of its label."""

    id: str
    text: str
    text_pair: str | None
    label: int | None
    """None: not known."""
    language: str = ""
    """Of data in several languages."""

    @property
    def labelled(self) -> bool:
        """Whether the label is known."""
        return self.label is not None

    @property
    def question(self) -> str | tuple[str, str]:
        """The text, or the pair."""
        return self.text if self.text_pair is None else (self.text, self.text_pair)


def label_names(folder: Path, file: str = LABELS, least: int = 2) -> tuple[str, ...]:
    """The names in `labels.txt`, `least` at least; the id of a label is its line number from 0. BadInput for a faulty
    line."""
    path = folder / file
    names = tuple(lines.split(rows.text_of(path)))
    first: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip() or name != name.strip():
            raise BadInput(f"{path}:{number}: `{name}` is not a label: one name a line, no empty lines or outer spaces")
        if "\r" in name or "\0" in name:
            raise BadInput(f"{path}:{number}: {json.dumps(name)} is not a label: remove its control characters")
        if (other := first.setdefault(name, number)) != number:
            raise BadInput(f"{path}:{number}: label `{name}` is already in line {other}, remove one")
    if len(names) < least:
        needs = "two" if least == 2 else "one"
        raise BadInput(f"{path}: {len(names)} label(s), a classifier needs at least {needs}, one name a line")
    return names


def write_names(path: Path, names: Sequence[str]) -> None:
    """Write names of labels, one a line, as `label_names` reads them."""
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def shown(names: Sequence[str]) -> str:
    """The first of many names, and their number."""
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def difference(found: Sequence[str], names: Sequence[str], file: str = LABELS) -> str:
    """The first difference between two lists of labels; empty if they are equal."""
    if tuple(found) == tuple(names):
        return ""
    if len(found) != len(names) or len(names) <= _SHOWN:
        where = "" if file == LABELS else f" of {file}"
        return f"the labels{where} are {shown(found)}, the model's are {shown(names)}"
    line = next(n for n, (a, b) in enumerate(zip(found, names, strict=True)) if a != b)
    return f"label {line + 1} of {file} is {found[line]}, the model's is {names[line]}, of {shown(names)}"


def examples(folder: Path, split: str, names: Sequence[str]) -> Sequence[LabelledText]:
    """All examples of `<split>.jsonl`. BadInput, with file and line, for a faulty one.

    Those of a large train are all checked, and read again each time they are used.
    """
    path = folder / f"{split}.jsonl"
    ids = {name: number for number, name in enumerate(names)}
    read = (_example(where, row, ids) for where, row in _rows(path, split))
    if split == "train" and path.exists() and path.stat().st_size > LARGE:
        pairs = {example.text_pair is None for example in read}
        found: Sequence[LabelledText] = StoredLines(path, lambda where, row: _example(where, row, ids))
    else:
        found = tuple(read)
        pairs = {example.text_pair is None for example in found}
    if len(pairs) > 1:
        raise BadInput(f"{path}: some examples have a text_pair and some have none, give all or none")
    return found


def _example(where: str, row: Mapping[str, Any], ids: Mapping[str, int]) -> LabelledText:
    label = _label(where, row["label"], ids) if "label" in row else None
    return LabelledText(str(row["id"]), row["text"], row.get("text_pair"), label, _language(where, row))


def begins_with_pair(folder: Path, split: str) -> bool:
    """Whether the first example of a split is a pair; `examples` checks that the others are so too."""
    _, row = next(_rows(folder / f"{split}.jsonl", split))
    return "text_pair" in row


def are_pairs(pairs: Mapping[str, bool]) -> bool:
    """Whether the examples of all splits are pairs; BadInput if the splits differ."""
    if len(set(pairs.values())) > 1:
        differing = ", ".join(f"{split} {'has' if pair else 'has no'} text_pair" for split, pair in pairs.items())
        raise BadInput(f"{differing}: give all splits or none a text_pair")
    return next(iter(pairs.values()))


def _rows(path: Path, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return rows.read(path, ("text",), ("label",), ("text_pair", "language"), unlabelled=split == "test")


def _language(where: str, row: Mapping[str, Any]) -> str:
    language = row.get("language", "")
    if "language" in row and not (
        len(language) == 2 and language.isascii() and language.isalpha() and language.islower()
    ):
        raise BadInput(f'{where}: "language" is {rows.spell(language)}, it must be a code of two letters such as "en"')
    return sys.intern(language)


def _label(where: str, label: object, ids: Mapping[str, int]) -> int:
    if isinstance(label, str):
        if label not in ids:
            raise BadInput(f"{where}: label {rows.spell(label)} is not in {LABELS}: {shown(tuple(ids))}")
        return ids[label]
    problem = f'{where}: "label" is {rows.spell(label)}, it must be a string, a line of {LABELS}'
    if isinstance(label, int | float) and not isinstance(label, bool):
        names, number = tuple(ids), str(label)
        if number in ids:
            raise BadInput(f'{problem}: put it in quotes, "label": "{number}"')
        if isinstance(label, int) and 0 <= label < len(names):
            raise BadInput(f"{problem}: write the name; if it is a number from 0, that is {rows.spell(names[label])}")
    raise BadInput(f"{problem}: {shown(tuple(ids))}")
