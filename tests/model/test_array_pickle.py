"""Pickles of arrays: every form numpy writes is read to the bit, and no small file changes or fills the memory."""

import io
import itertools
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ernie_core import errors
from ernie_core.model import arrays as files
from ernie_core.model.foreign import torch_files
from tests.support import foreign_models as made
from tests.support.foreign_models import small

MIB = 1 << 20
BEGIN = b"\x80\x02}"
"""Of a pickle: an empty dict."""


def put(place: int) -> bytes:
    return pickle.LONG_BINPUT + struct.pack("<I", place)


def get(place: int) -> bytes:
    return pickle.LONG_BINGET + struct.pack("<I", place)


def name(module: str, word: str) -> bytes:
    return f"c{module}\n{word}\n".encode()


def array(shape: tuple[int, ...], dtype: bytes, data: bytes) -> bytes:
    """The opcodes of an array, given those of its dtype and of its bytes."""
    rebuilt = name("numpy.core.multiarray", "_reconstruct") + name("numpy", "ndarray") + small((0,)) + b"C\x01b\x87R"
    return rebuilt + b"(" + small(1) + small(shape) + dtype + small(False) + data + b"tb"


def dtype(code: str, order: str = "<", size: int = -1) -> bytes:
    return (
        name("numpy", "dtype")
        + small((code, False, True))
        + b"R"
        + small((3, order, *[None] * 3, size, size, 0))
        + b"b"
    )


def peak(path: Path) -> int:
    """Most bytes that are allocated while a file is read or refused."""
    tracemalloc.start()
    try:
        files.read_arrays(path)
    except errors.BadInput:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / files.FILE


