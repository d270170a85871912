"""Files of token ids, written as a stream in constant memory.

`npy` is `PREFIX_ids.npy` (all ids concatenated, uint16 or int32) and `PREFIX_idx.npz`: `lens` (int32, tokens of each
sentence) and `docs` (int64, document d has the sentences docs[d]:docs[d+1]). `mmap` is PaddleNLP's later pair of
`PREFIX.bin`, the same ids without a header, and `PREFIX.idx`: counts, lens, byte offsets of the sentences, docs.
"""

import itertools
import shutil
import struct
import tempfile
import zipfile
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ernie_core.errors import BadInput
from ernie_core.text.ids.kernel import Encoded, is_wide

IMPLS = ("npy", "mmap")
_MAGIC = b"MMIDIDX\0\0"
_UINT16, _INT32 = 8, 4
"""Codes of the types of ids in `.idx`."""
_BUFFER = 1 << 20


def dtype(ids: int) -> str:
    """The type for this many different ids: readers support uint16 and int32."""
    return "int32" if is_wide(ids) else "uint16"


@contextmanager
def open_writer(prefix: Path, data_impl: str, *, wide: bool) -> Iterator["IdsWriter"]:
    """A writer of the files that begin with `prefix`; they are complete after the block, absent without ids."""
    if data_impl not in IMPLS:
        raise BadInput(f"data_impl `{data_impl}` is not known, choose one of {', '.join(IMPLS)}")
    path = prefix.with_name(prefix.name + ("_ids.npy" if data_impl == "npy" else ".bin"))
    with ExitStack() as opened:
        file = opened.enter_context(path.open("wb"))
        # Lengths and documents go into one file, one after the other: until the end they are in unnamed files.
        lens, docs = (opened.enter_context(tempfile.TemporaryFile(dir=prefix.parent)) for _ in range(2))
        writer = IdsWriter(file, lens, docs, wide=wide, headed=data_impl == "npy")
        yield writer
        writer.finish()
        if not writer.tokens:
            path.unlink()
        elif data_impl == "npy":
            _write_npz(prefix.with_name(f"{prefix.name}_idx.npz"), writer)
        else:
            _write_idx(prefix.with_name(f"{prefix.name}.idx"), writer)


class IdsWriter:
    """Writes ids in the order of the calls."""

    def __init__(self, file: IO[bytes], lens: IO[bytes], docs: IO[bytes], *, wide: bool, headed: bool) -> None:
        self.wide, self.lens, self.docs = wide, lens, docs
        self.tokens = self.sentences = self.documents = 0
        self._file, self._headed = file, headed
        docs.write(bytes(8))
        if headed:
            _write_header(file, self._kind, 0)

    def write(self, encoded: Encoded) -> None:
        """Append documents."""
        ends = array("q", itertools.accumulate(memoryview(encoded.docs).cast("q"), initial=self.sentences))[1:]
        self._file.write(encoded.ids)
        self.lens.write(encoded.lens)
        self.docs.write(ends.tobytes())
        self.tokens += len(encoded.ids) // self.width
        self.sentences += len(encoded.lens) // 4
        self.documents += len(ends)

    @property
    def width(self) -> int:
        """Number of bytes of an id."""
        return 4 if self.wide else 2

    def finish(self) -> None:
        """Write the final length to the header, which has padding for it."""
        if self._headed:
            self._file.seek(0)
            _write_header(self._file, self._kind, self.tokens)
        self._file.flush()

    @property
    def _kind(self) -> str:
        return "<i4" if self.wide else "<u2"


def _write_header(file: IO[bytes], kind: str, length: int) -> None:
    """Write the header of a `.npy` file: padded to 64 bytes, with room for a length of 21 digits, as in NumPy."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({length},), }}" + " " * (21 - len(str(length)))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode())


def _write_npz(path: Path, writer: IdsWriter) -> None:
    """What np.savez writes, byte for byte, from arrays that are never in memory."""
    arrays = (("lens", writer.lens, "<i4", writer.sentences), ("docs", writer.docs, "<i8", writer.documents + 1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data, kind, length in arrays:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                _write_header(file, kind, length)
                _copy(data, file)


def _write_idx(path: Path, writer: IdsWriter) -> None:
    with path.open("wb") as file:
        counts = (1, _INT32 if writer.wide else _UINT16, writer.sentences, writer.documents + 1)
        file.write(_MAGIC + struct.pack("<QBQQ", *counts))
        _copy(writer.lens, file)
        _write_offsets(writer.lens, writer.width, file)
        _copy(writer.docs, file)


def _write_offsets(lens: IO[bytes], width: int, file: IO[bytes]) -> None:
    offset = 0
    lens.seek(0)
    while chunk := lens.read(_BUFFER):
        sizes = (width * length for length in memoryview(chunk).cast("i"))
        starts = array("q", itertools.accumulate(sizes, initial=offset))
        offset = starts.pop()
        file.write(starts.tobytes())


def _copy(data: IO[bytes], file: IO[bytes]) -> None:
    data.seek(0)
    shutil.copyfileobj(data, file, _BUFFER)
