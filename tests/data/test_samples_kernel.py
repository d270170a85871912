"""The kernel of samples and its Python twin: equal arrays for any corpus, rows and options; nothing hostile gets in."""

import sys
import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ernie_core import errors
from ernie_core.data import ids, masking, samples, vocabulary
from ernie_core.data.ids import Corpus
from ernie_core.data.samples import Batch, Masking
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.native import load

SIZE, EXTENDED = 208, 407
"""Of the vocabulary of `marked`: tokens, and ids that a file may hold."""


@pytest.fixture(scope="module")
def words(marked: Path) -> Vocabulary:
    found = vocabulary.read(marked)
    assert (found.size, found.extended) == (SIZE, EXTENDED)
    return found


def corpus_of(documents: Sequence[Sequence[Sequence[int]]], wide: Sequence[bool]) -> Corpus:
    """A corpus in memory with a part for each document, int32 or uint16."""
    parts = tuple(
        np.array([token for sentence in document for token in sentence], "int32" if large else "uint16")
        for document, large in zip(documents, wide, strict=True)
    )
    lens = np.array([len(sentence) for document in documents for sentence in document], "int32")
    docs = np.cumsum([0, *map(len, documents)]).astype("int64")
    offsets = np.cumsum([0, *lens]).astype("int64")
    starts = np.cumsum([0, *map(len, parts)])[:-1].astype("int64")
    return Corpus((Path("memory"),), lens, docs, offsets, parts, starts)


def twin(corpora: Sequence[Corpus], words: Vocabulary, how: Masking, rows: Sequence, pad_to: int = 8) -> Batch:
    """What Python draws; a row is (corpus, first, end, target, index)."""
    drawn = [samples.draw(corpora[corpus], words, how, row, index) for corpus, *row, index in rows]
    return samples.collate(drawn, words.pad, how.max_seq_len, pad_to)


def kernel(corpora: Sequence[Corpus], words: Vocabulary, how: Masking, rows: Sequence, pad_to: int = 8) -> Batch:
    """What C draws."""
    table = np.array(rows)
    return samples.mixed(corpora, words, how, table[:, 0], table[:, 1:4].astype("uint32"), table[:, 4], pad_to)


def differing(one: Batch, other: Batch) -> list[str]:
    """Names of arrays that are not the same in kind, shape and content."""
    pairs = [(f.name, getattr(one, f.name), getattr(other, f.name)) for f in fields(Batch)]
    return [name for name, a, b in pairs if a.dtype != b.dtype or a.shape != b.shape or (a != b).any()]


def text_of(seed: int, longest: int) -> list[list[list[int]]]:
    """Documents of two to six sentences: any id, and many extension ids and special tokens."""
    dice = np.random.RandomState(seed)
    kinds = [(0, EXTENDED), (SIZE, EXTENDED), (0, 6)]

    def sentence() -> list[int]:
        return [
            int(dice.randint(*kinds[dice.choice(3, p=[0.4, 0.5, 0.1])])) for _ in range(dice.randint(1, longest + 1))
        ]

    return [[sentence() for _ in range(dice.randint(2, 7))] for _ in range(dice.randint(1, 4))]


documents = some.builds(text_of, some.integers(0, 2**32 - 1), some.integers(1, 30))
options = some.builds(
    Masking,
    max_seq_len=some.integers(5, 90),
    masked_lm_prob=some.sampled_from([0.15, 0.3, 0.01, 0.5, 1.0]) | some.floats(1e-9, 1.0),
    max_ngrams=some.integers(1, 12),
    favor_longer_ngram=some.booleans(),
    binary_head=some.booleans(),
    seed=some.integers(0, 2**32 - 1),
    geometric_dist=some.booleans(),
    inplace_random_mask=some.booleans(),
    do_permutation=some.booleans(),
    always_mask=some.booleans(),
)


