"""Pointers such as `model_last`: a key that names another one, replaced atomically."""

import os
import shutil
from typing import cast

from ernie_core.errors import BadInput
from ernie_core.keys import flaw
from ernie_core.store import disk
from ernie_core.store.base import Store, check_key
from ernie_core.store.posix import PosixStore


def point(store: Store, key: str, name: str) -> None:
    """Point `key` to its neighbour `name`: a relative symlink on a file system, a small object on S3."""
    if "/" in name or flaw(name):
        raise BadInput(f"{store.url}/{key}: a pointer names a neighbour in the same folder, not {name!r}")
    place = store.path(check_key(key))
    if place is None:
        store.write(key, f"{name}\n".encode())
        return
    with disk.explained(place):
        if place.is_dir() and not place.is_symlink():
            raise BadInput(f"{place}: there is a folder where the pointer to {name} should be; move it away")
        folder = cast(PosixStore, store).stage()
        os.symlink(name, folder / "pointer")
        disk.move(folder / "pointer", place)
        shutil.rmtree(folder)


def pointed(store: Store, key: str) -> str | None:
    """The name that a pointer holds; None without a pointer. The caller checks whether that key exists."""
    place = store.path(check_key(key))
    if place is None:
        data = store.get(key)
        name = None if data is None else data.decode("utf-8", "replace").strip()
    else:
        with disk.explained(place):
            name = os.readlink(place) if place.is_symlink() else None
    if name is not None and ("/" in name or flaw(name)):
        raise BadInput(f"{store.url}/{key}: not a pointer to a neighbour but {name[:80]!r}; remove it")
    return name
