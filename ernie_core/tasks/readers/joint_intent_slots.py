"""Texts with intent and slots: `train.jsonl`, `dev.jsonl`, `test.jsonl`, `intent_labels.txt`, `slot_labels.txt`."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.metrics.spans import Span
from ernie_core.tasks.readers import classification, rows
from ernie_core.tasks.readers.classification import shown

INTENTS, SLOTS = "intent_labels.txt", "slot_labels.txt"
_KEYS = {"slot", "start", "end"}


@dataclass(frozen=True)
class Query:
    """A text, the id of its intent, and its slots: characters, in their order, without overlaps."""

    id: str
    question: str
    intent: int | None
    """None: not known, as the slots."""
    slots: tuple[Span, ...]

    @property
    def labelled(self) -> bool:
        """Whether intent and slots are known."""
        return self.intent is not None


def intent_names(folder: Path) -> tuple[str, ...]:
    """The names in `intent_labels.txt`; the id of an intent is its line number from 0. BadInput for a faulty line."""
    return classification.label_names(folder, INTENTS)


def slot_names(folder: Path) -> tuple[str, ...]:
    """The names in `slot_labels.txt`. BadInput for a faulty line, a tag such as `B-song` for example."""
    names = classification.label_names(folder, SLOTS, least=1)
    for number, name in enumerate(names, 1):
        if name.startswith(("B-", "I-")) or name in ("O", "PAD"):
            raise BadInput(
                f"{folder / SLOTS}:{number}: `{name}` is a tag, the names of slots are needed: one line for each, such"
                " as song for B-song and I-song, none for O and PAD"
            )
    return names


def examples(folder: Path, split: str, intents: Sequence[str], slots: Sequence[str]) -> tuple[Query, ...]:
    """All examples of `<split>.jsonl`. BadInput, with file and line, for a faulty one."""
    path = folder / f"{split}.jsonl"
    ids = {name: number for number, name in enumerate(intents)}
    known = dict.fromkeys(slots)
    return tuple(
        _query(where, row, ids, known)
        for where, row in rows.read(path, ("text",), ("intent", "slots"), unlabelled=split == "test")
    )


def _query(where: str, row: Mapping[str, Any], intents: Mapping[str, int], slots: Mapping[str, None]) -> Query:
    if "intent" not in row:
        return Query(str(row["id"]), row["text"], None, ())
    intent = row["intent"]
    if not isinstance(intent, str) or intent not in intents:
        named = shown(tuple(intents))
        raise BadInput(f"{where}: intent {rows.spell(intent)} is not in {INTENTS}: {named}")
    if not isinstance(row["slots"], list):
        raise BadInput(f'{where}: "slots" is {rows.spell(row["slots"])}, it must be a list, empty for none')
    found = sorted((_slot(where, slot, row["text"], slots) for slot in row["slots"]), key=lambda slot: slot.start)
    for one, other in itertools.pairwise(found):
        if other.start < one.end:
            raise BadInput(
                f"{where}: slot {other.type} at {other.start} begins inside of {one.type}, which is {one.start} to "
                f"{one.end}: a character has one slot, take one of them out"
            )
    return Query(str(row["id"]), row["text"], intents[intent], tuple(found))


def _slot(where: str, slot: object, text: str, names: Mapping[str, None]) -> Span:
    form = '{"slot": "song", "start": 0, "end": 2}'
    if not isinstance(slot, dict) or not slot.keys() >= _KEYS:
        raise BadInput(f"{where}: {rows.spell(slot)} is not a slot, write it as {form}")
    name, start, end = slot["slot"], slot["start"], slot["end"]
    if not isinstance(name, str) or name not in names:
        raise BadInput(f"{where}: slot {rows.spell(name)} is not in {SLOTS}: {shown(tuple(names))}")
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in (start, end)):
        raise BadInput(f"{where}: {rows.spell(slot)}: start and end must be numbers of characters, as in {form}")
    if not 0 <= start < end <= len(text):
        raise BadInput(
            f"{where}: slot {name} is {start} to {end}, of a text of {len(text)} characters: start is the first of its"
            " characters, from 0, end is behind the last"
        )
    return Span(name, start, end)
