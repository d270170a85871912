"""Sample number i is always the same sample: for any process, any worker, any restart, with a cache or without."""

import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core import errors
from ernie_core.data import ids, index, maps, mixing, order, vocabulary
from ernie_core.data.cache import Cache
from ernie_core.data.order import Mixture
from ernie_core.data.samples import Masking
from ernie_core.data.shares import split

Write = Callable[[str, list[list[list[int]]]], Path]
Places = list[tuple[int, list[int], int]]


def mixture(*folders: Path, cache: Cache | None = None, part: str = "train", **options: object) -> Mixture:
    """Samples of folders, weighted 1, 2, ..., with targets of at most 20 tokens."""
    read = [ids.read([folder], cache) for folder in folders]
    weights = [float(k) for k in range(1, len(read) + 1)]
    given = {"shares": "8,1,1", "short_seq_prob": 0.1, "masking": Masking(23)} | options
    return order.mixture(part, read, weights, vocabulary.read(folders[0]), cache=cache, **given)  # type: ignore[arg-type]


def places(data: Mixture, first: int, size: int) -> Places:
    """Corpus, row and number in the corpus of each sample."""
    which, rows, numbers = data.rows(first, size)
    return list(zip(which.tolist(), rows.tolist(), numbers.tolist(), strict=True))


