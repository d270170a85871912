"""Words and a vocabulary to token ids with whole-word marks: the files that pretraining reads."""

import hashlib
import json
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.text import id_files, kernel, normalise, parallel, wordcut
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1 << 20
"""Bytes that are encoded at once."""
LONGEST = 64 << 20
"""Bytes of a document: memory grows with the longest one, and one of this size is a corpus without blank lines."""


def files(
    words: Path,
    vocab: Path,
    ids: Path,
    *,
    marking: str = "positional",
    data_impl: str = "npy",
    workers: int = 1,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Encode every word-cut part to the files of `id_files`; the figures of `stats.json` are returned.

    A part none of whose documents has a token leaves no files. The result does not depend on `workers`, which are
    threads: the kernel lets them run, its fallback in Python does not. Memory does not grow with the corpus.
    """
    normalise.check_unicode()
    tokenizer = Tokenizer.from_folder(vocab)
    encoder = kernel.make(tokenizer, marking)
    count = Counter[str]()
    parts = wordcut.parts(words)
    total, before = sum(part.stat().st_size for part in parts), 0
    with parallel.Threads(workers) as threads:
        for part in parts:
            with id_files.open_writer(ids / part.stem, data_impl, wide=encoder.wide) as writer:
                for end, encoded in threads.map(lambda block: encode(encoder, block), blocks(part)):
                    if stop():
                        raise Stopped(f"stopped in {part.name} at byte {end}")
                    writer.write(encoded)
                    count.update(encoded.count)
                    progress(before + end, total, "B", documents=count["documents"])
            before += part.stat().st_size
    if not count["tokens"]:
        raise BadInput(f"{words}: no document with a token ({_said(count)}): there is nothing to train on")
    shutil.copyfile(vocab / "vocab.txt", ids / "vocab.txt")
    figures = {**count, "unk_rate": count["unk"] / count["tokens"]}
    stats = {
        **figures,
        "base_size": tokenizer.size,
        "extension": encoder.extension,
        "dtype": "int32" if encoder.wide else "uint16",
        "vocab_sha256": hashlib.sha256((vocab / "vocab.txt").read_bytes()).hexdigest(),
        "unicode": unicodedata.unidata_version,
        "marking": marking,
    }
    (ids / "stats.json").write_text(json.dumps(stats, indent=1) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in figures.items()}


def dtype(ids: int) -> "np.dtype[np.generic]":
    """The type that holds this many different ids: readers know uint16 and int32."""
    import numpy as np  # making ids does not need it, and its import takes longer than a first megabyte of them

    return np.dtype("<i4") if kernel.is_wide(ids) else np.dtype("<u2")


Block = tuple[Path, int, int]
"""A part, and from where to where in it; lines are whole."""


def blocks(part: Path) -> Iterator[Block]:
    """The lines of a part, about `BLOCK` bytes at a time. BadInput where one is longer than `LONGEST`."""
    start, size = 0, part.stat().st_size
    with part.open("rb") as file:
        while start < size:
            file.seek(start + BLOCK - 1)
            rest = file.readline(LONGEST)
            if len(rest) == LONGEST and not rest.endswith(b"\n"):
                raise BadInput(
                    f"{part}: a document behind byte {start} is longer than {LONGEST >> 20} MiB: put empty lines"
                    f" between the documents of the text, and make the words again"
                )
            end = min(file.tell(), size)
            yield part, start, end
            start = end


def encode(encoder: kernel.Encoder, block: Block) -> tuple[int, kernel.Encoded]:
    """The ids of a block, and where it ends in its part."""
    part, start, end = block
    with part.open("rb", buffering=0) as file:
        file.seek(start)
        lines = file.read(end - start)
    if len(lines) < end - start:
        raise BadInput(f"{part}: became shorter while it was read: make the words again")
    try:
        return end, encoder.encode(lines)
    except kernel.BadLine as e:
        line = _lines_before(part, start) + e.number
        raise BadInput(f'{part}:{line}: not a JSON object with a string "text": make the words again') from None


def _lines_before(part: Path, end: int) -> int:
    lines = 0
    with part.open("rb") as file:
        while file.tell() < end:
            lines += file.read(min(BLOCK, end - file.tell())).count(b"\n")
    return lines


def _said(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{k} {v}" for k, v in figures.items())
