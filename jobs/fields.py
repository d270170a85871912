"""What pydantic says of a value, in this project's words."""

import inspect
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ValidationError

from components import kinds as kinds_of
from components.base import Step, snake
from jobs.problems import unknown, unknown_key

SHARED_KEYS = ("as", "from", "require", "cpu", "memory", "timeout")
"""Keys that every step takes beside its parameters."""

_BOUNDS = {"greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"),
           "less_than": ("lt", "less than"), "less_than_equal": ("le", "at most")}  # fmt: skip
_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text",
          "list": "a list", "tuple": "a list", "dict": "a mapping"}  # fmt: skip


@cache
def kinds() -> tuple[str, ...]:
    """The names of all kinds of artefact."""
    classes = (c for c in vars(kinds_of).values() if inspect.isclass(c) and issubclass(c, kinds_of.Kind))
    return tuple(snake(c.__name__) for c in classes if c is not kinds_of.Kind)


def problems(model: type[BaseModel], error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each problem as (path below the step, text with the value and the remedy)."""
    seen = set()
    for detail in error.errors(include_url=False):
        where = tuple(part for part in detail["loc"] if not (isinstance(part, str) and "[" in part))
        key = where[0] if where else ""
        if (where, detail["type"]) in seen:
            continue
        seen.add((where, detail["type"]))
        yield where, _text(model, str(key), detail["type"], detail)


def _text(model: type[BaseModel], key: str, kind: str, detail: object) -> str:
    assert isinstance(detail, dict)
    value, context = detail.get("input"), detail.get("ctx") or {}
    field = model.model_fields.get(key)
    if kind == "extra_forbidden":
        shared = SHARED_KEYS if issubclass(model, Step) else ()
        return unknown_key(key, [*model.model_fields, *shared])
    if kind == "missing":
        about = f" ({field.description.rstrip('.')})" if field and field.description else ""
        return f"is required{about}, add `{key}: ...`"
    if kind == "literal_error":
        choices = [c.strip(" '") for c in context["expected"].replace(" or ", ",").split(",")]
        return unknown(str(value), choices, f"is not a {key.replace('_', ' ')}")
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"`{value}` must be {words} {context[name]}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"`{value}` is not allowed: {field.description.rstrip('.') if field and field.description else key}"
    for prefix, words in _TYPES.items():
        if kind.startswith(prefix):
            return f"`{value}` is not {words}"
    return f"`{value}`: {detail['msg'][0].lower()}{detail['msg'][1:]}"
