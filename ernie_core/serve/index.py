"""The index of packages in a store: a name and a version -> the artefact to pull."""

import difflib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from ernie_core.errors import BadInput, NotFound, Refused
from ernie_core.progress import Progress, silent
from ernie_core.serve.package import check_slug
from ernie_core.store import Manifest, Store, artefact, digests

ROOT = "packages"
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One version of a package; `created` in UTC."""

    name: str
    version: str
    address: str
    fingerprint: str
    created: str
    scores: Mapping[str, float]


def register(
    store: Store, *, name: str, version: str, address: str, fingerprint: str, scores: Mapping[str, float]
) -> Entry:
    """Say where a package will be. Refused if the version is another whole package; the same again changes nothing.

    Written before the artefact is committed: until then `resolve` passes over it, so a crash leaves nothing to pull.
    """
    key = f"{ROOT}/{check_slug(name, 'package name')}/{check_slug(version, 'package version')}.json"
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    entry = Entry(name, version, address, fingerprint, now, dict(scores))
    text = json.dumps({"format": FORMAT, **asdict(entry)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if store.write(key, text.encode(), create=True):
        return entry
    if taken := clash(store, name, version, fingerprint):
        raise Refused(taken)
    there = _read(store, key)
    if there.fingerprint != fingerprint:
        store.write(key, text.encode())
        return entry
    return there


def clash(store: Store, name: str, version: str, fingerprint: str) -> str:
    """Why `register` would refuse this version: it is another whole package already. Empty if it would not."""
    if f"{version}.json" not in store.children(f"{ROOT}/{name}"):
        return ""
    there = _read(store, key := f"{ROOT}/{name}/{version}.json")
    if there.fingerprint == fingerprint or artefact.read(store, there.address) is None:
        return ""  # the same, or one that was begun and never finished: nobody can have pulled it
    return (
        f"{name}@{version} is another package already (fingerprint {there.fingerprint[:12]}, this one is "
        f"{fingerprint[:12]}): give this one another version, or remove {store.url}/{key} if that one is not wanted"
    )


def resolve(store: Store, ref: str) -> Entry:
    """The entry of `NAME@VERSION`, or the newest version of `NAME`, among those whose artefact is committed."""
    name, at, version = ref.partition("@")
    if at and not version:
        raise BadInput(f"`{ref}`: write NAME or NAME@VERSION")
    names = store.children(ROOT)
    if name not in names:
        raise NotFound(f"no package `{name}` in {store.url}{_guess(name, names)}")
    known = [file.removesuffix(".json") for file in store.children(f"{ROOT}/{name}") if file.endswith(".json")]
    if version and version not in known:
        raise NotFound(f"no version `{version}` of `{name}` in {store.url}{_guess(version, known)}")
    entries = [_read(store, f"{ROOT}/{name}/{v}.json") for v in ([version] if version else known)]
    whole = [entry for entry in entries if artefact.read(store, entry.address) is not None]
    if not whole:
        raise NotFound(f"`{ref}` was begun but never finished in {store.url}: run its job again")
    return max(whole, key=lambda entry: (entry.created, entry.version))


def entries(store: Store) -> list[Entry]:
    """Every package that can be pulled, by name and time."""
    keys = [f"{ROOT}/{name}/{file}" for name in store.children(ROOT) for file in store.children(f"{ROOT}/{name}")]
    known = [_read(store, key) for key in keys if key.endswith(".json")]
    whole = [entry for entry in known if artefact.read(store, entry.address) is not None]
    return sorted(whole, key=lambda entry: (entry.name, entry.created))


def pull(
    store: Store, ref: str, into: Path, *, verify: bool = True, force: bool = False, progress: Progress = silent
) -> Path:
    """Copy a package to the folder `into`, which appears whole; `verify` checks the digest of every file.

    A folder that holds the package already stays as it is; one that holds anything else is refused unless `force`.
    """
    entry = resolve(store, ref)
    manifest = artefact.read(store, entry.address)
    if manifest is None:
        raise NotFound(f"{store.url}/{entry.address}: `{ref}` was removed just now, look again")
    into, name = Path(os.path.abspath(into)), f"{entry.name}@{entry.version}"
    if os.path.lexists(into) and not _empty(into):
        if _same(into, manifest):
            return into
        if not force:
            raise Refused(f"{into} holds something else than {name}: choose another folder, or force")
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as beside:
        fresh = Path(beside) / "new"
        fresh.mkdir()
        _download(store, entry.address, manifest, fresh, verify, progress)
        if os.path.lexists(into) and not _empty(into):
            os.rename(into, Path(beside) / "old")
        os.rename(fresh, into)
    return into


def _download(store: Store, address: str, manifest: Manifest, folder: Path, verify: bool, progress: Progress) -> None:
    done = 0
    for file in manifest.files:
        key = "/".join(part for part in (address, manifest.data, file.name) if part)
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        store.download(key, target, size=file.size, sha256=file.sha256 if verify else None)
        done += file.size
        progress(done, manifest.size, "B")


def _same(folder: Path, manifest: Manifest) -> bool:
    if not folder.is_dir():
        return False
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    return there.keys() == {file.name for file in manifest.files} and all(
        there[f.name].stat().st_size == f.size and digests.sha256(there[f.name]) == f.sha256 for f in manifest.files
    )


def _empty(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _read(store: Store, key: str) -> Entry:
    try:
        said = json.loads(store.read(key))
        if said.pop("format") != FORMAT:
            raise BadInput(f"{store.url}/{key}: another format than {FORMAT}, use a newer version")
        return Entry(**said)
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise BadInput(f"{store.url}/{key}: not an entry of the index, remove it and run its job again: {e!r}") from e


def _guess(word: str, known: list[str]) -> str:
    if near := difflib.get_close_matches(word, known, n=1):
        return f", did you mean `{near[0]}`?"
    return f", there are: {', '.join(known)}" if known else ", there are none"
