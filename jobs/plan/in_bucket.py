"""The files of an input on S3."""

from collections.abc import Iterator

from ernie_core.keys import flaw
from ernie_core.store import listing
from ernie_core.store.base import Entry
from jobs.plan.on_disk import Finding, FoundFile
from jobs.plan.patterns import WILD, Pattern, cut, hidden
from jobs.spec import paths


def find(url: str) -> Finding:
    """The objects behind `s3://bucket/...`: one, a folder of them, or a pattern. Whatever is wrong with access raises
    an error of the store."""
    found = Finding()
    bucket, _, rest = url.removeprefix("s3://").partition("/")
    parts = list(filter(None, rest.split("/")))
    key = "/".join(parts)
    if rest.strip("/") != key and (entry := listing.first(bucket, rest)) and entry.key == rest:
        _take(found, bucket, "", entry)
        return found
    try:
        fixed, pattern = cut(parts, lambda names: _exists(bucket, "/".join(names)))
    except ValueError as error:
        found.faults.append(str(error))
        return found
    if pattern.names:
        _below(found, bucket, "/".join(fixed), pattern)
        return found
    alone = listing.first(bucket, key) if key and not rest.endswith("/") else None
    alone = alone if alone and alone.key == key else None
    _below(found, bucket, key, pattern)
    if key:
        folder, _, name = key.rpartition("/")
        # a folder taken whole has been known to fingerprints by names that begin with its own, and must be on
        found.files = [_renamed(file, f"{name}/{file.name}", both=alone is not None) for file in found.files]
        if alone:
            _take(found, bucket, folder, alone)
    return found


def _below(found: Finding, bucket: str, folder: str, pattern: Pattern) -> None:
    begin = folder and f"{folder}/"
    literal = WILD.split(pattern.names[0])[0] if pattern.names else ""
    for entry in listing.objects(bucket, begin + literal):
        name = entry.key.removeprefix(begin)
        if entry.key.endswith("/") and not entry.size:
            continue  # a folder as consoles make it, so that it can be seen while it is empty
        if any(pattern.matches(names) for names in _read(name)):
            _take(found, bucket, folder, entry)
        elif any(map(hidden, name.split("/"))):
            found.hidden.append(paths.shown(name))


def _read(name: str) -> Iterator[list[str]]:
    """The parts of a key; also as one who did not see an empty part or a dot in it would read it."""
    parts = name.split("/")
    yield parts
    if len(plain := [part for part in parts if part not in ("", ".", "..")]) < len(parts):
        yield plain


def _take(found: Finding, bucket: str, folder: str, entry: Entry) -> None:
    url, name = f"s3://{bucket}/{entry.key}", entry.key.removeprefix(folder and f"{folder}/")
    if why := flaw(entry.key):
        found.faults.append(
            f"`{paths.shown(url)}` cannot be read as a file: {why}; rename it (aws s3api copy-object), or leave it out "
            "by a pattern"
        )
        return
    found.files.append(FoundFile(name, name, f"{bucket}/{entry.key}", url, entry.size, url, entry.etag))


def _renamed(file: FoundFile, known: str, *, both: bool) -> FoundFile:
    name = known if both else file.name
    return FoundFile(name, known, file.place, file.url, file.size, file.same, file.etag)


def _exists(bucket: str, key: str) -> bool:
    entry = listing.first(bucket, key)
    return entry is not None and (entry.key == key or listing.first(bucket, f"{key}/") is not None)
