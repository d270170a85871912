"""What a step is: one file per component, found by its name."""

import importlib
from functools import cache
from pathlib import Path

from components.base import Step

_NOT_STEPS = {"__init__", "__main__", "base", "kinds", "values", "task", "place", "shards", "gang", "gates", "handover",
              "begun", "given", "naming", "parent", "redact", "reports", "said", "scratch"}  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Every component there is, without importing any."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in _NOT_STEPS))


@cache
def find(name: str) -> type[Step]:
    """The class of a component, by the name of its file. KeyError if there is none."""
    if name not in names():
        raise KeyError(name)
    module = importlib.import_module(f"components.{name}")
    return next(
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Step) and c.__module__ == module.__name__
    )
