"""Masking of samples: n-grams of whole words, chosen and replaced with the same random draws as the reference."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput

SPECIALS = 3
"""Number of special tokens in a sample: [CLS] and two [SEP]."""

_STOP = 0.2
"""Probability that a geometric n-gram ends with a word."""


@dataclass(frozen=True)
class Masking:
    """Settings of samples; the names are PaddleNLP's."""

    max_seq_len: int
    masked_lm_prob: float = 0.15
    max_ngrams: int = 3
    favor_longer_ngram: bool = False
    binary_head: bool = True
    seed: int = 1234
    geometric_dist: bool = False
    """Lengths of n-grams from a geometric distribution instead of 1/n; overrides `favor_longer_ngram`."""
    inplace_random_mask: bool = False
    """A random replacement is a token of the same sample instead of any of the vocabulary."""
    do_permutation: bool = False
    """As many tokens again, of words that are not masked, are permuted and are to be predicted too.

    PaddleNLP draws their n-grams from the generator of the process; here it is that of the sample.
    """
    always_mask: bool = True
    """Mask the shortest word where the budget is too small for any; PaddleNLP then leaves a sample without a label.

    These are samples with a target of at most 6 tokens, and a few short ones of long words.
    """

    def __post_init__(self) -> None:
        if not 0 < self.masked_lm_prob <= 1:
            raise BadInput(f"masked_lm_prob {self.masked_lm_prob} must be above 0 and at most 1, such as 0.15")
        if not 1 <= self.max_ngrams <= 512:
            raise BadInput(f"max_ngrams {self.max_ngrams} must be in 1..512, such as 3")
        if self.max_seq_len < SPECIALS + 2:
            raise BadInput(f"max_seq_len {self.max_seq_len} leaves no room for two tokens, make it at least 8")


def mask(
    marked: list[int], words: Vocabulary, masking: Masking, target: int, rng: np.random.RandomState
) -> tuple[list[int], list[int], list[int]]:
    """Mask ids with marks of words; returns the model's input ids, the positions to predict, and the ids to predict."""
    pieces = _pieces(marked, words)
    budget = min(masking.masked_lm_prob * target, max(1, round(len(marked) * masking.masked_lm_prob)))
    plain = words.fold[marked].tolist()
    ids = list(plain)
    order = np.arange(len(pieces))
    rng.shuffle(order)
    taken: set[int] = set()
    for ngram in _choose(pieces, order, masking, budget, taken, rng):
        for position in ngram:
            ids[position] = _replacement(plain, position, words, masking, rng)
    if masking.do_permutation:
        rng.shuffle(order)
        moved = sorted(p for ngram in _choose(pieces, order, masking, budget, taken, rng) for p in ngram)
        origins = list(moved)
        rng.shuffle(origins)
        for position, origin in zip(moved, origins, strict=True):
            ids[position] = plain[origin]
    if masking.always_mask and pieces and not taken:
        shortest = min((pieces[k] for k in order.tolist()), key=len)
        taken.update(shortest)
        for position in shortest:
            ids[position] = _replacement(plain, position, words, masking, rng)
    positions = sorted(taken)
    return ids, positions, [plain[position] for position in positions]


@cache
def shares(max_ngrams: int, favor_longer: bool, geometric: bool) -> tuple[float, ...]:
    """Cumulative probabilities of 1, 2, ... words, as numpy's `choice` computes them."""
    if geometric:
        return (*(1 - (1 - _STOP) ** n for n in range(1, max_ngrams)), 1.0)
    chances = 1.0 / np.arange(1, max_ngrams + 1)
    chances /= chances.sum(keepdims=True)
    if favor_longer:
        chances = chances[::-1]
    sums = np.cumsum(chances / chances.sum(keepdims=True))
    sums /= sums[-1]
    return tuple(sums.tolist())


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


def _choose(
    pieces: list[list[int]],
    order: np.ndarray,
    masking: Masking,
    budget: float,
    taken: set[int],
    rng: np.random.RandomState,
) -> Iterator[list[int]]:
    """N-grams within the budget that do not overlap `taken`; each is drawn after the one before was used."""
    sums = shares(masking.max_ngrams, masking.favor_longer_ngram, masking.geometric_dist)
    count = 0
    for start in order.tolist():
        if count >= budget:
            break
        n = bisect_right(sums, rng.random_sample()) + 1
        ngram = [p for piece in pieces[start : start + n] for p in piece]
        while count + len(ngram) > budget and n > 1:
            n -= 1
            ngram = [p for piece in pieces[start : start + n] for p in piece]
        if count + len(ngram) > budget or any(p in taken for p in ngram):
            continue
        count += len(ngram)
        taken.update(ngram)
        yield ngram


def _replacement(
    plain: list[int], position: int, words: Vocabulary, masking: Masking, rng: np.random.RandomState
) -> int:
    if rng.random_sample() < 0.8:
        return words.mask
    if rng.random_sample() < 0.5:
        return plain[position]
    if masking.inplace_random_mask:
        return plain[int(rng.randint(0, len(plain)))]
    return int(rng.randint(0, words.size))
