"""The splits of labelled examples as a training needs them: examples, rows of token ids, true answers.

Rows and answers are kept in a cache, so that a sweep encodes its examples once: all its points read the same entry.
"""

import hashlib
import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ernie_core.data.cache import Cache, Fact
from ernie_core.store import digests
from ernie_core.store.files import below
from ernie_core.tasks import task
from ernie_core.tasks.features import Features
from ernie_core.tasks.task import Example, Task
from ernie_core.text.tokenizer import Tokenizer

_NONE = np.zeros(0)
_BLOCK = 1 << 20
"""Rows or numbers that are hashed at once."""


@dataclass(frozen=True)
class Questions(Sequence[Any]):
    """The questions of examples, which may be read from a file one after the other."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, place: Any) -> Any:
        found = self.examples[place]
        return [example.question for example in found] if isinstance(place, slice) else found.question

    def __iter__(self) -> Iterator[Any]:
        return (example.question for example in self.examples)


@dataclass
class EncodedSplit:
    """The examples of a split, their rows of token ids, and their true answers."""

    examples: Sequence[Example]
    features: Features
    targets: np.ndarray
    """Empty if the examples are not labelled."""

    @property
    def labelled(self) -> bool:
        """Whether the true answers are known."""
        return all(example.labelled for example in self.examples)

    def part(self, rows: np.ndarray) -> "EncodedSplit":
        """Some examples alone, of a task with one row of tokens for each."""
        return EncodedSplit([self.examples[i] for i in rows], self.features.part(rows), self.targets[rows])

    @property
    def digest(self) -> str:
        """SHA-256 of rows and answers, in hex."""
        found = hashlib.sha256()
        for array in (self.features.lengths, *self.features.flat, self.targets):
            kind = np.dtype(np.int32) if array.dtype == np.int8 else array.dtype
            found.update(f"{kind.str} {array.shape}".encode())
            for start in range(0, len(array), _BLOCK):  # no second copy of millions of rows
                found.update(np.ascontiguousarray(array[start : start + _BLOCK], kind).data)
        return found.hexdigest()


def splits(
    folder: Path, learned: Task[Any, Any], tokenizer: Tokenizer, cache: Cache | None = None
) -> dict[str, EncodedSplit]:
    """All splits of a folder. BadInput, with file, line and remedy, for a faulty example; all are read before any is
    encoded. With a cache they are encoded by the first process that needs them."""
    read = {split: learned.read(folder, split) for split in task.splits(folder)}
    if cache is None:
        return _encoded(read, learned, tokenizer)
    name = f"encoded-{_key(folder, learned, tokenizer)}"

    def fill(entry: Path) -> dict[str, Fact]:
        for split, found in _encoded(read, learned, tokenizer).items():
            np.savez(entry / f"{split}.npz", targets=found.targets, **found.features.arrays())
        return {}

    entry = cache.get(name, fill)
    try:
        return {split: _kept(entry.folder / f"{split}.npz", of, learned) for split, of in read.items()}
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        warnings.warn(f"{entry.folder}: damaged ({error}); the examples are encoded again", stacklevel=2)
        if cache.maker:
            cache.remove(name)
        return _encoded(read, learned, tokenizer)


def _encoded(
    read: Mapping[str, Sequence[Example]], learned: Task[Any, Any], tokenizer: Tokenizer
) -> dict[str, EncodedSplit]:
    found = {}
    for split, examples in read.items():
        features = learned.encode(_questions(examples), tokenizer)
        labelled = all(example.labelled for example in examples)
        found[split] = EncodedSplit(examples, features, learned.targets(examples, features) if labelled else _NONE)
    return found


def _questions(examples: Sequence[Example]) -> Sequence[Any]:
    return [example.question for example in examples] if isinstance(examples, tuple | list) else Questions(examples)


def _kept(path: Path, examples: Sequence[Example], learned: Task[Any, Any]) -> EncodedSplit:
    """A split from the cache. Every byte is checked: reading an array checks its CRC-32."""
    with np.load(path, allow_pickle=False) as arrays:
        found = dict(arrays)
    targets = found.pop("targets")
    return EncodedSplit(examples, learned.features.restored(_questions(examples), found), targets)


def _key(folder: Path, learned: Task[Any, Any], tokenizer: Tokenizer) -> str:
    """SHA-256 of all that rows and answers depend on, in hex: examples, tokenizer, and what the task says of itself."""
    with TemporaryDirectory() as place:
        tokenizer.save(Path(place))
        files = [(file.name, digests.sha256(top / file.name)) for top in (folder, Path(place)) for file in below(top)]
    said = {**learned.description(), **learned.learned()}
    return hashlib.sha256(json.dumps([sorted(files), said], sort_keys=True).encode()).hexdigest()
