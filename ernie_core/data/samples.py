"""Samples: sentence order, truncation, masking; each a pure function of (seed, index), a batch in one call of C."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from ernie_core import native
from ernie_core.data.ids import Corpus
from ernie_core.data.masking import SPECIALS, Masking, mask, shares
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput

__all__ = ["SPECIALS", "Batch", "Masking", "Sample", "batch", "collate", "draw", "mixed"]


@dataclass(frozen=True)
class Sample:
    """The input ids of one sample, the tokens to predict, and whether its segments are swapped."""

    ids: list[int]
    types: list[int]
    positions: list[int]
    labels: list[int]
    order: int


@dataclass(frozen=True)
class Batch:
    """A batch of samples, padded to the longest: `ids` and `types` are int64 [samples, width].

    `positions` int32 [masked] are row * width + column of the tokens to predict, `labels` int64 [masked] those tokens,
    `order` int64 [samples] is 1 where the segments are swapped.
    """

    ids: np.ndarray
    types: np.ndarray
    positions: np.ndarray
    labels: np.ndarray
    order: np.ndarray


def batch(
    corpus: Corpus, words: Vocabulary, masking: Masking, rows: np.ndarray, indices: np.ndarray, pad_to: int = 8
) -> Batch:
    """The samples of rows [n, 3] of a corpus's index map; `indices` [n] are their numbers in their own corpus.

    The width is that of the longest sample, made a multiple of `pad_to` where `max_seq_len` allows.
    """
    return mixed([corpus], words, masking, np.zeros(len(rows), "uint8"), rows, indices, pad_to)


def mixed(
    corpora: Sequence[Corpus],
    words: Vocabulary,
    masking: Masking,
    which: np.ndarray,
    rows: np.ndarray,
    indices: np.ndarray,
    pad_to: int = 8,
) -> Batch:
    """As `batch`, where row k belongs to the map of `corpora[which[k]]`."""
    which, rows, indices = np.asarray(which), np.asarray(rows), np.asarray(indices, "int64")
    if rows.ndim != 2 or rows.shape[1] != 3 or not len(rows) == len(which) == len(indices) or not len(rows):
        raise BadInput(f"a batch of rows {list(rows.shape)} of {len(which)} corpora and {len(indices)} indices")
    if pad_to < 1 or len(rows) * masking.max_seq_len >= 2**31:
        raise BadInput(f"a batch of {len(rows)} samples padded to a multiple of {pad_to}: the positions need 32 bits")
    located = _locate(corpora, masking, which, rows, indices)
    compiled = _native()
    if compiled is not None:
        return _draw(compiled, corpora, words, masking, which, rows, located, pad_to)
    places = zip(which.tolist(), rows.tolist(), indices.tolist(), strict=True)
    drawn = [draw(corpora[corpus], words, masking, row, index) for corpus, row, index in places]
    return collate(drawn, words.pad, masking.max_seq_len, pad_to)


def draw(corpus: Corpus, words: Vocabulary, masking: Masking, row: Sequence[int], index: int) -> Sample:
    """The sample of one row of the index map, in Python; `index` is its number in its own corpus.

    The generator is numpy's RandomState, and the draws come in the order of PaddleNLP's ERNIE 1.0 example.
    """
    rng = np.random.RandomState((masking.seed + index) % 2**32)
    first, end, target = row
    _locate([corpus], masking, np.zeros(1, "uint8"), np.array([row], "int64"), np.zeros(1, "int64"))
    sentences = [corpus.tokens(s, s + 1) for s in range(first, end)]
    cut, swapped = _order(len(sentences), masking.binary_head, rng)
    a, b = (np.concatenate(part) if part else _NONE for part in (sentences[:cut], sentences[cut:]))
    if swapped:
        a, b = b, a
    a, b = _truncate(a, b, target, rng)
    marked = [words.cls, *a.tolist(), words.sep, *b.tolist()]
    types = [0] * (len(a) + 2) + [1] * len(b)
    if len(b):
        marked.append(words.sep)
        types.append(1)
    for token in marked:
        if not 0 <= token < words.extended:
            raise _foreign(first, token, words)
    ids, positions, labels = mask(marked, words, masking, target, rng)
    return Sample(ids, types, positions, labels, int(swapped))


def collate(samples: Sequence[Sample], pad: int, longest: int, pad_to: int = 8) -> Batch:
    """Stack samples; the width is a multiple of `pad_to` where `longest` allows."""
    width = _width(max(len(s.ids) for s in samples), longest, pad_to)
    ids = np.full((len(samples), width), pad, "int64")
    types = np.zeros((len(samples), width), "int64")
    for k, sample in enumerate(samples):
        ids[k, : len(sample.ids)] = sample.ids
        types[k, : len(sample.types)] = sample.types
    return Batch(
        ids,
        types,
        np.array([k * width + p for k, s in enumerate(samples) for p in s.positions], "int32"),
        np.array([label for s in samples for label in s.labels], "int64"),
        np.array([s.order for s in samples], "int64"),
    )


_NONE = np.empty(0, "int64")


def _native() -> ModuleType | None:
    return native.load("ernie_core.data._samples", "samples are drawn about 50 times slower, and equal")


def _draw(
    native: ModuleType,
    corpora: Sequence[Corpus],
    words: Vocabulary,
    masking: Masking,
    which: np.ndarray,
    rows: np.ndarray,
    located: np.ndarray,
    pad_to: int,
) -> Batch:
    size, longest = len(rows), masking.max_seq_len
    ids, facts = np.empty((size, longest), "int64"), np.empty((size, 4), "int64")
    positions, labels = np.empty(size * longest, "int32"), np.empty(size * longest, "int64")
    fold, joins, sums = _tables(words, masking)
    given = (fold.ctypes.data, joins.ctypes.data, sums.ctypes.data, located.ctypes.data, size)
    made = (ids.ctypes.data, facts.ctypes.data, positions.ctypes.data, labels.ctypes.data)
    total, bad, token = native.draw(words, masking, *given, *made)
    if bad >= 0 and token is None:
        raise BadInput(f"{_name(corpora[which[bad]])}: sentence {rows[bad, 0]} ends before it begins; delete its index")
    if bad >= 0:
        raise _foreign(int(rows[bad, 0]), token, words)
    width = _width(int(facts[:, 0].max()), longest, pad_to)
    out, types, order = np.empty((size, width), "int64"), np.empty((size, width), "int64"), np.empty(size, "int64")
    laid = (out.ctypes.data, types.ctypes.data, order.ctypes.data, positions.ctypes.data)
    native.lay(facts.ctypes.data, size, ids.ctypes.data, longest, width, words.pad, *laid)
    return Batch(out, types, positions[:total].copy(), labels[:total].copy(), order)


def _locate(
    corpora: Sequence[Corpus], masking: Masking, which: np.ndarray, rows: np.ndarray, indices: np.ndarray
) -> np.ndarray:
    """For each row: address and width of its tokens, address of its offsets, sentences, target, seed.

    The C code gets raw addresses, so everything is checked here.
    """
    located = np.empty((len(rows), 6), "int64")
    rows = rows.astype("int64")
    least = 2 if masking.binary_head else 1
    for number in np.unique(which).tolist():
        corpus, mine = corpora[number], np.flatnonzero(which == number)
        first, end, target = rows[mine].T
        fits = (first >= 0) & (end - first >= least) & (end < len(corpus.offsets))
        fits &= (target >= 0) & (target <= masking.max_seq_len - SPECIALS)
        if not fits.all():
            row = rows[mine][~fits][0].tolist()
            raise BadInput(
                f"row {row} of the index map of {_name(corpus)}: must be {least} or more of its"
                f" {len(corpus.offsets) - 1} sentences and at most {masking.max_seq_len - SPECIALS} tokens"
            )
        tokens, width = _tokens(corpus, first, end)
        places = corpus.offsets.ctypes.data + first * corpus.offsets.itemsize
        located[mine, :5] = np.stack([tokens, width, places, end - first, target], axis=1)
    located[:, 5] = (indices.astype("uint64") + np.uint64(masking.seed % 2**32)) & np.uint64(2**32 - 1)
    return located


def _tokens(corpus: Corpus, first: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in memory the sentences first:end are, and the bytes of a token there."""
    begin, after = corpus.offsets[first], corpus.offsets[end]
    part = np.searchsorted(corpus.starts, begin, side="right") - 1
    numbers, at = np.unique(part, return_inverse=True)
    parts = [corpus.parts[number] for number in numbers]
    kinds = {(p.dtype.str, p.flags.c_contiguous, p.flags.aligned) for p in parts}
    if not kinds <= {("<u2", True, True), ("<i4", True, True)} or corpus.offsets.dtype != np.int64:
        raise BadInput(f"{_name(corpus)}: ids must be uint16 or int32 in one piece, not {sorted(kinds)}")
    sizes, widths, homes = np.array([(len(p), p.itemsize, p.ctypes.data) for p in parts], "int64")[at].T
    if (begin < corpus.starts[part]).any() or (after > corpus.starts[part] + sizes).any() or (after < begin).any():
        raise BadInput(f"{_name(corpus)}: a row of the index map reaches beyond a part; delete the map")
    return homes + (begin - corpus.starts[part]) * widths, widths


