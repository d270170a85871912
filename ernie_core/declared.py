"""Settings that are declared once: fields of a dataclass, with bounds and choices in their annotations.

    @dataclass(frozen=True)
    class Settings(Declared):
        batch_size: Annotated[int, Ge(1)] = 32
        "Examples of a step."

A component takes its parameters from such a class by deriving from it, so that a spec, its schema and its reference say
what the science checks. Bounds are those of `annotated-types`, which pydantic knows; nothing here imports pydantic.
"""

import functools
import math
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ernie_core.errors import BadInput

T = TypeVar("T")

FREE = "free"
Free = Annotated[T, FREE]
"""Marks a setting that cannot change the result (worker counts, log intervals): it stays out of the fingerprint."""

Above = Annotated[float, Gt(0)]
AtLeast0 = Annotated[float, Ge(0)]
Below1 = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Ge(1)]
Share = Annotated[float, Ge(0), Le(1)]

_BOUNDS: tuple[tuple[type, str, str, Callable[[Any, Any], bool]], ...] = (
    (Ge, "ge", "at least", lambda value, bound: value >= bound),
    (Gt, "gt", "above", lambda value, bound: value > bound),
    (Le, "le", "at most", lambda value, bound: value <= bound),
    (Lt, "lt", "below", lambda value, bound: value < bound),
)
_TYPES: dict[Any, tuple[Any, str]] = {
    int: (int, "a whole number"), float: (int | float, "a number"), bool: (bool, "True or False"), str: (str, "a text"),
}  # fmt: skip


@dataclass(frozen=True)
class Pattern:
    """A text must match this regular expression; pydantic puts it into the schema."""

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(source), "pattern": self.text}


@dataclass(frozen=True)
class Declared:
    """The base of settings; BadInput, with all problems, if a value is not within its declared bounds."""

    def __post_init__(self) -> None:
        if found := list(self.faults()) or self.contradictions():
            raise BadInput("; ".join(found))

    def faults(self) -> Iterator[str]:
        """The values that are not within their bounds."""
        cls: Any = type(self)
        for name, hint in _hints(cls).items():
            if problem := _problem(getattr(self, name), hint):
                yield f"{name} {getattr(self, name)} must be {problem}"

    def contradictions(self) -> list[str]:
        """Contradictions between values that are each within their bounds, each with the remedy."""
        return []


def free(cls: Any) -> frozenset[str]:
    """The names of the settings that are marked as such."""
    return frozenset(name for name, hint in _hints(cls).items() if FREE in getattr(hint, "__metadata__", ()))


@functools.lru_cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


def _problem(value: Any, hint: Any) -> str:
    """What a value must be instead; empty if it is that."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _problem(value, arguments[0]) or _bounded(value, arguments[1:])
    if origin is Literal:
        return "" if value in arguments else f"one of {', '.join(map(str, arguments))}"
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return ""
        found = [_problem(value, each) for each in arguments if each is not type(None)]
        return "" if "" in found else found[0]
    kinds, words = _TYPES.get(hint, (object, ""))
    if not isinstance(value, kinds) or (isinstance(value, bool) and hint is not bool and hint in _TYPES):
        return words
    return "a finite number" if hint is float and not math.isfinite(value) else ""


def _bounded(value: Any, bounds: tuple[Any, ...]) -> str:
    for bound in bounds:
        for kind, name, words, holds in _BOUNDS:
            if isinstance(bound, kind) and not holds(value, getattr(bound, name)):
                return f"{words} {getattr(bound, name)}"
        if isinstance(bound, Pattern) and not re.fullmatch(bound.text, value):
            return f"like {bound.text}"
    return ""
