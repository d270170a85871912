"""Examples as JSON lines: what every format of them has in common, an id and texts."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import json_text, lines


def read(
    path: Path,
    texts: Sequence[str],
    answers: Sequence[str] = (),
    optional: Sequence[str] = (),
    *,
    others: Sequence[str] = (),
    unlabelled: bool = False,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file, each with its place as `file:line`; empty lines are skipped.

    A row is a JSON object with an `id` (a string or a number), `texts` and `optional` texts that are strings of whole
    characters, and `others` and `answers`, whose values are for the caller to check. With `unlabelled` all rows may be
    without their answers, and with none of them. BadInput says file, line and remedy, also if
    there is no row at all; NotFound if there is no file.
    """
    keys, first = ("id", *texts, *others), None
    for number, line in enumerate(_lines_of(path), 1):
        if line.strip():
            where = f"{path}:{number}"
            row = _row(where, line, keys if unlabelled else (*keys, *answers), (*texts, *optional))
            has = [name for name in answers if name in row]
            first = has if first is None else first
            if has != first or (has and len(has) < len(answers)):
                named = ", ".join(f'"{name}"' for name in answers)
                raise BadInput(f"{where}: some rows have {named} and some have not, give all or none their answers")
            yield where, row
    if first is None:
        raise BadInput(f"{path}: no examples, every split needs at least one")


def text_of(path: Path) -> str:
    """A file of task data as text. NotFound if it is not there, BadInput if it is not UTF-8."""
    try:
        return lines.text_of(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise _missing(path) from None


def _lines_of(path: Path) -> Iterator[str]:
    try:
        yield from lines.streamed(path)  # a train split may be larger than memory
    except FileNotFoundError:
        raise _missing(path) from None


def _missing(path: Path) -> NotFound:
    needs = "task data is train.jsonl, dev.jsonl, test.jsonl, and labels.txt where a task has labels; "
    needs += "of a csv, a tsv or a published data set the step `dataset` makes them"
    return NotFound(f"{path}: no such file, {needs}")


def spell(value: object) -> str:
    """A value as JSON writes it, not longer than a line can show; what UTF-8 cannot write stays escaped."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _row(where: str, line: str, keys: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    try:
        row = json_text.parse(line.removeprefix("\ufeff"))
    except ValueError as e:
        raise BadInput(f"{where}: not JSON ({e}): write {_form(keys)} a line") from None
    if not isinstance(row, dict):
        raise BadInput(f"{where}: not an object: write {_form(keys)} a line")
    for key in keys:
        if key not in row:
            raise BadInput(f'{where}: no "{key}": every example needs {", ".join(keys[:-1])} and {keys[-1]}')
    for key in texts:
        if not isinstance(row.get(key, ""), str):
            raise BadInput(f'{where}: "{key}" is {spell(row[key])}, it must be a string')
    if isinstance(row["id"], bool) or not isinstance(row["id"], str | int | float):
        raise BadInput(f'{where}: "id" is {spell(row["id"])}, it must be a string or a number')
    for key in ("id", *texts) if "\\u" in line else ():  # half a character of UTF-8 can only be an escape
        if half := json_text.half_character(str(row.get(key, ""))):
            raise BadInput(
                f'{where}: "{key}" holds {half}, half of a surrogate pair: write the whole pair, or take it out'
            )
    return row


def _form(keys: Sequence[str]) -> str:
    return "{" + ", ".join(f'"{key}"' for key in keys) + "}"
