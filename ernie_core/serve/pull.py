"""Fetching a package into a folder of any kind: whole, and resuming where a killed pull stopped."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ernie_core.errors import NotFound, Refused
from ernie_core.progress import Progress, silent
from ernie_core.serve import index
from ernie_core.store import Manifest, Store, artefact, digests, disk
from ernie_core.wording import listed

AT_WORK = ".kfp-pull"
"""Folder that files are fetched into; it is removed after the pull, and that of a killed pull is reused."""
_NAMES = "names.json"
_NOBODYS = {AT_WORK, "lost+found"}
"""Names that do not count in an empty folder: the second is at the root of every ext file system."""


def pull(
    store: Store, ref: str, into: Path, *, verify: bool = True, force: bool = False, progress: Progress = silent
) -> Path:
    """Copy a package to the folder `into`; `verify` checks the digest of every file.

    A new folder appears whole. An existing one, which may be a mounted volume, the current folder or the target of a
    link, is filled once everything is fetched. One with the package already is not changed; one with anything else is
    refused, with the names, unless `force` is set, and is not changed before everything is fetched.
    """
    entry = index.resolve(store, ref)
    manifest = artefact.read(store, entry.address)
    if manifest is None:
        raise NotFound(f"{store.url}/{entry.address}: `{ref}` was removed just now, try again")
    asked = Path(os.path.abspath(into))
    place = Path(os.path.realpath(into))  # a link stays, its target is filled
    with disk.explained(place, manifest.size):
        if os.path.lexists(place) and not place.is_dir() and not force:
            raise Refused(f"{place} is a file, not a folder: choose another name for {entry.name}@{entry.version}")
        if place.is_dir() and not (place / AT_WORK).exists() and _same(place, manifest):
            return asked
        _check(place, f"{entry.name}@{entry.version}", manifest, force)
        beside = None if place.is_dir() else place.parent
        work = place.parent / f"{AT_WORK}.{place.name}" if beside else place / AT_WORK
        with _working(work) as at:
            if place.is_dir() and _same(place, manifest):  # made by a pull that this one waited for
                return asked
            _download(store, entry.address, manifest, at, verify, progress)
            if beside:
                _appear(at, place)
            else:
                _fill(at, place, manifest)
    return asked


def _check(place: Path, name: str, manifest: Manifest, force: bool) -> None:
    """Refused if a folder contains other files, which must not be replaced."""
    if not place.is_dir() or force:
        return
    begun = _tops(_begun(place / AT_WORK))
    others = sorted(path.name for path in _held(place) if path.name not in begun)
    if others:
        held = listed(others, 5, 200)
        raise Refused(
            f"{place} contains other files than {name}: {held}: choose another folder, or replace them with --force"
        )


@contextlib.contextmanager
def _working(work: Path) -> Iterator[Path]:
    """A folder to fetch into, for one pull at a time; removed on failure too, since a full disk needs the space."""
    handle = _held_alone(work)
    try:
        new = work / "new"
        new.mkdir(exist_ok=True)
        yield new
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(handle)


def _held_alone(work: Path) -> int:
    """Make and lock the folder; again if an earlier pull, which held the lock, has removed it."""
    while True:
        work.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(work, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)  # the kernel releases the lock of a killed pull
            if work.exists() and os.path.samestat(os.fstat(handle), work.stat()):
                return handle
            os.close(handle)


def _download(store: Store, address: str, manifest: Manifest, folder: Path, verify: bool, progress: Progress) -> None:
    done, names = 0, {file.name for file in manifest.files}
    for path in [path for path in folder.rglob("*") if not path.is_dir()]:
        if path.relative_to(folder).as_posix() not in names:  # of another version, or part of a file
            path.unlink()
    for file in manifest.files:
        key = "/".join(part for part in (address, manifest.data, file.name) if part)
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not _is(target, file.size, file.sha256):  # else a killed pull has fetched it
            target.unlink(missing_ok=True)
            store.download(key, target, size=file.size, sha256=file.sha256 if verify else None)
        done += file.size
        progress(done, manifest.size, "B")


def _appear(fresh: Path, place: Path) -> None:
    """Move the folder to its place by one rename, replacing a file there."""
    if os.path.lexists(place) and not place.is_dir():
        place.unlink()
    os.rename(fresh, place)


def _fill(fresh: Path, place: Path, manifest: Manifest) -> None:
    """Move everything into an existing folder, since a mount point or a current folder cannot be replaced.

    Old files are removed last, so a kill leaves old or new files, or both. The names of the new files are recorded
    first, so that the next pull recognises them.
    """
    names = [file.name for file in manifest.files]
    disk.write(fresh.parent / f".{_NAMES}.{os.getpid()}", json.dumps(names).encode())
    os.replace(fresh.parent / f".{_NAMES}.{os.getpid()}", fresh.parent / _NAMES)
    old = [path for path in _held(place) if path.name not in _tops(names)]
    for name in names:
        target = place / name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        for folder in reversed(target.relative_to(place).parents[:-1]):
            if (place / folder).is_symlink() or (place / folder).is_file():
                (place / folder).unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh / name, target)
    wanted = {place / name for name in names}
    inside = [p for top in _tops(names) for p in (place / top).rglob("*") if p.is_file() and p not in wanted]
    for path in (*old, *inside):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _held(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name not in _NOBODYS]


def _tops(names: list[str]) -> set[str]:
    return {name.partition("/")[0] for name in names}


def _begun(work: Path) -> list[str]:
    """The names that a killed pull recorded before it moved them into the folder."""
    try:
        names = json.loads((work / _NAMES).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return [str(name) for name in names]


def _same(folder: Path, manifest: Manifest) -> bool:
    files = [p for top in _held(folder) for p in (top, *top.rglob("*")) if not p.is_dir()]
    there = {path.relative_to(folder).as_posix(): path for path in files}
    return there.keys() == {file.name for file in manifest.files} and all(
        _is(there[f.name], f.size, f.sha256) for f in manifest.files
    )


def _is(path: Path, size: int, sha256: str) -> bool:
    return path.is_file() and path.stat().st_size == size and digests.sha256(path) == sha256
