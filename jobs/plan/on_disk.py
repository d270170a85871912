"""The files of an input on this machine's file systems."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jobs.plan.patterns import Pattern, cut, hidden
from jobs.spec import paths


@dataclass(frozen=True)
class FoundFile:
    """A file: its name below what the pattern names, the same as fingerprints know it, where it is, and what it is."""

    name: str
    known: str
    place: str
    """Its path as the person would write it, absolute; on S3 bucket and key."""
    url: str
    size: int
    same: object
    """Equal for two ways to one file."""
    etag: str | None = None


@dataclass
class Finding:
    """What a pattern means at this moment: files, and what is wrong with them."""

    files: list[FoundFile] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Names that were passed over."""
    folders: int = 0
    """How many were met by a pattern that means files."""


def find(text: str, folder: Path) -> Finding:
    """The files behind a path or a pattern; `folder` is where relative ones begin."""
    found = Finding()
    try:
        path = paths.absolute(text, folder)
        names, pattern = cut(path.parts, lambda names: os.path.lexists(Path(*names)))
    except ValueError as error:
        found.faults.append(str(error))
        return found
    root = Path(*names)
    # relative ones have been known to fingerprints by where they lead to, and must be on
    known = root if os.path.isabs(os.path.expanduser(text)) else Path(os.path.realpath(root))
    try:
        state = root.stat()
    except FileNotFoundError as error:
        if root.is_symlink():
            found.faults.append(paths.why(root, error))
        return found
    except OSError as error:
        found.faults.append(paths.why(root, error))
        return found
    if stat.S_ISDIR(state.st_mode):
        if root == Path("/") and not pattern.names:
            found.faults.append("`/` is the whole machine, name a folder (is a variable empty?)")
            return found
        _Walk(root, known, pattern, found).all()
    elif pattern.names:
        found.faults.append(f"`{paths.shown(root)}` is a file, not a folder, correct the path")
    else:
        row = FoundFile(root.name, known.name, str(root), known.as_uri(), state.st_size, _same(root))
        _take(found, row, state.st_mode)
    return found


def _same(path: Path) -> str:
    return os.path.join(os.path.realpath(path.parent), path.name)


def _take(found: Finding, row: FoundFile, mode: int) -> None:
    """Add one that is meant."""
    if what := paths.special(mode):
        found.faults.append(f"`{paths.shown(row.place)}` is {what}, not a file, copy its content into one")
    elif fault := paths.flaw(row.name):
        found.faults.append(f"{fault} (in `{paths.shown(os.path.dirname(row.place))}`)")
    else:
        found.files.append(row)


class _Walk:
    """Through a folder and those that links in it lead to; of two ways to one file, that without a link counts."""

    def __init__(self, root: Path, known: Path, pattern: Pattern, found: Finding) -> None:
        self.root, self.known, self.pattern, self.found = root, known, pattern, found
        self.files: set[str] = set()
        self.folders: list[_Folder] = [_Folder((), ())]
        self.links: list[_Folder] = []

    def all(self) -> None:
        """Read every folder that may contain matches: first real folders, then linked ones."""
        while self.folders or self.links:
            folder = self.folders.pop(0) if self.folders else self.links.pop(0)
            place = self.root.joinpath(*folder.names)
            try:
                state = place.stat()
                if (here := (state.st_dev, state.st_ino)) in folder.around or self._leads_out(place, folder):
                    continue  # a link to a folder around it, which is read anyway
                with os.scandir(place) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                self.found.faults.append(paths.why(place, error))
                continue
            real = os.path.realpath(place)
            for entry in self._wanted(entries, folder.names):
                self._look(entry, _Folder((*folder.names, entry.name), (*folder.around, here)), real)

    def _wanted(self, entries: list["os.DirEntry[str]"], names: tuple[str, ...]) -> Iterator["os.DirEntry[str]"]:
        there = {entry.name for entry in entries}
        for entry in entries:
            path = (*names, entry.name)
            # what an interrupted download of ernie-jobs keeps beside its target
            ours = entry.name.endswith(".part.ranges") or f"{entry.name}.ranges" in there
            if not ours and (self.pattern.matches(path) or self.pattern.may_hold(path)):
                yield entry
            elif ours or hidden(entry.name):
                self.found.hidden.append("/".join(path))

    def _look(self, entry: "os.DirEntry[str]", at: "_Folder", real: str) -> None:
        path, meant = self.root.joinpath(*at.names), self.pattern.matches(at.names)
        try:
            state = entry.stat()
        except OSError as error:
            if os.path.lexists(path):  # else it was removed during this walk
                self.found.faults.append(paths.why(path, error))
            return
        if stat.S_ISDIR(state.st_mode):
            self.found.folders += meant
            if self.pattern.may_hold(at.names):
                (self.links if entry.is_symlink() else self.folders).append(at)
        elif meant and (same := os.path.join(real, entry.name)) not in self.files:
            self.files.add(same)
            name, url = "/".join(at.names), self.known.joinpath(*at.names).as_uri()
            _take(self.found, FoundFile(name, name, str(path), url, state.st_size, same), state.st_mode)

    def _leads_out(self, place: Path, folder: "_Folder") -> bool:
        """Whether it is a link to a folder around the input, which would add that folder's other files to it."""
        if not folder.names or not place.is_symlink():
            return False
        target, where = Path(os.path.realpath(place)), Path(os.path.realpath(place.parent))
        if not where.is_relative_to(target):
            return False
        self.found.faults.append(
            f"`{paths.shown(place)}` is a link to `{paths.shown(target)}`, which contains it, remove it"
        )
        return True


@dataclass(frozen=True)
class _Folder:
    names: tuple[str, ...]
    around: tuple[tuple[int, int], ...]
    """Device and inode of every folder on the way to it."""
