"""Shares such as `949,50,1`: how much of the documents each part gets. Free of arrays, for whoever only asks."""

import math

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
