"""The base of everything that is read from YAML: unknown keys, infinities and truth values in numbers are refused."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Strict(BaseModel):
    """Strict, frozen, and documented field by field."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, values: Any) -> Any:
        # pydantic takes `true` for 1; as a word it says of it what it says of any word.
        if not isinstance(values, dict):
            return values
        wrong = {key for key, value in values.items() if isinstance(value, bool) and _counts(cls, key)}
        return {key: str(value).lower() if key in wrong else value for key, value in values.items()}


def _counts(cls: type[BaseModel], key: object) -> bool:
    """Whether a field takes numbers and no truth values."""
    field = cls.model_fields.get(str(key))
    kinds = set(_parts(field.annotation)) if field else set()
    return bool({int, float} & kinds) and bool not in kinds


def _parts(annotation: Any) -> list[Any]:
    return [annotation, *(part for inner in get_args(annotation) for part in _parts(inner))]
