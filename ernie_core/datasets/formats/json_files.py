"""Upstream files of JSON: one document, or an object a line, and their values checked one by one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.tasks.readers import rows
from ernie_core.text import json_text, lines

_HEAD = 1 << 14
"""Bytes of a file by which its form is recognised."""


class Faulty(Exception):
    """A value that cannot be used; the text says why."""


def head(path: Path) -> str:
    """The beginning of a file, without a byte order mark; the end of it may be half a character, which is left out."""
    with path.open("rb") as file:
        return file.read(_HEAD).removeprefix(lines.BOM).decode(errors="ignore").lstrip()


def document(path: Path) -> Any:
    """The JSON value that is a whole file. BadInput if it is none."""
    try:
        return json_text.parse(rows.text_of(path))
    except ValueError as e:
        raise BadInput(f"{path}: not JSON ({e}): the file is cut off or changed, get it again") from None


def objects(path: Path) -> Iterator[tuple[str, Any]]:
    """The value of every line that is not empty, with its place as `file:line`; Faulty instead if it is not JSON."""
    for number, line in enumerate(lines.split(rows.text_of(path)), 1):
        if line.strip():
            try:
                yield f"{path}:{number}", json_text.parse(line.removeprefix("\ufeff"))
            except ValueError as e:
                yield f"{path}:{number}", Faulty(f"not JSON: {e}")


def member(value: Any, key: str, kind: type) -> Any:
    """The member of an object. Faulty if there is none, or one of another type."""
    if isinstance(value, Faulty):
        raise value
    if not isinstance(value, dict):
        raise Faulty(f"{rows.spell(value)} is no object")
    if key not in value:
        raise Faulty(f'no "{key}"')
    found = value[key]
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise Faulty(f'"{key}" is {rows.spell(found)}, no {_NAMES[kind]}')
    return found


def text(value: Any, key: str) -> str:
    """A text that is not empty. Faulty if it is, or holds half a character."""
    return whole(member(value, key, str), key)


def whole(found: Any, name: str) -> str:
    """A text that is not empty. Faulty if it is, is none, or holds half a character."""
    if not isinstance(found, str):
        raise Faulty(f'"{name}" is {rows.spell(found)}, no text')
    if not found.strip():
        raise Faulty(f'"{name}" is empty')
    if half := json_text.half_character(found):
        raise Faulty(f'"{name}" holds {half}, half of a surrogate pair')
    return found


def identifier(found: Any) -> str | int:
    """An id. Faulty if it is no text and no whole number."""
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    return whole(found, "id")


_NAMES: dict[type, str] = {str: "text", list: "list", dict: "object", int: "whole number"}