@some.composite
def batches(draw: some.DrawFn) -> tuple[list[Corpus], Masking, list[tuple[int, ...]]]:
    """One to three corpora, options, and rows that fit."""
    texts = draw(some.lists(documents, min_size=1, max_size=3))
    corpora = [
        corpus_of(text, draw(some.lists(some.booleans(), min_size=len(text), max_size=len(text)))) for text in texts
    ]
    how, rows = draw(options), []
    for _ in range(draw(some.integers(1, 5))):
        number = draw(some.integers(0, len(corpora) - 1))
        document = draw(some.integers(0, len(texts[number]) - 1))
        begin, stop = corpora[number].docs[document : document + 2].tolist()
        first = draw(some.integers(begin, stop - 1 - how.binary_head))
        end = draw(some.integers(first + 1 + how.binary_head, stop))
        target, index = draw(some.integers(0, how.max_seq_len - 3)), draw(some.integers(0, 2**40))
        rows.append((number, first, end, target, index))
    return corpora, how, rows


@settings(max_examples=150, deadline=None)
@given(made=batches(), pad_to=some.sampled_from([1, 8, 16, 1000]))
def test_the_kernel_equals_its_twin(
    words: Vocabulary, made: tuple[list[Corpus], Masking, list[tuple[int, ...]]], pad_to: int
) -> None:
    corpora, how, rows = made
    assert differing(kernel(corpora, words, how, rows, pad_to), twin(corpora, words, how, rows, pad_to)) == []


@settings(max_examples=60, deadline=None)
@given(made=batches(), token=some.integers(EXTENDED, 2**31 - 1) | some.integers(-(2**31), -1), data=some.data())
def test_an_id_that_is_not_in_the_vocabulary_is_refused_by_both_in_the_same_words(
    words: Vocabulary, made: tuple[list[Corpus], Masking, list[tuple[int, ...]]], token: int, data: some.DataObject
) -> None:
    corpora, how, rows = made
    spoiled = [replace(c, parts=tuple(part.astype("int32") for part in c.parts)) for c in corpora]
    for corpus in spoiled:
        for part in corpus.parts:
            part[data.draw(some.integers(0, len(part) - 1)) :] = token
    said = []
    for way in (kernel, twin):
        try:
            said.append(way(spoiled, words, how, rows).ids.tolist())
        except errors.BadInput as e:
            said.append(str(e))
    assert said[0] == said[1]


def test_ids_far_outside_are_named(words: Vocabulary) -> None:
    for token in (EXTENDED, 2**31 - 1, -1, -(2**31)):
        corpus = corpus_of([[[10, 11], [12, token]]], [True])
        with pytest.raises(errors.BadInput, match=f"sentence 0: id {token} is not in the vocabulary of {EXTENDED} ids"):
            samples.batch(corpus, words, Masking(64), np.array([[0, 2, 61]], "uint32"), np.array([0]))


@pytest.mark.parametrize(
    "row",
    [[0, 3, 61], [1, 3, 61], [3, 5, 61], [1, 0, 61], [0, 1, 61], [0, 2, 62], [0, 2, 2**32 - 1], [2**32 - 1, 1, 9]],
)
def test_a_row_that_does_not_fit_its_corpus_is_refused(words: Vocabulary, row: list[int]) -> None:
    corpus = corpus_of([[[10, 11], [12]], [[13, 14], [15]]], [True, False])
    with pytest.raises(errors.BadInput, match=r"row \[|reaches beyond a part"):
        samples.batch(corpus, words, Masking(64), np.array([row], "uint32"), np.array([0]))
    with pytest.raises(errors.BadInput, match=r"row \[|reaches beyond a part"):
        samples.draw(corpus, words, Masking(64), row, 0)


def test_an_index_whose_sentences_go_backwards_is_refused(words: Vocabulary) -> None:
    corpus = corpus_of([[[10, 11], [12], [13]]], [False])
    for place in (-5, 100):
        torn = replace(corpus, offsets=np.array([0, place, place, 4]))
        with pytest.raises(errors.BadInput, match="ends before it begins"):
            samples.batch(torn, words, Masking(64), np.array([[0, 3, 61]], "uint32"), np.array([0]))


