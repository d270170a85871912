"""The store: artefacts that are whole or absent, on a file system or on S3; importing it loads no client library."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from ernie_core.errors import BadInput
from ernie_core.store import artefact, digests
from ernie_core.store.base import Entry, Store
from ernie_core.store.manifest import File, Manifest
from ernie_core.store.pointers import point, pointed
from ernie_core.store.posix import PosixStore
from ernie_core.store.s3 import S3Store

__all__ = ["Entry", "File", "Manifest", "Store", "artefact", "digests", "impatient", "open_store", "point", "pointed"]


def open_store(url: str | Path, *, patience: float = 0.0) -> Store:
    """The store at a path, at `file:///path` or at `s3://bucket/prefix`; touches neither disk nor network.

    `patience`: seconds for which an object store may not answer before that is an error.
    """
    if isinstance(url, Path) or "://" not in url:
        if not str(url):
            raise BadInput("the store is empty, give a folder or s3://bucket/prefix")
        try:
            return PosixStore(Path(os.path.abspath(Path(url).expanduser())))
        except RuntimeError as error:
            raise BadInput(f"{url}: there is no such home directory here, write the full path") from error
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return PosixStore(Path(os.path.abspath(os.fsdecode(unquote_to_bytes(parts.path)))))
    if parts.scheme == "s3" and parts.netloc and not parts.username:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        return S3Store(bucket, prefix.strip("/"), patience)
    raise BadInput(
        f"{parts.scheme}://{parts.hostname or ''}: not a store, give a folder, file:///path or s3://bucket/prefix"
    )


def impatient(store: Store) -> Store:
    """The same store without retries: it fails at once if it is unreachable."""
    return S3Store(store.bucket, store.prefix) if isinstance(store, S3Store) and store.patience else store
