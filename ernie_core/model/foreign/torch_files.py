"""Files of PyTorch, `pytorch_model.bin`: an archive with a pickle and one file for each storage, or their older form.

An archive is not unpacked: its entries are stored, not compressed, and are read in place, so that nothing can grow.
"""

import io
import re
import struct
import zipfile
import zlib
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.model.arrays import widened
from ernie_core.model.foreign.tensors import Tensors
from ernie_core.model.foreign.torch_pickle import DTYPES, Machine, Storage, Stored, key_of
from ernie_core.wording import shorten

FILE, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"

_MOST = 16 << 20
"""Most bytes of the pickle: names and shapes of some thousand tensors."""
_OLD = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
"""How a file of PyTorch before 1.6 begins: a pickle of its magic number."""
_OLDEST = 1001
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    KeyError,
)
"""What Python's reader of archives raises for damaged ones."""


class _Torch(Tensors):
    """The tensors of a file whose pickle has been read."""

    def __init__(self, path: Path, content: Any) -> None:
        super().__init__(path)
        if not isinstance(content, dict):
            raise BadInput(f"{path}: contains a {type(content).__name__}, not named tensors")
        for name, stored in content.items():
            if not isinstance(name, str) or not isinstance(stored, Stored):
                raise BadInput(f"{path}: `{shorten(name)}` is no tensor but a {type(stored).__name__}: "
                               "save the weights alone (`state_dict()`), or as safetensors")  # fmt: skip
        self._stored: dict[str, Stored] = content
        self.shapes = {name: stored.shape for name, stored in content.items()}

    @abstractmethod
    def bytes_of(self, storage: Storage, begin: int, count: int) -> bytes:
        """Bytes of a storage from `begin` on."""

    def load(self, name: str) -> np.ndarray:
        stored = self._stored[name]
        dtype = np.dtype(DTYPES[stored.storage.kind])
        raw = self.bytes_of(stored.storage, stored.offset * dtype.itemsize, stored.span * dtype.itemsize)
        if len(raw) != stored.span * dtype.itemsize:
            raise BadInput(f"{self.path}: `{shorten(name)}` ends early: truncated, fetch the file again")
        row = np.frombuffer(raw, dtype)
        if not row.size:
            return np.zeros(stored.shape, np.float32)
        # The machine has checked that shape and strides stay within the storage.
        strides = tuple(stride * dtype.itemsize for stride in stored.strides)
        array = np.lib.stride_tricks.as_strided(row, stored.shape, strides, writeable=False)
        return widened(array) if stored.storage.kind == "BFloat16Storage" else array


