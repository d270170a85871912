"""WordPiece: the longest entry of a vocabulary first, then the longest `##` entry, and so on."""

from collections.abc import Mapping

LONGEST = 100
"""Most code points of a part; a longer one is unknown as a whole."""


def cut(part: str, ids: Mapping[str, int]) -> list[int] | None:
    """The ids of a part, or None when some of it is not in the vocabulary: then all of it is unknown."""
    if len(part) > LONGEST:
        return None
    found: list[int] = []
    start = 0
    while start < len(part):
        prefix = "##" if start else ""
        for end in range(len(part), start, -1):
            token = ids.get(prefix + part[start:end])
            if token is not None:
                break
        else:
            return None
        found.append(token)
        start = end
    return found