def test_arrays_of_every_kind_are_read_as_pickle_reads_them(path: Path) -> None:
    draw = np.random.default_rng(0)
    shapes = ((), (1,), (3,), (4, 5), (2, 3, 4), (70, 80))
    codes = ("?", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<f2", "<f4", "<f8", ">f4", ">i8")
    content: dict[str, Any] = {}
    for code, shape in itertools.product(codes, shapes):
        one = draw.integers(0, 100, shape).astype(code)
        content |= {
            f"{code}{shape}": one,
            f"turned {code}{shape}": one.T,
            f"fortran {code}{shape}": np.asfortranarray(one),
        }
    content["tied"] = content["<f4(4, 5)"]
    content["in a tuple"] = ("parameter", content["i1(3,)"])
    for protocol in (2, 3, 4):
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        found, wanted = files.read_arrays(path), pickle.loads(path.read_bytes())
        wanted["in a tuple"] = wanted["in a tuple"][1]
        assert found.keys() == wanted.keys()
        for key, there in wanted.items():
            assert found[key].shape == there.shape and found[key].strides == there.strides, key
            assert found[key].dtype.newbyteorder("=") == there.dtype and np.array_equal(found[key], there), key
        assert found["tied"] is found["<f4(4, 5)"]


def test_pairs_in_a_list_are_read_as_python_2_writes_them(path: Path) -> None:
    one = b"](" + small("a") + array((2,), dtype("f4"), b"C\x08" + struct.pack("<2f", 1, 2)) + b"e"
    path.write_bytes(b"\x80\x02" + name("collections", "OrderedDict") + b"](" + one + b"e\x85R.")
    assert files.read_arrays(path)["a"].tolist() == [1, 2]


def test_large_arrays_are_in_memory_once(path: Path) -> None:
    content = {str(number): np.arange(MIB, dtype=np.float32) for number in range(8)}
    files.write_arrays(content, path)
    assert peak(path) < 1.1 * path.stat().st_size
    path.write_bytes(pickle.dumps(content, protocol=4))
    assert peak(path) < 1.1 * path.stat().st_size


def test_a_dtype_that_changes_after_its_array_is_refused(path: Path) -> None:
    """With numpy's own classes the array then ends far beyond its memory."""
    again = get(7) + small((3, "|", None, None, None, 1000, 1, 0)) + b"b0"
    one = array((1,), dtype("V8", "|", 8) + put(7), b"C\x08" + bytes(8))
    path.write_bytes(BEGIN + small("a") + one + again + b"s.")
    with pytest.raises(errors.BadInput, match="of the dtype `V8`, which is not an array of numbers: refused"):
        files.read_arrays(path)
    again = get(7) + small((3, ">", None, None, None, -1, -1, 0)) + b"b0"
    path.write_bytes(BEGIN + small("a") + array((1,), dtype("f4") + put(7), b"C\x04" + bytes(4)) + again + b"s.")
    with pytest.raises(errors.BadInput, match="not a file of weights"):
        files.read_arrays(path)


@pytest.mark.parametrize(
    "state",
    [
        (3, "<", None, None, None, 1000, 1, 0),
        (3, "<", None, None, None, -1, -1, 63),
        (3, "<", (1, 2), None, None, -1, -1, 0),
        (3, "<", None, ("f",), {"f": 1}, -1, -1, 0),
        (3, "spam", None, None, None, -1, -1, 0),
        (3, "<", None, None, None, -1, -1, 0, {}),
    ],
)
def test_a_dtype_of_its_own_is_refused(path: Path, state: tuple[object, ...]) -> None:
    kind = name("numpy", "dtype") + small(("f4", False, True)) + b"R" + small(state) + b"b"
    path.write_bytes(BEGIN + small("a") + array((1,), kind, b"C\x04" + bytes(4)) + b"s.")
    with pytest.raises(errors.BadInput, match="refused"):
        files.read_arrays(path)


@pytest.mark.parametrize("shape", [(2,), (-1,), (2**40, 2**40), (2**62, 4, 0, 1), (1,) * 40, (1.0,), (True,)])
def test_a_shape_that_is_not_that_of_the_bytes_is_refused(path: Path, shape: tuple[int, ...]) -> None:
    path.write_bytes(BEGIN + small("a") + array(shape, dtype("f4"), b"C\x04" + bytes(4)) + b"s.")
    with pytest.raises(errors.BadInput, match="not a file of weights"):
        files.read_arrays(path)


def test_a_high_place_of_the_memo_takes_no_memory(path: Path) -> None:
    path.write_bytes(BEGIN + put(40_000_000) + b".")
    assert peak(path) < MIB


def many(first: bytes, one: bytes, count: int) -> bytes:
    """A pickle of `count` values made by the same opcodes, after a value whose part is at place 7 of the memo."""
    values = b"".join(small(f"a{number}") + one for number in range(count))
    return BEGIN + b"(" + small("first") + first + values + b"u."


def text_again(count: int) -> bytes:
    text = b"X" + struct.pack("<I", MIB // 2) + b"a" * (MIB // 2) + put(7)
    encode = name("_codecs", "encode")
    one, again = (array((MIB // 2,), dtype("u1"), encode + t + small("latin1") + b"\x86R") for t in (text, get(7)))
    return many(one, again, count)


def bytes_again(count: int) -> bytes:
    data = b"B" + struct.pack("<I", MIB // 2) + bytes(MIB // 2) + put(7)
    one, again = (array((MIB // 8,), dtype("f4", ">"), part) for part in (data, get(7)))
    return many(one, again, count)


def lists_again(count: int) -> bytes:
    return many(b"](" + b"N" * 50_000 + b"e" + put(7), name("__builtin__", "tuple") + get(7) + b"\x85R", count)


def dicts_again(count: int) -> bytes:
    pairs = b"](" + b"".join(b"](" + small(number) + b"Ne" for number in range(20_000)) + b"e" + put(7)
    return many(pairs, name("collections", "OrderedDict") + get(7) + b"\x85R", count)


@pytest.mark.parametrize(
    ("again", "words"),
    [
        (text_again, "makes more bytes of its texts than it has"),
        (bytes_again, None),
        (lists_again, "a list where a tuple must be"),
        (dicts_again, "`first` is not an array of numbers"),
    ],
)
def test_what_a_file_uses_again_and_again_takes_no_more_memory(path: Path, again: Any, words: str | None) -> None:
    path.write_bytes(again(1))
    once = peak(path)
    path.write_bytes(again(200))
    assert peak(path) < 2 * once + MIB
    if words is None:
        assert len(files.read_arrays(path)) == 201
    else:
        with pytest.raises(errors.BadInput, match=words):
            files.read_arrays(path)


BOMB = b"]" * 3_000_000


@pytest.mark.parametrize("form", ["pdparams", "archive", "old"])
def test_a_pickle_of_too_many_operations_is_refused(tmp_path: Path, form: str) -> None:
    file = tmp_path / "bomb"
    file.write_bytes({
        "pdparams": lambda: BEGIN + BOMB + b".",
        "archive": lambda: made.archive({}, pickled=BEGIN + BOMB + b"."),
        "old": lambda: made.old_torch({})[:15] + b"\x80\x02" + BOMB + b".",
    }[form]())  # fmt: skip
    with pytest.raises(errors.BadInput, match="has more than 500,000 operations, weights need fewer: refused"):
        files.read_arrays(file) if form == "pdparams" else torch_files.opened(file)


ENDLESS = small("x") + b"".join(put(number) + get(number) + b"\x86" for number in range(60))
"""The opcodes of a tuple of two tuples of two tuples ..., whose text no memory holds."""


def keyed() -> bytes:
    pickled = made.torch_pickle({"a": np.zeros(3, np.float32)})
    assert pickled.count(small("0")) == 1
    return pickled.replace(small("0"), ENDLESS)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("name", "a tuple where a str must be"),
        ("key", "a tuple where a str must be"),
        ("keys", "its list of storages is not that of its tensors"),
        ("dtype", "a tuple where a str must be"),
    ],
)
def test_values_without_end_are_refused(tmp_path: Path, form: str, words: str) -> None:
    file = tmp_path / "bomb"
    old = made.old_torch({"a": np.zeros(3, np.float32)})
    file.write_bytes({
        "name": lambda: BEGIN + ENDLESS + b"Ns.",
        "key": lambda: made.archive({}, pickled=keyed()),
        "keys": lambda: old.replace(pickle.dumps(["0"], protocol=2), b"\x80\x02]" + ENDLESS + b"a."),
        "dtype": lambda: BEGIN + small("a") + array((1,), name("numpy", "dtype") + ENDLESS + b"R", b"C\x01x") + b"s.",
    }[form]())  # fmt: skip
    with pytest.raises(errors.BadInput, match=words):
        files.read_arrays(file) if form in ("name", "dtype") else torch_files.opened(file)


def test_views_of_storages_are_refused(tmp_path: Path) -> None:
    """Early versions of PyTorch saved a storage that is a part of another with its place in it."""
    plain = made.torch_pickle({"a": np.zeros(3, np.float32)})
    view = small(3) + b"tQ"
    assert plain.count(view) == 1
    for said, words in ((small(None), None), (small(("1", 0, 3)), "is a part of another one, as early")):
        file = tmp_path / "torch"
        file.write_bytes(made.archive({"a": np.zeros(3, np.float32)}, plain.replace(view, small(3) + said + b"tQ")))
        if words is None:
            assert torch_files.opened(file).read("a").tolist() == [0, 0, 0]
        else:
            with pytest.raises(errors.BadInput, match=words):
                torch_files.opened(file)


def test_arrays_that_are_read_cannot_be_written_to(path: Path) -> None:
    """They lie in the bytes of the file, which two of them may share."""
    sink = io.BytesIO()
    files.dump_arrays({"a": np.zeros(1000, np.float32)}, sink)
    path.write_bytes(sink.getvalue())
    with pytest.raises(ValueError, match="read-only"):
        files.read_arrays(path)["a"][0] = 1
