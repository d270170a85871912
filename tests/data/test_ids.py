"""Several folders of several parts are one corpus, in memory or mapped, and what does not fit together is named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core.data import ids, parts
from ernie_core.data.cache import Cache
from ernie_core.data.shares import split
from ernie_core.errors import BadInput, Stopped

Documents = list[list[int]]
"""Sentence lengths of documents."""


def put(folder: Path, name: str, documents: Documents, *, kind: str = "npy", dtype: str = "<u2", seed: int = 0) -> None:
    """Write a part with random ids."""
    folder.mkdir(parents=True, exist_ok=True)
    lens = np.array([size for document in documents for size in document], "<i4")
    docs = np.cumsum([0, *map(len, documents)]).astype("<i8")
    tokens = np.random.RandomState(seed).randint(0, 30_000, lens.sum()).astype(dtype)
    if kind == "npy":
        np.save(folder / f"{name}_ids.npy", tokens)
        np.savez(folder / f"{name}_idx.npz", lens=lens, docs=docs)
        return
    tokens.tofile(folder / f"{name}.bin")
    head = b"MMIDIDX\0\0" + np.array([1], "<u8").tobytes() + bytes([8 if dtype == "<u2" else 4])
    offsets = np.concatenate([[0], np.cumsum(lens[:-1], dtype="<i8")]) * tokens.itemsize
    counts = np.array([len(lens), len(docs)], "<u8")
    data = (counts, lens, offsets.astype("<i8"), docs)
    (folder / f"{name}.idx").write_bytes(head + b"".join(array.tobytes() for array in data))


def same(one: ids.Corpus, other: ids.Corpus) -> bool:
    """Whether two corpora hold the same sentences."""
    arrays = ((one.lens, other.lens), (one.docs, other.docs), (one.offsets, other.offsets))
    ends = zip(one.docs[:-1].tolist(), one.docs[1:].tolist(), strict=True)
    return all(a.dtype == b.dtype and a.tolist() == b.tolist() for a, b in arrays) and all(
        one.tokens(a, b).tolist() == other.tokens(a, b).tolist() for a, b in ends
    )


DOCUMENTS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=8)


@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.sampled_from(["<u2", "<i4"]), st.integers(1, 5))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_way_of_reading_gives_the_same_corpus(
    tmp_path_factory: pytest.TempPathFactory, made: list[Documents], dtype: str, block: int
) -> None:
    home = tmp_path_factory.mktemp("corpus")
    for number, documents in enumerate(made):
        for kind in ("npy", "bin"):
            put(home / kind, f"part-{number}", documents, kind=kind, dtype=dtype, seed=number)
    plain = ids.read([home / "npy"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_BLOCK", block)
        ways = [
            ids.read([home / kind], cache) for kind in ("npy", "bin") for cache in (None, Cache(home / f"cache-{kind}"))
        ]
    assert all(same(plain, way) for way in ways)
    assert {way.fingerprint() for way in ways} == {plain.fingerprint()}
    expected = [size for documents in made for document in documents for size in document]
    assert plain.lens.tolist() == expected and len(plain.docs) - 1 == sum(map(len, made))


def test_with_a_cache_nothing_is_read_into_memory_and_the_second_start_writes_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / "ids", name, [[3, 4], [5]])
    first = ids.read([tmp_path / "ids"], Cache(tmp_path / "cache"))
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "cache").rglob("*"))
    again = ids.read([tmp_path / "ids"], Cache(tmp_path / "cache", maker=False, patience=0))
    assert same(first, again) and first.fingerprint() == again.fingerprint()
    assert before == sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "cache").rglob("*"))
    for corpus in (first, again):
        for array in (corpus.lens, corpus.docs, corpus.offsets, *corpus.parts):
            assert isinstance(array.base, np.memmap) and not array.flags.writeable


def test_folders_are_one_corpus_in_their_order(tmp_path: Path) -> None:
    put(tmp_path / "x", "a", [[3, 4], [5]], seed=1)
    put(tmp_path / "y", "a", [[6]], dtype="<i4", seed=2)
    both, other = ids.read([tmp_path / "x", tmp_path / "y"]), ids.read([tmp_path / "y", tmp_path / "x"])
    assert both.lens.tolist() == [3, 4, 5, 6] and other.lens.tolist() == [6, 3, 4, 5]
    assert both.tokens(3, 4).tolist() == other.tokens(0, 1).tolist()
    assert both.fingerprint() != other.fingerprint()


def test_other_data_under_the_same_name_get_an_index_of_their_own(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    put(tmp_path / "ids", "a", [[3, 4], [5]])
    before = ids.read([tmp_path / "ids"], cache)
    for changed in ([[3], [4, 5]], [[4, 3], [5]], [[3, 4], [5], [1]]):
        put(tmp_path / "ids", "a", changed)
        after = ids.read([tmp_path / "ids"], cache)
        assert after.fingerprint() != before.fingerprint() and same(after, ids.read([tmp_path / "ids"]))
    put(tmp_path / "ids", "a", [[3, 4], [5]], seed=9)
    assert ids.read([tmp_path / "ids"], cache).fingerprint() != before.fingerprint()


Change = Callable[[dict[str, np.ndarray]], None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(lens=a["lens"][:-1]), "counts 7 tokens"),
        (lambda a: a.update(lens=np.array([3, 4, 0, 5], "<i4")), "an empty sentence"),
        (lambda a: a.update(lens=a["lens"].astype("<i8")), "lens must be one-dimensional with <i4"),
        (lambda a: a.update(docs=a["docs"].astype("<i4")), "docs must be one-dimensional with <i8"),
        (lambda a: a.update(docs=np.array([0, 2], "<i8")), "documents end at sentence 2 of 3"),
        (lambda a: a.update(docs=np.array([1, 2, 3], "<i8")), "an empty document, or documents out of order"),
        (lambda a: a.update(docs=np.array([0, 2, 2, 3], "<i8")), "an empty document, or documents out of order"),
        (lambda a: a.pop("docs"), "not readable"),
    ],
)
@pytest.mark.parametrize("cached", [True, False])
def test_an_index_that_does_not_fit_is_named(tmp_path: Path, cached: bool, change: Change, message: str) -> None:
    put(tmp_path / "ids", "a", [[3, 4], [5]])
    path = tmp_path / "ids" / "a_idx.npz"
    with np.load(path) as arrays:
        held = dict(arrays)
    change(held)
    np.savez(path, **held)
    with pytest.raises(BadInput, match=rf"a_idx.npz: .*{message}|a_idx.npz: {message}"):
        ids.read([tmp_path / "ids"], Cache(tmp_path / "cache") if cached else None)


def test_a_flipped_bit_in_an_index_is_found_by_its_checksum(tmp_path: Path) -> None:
    put(tmp_path / "ids", "a", [[3, 4]] * 1000)
    path = tmp_path / "ids" / "a_idx.npz"
    data = bytearray(path.read_bytes())
    at = data.index(np.array([3, 4, 3, 4], "<i4").tobytes())
    data[at], data[at + 4] = 4, 3  # the sums still fit
    path.write_bytes(data)
    with pytest.raises(BadInput, match="CRC"):
        ids.read([tmp_path / "ids"])


def test_what_is_no_folder_of_ids_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the folder that the `ids` step made"):
        ids.read([tmp_path])
    np.save(tmp_path / "a_ids.npy", np.zeros(3, "uint16"))
    with pytest.raises(BadInput, match="missing beside a_ids"):
        ids.read([tmp_path])
    put(tmp_path, "a", [[3]])
    np.save(tmp_path / "a_ids.npy", np.zeros(3, "int64"))
    with pytest.raises(BadInput, match="one-dimensional with uint16 or int32, not int64"):
        ids.read([tmp_path])
    (tmp_path / "a_ids.npy").write_bytes(b"")
    with pytest.raises(BadInput, match=r"a_ids.npy: not readable"):
        ids.read([tmp_path])


@pytest.mark.parametrize(
    ("shares", "documents", "expected"),
    [
        ("949,50,1", 1000, [(0, 949), (949, 999), (999, 1000)]),
        ("1/1", 3, [(0, 1), (1, 3), (3, 3)]),  # 1.5 rounds to 2 twice, and all ends move back by one
        ("1", 7, [(0, 7), (7, 7), (7, 7)]),
        ("949,50,1", 5, [(0, 5), (5, 5), (5, 5)]),
    ],
)
def test_documents_are_split_by_rounded_shares(shares: str, documents: int, expected: list[tuple[int, int]]) -> None:
    assert split(shares, documents) == expected


def test_a_stop_is_heard_while_an_index_is_written(tmp_path: Path) -> None:
    put(tmp_path / "ids", "a", [[3, 4], [5]])
    said: list[float] = []
    stopping = Cache(tmp_path / "cache", progress=lambda done, *_, **__: said.append(done), stop=lambda: bool(said))
    with pytest.raises(Stopped, match="written again at the next start"):
        ids.read([tmp_path / "ids"], stopping)
    assert said == [3] and not Cache(tmp_path / "cache").entries("index-")
