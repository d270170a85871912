"""Values with a short spelling in YAML: sizes (`10GiB`), durations (`30m`) and shares (`0.1%`); and in messages."""

import re
from typing import Annotated, cast

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ernie_core.wording import shorten

_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LARGEST = 2**63 - 1
"""The largest whole number that every reader of a manifest, a task or a checkpoint takes."""


def size(value: object) -> int:
    """Bytes of `10GiB`, `500MB` or a whole number."""
    return _measure(value, _SIZES, "a size such as 500MB or 10GiB")


def duration(value: object) -> int:
    """Seconds of `90s`, `30m`, `2h`, `1d` or a whole number."""
    return _measure(value, _DURATIONS, "a duration such as 90s, 30m or 2h")


def share(value: object) -> float:
    """0.001 of `0.1%` or 0.001."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip()) if isinstance(value, str) else None
    number = float(found[1]) / 100 if found else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
        raise ValueError(f"`{shorten(value)}` is not a share such as 0.1% or 0.001, from 0 to 1")
    return float(number)


def column(value: object) -> str | int:
    """The name of a column, or its number from 1."""
    named = isinstance(value, str) and value != ""
    if not named and not (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST):
        raise ValueError(f"`{shorten(value)}` is not a column: give its name, or its number from 1")
    return cast(str | int, value)


def spell_size(count: float) -> str:
    """`1.5 GiB` for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def spell_duration(seconds: float) -> str:
    """`1h02m`, `3m05s` or `12s` for people."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def spell_figure(value: object) -> str:
    """`15,360` for whole numbers, four digits for others, text as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def _measure(value: object, units: dict[str, int], what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", value.strip()) if isinstance(value, str) else None
    count = float(found[1]) * units.get(found[2], 0) if found else 0.0
    if not found or found[2] not in units or count > LARGEST:
        raise ValueError(f"`{shorten(value)}` is not {what}")
    return round(count)


Size = Annotated[
    int,
    BeforeValidator(size),
    PlainSerializer(lambda count: count, return_type=int),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)?\s*([KMGT]i?B|B)$", "minimum": 0}),
]
Duration = Annotated[
    int,
    BeforeValidator(duration),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)?\s*[smhd]$", "minimum": 0}),
]
Share = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema({"type": ["string", "number"], "pattern": r"^\d+(\.\d+)?\s*%$", "minimum": 0, "maximum": 1}),
]
Column = Annotated[
    str | int,
    BeforeValidator(column),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}]}),
]
