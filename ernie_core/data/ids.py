"""Folders of token ids as one corpus: sentences of documents, mapped from disk, never read whole."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ernie_core.data import parts as parts_of
from ernie_core.data.cache import Cache, Fact, glance
from ernie_core.data.parts import Part
from ernie_core.errors import Stopped

_BLOCK = 1 << 15
_BLOCKS = 64
_REVISION = "1"
"""Raised when the files of an index mean something else."""


@dataclass(frozen=True)
class Corpus:
    """The documents of one or more folders, in the order of folders and parts."""

    folders: tuple[Path, ...]
    lens: np.ndarray
    """Number of tokens of each sentence, int32 [sentences]."""
    docs: np.ndarray
    """Document d has the sentences docs[d]:docs[d+1]; int64 [documents + 1]."""
    offsets: np.ndarray
    """Sentence s has the tokens offsets[s]:offsets[s+1] of the concatenated parts; int64 [sentences + 1]."""
    parts: tuple[np.ndarray, ...]
    """Token ids of each part, uint16 or int32."""
    starts: np.ndarray
    """Offset of the first token of each part, int64."""
    known: str = ""
    """The fingerprint, if the cache has it; else empty."""

    def tokens(self, first: int, end: int) -> np.ndarray:
        """The ids of the sentences first:end, which must be in one document."""
        part = int(np.searchsorted(self.starts, self.offsets[first], side="right")) - 1
        base = self.starts[part]
        return self.parts[part][self.offsets[first] - base : self.offsets[end] - base]

    def fingerprint(self) -> str:
        """A hash of every length and boundary and of blocks of ids spread over each part.

        Not of all ids: that would read the whole corpus at every start, and the manifests of the store cover them.
        """
        if self.known:
            return self.known
        digest = hashlib.sha256()
        for array in (self.lens, self.docs):
            digest.update(np.ascontiguousarray(array).data)
        return _finish(digest, self.parts)


def read(folders: Sequence[Path], cache: Cache | None = None) -> Corpus:
    """Open every part, `_ids.npy` with `_idx.npz` or `.bin` with `.idx`; BadInput if they do not fit together.

    Without a cache the index (20 bytes a sentence, 8 a document) is read into memory. With one it is written there
    once, in a form that is mapped, and opening takes neither time nor memory for any number of documents.
    """
    parts = [part for folder in folders for part in parts_of.find(folder)]
    ids = tuple(part.ids for part in parts)
    starts = np.cumsum([0, *map(len, ids)], dtype="int64")[:-1]
    if cache is None:
        lens = np.concatenate(list(parts_of.lens(parts)))
        docs = np.concatenate(list(parts_of.docs(parts)))
        offsets = np.concatenate([np.zeros(1, "int64"), np.cumsum(lens, dtype="int64")])
        return Corpus(tuple(folders), lens, docs, offsets, ids, starts)
    entry = cache.get(f"index-{_key(parts)}", lambda folder: _write(parts, folder, cache))
    lens, docs, offsets = (mapped(entry.folder / f"{name}.npy") for name in ("lens", "docs", "offsets"))
    return Corpus(tuple(folders), lens, docs, offsets, ids, starts, str(entry.facts["fingerprint"]))


def mapped(path: Path) -> np.ndarray:
    """A `.npy` file as a plain array over its mapping: slices of np.memmap cost microseconds each."""
    return np.load(path, mmap_mode="r").view(np.ndarray)


def _key(parts: Sequence[Part]) -> str:
    """A key of the content of an index, from samples: the last block of an `.npz` has checksums of all of it."""
    facts = [f"{_REVISION} {p.ids.dtype.str} {len(p.ids)} {glance(p.path)} {glance(p.index)}" for p in parts]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _write(parts: Sequence[Part], folder: Path, cache: Cache) -> dict[str, Fact]:
    """The index as three mappable files."""
    digest, tokens, written = hashlib.sha256(), 0, 0
    sentences, documents = parts_of.sentences(parts), parts_of.documents(parts)
    with (folder / "lens.npy").open("xb") as lens, (folder / "offsets.npy").open("xb") as offsets:
        _write_header(lens, "<i4", sentences)
        _write_header(offsets, "<i8", sentences + 1)
        offsets.write(bytes(8))
        for block in parts_of.lens(parts):
            digest.update(block.data)
            lens.write(block.data)
            ends = np.cumsum(block, dtype="int64") + tokens
            offsets.write(ends.data)
            tokens, written = int(ends[-1]), written + len(block)
            cache.progress(written, sentences, "sentences")
            if cache.stop():
                raise Stopped("stopped while writing the index; it is written again at the next start")
    with (folder / "docs.npy").open("xb") as docs:
        _write_header(docs, "<i8", documents + 1)
        for block in parts_of.docs(parts):
            digest.update(block.data)
            docs.write(block.data)
    return {
        "fingerprint": _finish(digest, [part.ids for part in parts]),
        "documents": documents,
        "sentences": sentences,
        "tokens": tokens,
    }


def _write_header(file: IO[bytes], kind: str, size: int) -> None:
    head = {"descr": kind, "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(file, head)


def _finish(digest: "hashlib._Hash", parts: Iterable[np.ndarray]) -> str:
    for part in parts:
        digest.update(f"{part.dtype.str} {len(part)}".encode())
        for start in np.linspace(0, max(0, len(part) - _BLOCK), _BLOCKS, dtype="int64"):
            digest.update(part[start : start + _BLOCK].data)
    return digest.hexdigest()
