"""The catalogue: names of published models and data sets, with their files. Imports nothing heavy."""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ernie_core.errors import NotFound
from ernie_core.store import digests
from ernie_core.wording import choice, shorten

Shelf = Literal["models", "datasets"]
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Member:
    """A file of an archive that is wanted: the end of its path there, and its name here."""

    path: str
    name: str
    md5: str = ""


@dataclass(frozen=True)
class File:
    """A file of a model or a data set, and what is known of its content; `members` if it is an archive."""

    name: str
    url: str
    sha256: str = ""
    md5: str = ""
    size: int | None = None
    """Bytes."""
    members: tuple[Member, ...] = ()
    optional: bool = False
    """Whether a source may not have it."""

    @property
    def proven(self) -> bool:
        """Whether a digest shows that it is the right one, wherever it came from."""
        return bool(self.sha256 or self.md5)

    def differs(self, path: Path) -> str:
        """How the file that came differs from what is known of it; empty if it does not."""
        if self.size not in (None, size := path.stat().st_size):
            return f"has {size:,} bytes, but must have {self.size:,}"
        for kind, known, of in (("sha256", self.sha256, digests.sha256), ("md5", self.md5, digests.md5)):
            if known and (found := of(path)) != known:
                return f"has the {kind} {found} instead of {known}"
        return ""


@dataclass(frozen=True)
class Entry:
    """A published model or data set."""

    name: str
    shelf: str
    """Folder of a mirror: `models`, `datasets`, or `huggingface`."""
    files: tuple[File, ...]
    licence: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of a model `config` and `tokenizer`, of data `format`, `columns` and `table`, as the catalogue has them."""

    @property
    def identity(self) -> str:
        """16 hex digits of all that decides its content: files with digests, or addresses where none is known."""
        fixed = self.shelf == "huggingface"  # by the commit in its name
        rows = [{name: value for name, value in asdict(file).items() if name != "url" or not (fixed or file.proven)}
                for file in self.files]  # fmt: skip
        text = json.dumps([self.name, rows, dict(self.facts)], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def names(shelf: Shelf) -> tuple[str, ...]:
    """Every name of the catalogue, sorted."""
    return tuple(sorted(_read(shelf)))


def find(name: str, shelf: Shelf) -> Entry:
    """What the catalogue has under a name. NotFound, with the nearest name, if it has nothing."""
    if name not in (entries := _read(shelf)):
        what = "model" if shelf == "models" else "data set"
        raise NotFound(f"`{shorten(name)}` is no {what} of the catalogue, {choice(name, entries)}")
    return entries[name]


@functools.cache
def _read(shelf: Shelf) -> Mapping[str, Entry]:
    rows = json.loads((FOLDER / f"{shelf}.json").read_text(encoding="utf-8"))["entries"]
    return {name: _entry(name, shelf, row) for name, row in rows.items()}


def _entry(name: str, shelf: Shelf, row: Mapping[str, Any]) -> Entry:
    row = dict(row)
    files = tuple(_file(file, content) for file, content in row.pop("files").items())
    return Entry(name, shelf, files, row.pop("licence", ""), row)


def _file(name: str, row: Mapping[str, Any]) -> File:
    members = tuple(Member(path, of["as"], of.get("md5", "")) for path, of in row.get("members", {}).items())
    return File(**{**row, "name": name, "members": members})
