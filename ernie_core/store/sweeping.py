"""Cleaning up after killed writers: only what no manifest and no pointer names, and only when it is old."""

import re
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from ernie_core.store import disk
from ernie_core.store.base import STAGING, Entry, Store
from ernie_core.store.manifest import MANIFEST, read
from ernie_core.store.posix import PosixStore
from ernie_core.store.s3 import S3Store
from ernie_core.store.transfer import parallel

_DATA = re.compile(r"(?P<address>.+)/(?P<data>data-[0-9a-f]{8})/.+")
_OPEN = re.compile(r"(?P<address>.+)/\.uncommitted")
_PIECE = re.compile(r"(?P<whole>.+)/piece-\d+/.+")


def sweep(store: Store, *, older_than: float) -> list[str]:
    """Remove leftovers whose newest file is older than so many seconds; returns what was removed."""
    limit = datetime.fromtimestamp(time.time() - older_than, timezone.utc)
    removed = []
    if isinstance(store, PosixStore):
        removed = _sweep_staging(store, limit)
    elif isinstance(store, S3Store):
        removed = store.abandoned(limit)
    entries = [entry for entry in store.list() if entry.key.split("/")[0] not in ("runs", "packages")]
    removed += _sweep_pieces(store, entries, limit)
    for folder in sorted(_leftovers(entries)):
        inside = [entry for entry in entries if entry.key.startswith(f"{folder}/")]
        if max(entry.modified for entry in inside) > limit or _named(store, folder, entries):
            continue
        if isinstance(store, PosixStore):
            place = store.path(folder)
            if _changed(place) > limit:
                continue
            store.discard(place)
        else:
            parallel(store.delete, [entry.key for entry in inside])
        removed.append(folder)
    return removed


def _sweep_pieces(store: Store, entries: Iterable[Entry], limit: datetime) -> list[str]:
    """Pieces of artefacts that were committed, by a process that was killed before it removed them."""
    manifests = {entry.key for entry in entries if entry.key.endswith(f"/{MANIFEST}") and entry.modified <= limit}
    removed = []
    for key in sorted(manifests):
        if (match := _PIECE.fullmatch(key)) and f"{match['whole']}/{MANIFEST}" in manifests:
            store.delete(key)  # no manifest names its data folder then
            removed.append(key.removesuffix(f"/{MANIFEST}"))
    return removed


def _leftovers(entries: Iterable[Entry]) -> set[str]:
    """Folders that a killed writer may have left: data folders, and unfinished checkpoints on S3."""
    found = set()
    for entry in entries:
        if match := _DATA.fullmatch(entry.key):
            found.add(f"{match['address']}/{match['data']}")
        elif match := _OPEN.fullmatch(entry.key):
            found.add(match["address"])
    return found


def _named(store: Store, folder: str, entries: Iterable[Entry]) -> bool:
    """Whether a manifest or a pointer names the folder; read from the store now, since `entries` are older."""
    address, _, name = folder.rpartition("/")
    if read(store, folder) is not None:
        return True
    if _DATA.fullmatch(f"{folder}/x") and (manifest := read(store, address)) and manifest.data == name:
        return True
    for entry in entries:
        place, _, last = entry.key.rpartition("/")
        if place == address and last != MANIFEST and entry.size <= 256 and _says(store, entry.key) == name:
            return True
    return False


def _says(store: Store, key: str) -> str | None:
    path = store.path(key)
    if path is not None:
        return path.readlink().name if path.is_symlink() else None
    data = store.get(key)
    return None if data is None else data.decode("utf-8", "replace").strip()


def _sweep_staging(store: PosixStore, limit: datetime) -> list[str]:
    removed = []
    root = store.root / STAGING
    with disk.explained(root):
        for place in sorted(root.iterdir()) if root.is_dir() else ():
            if max(map(_changed, [place, *place.rglob("*")])) <= limit:
                store.discard(place)
                removed.append(f"{STAGING}/{place.name}")
    return removed


def _changed(path: Path) -> datetime:
    """When a file or folder last changed, was renamed or linked."""
    try:
        stat = path.lstat()
    except FileNotFoundError:
        return datetime.now(timezone.utc)  # being moved right now
    return datetime.fromtimestamp(max(stat.st_mtime, stat.st_ctime), timezone.utc)
