"""The index map: the C code, the plain Python and the reference's own code make equal bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core import errors
from ernie_core.data import index, order
from ernie_core.data.samples import Masking

Arrays = tuple[np.ndarray, np.ndarray]


@st.composite
def corpora(draw: st.DrawFn) -> Arrays:
    """Document boundaries (perhaps of a slice) and sentence lengths, some beyond the limit."""
    sizes = draw(st.lists(st.integers(1, 9), max_size=30))
    skipped = draw(st.integers(0, 5))
    docs = np.cumsum([skipped, *sizes]).astype("int64")
    count = int(docs[-1]) + draw(st.integers(0, 3))
    length = st.one_of(st.integers(1, 60), st.integers(505, 520))
    return docs, np.array(draw(st.lists(length, min_size=count, max_size=count)), "int32")


CONFIGURATIONS = st.fixed_dictionaries({
    "num_epochs": st.integers(1, 4),
    "max_num_samples": st.one_of(st.integers(0, 100), st.just(index.ALL_SAMPLES)),
    "max_len": st.integers(2, 125),
    "short_seq_prob": st.sampled_from([0, 0.05, 0.1, 0.3, 0.4, 1.0]),
    "seed": st.integers(0, 2**32 - 1),
    "min_num_sent": st.sampled_from([1, 2]),
})  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Without this the comparison would compare Python with itself."""
    index._native.cache_clear()
    if index._native() is None:
        pytest.fail("the index builder is not compiled: python setup.py build_ext --inplace")


def plain(docs: np.ndarray, lens: np.ndarray, **configuration: float) -> np.ndarray:
    """The map without the C code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_native", lambda: None)
        return index.build(docs, lens, **configuration)  # type: ignore[arg-type]


@given(corpora(), CONFIGURATIONS)
@settings(max_examples=300, deadline=None)
def test_the_c_code_equals_the_plain_python(corpus: Arrays, configuration: dict[str, float]) -> None:
    built = index.build(*corpus, **configuration)  # type: ignore[arg-type]
    expected = plain(*corpus, **configuration)
    assert built.dtype == expected.dtype == np.uint32
    assert built.tobytes() == expected.tobytes() and built.shape == expected.shape


@pytest.mark.parity
@pytest.mark.parametrize("short_seq_prob", [0, 0.1, 0.3])
@pytest.mark.parametrize("min_num_sent", [1, 2])
@pytest.mark.parametrize("documents", [3, 200, 3000])
@pytest.mark.parametrize("max_len", [29, 125, 509])
def test_equals_the_native_reference(documents: int, min_num_sent: int, short_seq_prob: float, max_len: int) -> None:
    helpers = pytest.importorskip("tool_helpers.helpers")
    random = np.random.RandomState(documents + max_len)
    docs = np.concatenate([[0], np.cumsum(random.randint(1, 15, documents))]).astype("int64")
    lens = np.minimum(random.geometric(0.04, docs[-1]), 600).astype("int32")
    setting = (3, 2**40, max_len, short_seq_prob, 1234)
    expected = helpers.build_mapping(docs, lens, *setting, False, min_num_sent)
    built = index.build(
        docs, lens, num_epochs=3, max_num_samples=2**40, max_len=max_len, short_seq_prob=short_seq_prob, seed=1234,
        min_num_sent=min_num_sent,
    )  # fmt: skip
    assert built.dtype == expected.dtype and built.tobytes() == expected.tobytes()


def test_big_data_sets_get_wide_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    docs, lens = np.array([0, 3, 5], "int64"), np.full(5, 10, "int32")
    setting = {"max_len": 20, "short_seq_prob": 0.1, "seed": 1, "min_num_sent": 1, "num_epochs": 5}
    narrow = index.build(docs, lens, **setting)  # type: ignore[arg-type]
    monkeypatch.setattr(index, "_check", lambda *_: True)
    wide = index.build(docs, lens, **setting)  # type: ignore[arg-type]
    assert wide.dtype == np.uint64 and (wide == narrow).all() and len(wide)


def test_arrays_of_the_wrong_kind_never_reach_the_c_code() -> None:
    docs, lens = np.array([0, 9], "int64"), np.full(5, 10, "int32")
    setting = {"max_len": 20, "short_seq_prob": 0.0, "seed": 1, "min_num_sent": 1, "num_epochs": 1}
    for bad in ((docs, lens), (docs[:1].astype("int32"), lens), (docs[:1], lens.astype("int64"))):
        with pytest.raises(errors.BadInput):
            index.build(*bad, **setting)  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 20), min_size=2, max_size=6), st.integers(0, 400))
@settings(max_examples=50, deadline=None)
def test_mixing_equals_the_plain_python_and_keeps_the_weights(shares: list[int], first: int) -> None:
    weights = np.array(shares, "float64") / sum(shares)

    def mixed() -> Arrays:
        taken, chosen, numbers = np.zeros(len(shares), "int64"), np.empty(500, "uint8"), np.empty(500, "int64")
        index.blend(weights, taken, 0, chosen[:first], numbers[:first])
        index.blend(weights, taken, first, chosen[first:], numbers[first:])
        return chosen, numbers

    chosen, numbers = mixed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_native", lambda: None)
        plainly = mixed()
    assert (chosen == plainly[0]).all() and (numbers == plainly[1]).all()
    assert np.abs(np.bincount(chosen, minlength=len(shares)) - 500 * weights).max() <= len(shares)
    for corpus in range(len(shares)):
        assert (numbers[chosen == corpus] == np.arange((chosen == corpus).sum())).all()


def test_mixing_five_to_seven_gives_the_order_of_the_reference() -> None:
    chosen, numbers = np.empty(20, "uint8"), np.empty(20, "int64")
    index.blend(np.array([5, 7]) / 12, np.zeros(2, "int64"), 0, chosen, numbers)
    assert chosen.tolist() == [1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1]


def test_every_epoch_has_an_order_of_its_own_and_any_number_is_found_at_once() -> None:
    docs, lens = np.arange(0, 101, 5, dtype="int64"), np.full(100, 20, "int32")

    def fresh() -> order.Order:
        return order.Order(docs, lens, Masking(64), 0.1, "here")

    walked = fresh()
    rows = [walked.row(number).tolist() for number in range(150)]
    assert [fresh().row(number).tolist() for number in (149, 3, 80)] == [rows[149], rows[3], rows[80]]
    one, two = (rows[a:b] for a, b in zip(walked.starts, walked.starts[1:3], strict=False))
    assert one != two and one != sorted(one)
