"""Lines of questions: from a file, standard input, or the command line."""

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ernie_core.errors import BadInput
from ernie_core.text import lines

if TYPE_CHECKING:
    from ernie_core.tasks.task import Task

Q = TypeVar("Q")
W = TypeVar("W")


def parts(task: "Task[Q, Any]", questions: Iterable[tuple[W, Q]], size: int) -> Iterator[list[tuple[W, Q]]]:
    """Questions with their places, `size` at a time and as soon as they are there; neighbours of one group, which are
    answered together, stay together, however many they are."""
    part: list[tuple[W, Q]] = []
    last = ""
    for place, question in questions:
        group = task.group(question)
        if len(part) >= size and (not group or group != last):
            yield part
            part = []
        part.append((place, question))
        last = group
        if len(part) >= size and not group:
            yield part
            part = []
    if part:
        yield part


def lines_of(file: io.BufferedReader, place: str) -> Iterator[tuple[int, str]]:
    """Every line with its number from 1, as soon as it arrives. BadInput, with line and byte, if it is not UTF-8."""
    sample = file.peek(lines.SAMPLE)[: lines.SAMPLE]
    lines.check(sample, place)
    for number, raw in enumerate(file, 1):
        if lines.is_cr_alone(raw):
            raise lines.cr_alone(f"{place}:{number}")
        try:
            yield number, raw.removeprefix(lines.BOM).decode().rstrip("\r\n")
        except UnicodeDecodeError as e:
            remedy = lines.convert(sample)
            raise BadInput(f"{place}:{number}: not UTF-8 at byte {e.start} of the line: {remedy}") from None


def word(text: str, number: int) -> str:
    """A text of the command line. BadInput if its bytes were not UTF-8: Python holds those as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as e:
        before = len(text[: e.start].encode())
        raise BadInput(
            f"text {number}: not UTF-8 at byte {before}: type it as UTF-8, or {lines.convert(b'')} and pass it on "
            f"standard input"
        ) from None
    return text