def test_ids_of_another_kind_are_refused(words: Vocabulary) -> None:
    corpus = corpus_of([[[10, 11], [12]]], [False])
    rows = np.array([[0, 2, 61]], "uint32")
    for part in (corpus.parts[0].astype("int64"), corpus.parts[0].astype(">u2"), corpus.parts[0].repeat(2)[::2]):
        with pytest.raises(errors.BadInput, match="must be uint16 or int32 in one piece"):
            samples.batch(replace(corpus, parts=(part,)), words, Masking(64), rows, np.array([0]))


def test_a_batch_that_is_none_is_refused(words: Vocabulary) -> None:
    corpus, rows = corpus_of([[[10, 11], [12]]], [False]), np.array([[0, 2, 61]], "uint32")
    for bad, indices, pad_to in ((rows[:0], [], 8), (rows, [0, 1], 8), (rows[:, :2], [0], 8), (rows, [0], 0)):
        with pytest.raises(errors.BadInput, match="a batch of"):
            samples.batch(corpus, words, Masking(64), bad, np.array(indices, "int64"), pad_to)
    with pytest.raises(errors.BadInput, match=r"a batch of 2 samples .* the positions need 32 bits"):
        samples.batch(corpus, words, Masking(2**30), rows.repeat(2, 0), np.arange(2))


@pytest.mark.parametrize("indices", [[2**63 - 1, -1, 2**32], [2**32 - 1, 0, 5]])
def test_the_sum_of_seed_and_number_wraps_at_32_bits(words: Vocabulary, indices: list[int]) -> None:
    corpus, how = corpus_of([[[*range(10, 40)], [*range(40, 70)]]], [False]), Masking(64, seed=2**32 - 1)
    rows = [(0, 0, 2, 61, index) for index in indices]
    assert differing(kernel([corpus], words, how, rows), twin([corpus], words, how, rows)) == []


def test_without_a_compiler_python_makes_the_same_batch(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, words, how = ids.read([marked]), vocabulary.read(marked), Masking(64)
    rows = np.stack([corpus.docs[:-1], corpus.docs[1:], np.full(len(corpus.docs) - 1, 61)], axis=1)
    native = samples.batch(corpus, words, how, rows, np.arange(len(rows)))
    monkeypatch.setitem(sys.modules, "ernie_core.data._samples", None)
    load.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match=r"the compiled ernie_core\.data\._samples is missing"):
            plain = samples.batch(corpus, words, how, rows, np.arange(len(rows)))
    finally:
        load.cache_clear()
    assert differing(native, plain) == []


def test_other_threads_run_while_a_batch_is_made(marked: Path) -> None:
    corpus, words = ids.read([marked]), vocabulary.read(marked)
    rows = np.tile(np.array([[0, 2, 61]], "uint32"), (20_000, 1))
    ran, go = threading.Event(), threading.Lock()
    interval = sys.getswitchinterval()
    go.acquire()
    other = threading.Thread(target=lambda: (go.acquire(), ran.set()))
    other.start()
    sys.setswitchinterval(1000)  # now only who gives the lock of the interpreter away lets another one run
    try:
        go.release()
        tries = 0
        while not ran.is_set() and tries < 50:
            samples.batch(corpus, words, Masking(64), rows, np.arange(len(rows)))
            tries += 1
        seen = ran.is_set()
    finally:
        sys.setswitchinterval(interval)
        other.join()
    assert seen


@pytest.mark.parametrize("favor_longer", [False, True])
@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_lengths_of_ngrams_are_drawn_as_numpy_draws_them(most: int, favor_longer: bool) -> None:
    chances = 1 / np.arange(1, most + 1)
    chances = (chances / chances.sum())[:: -1 if favor_longer else 1]
    for geometric in (False, True):
        theirs, ours = np.random.RandomState(7), np.random.RandomState(7)
        sums = masking.shares(most, favor_longer, geometric)
        for _ in range(3000):
            n = min(theirs.geometric(0.2), most) if geometric else theirs.choice(np.arange(1, most + 1), p=chances)
            assert np.searchsorted(sums, ours.random_sample(), side="right") + 1 == n
