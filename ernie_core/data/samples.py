"""One sample: sentence order, truncation, whole-word n-gram masking; a pure function of (seed, index)."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ernie_core.data.ids import Corpus
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput

SPECIALS = 3
"""[CLS] and two [SEP]: what a sample holds besides its tokens."""


@dataclass(frozen=True)
class Masking:
    """How samples are made; the names are PaddleNLP's."""

    max_seq_len: int
    masked_lm_prob: float = 0.15
    max_ngrams: int = 3
    favor_longer_ngram: bool = False
    binary_head: bool = True
    seed: int = 1234


@dataclass(frozen=True)
class Sample:
    """Ids as the model sees them, and what it is to guess."""

    ids: list[int]
    types: list[int]
    positions: list[int]
    labels: list[int]
    order: int


@dataclass(frozen=True)
class Batch:
    """Samples side by side, padded to the longest; `positions` are row * width + column of the masked tokens."""

    ids: np.ndarray
    types: np.ndarray
    positions: np.ndarray
    labels: np.ndarray
    order: np.ndarray


def draw(corpus: Corpus, words: Vocabulary, masking: Masking, row: Sequence[int], index: int) -> Sample:
    """The sample of one row of the index map; `index` is its number in its own corpus.

    The generator is numpy's RandomState, and the draws come in the order of PaddleNLP's ERNIE 1.0 example.
    """
    rng = np.random.RandomState((masking.seed + index) % 2**32)
    first, end, target = row
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
    if max(marked) >= words.extended:
        raise BadInput(f"sentence {first}: id {max(marked)} is not in the vocabulary of {words.extended} ids")
    chosen = _choose(marked, words, masking, target, rng)
    ids = words.fold[marked].tolist()
    positions = sorted(chosen)
    labels = [ids[position] for position in positions]
    for position, new in chosen.items():
        if new is not None:
            ids[position] = new
    return Sample(ids, types, positions, labels, int(swapped))


def collate(samples: Sequence[Sample], pad: int, longest: int) -> Batch:
    """Stack samples; the width is a multiple of 8 where `longest` allows."""
    width = min(longest, -(-max(len(s.ids) for s in samples) // 8) * 8)
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


def _order(sentences: int, binary_head: bool, rng: np.random.RandomState) -> tuple[int, bool]:
    """How many sentences go to the first segment, and whether the segments change places."""
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


def _choose(
    marked: list[int], words: Vocabulary, masking: Masking, target: int, rng: np.random.RandomState
) -> dict[int, int | None]:
    """The positions to guess, and what stands there instead: None for the token itself."""
    pieces = _pieces(marked, words)
    budget = min(masking.masked_lm_prob * target, max(1, round(len(marked) * masking.masked_lm_prob)))
    order = np.arange(len(pieces))
    rng.shuffle(order)
    chosen: dict[int, int | None] = {}
    for start in order.tolist():
        if len(chosen) >= budget:
            break
        most = min(masking.max_ngrams, len(pieces) - start)
        n = bisect_right(_shares(most, masking.max_ngrams, masking.favor_longer_ngram), rng.random_sample()) + 1
        ngram = [p for piece in pieces[start : start + n] for p in piece]
        while len(chosen) + len(ngram) > budget and n > 1:
            n -= 1
            ngram = [p for piece in pieces[start : start + n] for p in piece]
        if len(chosen) + len(ngram) > budget or any(p in chosen for p in ngram):
            continue
        for p in ngram:
            chosen[p] = _replacement(words, rng)
    return chosen


def _pieces(marked: list[int], words: Vocabulary) -> list[list[int]]:
    """Positions of whole words: a token that continues a word stays with the one before."""
    pieces: list[list[int]] = []
    joins = words.joins[marked].tolist()
    for position, token in enumerate(marked):
        if token == words.cls or token == words.sep:
            continue
        if joins[position] and pieces:
            pieces[-1].append(position)
        else:
            pieces.append([position])
    return pieces


@cache
def _shares(most: int, max_ngrams: int, favor_longer: bool) -> list[float]:
    """Running sums of the chances of 1, 2, ... words, as numpy's `choice` makes them."""
    chances = 1.0 / np.arange(1, max_ngrams + 1)
    chances /= chances.sum(keepdims=True)
    if favor_longer:
        chances = chances[::-1]
    sums = np.cumsum(chances[:most] / chances[:most].sum(keepdims=True))
    sums /= sums[-1]
    return list(sums.tolist())


def _replacement(words: Vocabulary, rng: np.random.RandomState) -> int | None:
    if rng.random_sample() < 0.8:
        return words.mask
    if rng.random_sample() < 0.5:
        return None
    return int(rng.randint(0, words.size))
