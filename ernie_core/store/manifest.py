"""Manifests: the files of an artefact with sizes and digests, and its provenance."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ernie_core.errors import BadInput
from ernie_core.keys import flaw
from ernie_core.store.base import Store, check_key, join

FORMAT = 1
MANIFEST = "MANIFEST.json"
OPEN = ".uncommitted"
"""Object beside the files of a checkpoint on S3 until its manifest exists, by which a sweep recognises leftovers."""
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """One file of an artefact: a relative path with `/`, its size in bytes, and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """An artefact; `data` is the folder of its files below the address, empty if they are beside the manifest."""

    kind: str
    data: str
    files: tuple[File, ...]
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the sorted table of files: equal digests are equal artefacts."""
        rows = sorted(f"{file.name}\0{file.size}\0{file.sha256}\n" for file in self.files)
        return hashlib.sha256("".join(rows).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def read(store: Store, address: str) -> Manifest | None:
    """The manifest at an address; None if nothing is committed there."""
    key = join(check_key(address), MANIFEST)
    data = store.get(key)
    return None if data is None else decode(data, f"{store.url}/{key}")


def encode(manifest: Manifest) -> bytes:
    """A manifest as bytes; equal manifests are equal bytes. BadInput if `info` is not plain JSON values."""
    files = [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in sorted(manifest.files, key=lambda f: f.name)]
    content = {
        "format": FORMAT,
        "kind": manifest.kind,
        "data": manifest.data,
        "files": files,
        "info": dict(manifest.info),
    }
    try:
        text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
    except (TypeError, ValueError) as error:
        raise BadInput(f"the facts about a {manifest.kind} artefact are not plain JSON values: {error}") from error


def decode(data: bytes, place: str) -> Manifest:
    """Parse a manifest, with every value checked; `place` is for messages. BadInput if it is damaged."""
    try:
        content = json.loads(data)
    except ValueError as error:
        raise _torn(place, f"not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise _torn(place, "no format number")
    if content["format"] > FORMAT:
        raise BadInput(
            f"{place}: the manifest has format {content['format']}, this version reads up to {FORMAT};"
            " install a newer one"
        )
    kind, folder, files, info = (content.get(key) for key in ("kind", "data", "files", "info"))
    if not isinstance(kind, str) or not isinstance(folder, str) or not isinstance(info, dict):
        raise _torn(place, "`kind`, `data` and `info` must be a text, a text and a mapping")
    if folder and (why := flaw(folder)):
        raise _torn(place, f"the folder {folder!r} is not allowed: {why}")
    if not isinstance(files, list):
        raise _torn(place, "`files` must be a list")
    table = tuple(_file(item, place) for item in files)
    if len({file.name for file in table}) != len(table):
        raise _torn(place, "a file is named twice")
    return Manifest(kind, folder, table, info)


def _file(item: object, place: str) -> File:
    if not isinstance(item, dict):
        raise _torn(place, f"a file must be a mapping, not {item!r}")
    name, size, sha256 = item.get("name"), item.get("size"), item.get("sha256")
    if not isinstance(name, str) or (why := flaw(name)):
        raise _torn(place, f"the file name {name!r} is not allowed: {why if isinstance(name, str) else 'not a text'}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _torn(place, f"the size of {name} must be a number of bytes, not {size!r}")
    if not isinstance(sha256, str) or not _HEX.fullmatch(sha256):
        raise _torn(place, f"the sha256 of {name} must be 64 hex digits, not {sha256!r}")
    return File(name, size, sha256)


def _torn(place: str, why: str) -> BadInput:
    return BadInput(f"{place}: the manifest cannot be used ({why}); remove it: `kfp run` will make it again")
