"""JSON from others: every fault is one kind of error, with a message of this project."""

import json
from typing import Any

from ernie_core.text.corpus.rejects import Rejected


def parse(text: str) -> Any:
    """The value of a JSON text. ValueError, with the reason, if there is none or Python cannot parse it."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply, no more than some hundred brackets within each other are read") from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # of Pythons that limit the digits of an integer
        raise ValueError("a whole number of too many digits: write it as a string") from None


def under(key: str, raw: bytes) -> str:
    """The text under a key of a JSON object. Rejected, with the reason, if there is none."""
    try:
        found = parse(raw.decode())
    except UnicodeDecodeError as e:
        raise Rejected(f"not UTF-8 at byte {e.start}") from None
    except ValueError as e:
        raise Rejected(f"not JSON: {e}") from None
    if not isinstance(found, dict):
        raise Rejected("not a JSON object")
    if key not in found:
        raise Rejected(f"no key `{key}`")
    if not isinstance(found[key], str):
        raise Rejected(f"`{key}` is no string")
    return str(found[key])


def half_character(text: str) -> str:
    """The first lone surrogate in a text, as JSON escapes it; empty if there is none."""
    try:
        text.encode()
    except UnicodeEncodeError as e:
        return f"\\u{ord(text[e.start]):04x}"
    return ""