class TorchArchive(_Torch):
    """A file of PyTorch since 1.6. BadInput, before any tensor is read, if it is not what PyTorch writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as e:
            raise BadInput(f"{path}: truncated, or not a file of PyTorch: {shorten(e)}: fetch it again") from None
        self._root = self._check(path.stat().st_size)
        order = self._part("byteorder", 0, 100) if f"{self._root}/byteorder" in self._sizes else b"little"
        if order != b"little":
            raise BadInput(f"{path}: has numbers in the order of bytes `{shorten(order)}`: save it as safetensors")
        super().__init__(path, _named(path, Machine(io.BytesIO(self._part("data.pkl", 0, _MOST)))))
        for stored in self._stored.values():
            wanted = stored.storage.count * np.dtype(DTYPES[stored.storage.kind]).itemsize
            found = self._sizes.get(f"{self._root}/data/{stored.storage.key}")
            if found != wanted:
                raise BadInput(f"{path}: storage `{shorten(stored.storage.key)}` has {found or 0:,} bytes, its pickle "
                               f"says {wanted:,}: truncated, fetch the file again")  # fmt: skip

    def bytes_of(self, storage: Storage, begin: int, count: int) -> bytes:
        return self._part(f"data/{storage.key}", begin, count)

    def _part(self, name: str, begin: int, count: int) -> bytes:
        try:
            with self._zip.open(f"{self._root}/{name}") as entry:
                entry.seek(begin)
                return entry.read(count)
        except _BROKEN as e:
            raise BadInput(
                f"{self.path}: entry `{shorten(name)}` is damaged: {shorten(e)}: fetch the file again"
            ) from None

    def _check(self, size: int) -> str:
        """Refuse entries that PyTorch does not write; the folder that all of them are in."""
        entries = self._zip.infolist()
        self._sizes = {entry.filename: entry.file_size for entry in entries}
        if len(self._sizes) < len(entries):
            raise BadInput(f"{self.path}: two entries of the archive have one name: refused, fetch it again")
        for entry in entries:
            if not 0 <= entry.header_offset < size:
                raise BadInput(f"{self.path}: entry `{shorten(entry.filename)}` is not within the file: fetch it again")
            parts = entry.filename.split("/")
            if ".." in parts or entry.filename.startswith("/") or "\\" in entry.filename or ":" in entry.filename:
                raise BadInput(f"{self.path}: has an entry `{shorten(entry.filename)}`, which leads out of the "
                               "archive: refused")  # fmt: skip
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                raise BadInput(f"{self.path}: entry `{shorten(entry.filename)}` is compressed or encrypted, would "
                               f"grow to {entry.file_size:,} bytes: refused, PyTorch compresses nothing")  # fmt: skip
        if (total := sum(self._sizes.values())) > size:
            raise BadInput(
                f"{self.path}: its entries have {total:,} bytes in a file of {size:,}: they overlap, refused"
            )
        pickles = [name for name in self._sizes if re.fullmatch(r"[^/]+/data\.pkl", name)]
        if len(pickles) != 1:
            raise BadInput(f"{self.path}: has {len(pickles)} pickles of weights, not one: not a file of PyTorch's save")
        root = pickles[0].split("/")[0]
        if f"{root}/constants.pkl" in self._sizes:
            raise BadInput(f"{self.path}: is a program (TorchScript), not weights: save the weights as safetensors")
        if self._sizes[pickles[0]] > _MOST:
            raise BadInput(f"{self.path}: its pickle has {self._sizes[pickles[0]]:,} bytes, at most {_MOST:,} are read")
        return root


class TorchOldFile(_Torch):
    """A file of PyTorch before 1.6: four pickles, a list of storages, then the storages, each after its length."""

    def __init__(self, path: Path) -> None:
        size = path.stat().st_size
        self._begin: dict[str, int] = {}
        with path.open("rb") as f:
            f.seek(len(_OLD))
            version, system, content, keys = (_named(path, Machine(f)) for _ in range(4))
            if version != _OLDEST or not isinstance(system, dict) or system.get("little_endian") is not True:
                raise BadInput(f"{path}: an old file of PyTorch in a form that cannot be read: save it as safetensors")
            super().__init__(path, content)
            storages = {stored.storage.key: stored.storage for stored in self._stored.values()}
            if any(stored.storage != storages[stored.storage.key] for stored in self._stored.values()):
                raise BadInput(f"{path}: describes one storage in two ways: fetch the file again")
            order = _keys(keys)
            if set(order) != storages.keys() or len(order) != len(storages):
                raise BadInput(f"{path}: its list of storages is not that of its tensors: fetch the file again")
            at = f.tell()
            for key in order:
                storage = storages[key]
                f.seek(at)
                count, width = int.from_bytes(f.read(8), "little"), np.dtype(DTYPES[storage.kind]).itemsize
                self._begin[key], at = at + 8, at + 8 + storage.count * width
                if count != storage.count or at > size:
                    raise BadInput(f"{path}: storage `{shorten(key)}` has {count:,} numbers, its pickle says "
                                   f"{storage.count:,}, and the file ends at {size:,}: truncated")  # fmt: skip

    def bytes_of(self, storage: Storage, begin: int, count: int) -> bytes:
        with self.path.open("rb") as f:
            f.seek(self._begin[storage.key] + begin)
            return f.read(count)


def _keys(said: Any) -> list[str]:
    """The keys in a list of storages; none if it is no such list."""
    try:
        return [key_of(key) for key in said] if isinstance(said, list) else []
    except ValueError:
        return []


def opened(path: Path) -> Tensors:
    """The tensors of a file of PyTorch, of either form."""
    with path.open("rb") as f:
        begins = f.read(len(_OLD))
    return TorchOldFile(path) if begins == _OLD else TorchArchive(path)


def _named(path: Path, machine: Machine) -> Any:
    try:
        return machine.value()
    except BadInput as e:
        raise BadInput(f"{path}: {e}") from None
