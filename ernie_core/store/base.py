"""What a store is: keys with bytes behind them, on a file system or on S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from ernie_core.errors import BadInput
from ernie_core.progress import Progress, silent

Names = list[str]

STAGING = ".staging"
"""The folder at the root of a POSIX store for what is being written; no listing shows it."""


@dataclass(frozen=True)
class Entry:
    """One object of a store; `etag` only where the store knows one, `modified` in UTC."""

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
        """Write all or nothing, durably; with `create` leave what is there alone and say False."""

    def head(self, key: str) -> Entry | None:
        """What a listing would say of this key."""

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
        or at any time of reading, if the object has not the `etag` that it is expected to have."""

    def upload(self, source: Path, key: str, progress: Progress = silent, *, sha256: str = "") -> None:
        """Write a file of any size, whole or not at all; with `sha256` skip what is there already and equal."""

    def download(self, key: str, target: Path, *, size: int, progress: Progress = silent, sha256: str | None = None,
                 etag: str | None = None) -> None:  # fmt: skip
        """Read a file of any size into `target`, which appears whole; after a crash go on from what `.part` holds.
        BadInput if it is not what `size`, `sha256` and `etag` say."""


def check_etag(entry: Entry, etag: str | None, url: str) -> None:
    """Refuse an object that was replaced since it was given this tag."""
    if etag is not None and entry.etag != etag:
        raise BadInput(f"{url}/{entry.key}: was changed since this was planned (its ETag is another), run again")


def check_key(key: str) -> str:
    """Refuse what cannot be a key on every store, or could lead out of it."""
    if why := flaw(key):
        raise BadInput(f"{key!r} cannot be a key of a store: {why}")
    return key


def flaw(name: str) -> str:
    """Why a name is not a plain relative path; empty if it is one."""
    if not name:
        return "it is empty"
    if any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 or ord(c) in (0xFFFE, 0xFFFF) for c in name
    ):
        return "it has control or undecodable characters"
    if "\\" in name:
        return "it has a backslash"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it must be relative, without empty parts, `.` and `..`"
    if max(len(part.encode()) for part in parts) > 240 or len(name.encode()) > 900:
        return "it is too long"
    return ""


def join(*parts: str) -> str:
    """Keys and folders joined; an empty one is the root."""
    return "/".join(part for part in parts if part)
