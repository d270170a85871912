"""The index map: the C code, the plain Python and the reference's own code make equal bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core import errors
from ernie_core.data import index
from ernie_core.data.index import Setting

Arrays = tuple[np.ndarray, np.ndarray]


@st.composite
def corpora(draw: st.DrawFn) -> Arrays:
    """Document boundaries (perhaps of a slice) and sentence lengths, some beyond the limit."""
    sizes = draw(st.lists(st.integers(0, 9), max_size=30))
    skipped = draw(st.integers(0, 5))
    docs = np.cumsum([skipped, *sizes]).astype("int64")
    count = int(docs[-1]) + draw(st.integers(0, 3))
    length = st.one_of(st.integers(1, 60), st.integers(505, 520))
    return docs, np.array(draw(st.lists(length, min_size=count, max_size=count)), "int32")


SETTINGS = st.builds(
    Setting,
    num_epochs=st.integers(1, 4),
    max_num_samples=st.one_of(st.integers(0, 100), st.just(index.ALL_SAMPLES)),
    max_len=st.integers(2, 125),
    short_seq_prob=st.sampled_from([0, 0.05, 0.1, 0.3, 0.4, 1.0]),
    seed=st.integers(0, 2**32 - 1),
    min_num_sent=st.sampled_from([1, 2]),
)
SETTING = Setting(max_len=20, short_seq_prob=0.1, seed=1, min_num_sent=1, num_epochs=1)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Without this the comparison would compare Python with itself."""
    if index._native() is None:
        pytest.fail("the index builder is not compiled: python setup.py build_ext --inplace")


def plain(docs: np.ndarray, lens: np.ndarray, setting: Setting) -> np.ndarray:
    """The map without the C code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_native", lambda: None)
        return index.build(docs, lens, setting)


def oracle(docs: np.ndarray, lens: np.ndarray, setting: Setting) -> list[list[int]]:
    """The rules once more, all at once and without the shuffle; the draws are numpy's."""
    draws = np.random.RandomState(setting.seed)
    one_in = int(1 / setting.short_seq_prob + 0.5) if setting.short_seq_prob else 0  # a half goes up

    def target() -> int:
        r = int(draws._bit_generator.random_raw()) if one_in else 1
        return 2 + r % (setting.max_len - 1) if one_in and r % one_in == 0 else setting.max_len

    rows: list[list[int]] = []
    for _ in range(setting.num_epochs):
        if len(rows) >= setting.max_num_samples:
            break
        for a, b in zip(docs[:-1].tolist(), docs[1:].tolist(), strict=True):
            if b - a < max(1, setting.min_num_sent) or (b - a > 1 and lens[a:b].max() > index.LONGEST):
                continue
            start, goal = a, target()
            for end in range(a + 1, b + 1):
                full = lens[start:end].sum() >= goal and end - start >= setting.min_num_sent
                if end == b or (full and b - end > 1):
                    rows.append([start, end, goal])
                    start, goal = end, target()
    return rows


@given(corpora(), SETTINGS)
@settings(max_examples=150, deadline=None)
def test_the_c_code_equals_the_plain_python(corpus: Arrays, setting: Setting) -> None:
    built, expected = index.build(*corpus, setting), plain(*corpus, setting)
    assert built.dtype == expected.dtype == np.uint32
    assert built.tobytes() == expected.tobytes() and built.shape == expected.shape
    assert len(built) == index.count(*corpus, setting)


@given(corpora(), SETTINGS)
@settings(max_examples=100, deadline=None)
def test_the_rows_follow_the_rules_and_the_shuffle_loses_none(corpus: Arrays, setting: Setting) -> None:
    expected = oracle(*corpus, setting)
    assert [row for chunk in index.chunks(*corpus, setting) for row in chunk.tolist()] == expected
    assert sorted(index.build(*corpus, setting).tolist()) == sorted(expected)


