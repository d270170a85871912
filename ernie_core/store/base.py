"""What a store is: keys with bytes behind them, on a file system or on S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from ernie_core.errors import BadInput
from ernie_core.keys import flaw
from ernie_core.progress import Progress, silent

Names = list[str]

STAGING = ".staging"
"""The folder at the root of a POSIX store for what is being written; no listing shows it."""


@dataclass(frozen=True)
class Entry:
    """One object of a store: `size` in bytes, `etag` only where the store has one, `modified` in UTC."""

    key: str
    size: int
    etag: str | None
    modified: datetime


class Store(Protocol):
    """A place for bytes under keys like `segment/5f3a/MANIFEST.json`; a prefix is a whole folder of them."""

    @property
    def url(self) -> str:
        """Absolute and canonical: `open_store(store.url)` opens the same store from anywhere."""

    def get(self, key: str) -> bytes | None:
        """The bytes, or None without such a key."""

    def read(self, key: str) -> bytes:
        """The bytes; NotFound without such a key."""

    def write(self, key: str, data: bytes, *, create: bool = False) -> bool:
        """Write all or nothing, durably; with `create` an existing object is not replaced, and False is returned."""

    def head(self, key: str) -> Entry | None:
        """The entry of this key as `list` returns it; None without such a key."""

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Everything below a folder, sorted by key; pointers are entries, what they name is not listed twice."""

    def children(self, prefix: str = "") -> Names:
        """The names directly in a folder, of folders and of files alike, sorted."""

    def delete(self, key: str) -> None:
        """Make sure that there is no such key."""

    def path(self, key: str) -> Path | None:
        """Where the key is on a file system; None if the store has none."""

    def open(self, key: str, at: int = 0, *, etag: str | None = None) -> BinaryIO:
        """The bytes from `at` on, to be read once from there to the end; NotFound without such a key. BadInput, then
        or at any time while reading, if the object's ETag is not `etag`."""

    def upload(self, source: Path, key: str, progress: Progress = silent, *, sha256: str = "") -> None:
        """Write a file of any size, whole or not at all; with `sha256` an equal object is not written again."""

    def download(self, key: str, target: Path, *, size: int, progress: Progress = silent, sha256: str | None = None,
                 etag: str | None = None) -> None:  # fmt: skip
        """Read a file of any size into `target`, which appears whole; after a crash it resumes from `.part`.
        BadInput if it is not what `size`, `sha256` and `etag` say."""


def check_etag(entry: Entry, etag: str | None, url: str) -> None:
    """Refuse an object that was replaced since it had this ETag."""
    if etag is not None and entry.etag != etag:
        raise BadInput(f"{url}/{entry.key}: changed since it was planned (its ETag differs); run again")


def check_key(key: str) -> str:
    """Refuse what cannot be a key on every store, or could escape from it."""
    if why := flaw(key):
        raise BadInput(f"{key!r} cannot be a key of a store: {why}")
    return key


def join(*parts: str) -> str:
    """Keys and folders joined; an empty one is the root."""
    return "/".join(part for part in parts if part)
