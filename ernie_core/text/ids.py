"""Words and a vocabulary to token ids with whole-word marks: the files that pretraining reads."""

import hashlib
import json
import shutil
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.text import normalise, parallel, wordcut
from ernie_core.text.marks import Marker
from ernie_core.text.tokenizer import Tokenizer

LONG = 512
"""Tokens; a sentence above it makes pretraining leave out its document, if that has others."""


def files(
    words: Path, vocab: Path, ids: Path, *, workers: int = 1, progress: Progress = silent, stop: Stop = never
) -> dict[str, float]:
    """Encode every word-cut part to `part-*_ids.npy` and `part-*_idx.npz`; the figures of `stats.json` are returned.

    A part none of whose documents has a token leaves no files. The result does not depend on `workers`.
    """
    normalise.check_unicode()
    tokenizer = Tokenizer.from_folder(vocab)
    marker = Marker(tokenizer)
    count = Counter[str]()
    pieces = [(vocab, part, ids / part.stem) for part in wordcut.parts(words)]
    for done in parallel.run(encode_part, pieces, workers, progress=progress, stop=stop):
        count.update(done)
    if not count["tokens"]:
        raise BadInput(f"{words}: no document with a token ({_said(count)}): there is nothing to train on")
    shutil.copyfile(vocab / "vocab.txt", ids / "vocab.txt")
    figures = {**count, "unk_rate": count["unk"] / count["tokens"]}
    stats = {
        **figures,
        "base_size": tokenizer.size,
        "extension": len(marker.extension),
        "dtype": dtype(tokenizer.size + len(marker.extension)).name,
        "vocab_sha256": hashlib.sha256((vocab / "vocab.txt").read_bytes()).hexdigest(),
        "unicode": unicodedata.unidata_version,
        "marking": "positional",
    }
    (ids / "stats.json").write_text(json.dumps(stats, indent=1) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in figures.items()}


def dtype(ids: int) -> np.dtype[np.generic]:
    """The type that holds this many different ids: readers know uint16 and int32."""
    return np.dtype("<u2") if ids <= 1 << 16 else np.dtype("<i4")


def encode_part(vocab: Path, part: Path, out: Path, progress: Progress, stop: Stop) -> Counter[str]:
    """Encode one part to the files that begin with `out`; how much it was."""
    tokenizer = Tokenizer.from_folder(vocab)
    marker = Marker(tokenizer)
    kind = dtype(tokenizer.size + len(marker.extension))
    lens, docs, count = array("i"), array("q", [0]), Counter[str]()
    path = out.with_name(f"{out.name}_ids.npy")
    with path.open("wb") as file:
        _header(file, kind, 0)
        for end, document in wordcut.read(part):
            if stop():
                raise Stopped(f"stopped in {part.name} at byte {end}")
            found = [ids for ids in map(marker.encode, document) if ids]
            _count(count, document, found, tokenizer.unk_id)
            if found:
                lens.extend(map(len, found))
                docs.append(len(lens))
                file.write(np.array([number for ids in found for number in ids], kind).tobytes())
            progress(end, unit="B", documents=count["documents"])
        file.seek(0)
        _header(file, kind, count["tokens"])
    if lens:
        sentences, documents = np.frombuffer(lens, np.int32), np.frombuffer(docs, np.int64)
        np.savez(out.with_name(f"{out.name}_idx.npz"), lens=sentences, docs=documents)
    else:
        path.unlink()
    return count


def _count(count: Counter[str], document: wordcut.Document, found: list[list[int]], unk_id: int) -> None:
    count["documents"] += bool(found)
    count["dropped_documents"] += not found
    count["single_sentence_documents"] += len(found) == 1
    count["sentences"] += len(found)
    count["dropped_sentences"] += len(document) - len(found)
    count["long_sentences"] += sum(len(ids) > LONG for ids in found)
    count["tokens"] += sum(map(len, found))
    count["unk"] += sum(ids.count(unk_id) for ids in found)


def _header(file: BinaryIO, kind: np.dtype[np.generic], length: int) -> None:
    # NumPy leaves room in the header for the length to grow, so that it can be written again at the end.
    np.lib.format.write_array_header_1_0(file, {"descr": kind.str, "fortran_order": False, "shape": (length,)})


def _said(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{k} {v}" for k, v in figures.items())
