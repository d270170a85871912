"""Samples beside PaddleNLP's own data set, where ERNIE_JOBS_PEER names a checkout of its repository."""

import os
from pathlib import Path

import numpy as np
import pytest
from samples_peer import Peer, real_ids

from ernie_core.data import ids, samples, vocabulary
from ernie_core.data.samples import Masking

CHECKOUT = os.environ.get("ERNIE_JOBS_PEER")
SAMPLES = 600
OPTIONS: dict[str, dict[str, object]] = {
    "the defaults": {},
    "one segment": {"binary_head": False},
    "longer n-grams": {"favor_longer_ngram": True, "max_ngrams": 5},
    "geometric lengths": {"geometric_dist": True, "max_ngrams": 8},
    "replacements from the sample": {"inplace_random_mask": True, "masked_lm_prob": 0.3},
    "permuted words": {"do_permutation": True},
    "another seed": {"seed": 2**31 - 300},
}

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(not CHECKOUT, reason="ERNIE_JOBS_PEER names no checkout of PaddleNLP with model_zoo/ernie-1.0"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ids of real text."""
    return real_ids(tmp_path_factory.mktemp("real"))


def compare(folder: Path, how: Masking, short_seq_prob: float) -> None:
    """The first samples of one map, array by array; the peer puts its map beside its data."""
    peer = Peer(Path(str(CHECKOUT)), folder, how, SAMPLES, short_seq_prob)
    corpus, words, rows, length = ids.read([folder]), vocabulary.read(folder), peer.rows[:SAMPLES], how.max_seq_len
    ours = samples.batch(corpus, words, how, rows, np.arange(SAMPLES), pad_to=length)
    theirs = [peer[number] for number in range(SAMPLES)]
    assert ours.ids.shape == (SAMPLES, length)
    assert (ours.ids == np.stack([sample[0] for sample in theirs])).all()
    assert (ours.types == np.stack([sample[1] for sample in theirs])).all()
    assert ours.positions.tolist() == [k * length + p for k, sample in enumerate(theirs) for p in sample[3]]
    assert ours.labels.tolist() == [label for sample in theirs for label in sample[4]]
    assert ours.order.tolist() == [sample[5] for sample in theirs]
    assert min(len(sample[3]) for sample in theirs) == 0, "some target is too short for a mask"


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("length", [24, 64])
def test_samples_are_those_of_paddlenlp(marked: Path, tmp_path: Path, length: int, options: dict) -> None:
    for file in marked.iterdir():
        (tmp_path / file.name).symlink_to(file)
    compare(tmp_path, Masking(length, always_mask=False, **options), short_seq_prob=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("length", [128, 512])
def test_samples_of_real_text_are_those_of_paddlenlp(real: Path, length: int) -> None:
    compare(real, Masking(length, always_mask=False), short_seq_prob=0.3)
