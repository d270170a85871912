"""Folders of token ids as one corpus: sentences of documents, mapped from disk, never read whole."""

import hashlib
import itertools
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernie_core.data import idx
from ernie_core.errors import BadInput

_BLOCK = 1 << 15
_BLOCKS = 64


@dataclass(frozen=True)
class Corpus:
    """The documents of one or more folders, in the order of the folders and of their parts."""

    folders: tuple[Path, ...]
    lens: np.ndarray
    """Tokens of each sentence, int32."""
    docs: np.ndarray
    """Document d owns the sentences docs[d]:docs[d+1]; int64."""
    offsets: np.ndarray
    """Sentence s is the tokens offsets[s]:offsets[s+1] of the parts laid end to end; int64."""
    parts: tuple[np.ndarray, ...]
    starts: np.ndarray
    """The first token of each part."""

    def tokens(self, first: int, end: int) -> np.ndarray:
        """The ids of the sentences first:end, which lie in one document."""
        part = int(np.searchsorted(self.starts, self.offsets[first], side="right")) - 1
        base = self.starts[part]
        return self.parts[part][self.offsets[first] - base : self.offsets[end] - base]

    def fingerprint(self) -> str:
        """A hash of every length and boundary and of blocks of ids spread over each part.

        Not of all ids: that would read the whole corpus at every start, and the manifests of the store do it already.
        """
        digest = hashlib.sha256(self.lens.tobytes() + self.docs.tobytes())
        for part in self.parts:
            digest.update(f"{part.dtype.str} {len(part)}".encode())
            for start in np.linspace(0, max(0, len(part) - _BLOCK), _BLOCKS, dtype="int64"):
                digest.update(part[start : start + _BLOCK].tobytes())
        return digest.hexdigest()


def read(folders: Sequence[Path]) -> Corpus:
    """Open every part, `_ids.npy` with `_idx.npz` or `.bin` with `.idx`; what does not fit together is an error."""
    parts, lens, docs, sentences = [], [], [np.zeros(1, "int64")], 0
    for folder in folders:
        found = sorted(folder.glob("*_ids.npy")) or sorted(folder.glob("*.bin"))
        if not found:
            raise BadInput(f"{folder}: no *_ids.npy or *.bin here; this must be the folder that the `ids` step made")
        for path in found:
            ids, part_lens, part_docs = _part(path)
            _check(path, ids, part_lens, part_docs)
            parts.append(ids)
            lens.append(part_lens)
            docs.append(part_docs[1:] + sentences)
            sentences += len(part_lens)
    all_lens = np.concatenate(lens)
    offsets = np.concatenate([np.zeros(1, "int64"), np.cumsum(all_lens, dtype="int64")])
    starts = np.concatenate([[0], np.cumsum([len(p) for p in parts])[:-1]]).astype("int64")
    return Corpus(tuple(folders), all_lens, np.concatenate(docs), offsets, tuple(parts), starts)


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


def fractions_of(shares: str) -> list[float]:
    """`949,50,1` or `949/50/1` as three fractions; parts left out are 0."""
    try:
        numbers = [float(share) for share in shares.replace("/", ",").split(",")]
    except ValueError as e:
        raise BadInput(f"split `{shares}` is not three numbers such as 949,50,1") from e
    if len(numbers) > 3 or min(numbers) < 0 or numbers[0] == 0:
        raise BadInput(f"split `{shares}`: at most three shares (train, valid, test), the first above 0")
    numbers += [0.0] * (3 - len(numbers))
    return [number / sum(numbers) for number in numbers]


def _part(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if path.suffix == ".bin":
        return idx.read(path)
    index = path.with_name(path.name.removesuffix("_ids.npy") + "_idx.npz")
    if not index.is_file():
        raise BadInput(f"{index}: missing beside {path.name}")
    try:
        ids = np.load(path, mmap_mode="r")
        with np.load(index) as arrays:
            lens, docs = arrays["lens"], arrays["docs"]
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as e:
        raise BadInput(f"{path}: not readable with {index.name}: {e}; make the ids again") from e
    return ids, lens, docs


def _check(path: Path, ids: np.ndarray, lens: np.ndarray, docs: np.ndarray) -> None:
    index = f"the index of {path}"
    if ids.ndim != 1 or ids.dtype not in (np.uint16, np.int32):
        raise BadInput(f"{path}: must be one row of uint16 or int32, not {ids.dtype} {list(ids.shape)}")
    if lens.dtype != np.int32 or docs.dtype != np.int64:
        raise BadInput(f"{index}: lens must be int32 and docs int64, not {lens.dtype} and {docs.dtype}")
    if int(lens.sum(dtype="int64")) != len(ids) or docs[0] != 0 or docs[-1] != len(lens):
        raise BadInput(f"{index}: counts {int(lens.sum(dtype='int64'))} tokens, {path.name} holds {len(ids)}")
    if (len(lens) and lens.min() < 1) or (np.diff(docs) < 1).any():
        raise BadInput(f"{index}: an empty sentence or document; make the ids again")
