"""Artefacts: folders in a store that are whole or absent, because their manifest is written last."""

import re
from collections.abc import Iterator

from ernie_core.errors import BadInput
from ernie_core.store.base import STAGING, Store, check_key, join
from ernie_core.store.fetching import fetch, verify
from ernie_core.store.manifest import MANIFEST, File, Manifest, decode, read
from ernie_core.store.posix import PosixStore
from ernie_core.store.publishing import Carried, publish, staging
from ernie_core.store.sweeping import sweep
from ernie_core.store.transfer import parallel

__all__ = [
    "MANIFEST",
    "Carried",
    "File",
    "Manifest",
    "decode",
    "fetch",
    "find",
    "publish",
    "read",
    "remove",
    "staging",
    "sweep",
    "verify",
]

APART = ("runs", "packages", STAGING)
"""Folders at the root of a store that hold records, not artefacts."""
PARTS = ("piece", "checkpoint")
"""Kinds that lie below the address of the artefact that they are part of the making of."""
_DATA = re.compile(r"data-[0-9a-f]{8}")


def remove(store: Store, address: str) -> None:
    """Take an artefact away: its manifest first, so that what is left of an interrupted removal is no artefact."""
    if not address:
        raise BadInput(f"{store.url}: will not remove a whole store")
    check_key(address)
    manifests = [entry.key for entry in store.list(address) if entry.key.endswith(f"/{MANIFEST}")]
    # checkpoints below the address too, the outermost manifest first
    for key in sorted(manifests, key=lambda key: key.count("/")):
        store.delete(key)
    if isinstance(store, PosixStore):
        store.discard(store.path(address))
    else:
        parallel(store.delete, [entry.key for entry in store.list(address)])


def find(store: Store, prefix: str = "") -> Iterator[tuple[str, Manifest]]:
    """The committed artefacts below a folder with their manifests, in the order of their addresses."""
    for entry in store.list(prefix):
        *folders, name = entry.key.split("/")
        if name != MANIFEST or not folders or folders[0] in APART or any(map(_DATA.fullmatch, folders)):
            continue
        address = join(*folders)
        if manifest := read(store, address):  # None: removed since it was listed
            yield address, manifest
