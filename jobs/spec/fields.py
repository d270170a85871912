"""What pydantic says of a value, in this project's words."""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import get_args

from pydantic import BaseModel, ValidationError

from components.contract import kinds as kinds_of
from components.contract.base import Step, snake
from components.contract.strict import meanings
from ernie_core.errors import Error
from ernie_core.wording import shorten
from jobs.spec.document import Document, Path
from jobs.spec.problems import unknown, unknown_key

SHARED_KEYS = ("as", "from", "require", "sweep", "best", "halving", "cpu", "memory", "timeout")
"""Keys that every step takes beside its parameters."""
NAMES = "use lower-case letters, digits and `_`, a letter first, 40 at most"

_BOUNDS = {"greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"),
           "less_than": ("lt", "less than"), "less_than_equal": ("le", "at most")}  # fmt: skip
_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text",
          "list": "a list", "tuple": "a list", "dict": "a mapping"}  # fmt: skip


def kinds() -> tuple[str, ...]:
    """The names of all kinds of artefact."""
    return tuple(_kinds())


def kind(name: str) -> type[kinds_of.Kind]:
    """The class of a kind; Error if `components/contract/kinds.py` has none of that name."""
    if name not in _kinds():
        raise Error(f"kind `{name}` is not a class of components/contract/kinds.py, where every kind must be defined")
    return _kinds()[name]


@cache
def _kinds() -> Mapping[str, type[kinds_of.Kind]]:
    classes = (c for c in vars(kinds_of).values() if inspect.isclass(c) and issubclass(c, kinds_of.Kind))
    return {snake(c.__name__): c for c in classes if c is not kinds_of.Kind}


def problems(
    model: type[BaseModel], error: ValidationError, doc: Document, at: Path = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each problem as (path below the step, text with the value and the remedy); `at` is where the model stands."""
    seen = set()
    for detail in error.errors(include_url=False):
        where = tuple(part for part in detail["loc"] if not (isinstance(part, str) and "[" in part))
        if (where, detail["type"]) in seen:
            continue
        seen.add((where, detail["type"]))
        owner, key = _owner(model, where)
        text = no_text(doc, (*at, *where), detail["input"]) if detail["type"] == "string_type" else ""
        yield where, text or _text(owner, key, detail["type"], detail)


def no_text(doc: Document, path: Path, value: object) -> str:
    """The message for a value that YAML does not read as text although it looks like text; empty if it is text."""
    if isinstance(value, str):
        return ""
    if value is None:
        return "is empty, give it a text or leave it out"
    if isinstance(value, (list, dict)):
        return f"`{shorten(value)}` is not text"
    spelled = shorten(doc.spelled.get(path, value))
    kind = "a truth value" if isinstance(value, bool) else "a number"
    return f'`{spelled}` is {kind} to YAML, put it in quotes: "{spelled}"'


def models(annotation: object) -> Iterator[type[BaseModel]]:
    """The models in an annotation: of a field, of the items of a list, or of what may be absent."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def _owner(model: type[BaseModel], where: tuple[str | int, ...]) -> tuple[type[BaseModel], str]:
    """The innermost model that a place is in, and the key there."""
    key, inner = "", None
    for part in where:
        if isinstance(part, int):
            continue
        if key and inner is None:  # below a plain mapping, which has no models inside
            break
        model, key = inner or model, part
        field = model.model_fields.get(key)
        inner = next(models(field.annotation), None) if field else None
    return model, key


def _text(model: type[BaseModel], key: str, kind: str, detail: object) -> str:
    assert isinstance(detail, dict)
    value, context = detail.get("input"), detail.get("ctx") or {}
    if kind == "extra_forbidden":
        if why := getattr(model, "REFUSED", {}).get(key):
            return str(why)
        shared = SHARED_KEYS if issubclass(model, Step) else ()
        return unknown_key(key, [*model.model_fields, *shared])
    if kind == "missing":
        meaning = meanings(model).get(key, "").rstrip(".")
        about = f" ({meaning})" if meaning else ""
        return f"is required{about}, add `{key}: ...`"
    if kind == "literal_error":
        choices = [c.strip(" '") for c in context["expected"].replace(" or ", ",").split(",")]
        return unknown(str(value), choices, f"is not a {key.replace('_', ' ')}")
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"`{shorten(value)}` must be {words} {context[name]}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        about = meanings(model).get(key, key).rstrip(".")
        return f"`{shorten(value)}` is not allowed: {about}"
    if kind == "finite_number":
        return f"`{shorten(value)}` is not a finite number, write one such as 1e-4"
    if kind in ("model_type", "model_attributes_type"):
        return f"`{shorten(value)}` is not a mapping, write keys such as `{next(iter(model.model_fields))}: ...`"
    if value is None:
        return "is empty, give it a value or leave it out"
    for prefix, words in _TYPES.items():
        if kind.startswith(prefix):
            return f"`{shorten(value)}` is not {words}"
    return f"`{shorten(value)}`: {detail['msg'][0].lower()}{detail['msg'][1:]}"
