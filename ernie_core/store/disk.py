"""Durable operations on a file system: nothing half-written is ever visible, nothing visible is lost by a power cut."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ernie_core.errors import Denied, Error, Full, Unreachable
from ernie_core.progress import Progress, silent

BLOCK = 8 << 20


def write(path: Path, data: bytes) -> None:
    """Write a new file and force it to disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def copy(source: Path, target: Path, progress: Progress = silent) -> None:
    """Copy a file and force the copy to disk."""
    done, size = 0, source.stat().st_size
    with source.open("rb") as old, target.open("xb", buffering=0) as new:
        while block := old.read(BLOCK):
            view = memoryview(block)
            while view:
                view = view[new.write(view) :]
            done += len(block)
            progress(done, size, "B")
        os.fsync(new.fileno())


def make(folder: Path) -> Path:
    """Create a folder and its parents, durably."""
    if not folder.is_dir():
        make(folder.parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            sync(folder.parent)
    return folder


def move(source: Path, target: Path, *, create: bool = False) -> bool:
    """Move a finished file or folder to its place by one rename; with `create` an existing one stays, and the result is
    False."""
    for last in (False, False, False, False, True):
        make(target.parent)
        try:
            if create and not _link(source, target):
                return False
            if not create:
                os.rename(source, target)
            break
        except FileNotFoundError:
            # another process may have pruned the empty parent between the two steps
            if last or not os.path.lexists(source):
                raise
    sync(target.parent)
    return True


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prune(folder: Path, root: Path) -> None:
    """Remove a folder and its parents up to the root as long as they are empty: stores have no empty folders."""
    while folder != root and root in folder.parents:
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = folder.parent


@contextlib.contextmanager
def explained(place: Path, needs: int | None = None) -> Iterator[None]:
    """Turn errors of the file system into this project's; `needs` is the number of bytes to be written."""
    try:
        yield
    except OSError as error:
        where = error.filename or place
        if is_full(error):
            raise full(Path(place), needs, error.errno or errno.ENOSPC) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Denied(
                f"{where}: {_say(error)}; check owner and mode of the folder, and how it is mounted"
            ) from error
        if error.errno in (errno.ESTALE, errno.ETIMEDOUT, errno.EIO, errno.ENOTCONN, errno.EHOSTDOWN):
            raise Unreachable(f"{where}: {_say(error)}; check the disk or the mount, then run again") from error
        raise Error(f"{where}: {_say(error)}") from error


def is_full(error: OSError) -> bool:
    """Whether there was no space: on the disk, in its table of inodes, or in a quota."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def full(place: Path, needs: int | None, number: int = errno.ENOSPC) -> Full:
    """The error of a full disk, with the bytes needed and free; `number` is the system's errno."""
    while not place.exists() and place != place.parent:
        place = place.parent
    wish = "needs more space" if needs is None else f"needs {needs} bytes"
    if number == errno.EDQUOT:
        return Full(f"disk full: {place} {wish}, but the quota is used up; free some space, or raise it, and run again")
    stat, free = os.statvfs(place), shutil.disk_usage(place).free
    if stat.f_files and not stat.f_favail:
        return Full(
            f"disk full: {place} can hold no more files: all {stat.f_files} inodes are used, although {free} bytes are"
            " free; remove files and run again"
        )
    return Full(f"disk full: {place} {wish}, {free} free; free some space and run again")


def _say(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _link(source: Path, target: Path) -> bool:
    """Create `target` unless it exists; only a hard link is atomic between hosts on NFS too."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        # no hard links here (FAT, some FUSE): a race then ends with the later manifest, and what each of two
        # manifests names is content-addressed and whole
        if os.path.lexists(target):
            return False
        os.rename(source, target)
    return True
