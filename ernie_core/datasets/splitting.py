"""Dev and test, cut from train so that nothing equal or related stands in two splits."""

import hashlib
from collections import Counter
from collections.abc import Sequence

_KEY = b"ernie-jobs: dev and test of labelled examples"


def cut(rows: Sequence[tuple[bytes, ...]], dev: float, test: float) -> list[str]:
    """train, dev or test for each row, from hashes of its question, of its group, and of what its translations share;
    all but the first may be empty or missing.

    Rows with the same question, of one group, or translations of each other are linked; all rows that are linked, also
    through others, go together. A fixed hash of them decides, so neither the order of rows nor other rows matter. `dev`
    and `test` are expected shares, from 0 to 1; linked rows that are more than all of dev, or test, should be stay in
    train.
    """
    parents: dict[bytes, bytes] = {}
    for question, *others in rows:
        for mark, shared in zip((b"g", b"p"), others, strict=False):
            first = _root(parents, b"q" + question)
            if shared and (second := _root(parents, mark + shared)) != first:
                # the smallest hash stands for all, whatever order they came in
                low, high = sorted((first, second))
                parents[high] = low
    roots = [_root(parents, b"q" + question) for question, *_ in rows]
    names: dict[bytes, str] = {}
    for root, size in Counter(roots).items():
        at = _position(root)
        name, share = ("test", test) if at < test else ("dev", dev) if at < test + dev else ("train", 1.0)
        names[root] = name if size == 1 or size <= share * len(rows) else "train"
    return [names[root] for root in roots]


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
