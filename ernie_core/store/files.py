"""Files to read from wherever they lie: a disk, or a store as a stream."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ernie_core.errors import BadInput, NotFound
from ernie_core.store.base import Store, join
from ernie_core.store.fetching import DIGESTS, problems
from ernie_core.store.manifest import File, read
from ernie_core.store.posix import opened


@dataclass(frozen=True)
class StoredFile:
    """A file: its name as a relative path, its bytes, and how to read them."""

    name: str
    size: int
    opener: Callable[[int], BinaryIO]

    def open(self, at: int = 0) -> BinaryIO:
        """The bytes from `at` on, to be read once from there to the end; a context manager."""
        return self.opener(at)


def below(folder: Path) -> list[StoredFile]:
    """Every file below a folder, sorted by name."""
    found = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return [StoredFile(name, path.stat().st_size, lambda at, path=path: opened(path, at)) for name, path in found]  # type: ignore[misc]


def of(store: Store, key: str, name: str, size: int) -> StoredFile:
    """One file of a store. BadInput when it is opened and has another size by then."""

    def open_(at: int) -> BinaryIO:
        found = store.head(key)
        if found is None or found.size != size:
            has = "gone" if found is None else f"of {found.size} bytes"
            raise BadInput(f"{store.url}/{key}: was of {size} bytes when this was planned, is {has}: run again")
        return store.open(key, at)

    return StoredFile(name, size, open_)


def of_artefact(store: Store, address: str, cache: Path, remedy: str = "") -> list[StoredFile]:
    """The files of an artefact, sorted by name; `remedy` says how to make it again.

    On a file system each is verified when it is first opened, which `cache` remembers; from S3 comes what has the size
    that the manifest says, or an error.
    """
    remedy = remedy or f"delete {address} from the store and run again"
    manifest = read(store, address)
    if manifest is None:
        raise NotFound(f"{store.url}/{address}: no artefact here, nothing is committed; run the step that makes it")

    def file(row: File) -> StoredFile:
        far = of(store, join(address, manifest.data, row.name), row.name, row.size)
        folder = store.path(join(address, manifest.data))

        def open_(at: int) -> BinaryIO:
            for problem in problems(folder, manifest, (row,), cache / DIGESTS) if folder else ():
                raise BadInput(f"{problem}; {remedy}")
            return far.open(at)

        return StoredFile(row.name, row.size, open_)

    return [file(row) for row in sorted(manifest.files, key=lambda row: row.name)]