@pytest.fixture
def other(write: Write) -> Path:
    """A second corpus, smaller than `marked`."""
    random = np.random.RandomState(4)
    return write("other", [[random.randint(5, 200, 6).tolist() for _ in range(5)] for _ in range(40)])


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every corpus counts as big: its maps go through the cache."""
    monkeypatch.setattr(maps, "SMALL", 0)
    monkeypatch.setattr(order, "_AHEAD", 16)


@given(st.lists(st.tuples(st.integers(0, 6000), st.integers(1, 700)), min_size=1, max_size=4), st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_batch_is_the_same_from_any_state(
    marked: Path, big: None, tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, int]], cached: bool
) -> None:
    walked = places(mixture(marked, marked), 0, 6700)
    cache = Cache(tmp_path_factory.mktemp("cache")) if cached else None
    data = mixture(marked, marked, cache=cache)
    for first, size in asked:
        assert places(data, first, size) == walked[first : first + size]
        assert places(mixture(marked, marked, cache=cache), first, size) == walked[first : first + size]


def test_every_epoch_holds_all_samples_once_in_an_order_of_its_own(marked: Path) -> None:
    data = mixture(marked, short_seq_prob=0.0)
    first = data.orders[0].holding(0)
    second = data.orders[0].holding(len(first.rows))
    assert (second.number, second.start) == (1, len(first.rows))
    assert first.rows.tolist() != second.rows.tolist() and sorted(first.rows.tolist()) == sorted(second.rows.tolist())


def test_the_order_does_not_depend_on_how_far_a_run_goes_and_does_on_the_seed(marked: Path) -> None:
    assert places(mixture(marked), 0, 50) == places(mixture(marked), 0, 5000)[:50]
    assert places(mixture(marked), 0, 50) != places(mixture(marked, masking=Masking(23, seed=5)), 0, 50)


def _worker(folder: Path, cache: Path, rank: int, size: int, into: "multiprocessing.Queue[tuple[int, Places]]") -> None:
    maps.SMALL, order._AHEAD = 0, 2 * 8 * size
    data = mixture(folder, folder, cache=Cache(cache, maker=rank == 0, patience=60))
    into.put((rank, [place for first in range(rank * 8, 3000, size * 8) for place in places(data, first, 8)]))


@pytest.mark.parametrize("size", [1, 3])
def test_processes_that_share_a_cache_draw_the_samples_of_one(marked: Path, tmp_path: Path, size: int) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[tuple[int, Places]] = context.Queue()
    ranks = [context.Process(target=_worker, args=(marked, tmp_path, rank, size, queue)) for rank in range(size)]
    for process in reversed(ranks):
        process.start()
    drawn = dict(queue.get(timeout=120) for _ in ranks)
    for process in ranks:
        process.join()
    expected = places(mixture(marked, marked), 0, 3000)
    for rank in range(size):
        assert drawn[rank] == [p for first in range(rank * 8, 3000, size * 8) for p in expected[first : first + 8]]


@pytest.mark.parametrize("micro", [1, 8])
def test_no_rank_ever_waits_for_a_map_that_rank_0_makes_in_the_next_step(
    marked: Path, big: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, micro: int
) -> None:
    monkeypatch.setattr(order, "_AHEAD", 4 * 2 * micro)
    maker = Cache(tmp_path)
    one = mixture(marked, marked, cache=maker)
    other = mixture(marked, marked, cache=replace(maker, maker=False, patience=0))
    one.prepare(0)
    for step in range(2000 // micro):
        places(other, (2 * step + 1) * micro, micro)  # always before rank 0, in every step
        places(one, 2 * step * micro, micro)
    assert len(maker.entries("map-")) > 4


def test_only_the_first_start_builds_and_an_epoch_is_found_without_those_before(
    marked: Path, big: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path)
    mixture(marked, cache=cache).prepare(5000)
    names = sorted(cache.entries("map-"))
    assert len(names) == 1 and not names[0].endswith("-000000")
    monkeypatch.setattr(index, "save", None)
    monkeypatch.setattr(index, "count", None)
    waiting = replace(cache, maker=False, patience=0)
    assert places(mixture(marked, cache=waiting), 5000, 8) == places(mixture(marked, cache=cache), 5000, 8)
    with pytest.raises(errors.Error, match="did not appear within 0 s"):
        mixture(marked, cache=waiting).prepare(0)


def test_whatever_decides_the_rows_has_a_map_of_its_own(marked: Path, other: Path, big: None, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    mixture(marked, cache=cache).prepare(0)
    for number, options in enumerate(
        (
            {"masking": Masking(23, binary_head=False)},
            {"masking": Masking(23, seed=7)},
            {"masking": Masking(24)},
            {"short_seq_prob": 0.2},
            {"shares": "7,1,1"},
            {"part": "valid"},
            {"index_order": "paddlenlp", "limit": 10},
            {"index_order": "paddlenlp", "limit": 9999},
        )
    ):
        mixture(marked, cache=cache, **options).prepare(0)  # type: ignore[arg-type]
        mixture(marked, cache=cache, **options).prepare(0)  # type: ignore[arg-type]
        assert len(cache.entries("map-")) == number + 2, options
    mixture(other, cache=cache).prepare(0)
    mixture(marked, cache=cache, masking=Masking(23, masked_lm_prob=0.3)).prepare(0)
    assert len(cache.entries("map-")) == 10


def test_a_damaged_map_is_built_again(marked: Path, big: None, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    expected = places(mixture(marked, cache=cache), 0, 20)
    path = next(iter(cache.entries("map-").values())).folder / "rows.npy"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.warns(UserWarning, match="it is made again"):
        assert places(mixture(marked, cache=cache), 0, 20) == expected


def test_old_epochs_can_be_removed_and_the_order_stays(marked: Path, big: None, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    data = mixture(marked, cache=cache)
    drawn = places(data, 0, 4000)
    made = len(cache.entries("map-"))
    data.forget(3999)
    assert made > 3 and len(cache.entries("map-")) == 2
    assert places(mixture(marked, cache=cache), 3990, 10) == drawn[3990:]
    assert places(mixture(marked, cache=cache), 0, 10) == drawn[:10]
    shutil.rmtree(tmp_path)
    assert places(mixture(marked, cache=cache), 3990, 10) == drawn[3990:]


def test_small_corpora_leave_no_files(marked: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert places(mixture(marked, cache=cache), 4000, 9) == places(mixture(marked), 4000, 9)
    assert not cache.entries("map-")


def test_the_order_of_paddlenlp_is_one_map_for_all_samples(marked: Path) -> None:
    limit, masking = 2000, Masking(23)
    data = mixture(marked, index_order="paddlenlp", limit=limit)
    corpus = ids.read([marked])
    first, end = split("8,1,1", len(corpus.docs) - 1)[0]
    setting = index.Setting(20, 0.1, masking.seed, 2, max_num_samples=limit)
    built = index.build(corpus.docs[first : end + 1], corpus.lens, setting)
    assert places(data, 0, limit) == [(0, row, n) for n, row in enumerate(built[:limit].tolist())]
    assert places(data, 100, 5) == places(mixture(marked, index_order="paddlenlp", limit=limit), 100, 5)
    with pytest.raises(errors.BadInput, match=r"sample 10{9} of an order made for 2000 samples.* raise max_steps"):
        data.rows(10**9, 1)


def test_mixed_in_the_order_of_paddlenlp_every_corpus_has_enough(marked: Path, other: Path) -> None:
    for limit in (1, 7, 100, 3000):
        data = mixture(marked, other, marked, index_order="paddlenlp", limit=limit)
        assert len(places(data, 0, limit)) == limit
        asked = [o.limit for o in data.orders]
        assert asked == [int(np.ceil(limit * w * 1.005)) for w in mixing.normalised([1, 2, 3])]


@pytest.mark.parametrize("options", [{"index_order": "paddlenlp"}, {"limit": 5}, {"index_order": "other"}])
def test_an_order_that_is_not_fully_said_is_refused(marked: Path, options: dict[str, object]) -> None:
    with pytest.raises(errors.BadInput, match="choose `epochs`, or `paddlenlp` with a limit"):
        mixture(marked, **options)


@pytest.mark.parametrize("index_order", [{}, {"index_order": "paddlenlp", "limit": 10}])
def test_too_little_text_is_a_message_and_never_a_hang(write: Write, index_order: dict[str, object]) -> None:
    lonely = write("lonely", [[[10, 11, 12]]] * 7 + [[[10] * 600, [11]]])
    with pytest.raises(errors.BadInput, match=r"lonely: train: not one sample: 8 documents, 7 of them with one"):
        mixture(lonely, shares="1", **index_order)
    with pytest.raises(errors.BadInput, match=r"lonely: test: no document: split 8,1,0 gives test none of 8 documents"):
        mixture(lonely, shares="8,1,0", part="test", **index_order)


def test_a_stop_is_heard_while_a_map_is_built(marked: Path, big: None, tmp_path: Path) -> None:
    data = mixture(marked, cache=Cache(tmp_path))
    data.orders[0].maps.cache = Cache(tmp_path, stop=lambda: True)
    with pytest.raises(errors.Stopped, match="built again at the next start"):
        data.prepare(0)
    assert not Cache(tmp_path).entries("map-")
