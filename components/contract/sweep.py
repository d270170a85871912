"""A sweep: one step with several sets of parameters, its points, of which the best one is kept."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ernie_core.wording import shorten

REVISION = 1
"""Raised when the same points would give another artefact; part of the fingerprint of a sweep."""
SUFFIX = "-sweep"
"""Of the folder of a component's sweeps in a store: `finetune-sweep/<fingerprint>`."""
MOST = 1000
"""Most points of a sweep."""
FILE, PAGE = "sweep.json", "sweep.html"
"""Files of the artefact of a sweep, beside those of its best point."""


@dataclass(frozen=True)
class Best:
    """Which point is kept: the one with the largest or the smallest value of a score."""

    way: Literal["max", "min"]
    score: str

    @classmethod
    def parse(cls, text: object) -> "Best":
        """`max accuracy`. ValueError with the remedy."""
        found = re.fullmatch(r"\s*(max|min)\s+([^\s]+)\s*", text) if isinstance(text, str) else None
        if not found:
            raise ValueError(
                f"`{shorten(text)}` is not a choice, write `max` or `min` and a score, as in `max accuracy`"
            )
        return cls("max" if found[1] == "max" else "min", found[2])

    def __str__(self) -> str:
        return f"{self.way} {self.score}"

    def choose(self, scores: Sequence[Mapping[str, Any]]) -> int | None:
        """The number of the best point; of equal ones the first. One whose score is absent or not finite never is;
        None if none is left."""
        values = {number: row.get(self.score) for number, row in enumerate(scores)}
        finite = {n: float(v) for n, v in values.items() if isinstance(v, (int, float)) and math.isfinite(v)}
        sign = 1 if self.way == "max" else -1
        return max(finite, key=lambda number: (sign * finite[number], -number), default=None)


def component(address: str) -> str:
    """The component by which the artefact at an address was made, alone or in a sweep."""
    return address.partition("/")[0].removesuffix(SUFFIX)


def is_sweep(address: str) -> bool:
    """Whether the artefact at an address is that of a sweep."""
    return address.partition("/")[0].endswith(SUFFIX)


def label(varied: Mapping[str, Any]) -> str:
    """A point in words: `learning_rate 1e-05, batch_size 32`."""
    return ", ".join(f"{name} {spell(value)}" for name, value in varied.items())


def spell(value: object) -> str:
    """A value of a parameter, as in a table of points."""
    return f"{value:g}" if isinstance(value, float) else shorten(value, 40)


def complaints(labels: Sequence[str], faults: Sequence[Sequence[str]]) -> list[str]:
    """What is wrong with points: without a name what is said of all of them, else with the first that it is said of."""
    found: dict[str, list[str]] = {}
    for name, texts in zip(labels, faults, strict=True):
        for text in texts:
            found.setdefault(text, []).append(name)
    return [text if len(names) == len(labels) > 1 else f"point `{names[0]}`{_more(names)}: {text}"
            for text, names in found.items()]  # fmt: skip


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
