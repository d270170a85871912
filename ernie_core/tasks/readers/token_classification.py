"""Words with a tag each: `train.jsonl`, `dev.jsonl`, `test.jsonl`, `labels.txt`, and `scheme` in `task.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks import data
from ernie_core.tasks.metrics.spans import OUTSIDE, SCHEMES
from ernie_core.tasks.readers import classification, rows
from ernie_core.tasks.readers.classification import LABELS, shown
from ernie_core.text import json_text


@dataclass(frozen=True)
class TaggedWords:
    """The words of a text, characters for example, and the ids of their tags."""

    id: str
    question: tuple[str, ...]
    tags: tuple[int, ...] | None
    """None: not known."""

    @property
    def labelled(self) -> bool:
        """Whether the tags are known."""
        return self.tags is not None


def tag_names(folder: Path) -> tuple[str, ...]:
    """The tags in `labels.txt`; the id of a tag is its line number from 0. BadInput for a faulty line."""
    path, names = folder / LABELS, classification.label_names(folder)
    for number, name in enumerate(names, 1):
        if fault := misspelt(name):
            raise BadInput(f"{path}:{number}: {fault}")
    if OUTSIDE not in names:
        raise BadInput(f"{path}: no tag `{OUTSIDE}`, which words outside of all entities have: add it as a line")
    return names


def misspelt(name: str) -> str:
    """Why a name cannot be a tag; empty if it can."""
    prefix, dash, kind = name.partition("-")
    if name == OUTSIDE or (dash and kind and len(prefix) == 1 and prefix in "BIES"):
        return ""
    return f"`{name}` is not a tag: it must be {OUTSIDE}, or B-, I-, E- or S- and a type, such as B-PER"


def scheme(folder: Path, names: Sequence[str]) -> str:
    """The scheme of the tags: that of `task.json`, or the smallest that has all of their prefixes. BadInput if the one
    in the file has not."""
    told = data.read(folder).facts.get("scheme")
    used = {name[0] for name in names if name != OUTSIDE}
    if told is None:
        return next(scheme for scheme, prefixes in SCHEMES.items() if used <= set(prefixes))
    if told not in SCHEMES:
        choices = ", ".join(SCHEMES)
        raise BadInput(f'{folder / data.FILE}: "scheme" is {rows.spell(told)}, choose from: {choices}')
    if more := sorted(used - set(SCHEMES[told])):
        raise BadInput(f"{folder / data.FILE}: scheme {told} has no {more[0]}-, which tags of {LABELS} begin with")
    return str(told)


def examples(folder: Path, split: str, names: Sequence[str]) -> tuple[TaggedWords, ...]:
    """All examples of `<split>.jsonl`. BadInput, with file and line, for a faulty one."""
    path = folder / f"{split}.jsonl"
    ids = {name: number for number, name in enumerate(names)}
    return tuple(
        _example(where, row, ids)
        for where, row in rows.read(path, (), ("labels",), others=("tokens",), unlabelled=split == "test")
    )


def characters(words: Iterable[Sequence[str]]) -> bool:
    """Whether words are characters: nearly all have one, the rest are numbers or Latin words among them."""
    lengths = [len(word) for some in words for word in some]
    return sum(length > 1 for length in lengths) <= 0.01 * len(lengths)


def _example(where: str, row: Mapping[str, Any], ids: Mapping[str, int]) -> TaggedWords:
    tokens = _texts(where, "tokens", row["tokens"])
    if not tokens:
        raise BadInput(f'{where}: "tokens" is empty, an example needs at least one: take the row out')
    if "labels" not in row:
        return TaggedWords(str(row["id"]), tokens, None)
    labels = _texts(where, "labels", row["labels"])
    if len(labels) != len(tokens):
        raise BadInput(f"{where}: {len(tokens)} tokens and {len(labels)} labels: give every token one")
    for place, label in enumerate(labels):
        if label not in ids:
            token = rows.spell(tokens[place])
            raise BadInput(
                f"{where}: label {rows.spell(label)} of token {place}, {token}, is not in {LABELS}: {shown(tuple(ids))}"
            )
    return TaggedWords(str(row["id"]), tokens, tuple(ids[label] for label in labels))


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise BadInput(f'{where}: "{key}" is {rows.spell(value)}, it must be a list of strings')
    for place, text in enumerate(value):
        if half := json_text.half_character(text):
            raise BadInput(
                f'{where}: "{key}" {place} holds {half}, half of a surrogate pair: write the whole pair, or take it out'
            )
    return tuple(value)
