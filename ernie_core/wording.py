"""How messages quote values: on one line, short, and with the remedy at the end kept whole."""

import re
from collections.abc import Collection, Iterable

MOST_VALUE, MOST_WORD, MOST_LINE = 80, 400, 2000
"""Most characters of a quoted value, of a word, and of a line of a message."""
MOST_LISTED = 16
"""Most names in a list to choose from."""
_LONG = re.compile(rf"\S{{{MOST_WORD + 1},}}")


def shorten(value: object, most: int = MOST_VALUE) -> str:
    """A value for a message: as YAML spells it, on one line; a long one is cut, with the number of characters left out.

    Characters that cannot be printed are escaped, so that no value moves the cursor or breaks the line.
    """
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    cut = "" if len(text) <= most else f"... ({len(text) - most:,} more characters)"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:most]) + cut


def listed(names: Iterable[str], most: int = MOST_LISTED, each: int = 40) -> str:
    """Names separated by commas; of many the first, and how many more there are."""
    names = [shorten(name, each) for name in names]
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def choice(word: str, known: Iterable[str]) -> str:
    """Advice for an unknown word: the closest known one, or the list of known ones; of many the closest."""
    from difflib import get_close_matches

    known = sorted(known)
    if closest := get_close_matches(word[:100], known, n=1, cutoff=0.6):
        return f"did you mean `{shorten(closest[0])}`?"
    if len(known) > MOST_LISTED:
        known = [*(first := get_close_matches(word[:100], known, n=MOST_LISTED, cutoff=0.0)), *_without(known, first)]
    return f"choose from: {listed(known) or 'none'}"


def brief(text: str, most: int = MOST_LINE) -> str:
    """A message with long words and long lines cut in the middle."""
    return "\n".join(_cut(_LONG.sub(lambda word: _cut(word[0], MOST_WORD), line), most) for line in text.split("\n"))


def _cut(text: str, most: int) -> str:
    head, tail = most // 2, most // 4
    if len(text) <= most:
        return text
    return f"{text[:head]}... ({len(text) - head - tail:,} more characters) ...{text[-tail:]}"


def _without(names: Iterable[str], those: Collection[str]) -> Iterable[str]:
    return (name for name in names if name not in those)
