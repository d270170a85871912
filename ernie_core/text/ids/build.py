"""Token ids with whole-word marks, from words and a vocabulary: the files for pretraining."""

import functools
import hashlib
import json
import shutil
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ernie_core import native
from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.store.files import StoredFile, below
from ernie_core.text import normalise, unicode_table, wordcut
from ernie_core.text import pieces as cutting
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.ids import id_files, kernel, marks
from ernie_core.text.pieces import Piece

BLOCK = 1 << 20
"""Bytes that are encoded at once."""
LEAST, MOST = 64 << 20, 1 << 30
"""Fewest and most bytes of a piece: at least half a second of work, more than its start costs."""
LENGTHS = ("1-8", "9-16", "17-32", "33-64", "65-128", "129-256", "257-512", ">512")
"""Ranges of sentence lengths in tokens for the histogram."""
_STATS = "stats.json"


def pieces(words: Sequence[StoredFile]) -> list[Piece]:
    """The pieces of work on the word-cut parts among these files. BadInput if there is none."""
    return wordcut.cut(words, LEAST, MOST)


def piece(
    words: Sequence[StoredFile],
    piece: Piece,
    number: int,
    vocab: Path,
    ids: Path,
    *,
    marking: str = "positional",
    data_impl: str = "npy",
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Encode one piece to the files of `id_files`, none if it has no token; returns the figures.

    Memory does not depend on the size of the piece.
    """
    normalise.check_unicode()
    encoder = _encoder(tokenizers.open(vocab), marking)
    count, lengths = Counter[str](), [0] * len(LENGTHS)
    before, total = 0, cutting.size(piece)
    with id_files.open_writer(ids / f"part-{number:05d}", data_impl, wide=encoder.wide) as writer:
        for span in piece:
            part = words[span.file]
            for at, lines in wordcut.blocks(part, span, BLOCK):
                if stop():
                    raise Stopped(f"stopped in {part.name} at byte {at}")
                encoded = _encode(encoder, part, at, lines)
                writer.write(encoded)
                count.update(encoded.count)
                lengths = [a + b for a, b in zip(lengths, count_lengths(encoded.lens), strict=True)]
                progress(before + min(at + len(lines), span.end) - span.begin, total, "B", documents=count["documents"])
            before += span.end - span.begin
    stats = {"figures": count, "lengths": lengths, "marking": marking}
    (ids / _STATS).write_text(json.dumps(stats) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in count.items()}


def join(made: Sequence[Path], vocab: Path, ids: Path) -> dict[str, float]:
    """Write `stats.json` of all pieces beside their parts, the vocabulary and Unicode table; returns the figures."""
    every = [json.loads((folder / _STATS).read_text(encoding="utf-8")) for folder in made]
    count = Counter[str]()
    for stats in every:
        count.update(stats["figures"])
    if not count["tokens"]:
        figures_text = ", ".join(f"{k} {v}" for k, v in count.items())
        raise BadInput(f"no document with a token in the words ({figures_text}): there is nothing to train on")
    lengths = map(sum, zip(*(stats["lengths"] for stats in every), strict=True))
    tokenizer = tokenizers.open(vocab)
    extension = marks.extended(tokenizer)
    for name in (tokenizers.VOCAB, tokenizers.PIECES):
        if name in tokenizer.files:
            shutil.copyfile(vocab / name, ids / name)
    shutil.copyfile(unicode_table.PATH, ids / "unicode.txt")
    figures = {**count, "unk_rate": count["unk"] / count["tokens"]}
    joined = {
        **figures,
        "lengths": dict(zip(LENGTHS, lengths, strict=True)),
        "base_size": tokenizer.size,
        "extension": extension,
        "dtype": id_files.dtype(tokenizer.size + extension),
        "vocab_sha256": hashlib.sha256((vocab / "vocab.txt").read_bytes()).hexdigest(),
        "unicode": unicodedata.unidata_version,
        "marking": every[0]["marking"],
    }
    (ids / _STATS).write_text(json.dumps(joined, indent=1) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in figures.items()}


def files(
    words: Path,
    vocab: Path,
    ids: Path,
    *,
    marking: str = "positional",
    data_impl: str = "npy",
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Encode every word-cut part of a folder; returns the figures of `stats.json`."""
    found = below(words)
    todo = pieces(found)

    def make(one: Piece, number: int, folder: Path) -> None:
        own = cutting.onwards(progress, todo, number)
        piece(found, one, number, vocab, folder, marking=marking, data_impl=data_impl, progress=own, stop=stop)

    with cutting.made_here(todo, ids, make) as made:
        return join(made, vocab, ids)


def count_lengths(lens: bytes) -> Sequence[int]:
    """The number of sentences with a length in each of `LENGTHS`; `lens` is int32."""
    compiled = native.load("ernie_core.text.ids._ids", kernel.SLOWLY)
    if compiled is not None:
        return tuple(compiled.count_lengths(lens))
    histogram = Counter(min(max((n - 1).bit_length() - 3, 0), len(LENGTHS) - 1) for n in memoryview(lens).cast("i"))
    return [histogram[bucket] for bucket in range(len(LENGTHS))]


_encoder = functools.lru_cache(maxsize=1)(kernel.make)
"""Cached from piece to piece."""


def _encode(encoder: kernel.Encoder, part: StoredFile, at: int, lines: bytes) -> kernel.Encoded:
    try:
        return encoder.encode(lines)
    except kernel.BadLine as e:
        line = cutting.lines_before(part, at) + e.number
        raise BadInput(f'{part.name}:{line}: not a JSON object with a string "text": make the words again') from None