def _tables(words: Vocabulary, masking: Masking) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fold, joins = np.ascontiguousarray(words.fold, "int64"), np.ascontiguousarray(words.joins, "bool")
    if len(fold) != len(joins) or not 0 < words.size < 2**31 or max(words.cls, words.sep) >= len(fold):
        raise BadInput(f"a vocabulary of {words.size} tokens with {len(fold)} ids and {len(joins)} marks")
    return fold, joins, np.array(shares(masking.max_ngrams, masking.favor_longer_ngram, masking.geometric_dist))


def _width(longest: int, limit: int, pad_to: int) -> int:
    return min(limit, -(-longest // pad_to) * pad_to)


def _name(corpus: Corpus) -> str:
    return ", ".join(map(str, corpus.folders))


def _foreign(sentence: int, token: int, words: Vocabulary) -> BadInput:
    return BadInput(f"sentence {sentence}: id {token} is not in the vocabulary of {words.extended} ids")


def _order(sentences: int, binary_head: bool, rng: np.random.RandomState) -> tuple[int, bool]:
    """The number of sentences in the first segment, and whether the segments are swapped."""
    if not binary_head:
        return sentences, False
    cut = 1 if sentences < 3 else int(rng.randint(1, sentences))
    return cut, bool(rng.random_sample() < 0.5)


def _truncate(a: np.ndarray, b: np.ndarray, target: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Take tokens from the longer segment, from either end at random, until both fit."""
    spans = [[0, len(a)], [0, len(b)]]
    for front in (rng.random_sample(max(0, len(a) + len(b) - target)) < 0.5).tolist():
        longer = spans[0] if spans[0][1] - spans[0][0] > spans[1][1] - spans[1][0] else spans[1]
        if front:
            longer[0] += 1
        else:
            longer[1] -= 1
    return a[slice(*spans[0])], b[slice(*spans[1])]
