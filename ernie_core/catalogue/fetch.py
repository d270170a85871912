"""The files of an entry of the catalogue, from its publisher or from the mirror of the site, into one folder."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernie_core import errors
from ernie_core.catalogue import archive, huggingface
from ernie_core.catalogue.alone import alone, remove
from ernie_core.catalogue.download import download
from ernie_core.catalogue.entries import Entry, File
from ernie_core.errors import BadInput, NotFound
from ernie_core.progress import Progress, Say, Stop, never, say, silent
from ernie_core.store import digests, disk, open_store
from ernie_core.wording import listed

_WAYS = {
    "models": "`inputs: {mine: {model_files: FOLDER}}` and `from: mine`",
    "huggingface": "`inputs: {mine: {model_files: FOLDER}}` and `from: mine`",
    "datasets": "`inputs: {mine: {raw_data: FOLDER}}` and `from: mine`, without `name`",
}


@dataclass(frozen=True)
class Source:
    """Where to bring files from, and how to wait and speak meanwhile."""

    cache: Path
    """Folder of downloads that are not whole yet, or not in an artefact yet."""
    mirror: str = ""
    """Address of HTTP, `s3://bucket/prefix` or folder; empty: each file from its publisher."""
    progress: Progress = silent
    stop: Stop = never
    tell: Say = say


def bring(entry: Entry, folder: Path, source: Source) -> list[Mapping[str, Any]]:
    """Fill a folder with the files of an entry, archives unpacked; returns name, size and SHA-256 of each.

    An error of this project, with the file to bring by hand and where to put it, if one cannot be had.
    """
    found: list[Mapping[str, Any]] = []
    for file in entry.files:
        group = next((group for group in huggingface.ONE_OF if file.optional and file.name in group), ())
        if any(row["name"] in group for row in found):
            continue
        with contextlib.ExitStack() as ours:  # until it is in the folder, nobody removes it
            try:
                path = _bring(entry, file, source, ours)
            except NotFound as error:
                if file.optional and not (group and file.name == group[-1]):
                    continue
                raise _absent(error, entry, file, source, group) from error
            except errors.Error as error:
                raise _advised(error, entry, file, source) from error
            source.tell(f"{file.name}: {path.stat().st_size:,} bytes from {_address(entry, file, source.mirror)}")
            sha256 = file.sha256 or digests.sha256(path)  # a known one was checked
            found.append({"name": file.name, "size": path.stat().st_size, "sha256": sha256})
            if file.members:
                archive.unpack(path, file.members, folder, source.progress)
            else:
                with disk.explained(folder):
                    _link(path, folder / file.name)
    return found


def forget(entry: Entry, source: Source) -> None:
    """Remove what was kept of an entry, once it is in an artefact; not what another process has at this moment."""
    for file in entry.files:
        with contextlib.suppress(OSError):  # what stays there costs room, not a result
            remove(_kept(entry, file, source))


def place(entry: Entry, file: File) -> str:
    """Where a mirror has a file, below its root."""
    return f"{entry.shelf}/{entry.name}/{file.name}"


def _bring(entry: Entry, file: File, source: Source, ours: contextlib.ExitStack) -> Path:
    """The file, whole and checked; in the cache, and then nobody else has it before `ours` ends, or where a mirror on a
    disk has it."""
    address, kept = _address(entry, file, source.mirror), _kept(entry, file, source)
    if address.startswith(("http://", "https://")):
        with disk.explained(kept):
            ours.enter_context(alone(kept, source.stop, source.tell))
            download(file, address, kept, progress=_doing(source.progress, file), stop=source.stop, tell=source.tell)
        return kept
    store = open_store(source.mirror, patience=60.0)
    if (there := store.head(place(entry, file))) is None:
        raise NotFound(f"{address}: there is no such file")
    path = store.path(place(entry, file))
    if path is None:
        path = kept
        with disk.explained(path):
            ours.enter_context(alone(path, source.stop, source.tell))
        if not path.exists():
            store.download(place(entry, file), path, size=there.size, progress=_doing(source.progress, file))
    if wrong := file.differs(path):
        if path == kept:
            kept.unlink()  # a mirror that was put right is asked again
        raise BadInput(f"{address}: {wrong}: it is another file")
    return path


def _address(entry: Entry, file: File, mirror: str) -> str:
    return f"{mirror.rstrip('/')}/{place(entry, file)}" if mirror else file.url


def _kept(entry: Entry, file: File, source: Source) -> Path:
    """In the cache, apart from other versions and sources of it: of a file without a digest only these tell."""
    address = f"{entry.identity} {_address(entry, file, source.mirror)}"
    return source.cache / "downloads" / hashlib.sha256(address.encode()).hexdigest()[:16] / file.name


def _advised(error: errors.Error, entry: Entry, file: File, source: Source) -> errors.Error:
    """The same error, with what a person can do about it."""
    if isinstance(error, (errors.Stopped, errors.Full)):
        return error
    there = source.mirror.rstrip("/") or "a mirror (`mirror:` in site.yaml: a folder, s3:// or https://)"
    origin = "" if file.url in str(error) else f" ({file.url})"
    ways = [f"bring `{file.name}`{origin} to {place(entry, file)} of {there}"]
    if isinstance(error, errors.Denied) and entry.shelf == "huggingface" and not source.mirror:
        ways.insert(0, "set $HF_TOKEN if the repository is not public")
    fixed = [name for name in entry.facts.get("huggingface", ()) if "@" in name]
    ways += [f"write `name: hf://{name}`" for name in fixed[:1]]
    names = ["config.json"] * ("config" in entry.facts) + [file.name for file in entry.files if not file.optional]
    ways.append(f"give a folder with {listed(names) or 'its files'} as an input: {_WAYS[entry.shelf]}")
    return type(error)(f"{error}; {'; or '.join(ways)}")


def _absent(error: NotFound, entry: Entry, file: File, source: Source, group: tuple[str, ...]) -> errors.Error:
    """What to say of a file that is not there, or of a group of which none is."""
    if not group:
        return _advised(error, entry, file, source)
    there = _address(entry, file, source.mirror).rpartition("/")[0]
    said = f"{there}: has none of {', '.join(group)}: {huggingface.REMEDY[group]}"
    best = next(other for other in entry.files if other.name == group[0])
    return _advised(NotFound(said), entry, best, source)


def _doing(progress: Progress, file: File) -> Progress:
    def report(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
        progress(done, total, unit, **{"doing": f"download {file.name}", **facts})

    return report


def _link(path: Path, target: Path) -> None:
    """A second name for a file, or a copy where there can be none."""
    try:
        os.link(path.resolve(), target)  # a link of a link would lead from the wrong folder
    except OSError:
        shutil.copyfile(path, target)
