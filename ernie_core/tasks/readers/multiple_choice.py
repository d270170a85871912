"""Questions with choices: `train.jsonl`, `dev.jsonl`, `test.jsonl`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import rows
from ernie_core.text import json_text


@dataclass(frozen=True)
class AskedChoice:
    """A question about a context, its choices, and the number of the right one."""

    id: str
    context: str
    asked: str
    """The question; in a cloze test the blank of the context that is asked for, `#idiom3#` for example."""
    choices: tuple[str, ...]
    group: str
    """Questions of one group have the same choices, and each choice is the answer to one of them at most; empty: of no
    group."""
    label: int | None
    """From 0. None: not known."""

    @property
    def labelled(self) -> bool:
        """Whether the right choice is known."""
        return self.label is not None

    @property
    def question(self) -> tuple[str, str, tuple[str, ...], str]:
        """Context, question, choices and group."""
        return self.context, self.asked, self.choices, self.group


def examples(folder: Path, split: str) -> tuple[AskedChoice, ...]:
    """All examples of `<split>.jsonl`. BadInput, with file and line, for a faulty one."""
    path = folder / f"{split}.jsonl"
    found = []
    first: dict[str, tuple[str, tuple[str, ...]]] = {}
    for where, row in rows.read(
        path, ("context", "question"), ("label",), ("group",), others=("choices",), unlabelled=split == "test"
    ):
        choices, group = choices_of(where, row["choices"]), row.get("group", "")
        label = _label(where, row["label"], len(choices)) if "label" in row else None
        found.append(AskedChoice(str(row["id"]), row["context"], row["question"], choices, group, label))
        if group and (other := first.setdefault(group, (where, choices)))[1] != choices:
            raise BadInput(
                f"{where}: group {rows.spell(group)} has other choices than in {other[0]}, give all the same"
            )
    return tuple(found)


def choices_of(where: str, value: Any) -> tuple[str, ...]:
    """At least two texts. BadInput if they are none."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < 2:
        raise BadInput(f'{where}: "choices" is {rows.spell(value)}, it must be a list of at least two texts')
    for choice in value:
        if not isinstance(choice, str) or not choice.strip():
            raise BadInput(f"{where}: choice {rows.spell(choice)}, it must be a text that is not empty")
        if half := json_text.half_character(choice):
            raise BadInput(f"{where}: choice {rows.spell(choice)} holds {half}, half of a surrogate pair")
    return tuple(value)


def _label(where: str, label: Any, count: int) -> int:
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < count:
        raise BadInput(f'{where}: "label" is {rows.spell(label)}, it must be the number of a choice, 0 to {count - 1}')
    return label
