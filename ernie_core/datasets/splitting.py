"""Dev and test, cut from train so that nothing equal or related stands in two splits."""

import hashlib
from collections.abc import Sequence

_KEY = b"ernie-jobs: dev and test of labelled examples"


def cut(rows: Sequence[tuple[bytes, bytes]], dev: float, test: float) -> list[str]:
    """train, dev or test for each row, from the hashes of its question and its group, which may be empty.

    Rows with the same question, or of one group, are linked; all rows that are linked, also through others, go
    together. A fixed hash of them decides, so neither the order of rows nor other rows matter. `dev` and `test` are
    expected shares, from 0 to 1.
    """
    parents: dict[bytes, bytes] = {}
    for question, group in rows:
        first = _root(parents, b"q" + question)
        if group and (second := _root(parents, b"g" + group)) != first:
            # the smallest hash stands for all, whatever order they came in
            low, high = sorted((first, second))
            parents[high] = low
    names: dict[bytes, str] = {}
    found = []
    for question, _ in rows:
        root = _root(parents, b"q" + question)
        if root not in names:
            at = _position(root)
            names[root] = "test" if at < test else "dev" if at < test + dev else "train"
        found.append(names[root])
    return found


def sample(rows: Sequence[bytes], most: int) -> list[int]:
    """The indices of at most so many rows, in their order, chosen by a fixed hash of each."""
    if len(rows) <= most:
        return list(range(len(rows)))
    return sorted(sorted(range(len(rows)), key=lambda i: (_position(rows[i]), i))[:most])


def _root(parents: dict[bytes, bytes], node: bytes) -> bytes:
    root = node
    while (above := parents.setdefault(root, root)) != root:
        root = above
    while parents[node] != root:
        parents[node], node = root, parents[node]
    return root


def _position(value: bytes) -> float:
    """A number from 0 to 1, uniform over values."""
    return int.from_bytes(hashlib.blake2b(value, digest_size=8, key=_KEY).digest(), "big") / 2**64
