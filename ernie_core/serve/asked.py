"""Lines of questions: from a file, standard input, or the command line."""

import io
from collections.abc import Iterator

from ernie_core.errors import BadInput
from ernie_core.text import lines


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
