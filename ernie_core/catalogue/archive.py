"""Files out of an archive: the wanted ones alone, under our names, of checked size; nothing else is ever written."""

import bz2
import contextlib
import errno
import gzip
import hashlib
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from ernie_core.catalogue.entries import Member
from ernie_core.errors import BadInput
from ernie_core.progress import Progress, silent
from ernie_core.store import disk
from ernie_core.wording import shorten

EXPANSION, SPARE = 100, 64 << 20
"""Most bytes that may come out of one byte of an archive, and bytes that may come out of any: text packs to a tenth."""
BLOCK = 1 << 20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
            ValueError, OverflowError, NotImplementedError, RuntimeError)  # fmt: skip
"""RuntimeError is zipfile's word for a file with a password."""
_PACKED: tuple[tuple[bytes, Callable[[Path], Any]], ...] = (
    (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)
)  # fmt: skip
"""How a packed tar file begins, and what opens it."""
_Opened = tuple[str, Callable[[], IO[bytes]]]


def unpack(path: Path, members: Sequence[Member], folder: Path, progress: Progress = silent) -> None:
    """Write the members of a zip or tar file to `folder`. BadInput for a damaged archive, a link, a missing or an
    ambiguous member, a wrong digest, or more bytes than such an archive can hold."""
    room, found = EXPANSION * path.stat().st_size + SPARE, dict[str, str]()
    with disk.explained(folder), _explained(path):
        reading = _of_zip if zipfile.is_zipfile(path) else _of_tar
        for name, open_ in reading(path, members, room):
            for member in _matching(name, members):
                if member.name in found:
                    both = f"{shorten(found[member.name])} and {shorten(name)}"
                    raise BadInput(f"{path.name}: has {both}, which of them is meant?")
                found[member.name] = name
                with open_() as source:
                    room -= _write(path, member, source, folder / member.name, room)
                progress(len(found), len(members), "files", doing=f"unpack {path.name}")
    if missing := [member.path for member in members if member.name not in found]:
        raise BadInput(f"{path.name}: has no {', '.join(missing[:3])}: it is another archive than the catalogue names")


def _matching(name: str, members: Sequence[Member]) -> list[Member]:
    """An archive may have all its files in one more folder."""
    if "__MACOSX" in name.split("/"):
        return []
    return [m for m in members if name.removeprefix("./") == m.path or name.endswith(f"/{m.path}")]


def _of_zip(path: Path, members: Sequence[Member], room: int) -> Iterator[_Opened]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith("/") or not _matching(info.filename, members):
                continue
            if info.external_attr >> 28 == 0xA:
                raise BadInput(f"{path.name}: {shorten(info.filename)} is a link, not a file: it is not followed")
            yield info.filename, lambda info=info: archive.open(info)  # type: ignore[misc]


def _of_tar(path: Path, members: Sequence[Member], room: int) -> Iterator[_Opened]:
    with _opened(path) as source:
        bounded = _Bounded(source, path, room)
        with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:") as archive:
            while info := archive.next():
                archive.members.clear()  # type: ignore[attr-defined]  # else all of them stay in memory
                if info.offset_data + info.size > room:
                    raise _bomb(path)
                if info.isdir() or not _matching(info.name, members):
                    continue
                if not info.isreg():
                    said = f"{path.name}: {shorten(info.name)} is a link or a device, not a file"
                    raise BadInput(f"{said}: it is not followed")
                yield info.name, lambda info=info: _extracted(archive, info)  # type: ignore[misc]
        while bounded.read(BLOCK):  # its checksum is at the end, and damage may look like the end of the files
            pass


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as source:
        start = source.read(6)
    found = [open_ for begins, open_ in _PACKED if start.startswith(begins)]
    return cast(IO[bytes], found[0](path)) if found else path.open("rb")


class _Bounded:
    """What tarfile reads from: it reads a header at once, however long that says it is."""

    def __init__(self, source: IO[bytes], path: Path, room: int) -> None:
        self.source, self.path, self.room = source, path, room
        self.tell = source.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= BLOCK:
            raise BadInput(f"{self.path.name}: has a header of {size:,} bytes, which no data have: it is not unpacked")
        if self.tell() > self.room:
            raise _bomb(self.path)
        return self.source.read(size)

    def seek(self, position: int) -> int:
        if position > self.room:
            raise _bomb(self.path)
        return self.source.seek(position)


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    source = archive.extractfile(info)
    assert source is not None  # a regular file
    return source


def _write(path: Path, member: Member, source: IO[bytes], target: Path, room: int) -> int:
    """The bytes that were written."""
    done, state = 0, hashlib.md5(usedforsecurity=False)
    with target.open("xb") as out:
        while block := source.read(BLOCK):
            done += len(block)
            if done > room:
                raise _bomb(path)
            state.update(block)
            out.write(block)
    if member.md5 and state.hexdigest() != member.md5:
        raise BadInput(f"{path.name}: {member.path} has the md5 {state.hexdigest()} instead of {member.md5}: it is "
                       "another file than the catalogue names")  # fmt: skip
    return done


def _bomb(path: Path) -> BadInput:
    return BadInput(
        f"{path.name}: unpacks to more than {EXPANSION} times its size, which no data do: it is not unpacked"
    )


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # of the disk, not of the content
            raise
        said = shorten(str(error) or type(error).__name__, 200)
        if isinstance(error, NotImplementedError) or "password" in said:
            raise BadInput(f"{path.name}: is packed in a way that cannot be read ({said})") from error
        raise BadInput(f"{path.name}: is no whole zip or tar file ({said}): bring it again") from error
