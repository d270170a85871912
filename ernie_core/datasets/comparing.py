"""Examples that are there more than once, within a split or in two: counted, and those of train removed if asked."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ernie_core.datasets.reading import Row
from ernie_core.errors import BadInput
from ernie_core.wording import choice

REMOVABLE = ("in_both", "related", "repeated", "contradicting")
"""Examples of train that may be removed, by the score that counts them."""


def compare(parts: dict[str, list[Row]], remove: Sequence[str]) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """How many examples of which split are repeated, in train too, related to one of train, or contradict others;
    those of train that are to be removed are taken out of `parts`, and counted. BadInput for a name to `remove` that
    is not removable."""
    for name in remove:
        if name not in REMOVABLE:
            raise BadInput(f"remove `{name}`: {choice(name, REMOVABLE)}")
    train = parts["train"]
    evaluated = [row for split in ("dev", "test") for row in parts.get(split, ())]
    held, held_groups = {row.question for row in evaluated}, {row.group for row in evaluated} - {b""}
    groups = {row.group for row in train} - {b""}
    first: dict[bytes, bytes] = {}
    both = {row.question for row in train if first.setdefault(row.question, row.answer) != row.answer}
    found: dict[str, dict[str, int]] = {
        "repeated": {split: len(rows) - len({row.question for row in rows}) for split, rows in parts.items()},
        "in_both": _count(parts, lambda row: row.question in first),
        "related": _count(parts, lambda row: row.question not in first and row.group in groups),
        "contradicting": {"train": sum(row.question in both for row in train)},
    }
    removed, kept, before = Counter[str](), [], set[bytes]()
    for row in train:
        is_so = {
            "in_both": row.question in held,
            "related": row.group in held_groups,
            "contradicting": row.question in both,
            "repeated": row.question in before,
        }
        why = next((name for name in is_so if is_so[name] and name in remove), "")
        if why:
            removed[why] += 1
        else:
            kept.append(row)
            before.add(row.question)
    parts["train"] = kept
    return found, dict(removed)


def _count(parts: Mapping[str, Sequence[Row]], holds: Callable[[Row], bool]) -> dict[str, int]:
    return {split: sum(map(holds, parts[split])) for split in ("dev", "test") if split in parts}
