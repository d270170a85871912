"""Names, compression and opening of text files: `.txt`, `.jsonl` and `.json`, each also as `.gz` and `.zst`."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile
from ernie_core.text import lines

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_NAME = re.compile(r"\.(txt|jsonl|json)(?:\.(gz|zst))?$")
_BLOCK = 1 << 20
_PACKED_BLOCK = 1 << 14
"""Bytes decompressed at once: few, because zstd can expand each kilobyte to megabytes."""
_EXAMPLES = 5
_BEGINNINGS = {"gz": re.compile(rb"\x1f\x8b"), "zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")}
_PACKER = {"gz": "gzip", "zst": "zstd"}


@dataclass(frozen=True)
class TextFile:
    """A file to read, its format `txt`, `jsonl` or `json`, and its compression `gz`, `zst` or empty."""

    file: StoredFile
    format: str
    packing: str

    @property
    def name(self) -> str:
        """Path relative to its folder."""
        return self.file.name

    @property
    def divisible(self) -> bool:
        """Whether reading may begin within it: in an array nothing shows whether an offset is inside a string."""
        return not self.packing and self.format != "json"


@dataclass(frozen=True)
class Opened:
    """The decompressed bytes of a file, and the stored ones, whose `taken` is the progress of reading."""

    file: io.BufferedReader
    packed: "_Window"


def recognise(file: StoredFile) -> TextFile | None:
    """The format of a file, by its name; None if it is not a text file."""
    match = _NAME.search(file.name)
    return TextFile(file, match[1], match[2] or "") if match else None


def find(files: Sequence[StoredFile]) -> list[TextFile]:
    """The text files, in their order. BadInput if there is none."""
    sources = [source for file in files if (source := recognise(file))]
    if not sources:
        names = ", ".join(file.name for file in files[:_EXAMPLES])
        held = f"there are {names} ({len(files)} files)" if files else "the folder is empty"
        raise BadInput(
            f"no text to read, {held}: the suffix says what a file is: *.txt, *.jsonl (JSON lines), *.json "
            f"(one array), or one of these with .gz or .zst"
        )
    return sources


@contextmanager
def opened(source: TextFile, begin: int = 0, end: int | None = None) -> Iterator[Opened]:
    """The bytes begin:end of a file, decompressed. BadInput if it is compressed and damaged, or in UTF-16."""
    size = source.file.size
    with source.file.open(begin) as stream:
        packed = _Window(stream, (size if end is None else end) - begin)
        try:
            file = _unpacked(source, io.BufferedReader(packed, _BLOCK))
            if begin == 0:
                lines.check(file.peek(lines.SAMPLE)[: lines.SAMPLE], source.name)
            yield Opened(file, packed)
        except (EOFError, zlib.error, gzip.BadGzipFile, _Damaged) as e:
            raise BadInput(
                f"{source.name}: damaged at or before byte {packed.taken:,} of {size:,} ({e}): "
                f"fetch the file again, or test it with {_PACKER[source.packing]} -t"
            ) from None


def _unpacked(source: TextFile, packed: io.BufferedReader) -> io.BufferedReader:
    if not source.packing:
        return packed
    _check_packed(source, packed.peek(4)[:4])
    if source.packing == "gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=packed, mode="rb"), _BLOCK)  # type: ignore[arg-type]
    return io.BufferedReader(_Zstandard(packed), _BLOCK)


def _check_packed(source: TextFile, begins: bytes) -> None:
    """BadInput if it is not a compressed file: even an empty one has more than 0 bytes."""
    packer = _PACKER[source.packing]
    if not begins:
        raise BadInput(f"{source.name}: 0 bytes, which is not a {packer} file: fetch it again, or remove it")
    if not _BEGINNINGS[source.packing].match(begins):
        raise BadInput(
            f"{source.name}: begins with {begins.hex(' ')}, so it is not a {packer} file: fetch it again, or "
            f"remove .{source.packing} from its name if it is not compressed"
        )


class _Window(io.RawIOBase):
    """The next `size` bytes of a stream, which may return fewer at a time than requested."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        super().__init__()
        self._stream, self._size = stream, size
        self.taken = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read some bytes; 0 at the end."""
        view = memoryview(buffer)
        read = self._stream.read(min(len(view), self._size - self.taken))
        view[: len(read)] = read
        self.taken += len(read)
        return len(read)


class _Damaged(Exception):
    """The bytes are not valid zstd data."""


class _Zstandard(io.RawIOBase):
    """Reads frame after frame; unlike the library's own reader it detects a truncated last frame."""

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
        """Read some bytes; 0 at the end of the file."""
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
