"""Samples: the model's input, and the tokens to predict."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ernie_core import errors
from ernie_core.data import ids, order, samples, vocabulary
from ernie_core.data.order import Mixture
from ernie_core.data.samples import Masking, Sample
from ernie_core.data.shares import split

Write = Callable[[str, list[list[list[int]]]], Path]


def mixture(*folders: Path, weights: list[float] | None = None, split: str = "1", **masking: object) -> Mixture:
    """The training samples of folders."""
    how = Masking(**{"max_seq_len": 64, **masking})  # type: ignore[arg-type]
    read = [ids.read([folder]) for folder in folders]
    words = vocabulary.read(folders[0])
    return order.mixture("train", read, weights or [1.0] * len(folders), words, how, split, 0.1)


@pytest.fixture(scope="module")
def data(marked: Path) -> Mixture:
    return mixture(marked)


@pytest.fixture(scope="module")
def drawn(data: Mixture) -> list[Sample]:
    return [data.sample(number) for number in range(3000)]


def test_a_sample_is_a_pure_function_of_seed_and_number(marked: Path, drawn: list[Sample]) -> None:
    again = mixture(marked)
    assert [again.sample(number) for number in (2999, 0, 1500)] == [drawn[2999], drawn[0], drawn[1500]]
    assert mixture(marked, seed=5).sample(0) != drawn[0]


def test_the_model_never_sees_an_extension_id(data: Mixture, drawn: list[Sample]) -> None:
    assert data.words.extended > data.words.size
    assert max(max(sample.ids + sample.labels) for sample in drawn) < data.words.size
    folded = data.words.fold
    assert folded[205 + 1] == 5, "`##Han` of the vocabulary folds as well"
    assert folded[205] == 205, "other continuations stay"


def test_masks_have_the_distribution_of_the_reference(data: Mixture, drawn: list[Sample]) -> None:
    masked = sum(len(sample.labels) for sample in drawn)
    assert masked / sum(len(sample.ids) for sample in drawn) == pytest.approx(0.145, abs=0.01)
    kinds = Counter(
        "mask" if sample.ids[p] == data.words.mask else "same" if sample.ids[p] == label else "random"
        for sample in drawn
        for p, label in zip(sample.positions, sample.labels, strict=True)
    )
    shares = [kinds[kind] / masked for kind in ("mask", "same", "random")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert np.mean([sample.order for sample in drawn]) == pytest.approx(0.5, abs=0.03)


def test_frames_are_never_masked_and_the_target_is_kept(data: Mixture, drawn: list[Sample]) -> None:
    words = data.words
    for sample in drawn:
        frame = {0, len(sample.ids) - 1, sample.types.index(1) - 1}
        assert not frame & set(sample.positions)
        assert sample.ids[0] == words.cls and sample.ids[-1] == words.sep == sample.ids[sample.types.index(1) - 1]
        assert len(sample.ids) <= 64 and sample.types == sorted(sample.types)
        forced = len(sample.labels) > round(0.15 * len(sample.ids))
        assert not forced or (len(sample.ids) < 24 and len(sample.labels) <= 3), "a word where none is in the budget"
        assert sample.labels
        assert sample.positions == sorted(set(sample.positions))


def test_words_are_masked_whole(marked: Path) -> None:
    data = mixture(marked, masked_lm_prob=0.3)
    corpus, words = data.corpora[0], data.words
    for number in range(300):
        first, end, target = data.orders[0].row(number).tolist()
        plain = corpus.tokens(first, end).tolist()
        if len(plain) > target:
            continue  # truncation may cut a word in two
        sample = data.sample(number)
        original = list(sample.ids)
        for p, label in zip(sample.positions, sample.labels, strict=True):
            original[p] = label
        a = [t for t, kind in zip(original, sample.types, strict=True) if kind == 0][1:-1]
        b = [t for t, kind in zip(original, sample.types, strict=True) if kind == 1][:-1]
        assert (b + a if sample.order else a + b) == words.fold[plain].tolist()
        joins = words.joins[plain].tolist()
        cut = len(plain) - len(a) if sample.order else len(a)
        marks = [False, *(joins[cut:] if sample.order else joins[:cut]), False]
        marks += [*(joins[:cut] if sample.order else joins[cut:]), False]
        chosen = set(sample.positions)
        for p in range(1, len(marks)):
            assert not marks[p] or (p in chosen) == (p - 1 in chosen), f"sample {number}, position {p}"


def test_without_the_order_head_there_is_one_segment(write: Write) -> None:
    data = mixture(write("alone", [[[10, 11, 12]]] * 5), binary_head=False)
    sample = data.sample(0)
    assert len(sample.ids) == 5 and set(sample.types) == {0} and sample.order == 0


def test_a_target_too_short_for_a_mask_gets_its_shortest_word_masked(write: Write) -> None:
    folder = write("short", [[[10, 210, 211], [20, 212]]])
    corpus, words = ids.read([folder]), vocabulary.read(folder)
    for number in range(100):
        sample = samples.draw(corpus, words, Masking(64), [0, 2, 5], number)
        assert sample.positions == ([1, 2] if sample.order else [5, 6])
        assert sample.labels == [20, words.fold[212]]
    assert {samples.draw(corpus, words, Masking(64), [0, 2, 3], k).labels == [20] for k in range(20)} == {True, False}


def test_paddlenlp_leaves_such_a_sample_without_labels(marked: Path) -> None:
    data = mixture(marked, always_mask=False)
    row = data.orders[0].row(0).tolist()
    sample = samples.draw(data.corpora[0], data.words, data.masking, [*row[:2], 4], 0)
    assert sample.labels == [] and len(sample.ids) == 7
    for batch in (
        samples.collate([sample, sample], data.words.pad, 64),
        samples.batch(data.corpora[0], data.words, data.masking, np.array([[*row[:2], 4]] * 2), np.zeros(2, "int64")),
    ):
        assert batch.positions.shape == batch.labels.shape == (0,) and batch.ids.shape == (2, 8)
        assert batch.positions.dtype == np.int32 and batch.labels.dtype == np.int64


def test_a_sample_of_special_tokens_alone_has_nothing_to_guess(write: Write) -> None:
    folder = write("special", [[[1], [2]]])
    sample = samples.draw(ids.read([folder]), vocabulary.read(folder), Masking(64), [0, 2, 61], 0)
    assert sample.labels == [] and len(sample.ids) == 5


def test_replacements_come_from_the_sample_itself_if_wanted(marked: Path) -> None:
    strange = {False: 0, True: 0}
    for inplace in strange:
        data = mixture(marked, inplace_random_mask=inplace, masked_lm_prob=0.5)
        for sample in map(data.sample, range(300)):
            was = list(sample.ids)
            for position, label in zip(sample.positions, sample.labels, strict=True):
                was[position] = label
            strange[inplace] += sum(sample.ids[p] not in {*was, data.words.mask} for p in sample.positions)
    assert strange[True] == 0 < strange[False]


def test_permuted_words_change_places_and_are_to_be_predicted(marked: Path) -> None:
    plain, moved = (mixture(marked, always_mask=False, do_permutation=moved) for moved in (False, True))
    more = 0
    for number in range(300):
        before, after = plain.sample(number), moved.sample(number)
        assert set(before.positions) <= set(after.positions) and len(before.ids) == len(after.ids)
        places = sorted(set(after.positions) - set(before.positions))
        label = dict(zip(after.positions, after.labels, strict=True))
        assert sorted(after.ids[p] for p in places) == sorted(label[p] for p in places)
        assert [before.ids[p] for p in places] == [label[p] for p in places]
        more += len(places)
    assert more == pytest.approx(sum(len(plain.sample(k).labels) for k in range(300)), rel=0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"masked_lm_prob": 0.0}, "masked_lm_prob 0.0 must be above 0"),
        ({"masked_lm_prob": 1.01}, "masked_lm_prob 1.01 must be above 0 and at most 1"),
        ({"masked_lm_prob": float("nan")}, "masked_lm_prob nan"),
        ({"max_ngrams": 0}, "max_ngrams 0 must be in 1..512"),
        ({"max_seq_len": 4}, "max_seq_len 4 leaves no room"),
    ],
)
def test_options_that_make_no_sample_are_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(errors.BadInput, match=said):
        Masking(**{"max_seq_len": 64, **wrong})  # type: ignore[arg-type]


def test_the_share_of_masks_may_be_anything_above_zero(marked: Path) -> None:
    for prob, least, most in ((1e-9, 0.01, 0.06), (1.0, 0.6, 0.95)):
        drawn = [mixture(marked, masked_lm_prob=prob).sample(number) for number in range(100)]
        assert least < sum(len(s.labels) for s in drawn) / sum(len(s.ids) for s in drawn) < most
        assert min(len(sample.labels) for sample in drawn) > 0


def test_positions_of_a_batch_point_into_the_padded_rows(data: Mixture, drawn: list[Sample]) -> None:
    batch = data.batch(0, 16)
    width = batch.ids.shape[1]
    assert width % 8 == 0 and (batch.ids == data.words.pad).any()
    labels = [label for sample in drawn[:16] for label in sample.labels]
    assert batch.labels.tolist() == labels
    flat = batch.ids.reshape(-1)
    assert [flat[p] for p in batch.positions] == [s.ids[p] for s in drawn[:16] for p in s.positions]
    assert batch.positions.max() < 16 * width


def test_adding_a_corpus_changes_when_samples_come_and_not_what_they_hold(marked: Path, write: Write) -> None:
    other = write("other", [[[20, 21, 22], [23, 24]]] * 50)
    both = mixture(marked, other, weights=[3.0, 1.0])
    mixed = [both.sample(number) for number in range(400)]
    alone = [mixture(marked).sample(number) for number in range(300)]
    assert [sample for sample in mixed if sample in alone] == alone[: sum(sample in alone for sample in mixed)]
    assert sum(sample in alone for sample in mixed) == pytest.approx(300, abs=2)


def test_too_little_text_is_an_error_with_counts_and_remedy(write: Write) -> None:
    lonely = write("lonely", [[[10, 11, 12]]] * 7 + [[[10] * 600, [11]]])
    with pytest.raises(errors.BadInput, match=r"8 documents, 7 of them with one sentence, 1 with a sentence of more"):
        mixture(lonely)
    with pytest.raises(errors.BadInput, match="binary_head: false"):
        mixture(lonely)
    assert mixture(lonely, binary_head=False).sample(0).ids
    with pytest.raises(errors.BadInput, match=r"valid: no document: split 99,1 gives valid none of 8 documents"):
        order.mixture("valid", [ids.read([lonely])], [1.0], vocabulary.read(lonely), Masking(64), "99,1", 0.1)


def test_an_id_beyond_the_vocabulary_is_named(write: Write) -> None:
    with pytest.raises(errors.BadInput, match="id 60000 is not in the vocabulary"):
        mixture(write("bad", [[[10, 60000], [11]]])).sample(0)


@pytest.mark.parametrize("documents", [1, 7, 8579, 100_000])
@pytest.mark.parametrize("shares", ["949,50,1", "90/5/5", "1", "1,1", "2,2,2"])
def test_a_split_is_contiguous_and_loses_no_document_but_by_rounding(shares: str, documents: int) -> None:
    parts = split(shares, documents)
    assert parts[0][0] == 0 and parts[2][1] <= documents and documents - parts[2][1] <= 2
    assert parts[0][1] == parts[1][0] and parts[1][1] == parts[2][0]
    assert all(first <= end for first, end in parts)


def test_parts_and_folders_are_one_corpus(marked: Path, write: Write) -> None:
    small = [[[10, 11], [12]], [[13], [14, 15]]]
    both = ids.read([write("a", small), write("b", small[::-1])])
    assert both.docs.tolist() == [0, 2, 4, 6, 8] and both.lens.tolist() == [2, 1, 1, 2, 1, 2, 2, 1]
    assert [both.tokens(s, s + 2).tolist() for s in (0, 2, 4, 6)] == [
        [10, 11, 12], [13, 14, 15], [13, 14, 15], [10, 11, 12],
    ]  # fmt: skip
    assert both.fingerprint() != ids.read([marked]).fingerprint()


def test_files_that_do_not_fit_together_are_refused(write: Write) -> None:
    folder = write("torn", [[[10, 11], [12]]])
    np.save(folder / "part-00000_ids.npy", np.array([10, 11], "uint16"))
    with pytest.raises(errors.BadInput, match="counts 3 tokens"):
        ids.read([folder])
    (folder / "part-00000_idx.npz").write_bytes(b"PK")
    with pytest.raises(errors.BadInput, match="make the ids again"):
        ids.read([folder])
    (folder / "part-00000_idx.npz").unlink()
    with pytest.raises(errors.BadInput, match="missing beside"):
        ids.read([folder])
