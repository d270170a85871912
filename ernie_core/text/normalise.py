"""Text as ERNIE reads it: lower case, no control characters, no accents, split into the pieces for WordPiece.

Every rule but one is a function of a single code point, so whole texts go through one `str.translate`. The rules
depend on the Unicode tables of the interpreter: `UNICODE` is the version whose ids are the published ones.
"""

import unicodedata

from ernie_core.errors import Refused

UNICODE = "13.0.0"
"""The Unicode version that token ids are defined by: that of Python 3.10."""

HAN = range(0x4E00, 0x9FA5 + 1)
"""The ideographs with whole-word marks, all of which a vocabulary may contain."""

_IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip
SYMBOLS_TOO = frozenset("\u00ad\u00b2\u00b5\u00ba\u00d8\u014b\u01b1\u3007")
"""Characters that are separate tokens, though by their category they are neither punctuation nor symbols."""


def pieces(text: str) -> list[str]:
    """Text in lower case, cleaned, and split at white space and around ideographs; `parts` finishes each piece."""
    return text.translate(TABLE).split()


def parts(piece: str) -> list[str]:
    """A piece without accents, with every punctuation mark and symbol separate. May be empty."""
    bare = (c for c in unicodedata.normalize("NFD", piece.lower()) if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if stands_alone(c) else c for c in bare).split()


def stands_alone(char: str) -> bool:
    """Whether a character is always a separate token: punctuation or a symbol."""
    if char.isascii():
        return char.isprintable() and not char.isalnum() and char != " "
    return unicodedata.category(char)[0] in "PS" or char in SYMBOLS_TOO


def is_han(token: str) -> bool:
    """Whether a token is a single Han character."""
    return len(token) == 1 and ord(token) in HAN


def is_single(char: str) -> bool:
    """Whether a normalised character is always a token of its own, so that it needs no `##` form."""
    return stands_alone(char) or _is_ideograph(char)


def check_unicode() -> None:
    """Refused with another Unicode version: its new characters would get other ids."""
    if unicodedata.unidata_version != UNICODE:
        raise Refused(
            f"this Python has Unicode {unicodedata.unidata_version}, token ids are defined by {UNICODE}: "
            f"make them with Python 3.10"
        )


class Table(dict[int, str]):
    """Code point -> its replacement in `pieces`, computed on first use."""

    def __missing__(self, code: int) -> str:
        value = self[code] = "".join(_clean(char) for char in chr(code).lower())
        return value


TABLE = Table()


def _clean(char: str) -> str:
    if char in "\t\n\r":
        return " "
    kind = unicodedata.category(char)
    if kind[0] == "C" or char == "\ufffd":
        return ""
    if kind == "Zs":
        return " "
    return f" {char} " if _is_ideograph(char) else char


def _is_ideograph(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _IDEOGRAPHS)
