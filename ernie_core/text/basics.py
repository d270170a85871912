"""The tokens of every vocabulary, for any corpus. Imports nothing heavy: the check of a spec needs their number."""

import string
from collections.abc import Iterable
from typing import Literal

from ernie_core.text import normalise

PAD, CLS, SEP, MASK, UNK = SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]")
ASCII = (*string.ascii_lowercase, *string.digits, *string.punctuation)
"""Characters in every vocabulary: with them no Latin word is unknown."""


def least_size(han: Literal["all", "seen"]) -> int:
    """The size of the smallest vocabulary."""
    return len(SPECIALS) + len(forms(ASCII)) + (len(normalise.HAN) if han == "all" else 0)


def forms(characters: Iterable[str]) -> list[str]:
    """Every character, and its `##` form unless it is always a token of its own."""
    return [form for c in characters for form in ((c,) if normalise.is_single(c) else (c, f"##{c}"))]
