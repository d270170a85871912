"""Reading an artefact: its own folder on a file system, a verified copy in a cache from S3."""

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.progress import Progress, silent
from ernie_core.store import digests, disk
from ernie_core.store.base import Store, join
from ernie_core.store.manifest import MANIFEST, OPEN, File, Manifest, read
from ernie_core.store.transfer import SharedProgress, big_first
from ernie_core.wording import choice, shorten

DIGESTS = "digests.sqlite"


def fetch(
    store: Store,
    address: str,
    cache: Path,
    *,
    names: Collection[str] | None = None,
    verify: bool = True,
    progress: Progress = silent,
) -> Path:
    """A folder with exactly the files of the artefact, or those of `names`; it must not be changed.

    NotFound if nothing is committed at the address, BadInput if a file is missing or damaged.
    """
    manifest = read(store, address)
    if manifest is None:
        raise NotFound(f"{store.url}/{address}: no artefact here; run the step that makes it")
    files = _chosen(manifest, address, names)
    place = store.path(join(address, manifest.data))
    remembered = cache / DIGESTS
    if place is not None:
        found = problems(place, manifest, files, remembered if verify else None, progress, deep=verify)
        with disk.explained(place):
            for problem in found:
                raise BadInput(f"{problem}; {_remedy(address)}")
        return place
    with disk.explained(cache):
        return _download(store, address, manifest, files, cache, verify, progress)


def verify(store: Store, address: str) -> list[str]:
    """Problems of an artefact, found by reading every byte; empty if it is sound."""
    manifest = read(store, address)
    if manifest is None:
        return [f"{store.url}/{address}: nothing is committed here"]
    place = store.path(join(address, manifest.data))
    if place is not None:
        with disk.explained(place):
            return list(problems(place, manifest))
    found = list(_listed(store, address, manifest, manifest.files, strict=True))
    prefix = join(address, manifest.data)
    sizes = {entry.key: entry.size for entry in store.list(prefix)}
    for file in manifest.files:
        key = join(prefix, file.name)
        if sizes.get(key) == file.size and (digest := _streamed(store, key)) != file.sha256:
            found.append(_tampered(f"{store.url}/{key}", file, digest))
    return found


def problems(
    place: Path,
    manifest: Manifest,
    files: tuple[File, ...] | None = None,
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    deep: bool = True,
) -> Iterator[str]:
    """Problems of the files of an artefact on a file system; `deep` hashes them too."""
    chosen = manifest.files if files is None else files
    done, total = 0, sum(file.size for file in chosen)
    for file in chosen:
        path = place / file.name
        if not path.is_file():
            yield _missing(str(path), file)
        elif (size := path.stat().st_size) != file.size:
            yield _resized(str(path), file, size)
        elif deep and (digest := digests.sha256(path, cache)) != file.sha256:
            yield _tampered(str(path), file, digest)
        done += file.size
        progress(done, total, "B", doing="check")
    if chosen == manifest.files:
        known = {file.name for file in manifest.files} | ({MANIFEST} if not manifest.data else set())
        for path in sorted(place.rglob("*")):
            if not path.is_dir() and path.relative_to(place).as_posix() not in known:
                yield _extra(str(path))


def _chosen(manifest: Manifest, address: str, names: Collection[str] | None) -> tuple[File, ...]:
    if names is None:
        return manifest.files
    table = {file.name: file for file in manifest.files}
    for name in names:
        if name not in table:
            raise BadInput(f"{address} has no file `{shorten(name)}`, {choice(name, table)}")
    return tuple(table[name] for name in sorted(set(names)))


def _download(
    store: Store, address: str, manifest: Manifest, files: tuple[File, ...], cache: Path, deep: bool, progress: Progress
) -> Path:
    """Download to a folder named by its content: equal artefacts share it, a second process waits for the first."""
    chosen = Manifest(manifest.kind, "data", files, {})
    target, part = cache / chosen.digest, cache / f"{chosen.digest}.partial"
    disk.make(cache)
    with (cache / f"{chosen.digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            if not any(problems(target, chosen, cache=cache / DIGESTS, deep=deep)):
                return target
            shutil.rmtree(target)  # it is only a copy
        for problem in _listed(store, address, manifest, files, strict=files == manifest.files):
            raise BadInput(f"{problem}; {_remedy(address)}")
        missing = [file for file in files if not _here(part / file.name, file)]
        free, needs = shutil.disk_usage(cache).free, sum(file.size for file in missing) - _used(part)
        if needs > free:
            raise disk.full(cache, needs)
        total = SharedProgress(progress, sum(file.size for file in missing), doing="download")

        def get(file: File) -> None:
            key = join(address, manifest.data, file.name)
            sha256 = file.sha256 if deep else None
            store.download(key, part / file.name, size=file.size, progress=total.part(), sha256=sha256)

        with _advised(address):
            big_first(get, missing)
        for path in sorted(part.rglob("*")):
            if path.is_file() and path.relative_to(part).as_posix() not in {file.name for file in files}:
                path.unlink()
        disk.move(part, target)
        return target


def _here(path: Path, file: File) -> bool:
    """Whether an earlier, interrupted fetch finished this file: a finished one appears by a rename."""
    return path.is_file() and path.stat().st_size == file.size and digests.sha256(path) == file.sha256


def _used(part: Path) -> int:
    return sum(p.stat().st_blocks * 512 for p in part.rglob("*.part")) if part.is_dir() else 0


def _listed(store: Store, address: str, manifest: Manifest, files: tuple[File, ...], *, strict: bool) -> Iterator[str]:
    """Problems that a listing alone shows."""
    prefix = join(address, manifest.data)
    sizes = {entry.key.removeprefix(f"{prefix}/"): entry.size for entry in store.list(prefix)}
    for file in files:
        size = sizes.pop(file.name, None)
        if size is None:
            yield _missing(f"{store.url}/{prefix}/{file.name}", file)
        elif size != file.size:
            yield _resized(f"{store.url}/{prefix}/{file.name}", file, size)
    if strict:
        for name in sorted(sizes):
            if manifest.data or name not in (MANIFEST, OPEN):
                yield _extra(f"{store.url}/{prefix}/{name}")


def _streamed(store: Store, key: str) -> str:
    digest = hashlib.sha256()
    with store.open(key) as file:
        while block := file.read(disk.BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _advised(address: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{error}; {_remedy(address)}") from error


def _missing(place: str, file: File) -> str:
    return f"{place}: missing, expected {file.size} bytes"


def _resized(place: str, file: File, size: int) -> str:
    return f"{place}: truncated or replaced, expected {file.size} bytes, found {size}"


def _tampered(place: str, file: File, digest: str) -> str:
    return f"{place}: tampered or damaged, expected sha256 {file.sha256}, found {digest}"


def _extra(place: str) -> str:
    return f"{place}: an extra file that the manifest does not name"


def _remedy(address: str) -> str:
    return f"delete {address} from the store and run again"
