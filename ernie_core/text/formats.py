"""How text files are named, packed and opened: `.txt`, `.jsonl` and `.json`, each also as `.gz` and `.zst`."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ernie_core.errors import BadInput

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_NAME = re.compile(r"\.(txt|jsonl|json)(?:\.(gz|zst))?$")
_BLOCK = 1 << 20
_PACKED_BLOCK = 1 << 14
"""Bytes unpacked at once: small, because zstd can make megabytes of each kilobyte."""
_EXAMPLES = 5


@dataclass(frozen=True)
class TextFile:
    """A file to read: its name below the folder, its format `txt`, `jsonl` or `json`, and `gz`, `zst` or nothing."""

    path: Path
    name: str
    format: str
    packing: str


@dataclass(frozen=True)
class Opened:
    """The unpacked bytes of a file; `disk` is the file itself, whose position says how far reading is."""

    file: BinaryIO
    disk: BinaryIO


def find(folder: Path) -> list[TextFile]:
    """Every file below a folder whose name says that it is text, in the order of paths. BadInput if there is none."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    found = [TextFile(folder / name, name, m[1], m[2] or "") for name in names if (m := _NAME.search(name))]
    if not found:
        held = f"holds {', '.join(names[:_EXAMPLES])} ({len(names)} files)" if names else "is empty"
        raise BadInput(
            f"{folder} {held}: no text to read: the suffix says what a file is: *.txt, *.jsonl (JSON lines), *.json "
            f"(one array), or one of these with .gz or .zst"
        )
    return found


@contextmanager
def opened(source: TextFile) -> Iterator[Opened]:
    """A file to read from. BadInput, with the place, if it is packed and damaged or cut off."""
    with source.path.open("rb", buffering=_BLOCK) as disk:
        try:
            yield Opened(_unpacked(source.packing, disk), disk)
        except (EOFError, zlib.error, gzip.BadGzipFile, _Damaged) as e:
            raise BadInput(
                f"{source.name}: damaged at or before byte {disk.tell():,} of {source.path.stat().st_size:,} ({e}): "
                f"fetch the file again, or test it with {'gzip' if source.packing == 'gz' else 'zstd'} -t"
            ) from None


def _unpacked(packing: str, disk: BinaryIO) -> BinaryIO:
    if packing == "gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=disk, mode="rb"), _BLOCK)  # type: ignore[arg-type]
    if packing == "zst":
        return io.BufferedReader(_Zstandard(disk), _BLOCK)
    return disk


class _Damaged(Exception):
    """The bytes are not what zstd wrote."""


class _Zstandard(io.RawIOBase):
    """Frame after frame; unlike the library's own reader it notices where the last one is cut off."""

    def __init__(self, disk: BinaryIO) -> None:
        import zstandard

        super().__init__()
        self._disk, self._unpacker, self._fault = disk, zstandard.ZstdDecompressor(), zstandard.ZstdError
        self._frame = self._unpacker.decompressobj()
        self._packed = self._held = b""
        self._at = 0
        self._begun = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """As many bytes as are at hand; none at the end of the file."""
        while self._at == len(self._held):
            self._packed = self._packed or self._disk.read(_PACKED_BLOCK)
            if not self._packed:
                if self._begun:
                    raise _Damaged("the end is missing")
                return 0
            self._held, self._at = self._unpack(), 0
        view = memoryview(buffer)
        taken = min(len(view), len(self._held) - self._at)
        view[:taken] = self._held[self._at : self._at + taken]
        self._at += taken
        return taken

    def _unpack(self) -> bytes:
        try:
            made = self._frame.decompress(self._packed)
        except self._fault as e:
            raise _Damaged(str(e)) from None
        self._begun, self._packed = not self._frame.eof, self._frame.unused_data
        if self._frame.eof:
            self._frame = self._unpacker.decompressobj()
        return made
