"""What a model is asked: a text or a pair a line, from a file, from standard input, or from the command line."""

import io
from collections.abc import Iterator

from ernie_core.errors import BadInput
from ernie_core.text import lines

Text = str | tuple[str, str]


def lines_of(file: io.BufferedReader, place: str) -> Iterator[tuple[int, str]]:
    """Every line with its number from 1, as soon as it is there. BadInput names line and byte of what is not UTF-8."""
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
    """A text of the command line. BadInput if its bytes were not UTF-8: Python holds those as halves of pairs."""
    try:
        text.encode()
    except UnicodeEncodeError as e:
        before = len(text[: e.start].encode())
        raise BadInput(
            f"text {number}: not UTF-8 at byte {before}: type it as UTF-8, or {lines.convert(b'')} and hand it over on "
            f"standard input"
        ) from None
    return text


def text(where: str, line: str, pair: bool) -> Text:
    """A line as what a model takes; a pair has a tab between. BadInput if it is none."""
    if not pair:
        return line
    first, tab, second = line.partition("\t")
    if not tab:
        raise BadInput(f"{where}: this model was trained on pairs, write the two texts with a tab between")
    return first, second