@given(corpora(), SETTINGS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_map_on_disk_is_the_one_in_memory(tmp_path: Path, corpus: Arrays, setting: Setting) -> None:
    path = tmp_path / "rows.npy"
    path.unlink(missing_ok=True)
    expected = index.build(*corpus, setting)
    assert index.save(path, *corpus, setting) == len(expected)
    saved = np.load(path)
    assert saved.dtype == expected.dtype and saved.tobytes() == expected.tobytes() and saved.shape == expected.shape


def test_pauses_between_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.RandomState(5)
    docs = np.concatenate([[0], np.cumsum(random.randint(1, 40, 500))]).astype("int64")
    lens = random.randint(1, 60, docs[-1]).astype("int32")
    setting = replace(SETTING, num_epochs=3, max_len=50)
    whole = index.build(docs, lens, setting)
    monkeypatch.setattr(index, "_ROOM", 10)  # less than the biggest documents need
    assert index.build(docs, lens, setting).tobytes() == whole.tobytes()
    assert plain(docs, lens, setting).tobytes() == whole.tobytes()


@pytest.mark.parity
@pytest.mark.parametrize("short_seq_prob", [0, 0.1, 0.3])
@pytest.mark.parametrize("min_num_sent", [1, 2])
@pytest.mark.parametrize("documents", [1, 3, 200, 3000])
@pytest.mark.parametrize("max_len", [29, 125, 509])
def test_equals_the_native_reference(documents: int, min_num_sent: int, short_seq_prob: float, max_len: int) -> None:
    helpers = pytest.importorskip("tool_helpers.helpers")
    random = np.random.RandomState(documents + max_len)
    docs = np.concatenate([[0], np.cumsum(random.randint(2, 15, documents))]).astype("int64")
    lens = np.minimum(random.geometric(0.04, docs[-1]), 600).astype("int32")
    lens[0] = 40 if documents == 1 else 600
    for first, epochs, wanted in ((0, 3, 2**40), (documents // 2, 2**31 - 2, 2 * documents + 7)):
        part = docs[first:]
        setting = Setting(max_len, short_seq_prob, 1234, min_num_sent, epochs, wanted)
        if not index.count(part, lens, replace(setting, num_epochs=1)):
            continue  # the reference gives up with an error
        expected = helpers.build_mapping(part, lens, epochs, wanted, max_len, short_seq_prob, 1234, False, min_num_sent)
        built = index.build(part, lens, setting)
        assert built.dtype == expected.dtype and built.tobytes() == expected.tobytes()


def test_big_data_sets_get_wide_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docs, lens = np.array([0, 3, 5], "int64"), np.full(5, 10, "int32")
    setting = replace(SETTING, num_epochs=5)
    narrow = index.build(docs, lens, setting)
    monkeypatch.setattr(index, "_dtype", lambda _: np.dtype("uint64"))
    wide = index.build(docs, lens, setting)
    index.save(tmp_path / "rows.npy", docs, lens, setting)
    assert wide.dtype == np.uint64 and (wide == narrow).all() and len(wide)
    assert (wide == plain(docs, lens, setting)).all() and (wide == np.load(tmp_path / "rows.npy")).all()


@pytest.mark.parametrize("docs", [[0, 9], [-1, 3], [0, 4, 2, 5], [0, 7, 5]])
def test_documents_outside_of_the_sentences_are_an_error(docs: list[int]) -> None:
    lens = np.full(5, 10, "int32")
    for build in (index.build, plain):
        with pytest.raises(errors.BadInput, match="make the ids again"):
            build(np.array(docs, "int64"), lens, SETTING)


def test_arrays_of_the_wrong_kind_never_reach_the_c_code() -> None:
    docs, lens = np.array([0, 5], "int64"), np.full(5, 10, "int32")
    for bad in ((docs.astype("int32"), lens), (docs, lens.astype("int64")), (docs[:0], lens)):
        with pytest.raises(errors.BadInput):
            index.build(*bad, SETTING)
    for wrong in ({"max_len": 1}, {"seed": -1}, {"seed": 2**32}, {"min_num_sent": 0}, {"short_seq_prob": 1.5}):
        with pytest.raises(errors.BadInput, match=f"{next(iter(wrong))} {next(iter(wrong.values()))}"):
            replace(SETTING, **wrong)  # type: ignore[arg-type]


def test_a_build_says_how_far_it_is_and_can_be_stopped() -> None:
    docs, lens = np.arange(0, 400_001, 2, dtype="int64"), np.full(400_000, 10, "int32")
    said: list[float] = []
    index.build(docs, lens, SETTING, progress=lambda done, total=None, unit="", **facts: said.append(done / total))
    assert len(said) > 2 and said == sorted(said) and said[-1] == 1
    with pytest.raises(errors.Stopped):
        index.build(docs, lens, SETTING, stop=lambda: True)
