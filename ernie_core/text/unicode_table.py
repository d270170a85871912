"""ERNIE's normalisation of every code point, as a small file: the kernel's table, pinned to one Unicode version.

`python -m ernie_core.text.unicode_table` prints the file; it is made again only if `normalise.UNICODE` changes. A line
is `FIRST[..LAST] KIND`, or `FIRST[..LAST] = XX XX:ccc -` for code points that become others: `:ccc` is the combining
class of a mark that stays and is reordered, `-` a dropped mark that others are not reordered across. Code points that
are not listed are dropped; Hangul syllables are decomposed by their formula.
"""

import itertools
import sys
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.text import normalise

PATH = Path(__file__).with_name(f"unicode-{normalise.UNICODE}.txt")
DROP, BARRIER, SPACE, LETTER, ALONE, IDEOGRAPH, REPLACED = KINDS = range(7)
NAMES = ("drop", "barrier", "space", "letter", "alone", "ideograph", "replaced")
_HANGUL = range(0xAC00, 0xD7A3 + 1)


@dataclass(frozen=True)
class Tables:
    """A kind for each code point, and for the replaced ones: code, count, and what they become (class << 24 | code)."""

    kinds: bytes
    replaced: bytes


def load(path: Path = PATH) -> Tables:
    """Read the file."""
    kinds, replaced = bytearray(sys.maxunicode + 1), array("I")
    for line in path.read_text(encoding="ascii").removesuffix("\n").split("\n"):
        place, _, kind = line.partition(" ")
        if place == "#":
            continue
        first, _, last = place.partition("..")
        codes = range(int(first, 16), int(last or first, 16) + 1)
        if kind.startswith("= "):
            parts = [_packed(part) for part in kind.split()[1:]]
            for code in codes:
                replaced.extend((code, len(parts), *parts))
        number = REPLACED if kind.startswith("= ") else NAMES.index(kind)
        kinds[codes.start : codes.stop] = bytes([number]) * len(codes)
    for code in _HANGUL:
        lead, remainder = divmod(code - _HANGUL.start, 588)
        vowel, tail = divmod(remainder, 28)
        jamo = (0x1100 + lead, 0x1161 + vowel, 0x11A7 + tail) if tail else (0x1100 + lead, 0x1161 + vowel)
        replaced.extend((code, len(jamo), *jamo))
    kinds[_HANGUL.start : _HANGUL.stop] = bytes([REPLACED]) * len(_HANGUL)
    return Tables(bytes(kinds), replaced.tobytes())


def lines() -> Iterator[str]:
    """The lines of the file, by the Unicode version of this interpreter."""
    yield f"# Unicode {unicodedata.unidata_version}, made by ernie_core/text/unicode_table.py"
    described = ((code, describe(chr(code))) for code in range(sys.maxunicode + 1) if code not in _HANGUL)
    keyed = ((code, text) for code, text in described if text != NAMES[DROP])
    # Consecutive code points of one kind are one line.
    for (_, text), group in itertools.groupby(enumerate(keyed), lambda at: (at[1][0] - at[0], at[1][1])):
        codes = [code for _, (code, _) in group]
        yield f"{codes[0]:04X}..{codes[-1]:04X} {text}" if len(codes) > 1 else f"{codes[0]:04X} {text}"


def describe(char: str) -> str:
    """The kind of a character, or what it becomes."""
    pieces = normalise.TABLE[ord(char)]
    if not pieces or pieces.isspace():
        return NAMES[SPACE if pieces else DROP]
    decomposed = unicodedata.normalize("NFD", pieces.strip(" ").lower())
    found = [text for text in map(_element, decomposed) if text]
    if not found:
        return NAMES[DROP]
    if found == ["-"]:
        return NAMES[BARRIER]
    if found != [f"{ord(char):04X}"]:
        return " ".join(["=", *found])
    if pieces != char:
        return NAMES[IDEOGRAPH]
    return NAMES[ALONE if normalise.stands_alone(char) else LETTER]


def _element(char: str) -> str:
    order = unicodedata.combining(char)
    if unicodedata.category(char) == "Mn":
        return "" if order else "-"
    return f"{ord(char):04X}:{order}" if order else f"{ord(char):04X}"


def _packed(part: str) -> int:
    if part == "-":
        return 0
    code, _, order = part.partition(":")
    return int(order or 0) << 24 | int(code, 16)


if __name__ == "__main__":
    print("\n".join(lines()))
