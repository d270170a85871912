"""The index of packages in a store: the artefact of each name and version."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from ernie_core.errors import BadInput, NotFound, Refused
from ernie_core.store import Store, artefact
from ernie_core.text import json_text
from ernie_core.wording import choice

ROOT = "packages"
FORMAT = 1
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


@dataclass(frozen=True)
class IndexEntry:
    """One version of a package; `created` in UTC."""

    name: str
    version: str
    address: str
    fingerprint: str
    created: str
    scores: Mapping[str, float]


def check_slug(value: str, what: str) -> str:
    """Refuse a name or version that is not safe in paths, URLs and references."""
    if not _SLUG.fullmatch(value):
        raise BadInput(f"{what} `{value}`: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`, a letter or digit first and last")
    return value


def register(
    store: Store, *, name: str, version: str, address: str, fingerprint: str, scores: Mapping[str, float]
) -> IndexEntry:
    """Register the address of a package. Refused if the version is another whole package; repeating it changes nothing.

    Call it before the artefact is committed: until then `resolve` skips the entry, so a crash leaves nothing to pull.
    """
    key = f"{ROOT}/{check_slug(name, 'package name')}/{check_slug(version, 'package version')}.json"
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    entry = IndexEntry(name, version, address, fingerprint, now, dict(scores))
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
    """Why `register` would refuse this version, if it is another whole package already; empty if it is not."""
    if f"{version}.json" not in store.children(f"{ROOT}/{name}"):
        return ""
    there = _read(store, key := f"{ROOT}/{name}/{version}.json")
    if there.fingerprint == fingerprint or artefact.read(store, there.address) is None:
        return ""  # the same, or one that was never finished: it cannot have been pulled
    return (
        f"{name}@{version} is another package already (fingerprint {there.fingerprint[:12]}, this one is "
        f"{fingerprint[:12]}): give this one another version, or remove {store.url}/{key} if that one is not wanted"
    )


def resolve(store: Store, ref: str) -> IndexEntry:
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
        raise NotFound(f"`{ref}` was started but never finished in {store.url}: run its job again")
    return max(whole, key=lambda entry: (entry.created, entry.version))


def entries(store: Store) -> list[IndexEntry]:
    """Every package that can be pulled, by name and time."""
    keys = [f"{ROOT}/{name}/{file}" for name in store.children(ROOT) for file in store.children(f"{ROOT}/{name}")]
    known = [_read(store, key) for key in keys if key.endswith(".json")]
    whole = [entry for entry in known if artefact.read(store, entry.address) is not None]
    return sorted(whole, key=lambda entry: (entry.name, entry.created))


def _read(store: Store, key: str) -> IndexEntry:
    try:
        fields = json_text.parse(store.read(key).decode())
        if fields.pop("format") != FORMAT:
            raise BadInput(f"{store.url}/{key}: another format than {FORMAT}, use a newer version")
        return IndexEntry(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise BadInput(f"{store.url}/{key}: not an entry of the index, remove it and run its job again: {e!r}") from e


def _guess(word: str, known: list[str]) -> str:
    return f", {choice(word, known)}" if known else ", there are none"
