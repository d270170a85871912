"""Damaged and hostile checkpoints: one clear refusal each, nothing of them is run, and no model is left behind."""

import io
import json
import os
import pickle
import random
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ernie_core import errors
from ernie_core.model import arrays as files
from ernie_core.model import foreign
from tests.support import foreign_models as made

CONFIG = made.CONFIG
GOOD = made.bert(CONFIG)
NAME = "bert.pooler.dense.bias"
PLAIN = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


class Shell:
    """What a pickle that runs a command holds."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def safetensors(arrays: made.Arrays) -> dict[str, bytes]:
    return {"model.safetensors": made.safetensors(arrays)}


def torch(**changes: Any) -> dict[str, bytes]:
    return {"pytorch_model.bin": made.archive(GOOD, **changes)}


def header(entries: dict[str, Any] | bytes, data: bytes = bytes(8), length: int | None = None) -> dict[str, bytes]:
    return {"model.safetensors": made.raw(entries, data, length)}


def changed(name: str, array: np.ndarray | None) -> made.Arrays:
    kept = {key: value for key, value in GOOD.items() if key != name}
    return kept if array is None else kept | {name: array}


def spoiled(value: float) -> np.ndarray:
    array = GOOD[NAME].copy()
    array[3] = value
    return array


def compressed() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("m/data.pkl", made.torch_pickle(GOOD))
        file.writestr("m/data/0", bytes(10**8))
    return sink.getvalue()


def overlapping() -> bytes:
    """An archive that says twice that the same bytes are an entry, as bombs without compression do."""
    good = made.archive({"a": np.zeros(1000, np.float32)})
    end = good.rindex(b"PK\x05\x06")
    count, size, begin = struct.unpack_from("<HII", good, end + 10)
    entries = good[begin:end]
    last = entries[entries.rindex(b"PK\x01\x02") :]
    more = b"".join(last.replace(b"m/data/0", b"m/data/%d" % number) for number in range(1, 9))
    tail = good[end : end + 8] + struct.pack("<HHII", count + 8, count + 8, size + len(more), begin) + good[end + 20 :]
    return good[:end] + more + tail


def twice() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        for name in ("m/data.pkl", "m/data.pkx"):
            file.writestr(name, made.torch_pickle(GOOD))
    return sink.getvalue().replace(b"data.pkx", b"data.pkl")


def index(where: dict[str, str]) -> dict[str, bytes]:
    return {"model.safetensors.index.json": json.dumps({"weight_map": where}).encode(), **safetensors(GOOD)}


BOMB = b'{"a":' * 100_000

CASES: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "truncated tensors": (lambda: {"model.safetensors": made.safetensors(GOOD)[:-100]}, "is truncated: its tensors"),
    "truncated archive": (lambda: {"pytorch_model.bin": made.archive(GOOD)[:-100]}, "truncated, or not a file of"),
    "truncated old file": (lambda: {"pytorch_model.bin": made.old_torch(GOOD)[:-100]}, "the file ends at .* truncated"),
    "empty file": (lambda: {"model.safetensors": b""}, "in a file of 0: truncated"),
    "wrong shape": (
        lambda: safetensors(changed(NAME, np.zeros(31, np.float32))),
        r"shape: bert.pooler.dense.bias is \[31\], the config says \[32\]",
    ),
    "extra parameter": (
        lambda: safetensors(changed("bert.encoder.layer.2.output.dense.bias", np.zeros(32, np.float32))),
        r"unexpected: bert.encoder.layer.2.output.dense.bias \[32\]",
    ),
    "unknown parameter": (lambda: safetensors(changed("spam", np.zeros(1, np.float32))), r"unexpected: spam \[1\]"),
    "missing parameter": (lambda: safetensors(changed(NAME, None)), r"missing: pooler.dense.bias \[32\]"),
    "NaN": (lambda: safetensors(changed(NAME, spoiled(np.nan))), "has 1 numbers of 32 that are NaN or infinite"),
    "infinity": (lambda: safetensors(changed(NAME, spoiled(-np.inf))), "has 1 numbers of 32 that are NaN or infinite"),
    "integers": (
        lambda: torch(pickled=made.torch_pickle(GOOD).replace(b"FloatStorage", b"IntStorage", 1)),
        "is of int32, weights are of floats",
    ),
    "path out of an archive": (lambda: torch(more={"m/../../evil": b"x"}), "leads out of the archive: refused"),
    "absolute path in an archive": (lambda: torch(more={"/etc/evil": b"x"}), "leads out of the archive: refused"),
    "path out of an index": (lambda: index({NAME: "../../etc/passwd"}), "names the file `../../etc/passwd`: refused"),
    "absolute path in an index": (lambda: index({NAME: "/etc/passwd"}), "names the file `/etc/passwd`: refused"),
    "missing shard": (lambda: index({NAME: "b.safetensors"}), "no such file, model.safetensors.index.json names it"),
    "shard without the tensor": (lambda: index({"x": "a.safetensors"}), "is in a file, but not in the index"),
    "zip bomb": (lambda: {"pytorch_model.bin": compressed()}, "is compressed or encrypted, would grow to"),
    "overlapping entries": (lambda: {"pytorch_model.bin": overlapping()}, "they overlap, refused"),
    "entries of one name": (lambda: {"pytorch_model.bin": twice()}, "two entries of the archive have one name"),
    "JSON bomb": (lambda: header(BOMB), "damaged JSON"),
    "names twice in a header": (
        lambda: header(b'{"a":' + json.dumps(PLAIN).encode() + b',"a":' + json.dumps(PLAIN).encode() + b"}"),
        "`a` stands there twice",
    ),
    "names twice in a pickle": (
        lambda: torch(pickled=made.torch_pickle(GOOD, made.small(NAME) + made.stored("0", 32, (32,)))),
        "`bert.pooler.dense.bias` stands there twice",
    ),
    "endless header": (lambda: header({"a": PLAIN}, length=2**60), "claims a header of 1,152,921,504,606,846,976"),
    "overlapping tensors": (lambda: header({"a": PLAIN, "b": PLAIN}), "`b` overlaps another tensor"),
    "tensors beyond the file": (
        lambda: header({"a": PLAIN | {"data_offsets": [8, 16]}}),
        "8 bytes before `a` belong to no tensor",
    ),
    "endless tensor": (
        lambda: header({"a": PLAIN | {"shape": [2**40, 2**40], "data_offsets": [0, 2**82]}}),
        "is truncated",
    ),
    "negative shape": (lambda: header({"a": PLAIN | {"shape": [-1, -2]}}), "the header is damaged"),
    "shape that is not numbers": (lambda: header({"a": PLAIN | {"shape": ["2"]}}), "the header is damaged"),
    "unknown dtype": (lambda: header({"a": PLAIN | {"dtype": "PyObject"}}), "of dtype `PyObject`, which cannot be"),
    "dtype of objects": (lambda: objects(), "is not an array of numbers"),
    "tensor larger than its storage": (
        lambda: torch(pickled=made.torch_pickle(GOOD, made.small("x") + made.stored("0", 8, (2**40, 2**40)))),
        "has a tensor of shape",
    ),
    "storage larger than its file": (
        lambda: torch(pickled=made.torch_pickle(GOOD, made.small("x") + made.stored("0", 2**50, (2**50,)))),
        "its pickle says",
    ),
    "unknown storage": (
        lambda: torch(pickled=made.torch_pickle(GOOD).replace(b"FloatStorage", b"QUInt8Storage", 1)),
        "has numbers of `QUInt8Storage`, which cannot be read",
    ),
    "names that are numbers": (
        lambda: {files.FILE: pickle.dumps({1: np.zeros(3, np.float32)}, protocol=4)},
        "`1` is not an array of numbers",
    ),
    "array claimed without numbers": (lambda: claimed(), "without its numbers: refused"),
    "bytes claimed without bytes": (
        lambda: {files.FILE: b"\x80\x04}(\x8c\x01a\x8e" + (2**60).to_bytes(8, "little")},
        "truncated, or not a file of weights",
    ),
}  # fmt: skip


def objects() -> dict[str, bytes]:
    return {files.FILE: pickle.dumps({"encoder": np.array([None, "x"], dtype=object)}, protocol=4)}


def claimed() -> dict[str, bytes]:
    array = pickle.dumps({"a": np.zeros(3, np.float32)}, protocol=2)
    return {files.FILE: array.replace(b"K\x00\x85", b"J\xff\xff\xff\x7f\x85", 1)}


def refused(folder: Path, out: Path) -> str:
    """The message of a refusal, after which there is no model."""
    out.mkdir(exist_ok=True)
    with pytest.raises((errors.BadInput, errors.NotFound)) as wrong:
        foreign.convert(folder, out)
    assert not list(out.glob("model_state*")) and not (out / "config.json").exists()
    return str(wrong.value)


def laid(folder: Path, content: dict[str, bytes]) -> Path:
    made.folder(folder, CONFIG, {})
    (folder / "model.safetensors").unlink()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    if "model.safetensors.index.json" in content:
        (folder / "model.safetensors").rename(folder / "a.safetensors")
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    content, words = CASES[case]
    text = refused(laid(tmp_path / "bad", content()), tmp_path / "out")
    assert "\n" not in text and str(tmp_path / "bad") in text
    assert re.search(words, text), text


@pytest.mark.parametrize("form", ["pdparams", "archive", "old", "data.pkl"])
def test_a_pickle_with_code_runs_nothing(tmp_path: Path, form: str) -> None:
    sentinel = tmp_path / "sentinel"
    evil = pickle.dumps({"a": Shell(f"touch {sentinel}")}, protocol=2)
    content = {
        "pdparams": lambda: {files.FILE: evil},
        "archive": lambda: torch(pickled=evil),
        "old": lambda: {"pytorch_model.bin": made.old_torch({})[:15] + evil + evil + evil + evil},
        "data.pkl": lambda: torch(pickled=made.torch_pickle(GOOD, evil[2:-1])),
    }[form]()
    text = refused(laid(tmp_path / "bad", content), tmp_path / "out")
    assert ("system" in text and "refused" in text) or "damaged pickle" in text
    assert not sentinel.exists()
    pickle.loads(evil)
    assert sentinel.exists(), "the code would have run"


@pytest.mark.parametrize("form", ["safetensors", "archive", "old", "pdparams"])
def test_no_damage_is_more_than_a_refusal(tmp_path: Path, form: str) -> None:
    """Bytes changed, removed and doubled at random: a model or a refusal, and never another error."""
    small = {name: GOOD[name] for name in list(GOOD)[:6]}
    sink = io.BytesIO()
    files.dump_arrays(small, sink)
    name, good = {
        "safetensors": ("model.safetensors", made.safetensors(small)),
        "archive": ("pytorch_model.bin", made.archive(small)),
        "old": ("pytorch_model.bin", made.old_torch(small)),
        "pdparams": (files.FILE, sink.getvalue()),
    }[form]
    folder = laid(tmp_path / "bad", {name: good})
    draw = random.Random(form)
    for _ in range(200):
        data = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(min(len(data), 3000)) if draw.random() < 0.8 else draw.randrange(len(data))
            match draw.randrange(4):
                case 0:
                    data[place] = draw.randrange(256)
                case 1:
                    del data[place : place + draw.randrange(1, 50)]
                case 2:
                    data[place:place] = data[place : place + draw.randrange(1, 50)]
                case _:
                    del data[place:]
            if not data:
                break
        (folder / name).write_bytes(bytes(data))
        assert refused(folder, tmp_path / "out")
