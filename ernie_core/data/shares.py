"""Shares such as `949,50,1`: the division of documents into parts. Imports no arrays."""

import itertools
import math
from collections.abc import Sequence

from ernie_core.errors import BadInput

PARTS = ("train", "valid", "test")


def fractions_of(shares: str) -> list[float]:
    """`949,50,1` or `949/50/1` as three fractions; parts left out are 0."""
    try:
        numbers = [float(share) for share in shares.replace("/", ",").split(",")]
    except ValueError as e:
        raise BadInput(f"split `{shares}` is not three numbers such as 949,50,1") from e
    if len(numbers) > 3 or min(numbers) < 0 or numbers[0] == 0:
        raise BadInput(f"split `{shares}`: at most three shares (train, valid, test), the first above 0")
    if not math.isfinite(sum(numbers)):
        raise BadInput(f"split `{shares[:40]}`: shares must be finite, such as 949,50,1")
    numbers += [0.0] * (3 - len(numbers))
    return [number / sum(numbers) for number in numbers]


def requested(part: str, shares: str) -> bool:
    """Whether a split gives this part anything."""
    return fractions_of(shares)[PARTS.index(part)] > 0


def split(shares: str, documents: int) -> list[tuple[int, int]]:
    """Document ranges of train, valid and test for shares such as `949,50,1`: contiguous, by rounded sums."""
    fractions = fractions_of(shares)
    ends = [0]
    for fraction in fractions:
        ends.append(ends[-1] + round(fraction * documents))
    surplus = ends[-1] - documents
    return [
        (max(0, start - surplus) if k else 0, max(0, end - surplus))
        for k, (start, end) in enumerate(itertools.pairwise(ends))
    ]


def lacking(parts: Sequence[str], shares: str, documents: str) -> str:
    """What to say of parts for which a split leaves no document of so many."""
    names = " and ".join(parts)
    some = [part for part in PARTS[1:] if part not in parts and requested(part, shares)]
    cure = ",".join(str(100 - 10 * len(some) if part == "train" else 10 * (part in some)) for part in PARTS)
    without = "" if "train" in parts else f", or none at all, for example `split: '{cure}'`"
    return f"split {shares} gives {names} none of {documents}: use more text, give {names} a larger share{without}"
