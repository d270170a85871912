"""The base of everything that is read from YAML: unknown keys, infinities and truth values in numbers are refused."""

import ast
import dataclasses
import inspect
import os
import textwrap
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any, get_args

# A plugin that some package brings must not change what a spec means; nor are all packages searched for one.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

from pydantic import BaseModel, ConfigDict, model_validator


class Strict(BaseModel):
    """Strict, frozen, and documented field by field; built when it is first used, for most commands use few."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, values: Any) -> Any:
        # pydantic takes `true` for 1; as a word it says of it what it says of any word.
        if not isinstance(values, dict):
            return values
        wrong = {key for key, value in values.items() if isinstance(value, bool) and _counts(cls, key)}
        return {key: str(value).lower() if key in wrong else value for key, value in values.items()}


@cache
def meanings(cls: type[BaseModel]) -> Mapping[str, str]:
    """Field -> the text below it. Read from the source when somebody asks, which takes longer than a check of a spec;
    nothing of a class whose source is not there."""
    found: dict[str, str] = {}
    for base in reversed([base for base in cls.__mro__ if issubclass(base, Strict) or dataclasses.is_dataclass(base)]):
        try:
            (node,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, TypeError, SyntaxError):
            continue
        for field, below in pairwise(node.body if isinstance(node, ast.ClassDef) else ()):
            text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, str):
                found[field.target.id] = inspect.cleandoc(text)
    return found


def ordered(cls: type[BaseModel]) -> list[str]:
    """The fields, a class's own before those that it has from others."""
    names = [name for base in cls.__mro__ for name in vars(base).get("__annotations__", ()) if name in cls.model_fields]
    return list(dict.fromkeys(names))


def _counts(cls: type[BaseModel], key: object) -> bool:
    """Whether a field takes numbers and no truth values."""
    field = cls.model_fields.get(str(key))
    kinds = set(_parts(field.annotation)) if field else set()
    return bool({int, float} & kinds) and bool not in kinds


def _parts(annotation: Any) -> list[Any]:
    return [annotation, *(part for inner in get_args(annotation) for part in _parts(inner))]
