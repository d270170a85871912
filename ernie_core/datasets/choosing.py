"""Which format files have, and which of them are train, dev and test."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ernie_core.datasets.columns import Columns
from ernie_core.datasets.format import Format
from ernie_core.datasets.known import AUTO, FORMATS, TABLES
from ernie_core.errors import BadInput
from ernie_core.wording import choice, listed

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".jsonl": "jsonl", ".json": "jsonl"}
_SAY = "say it with `format:`"


@dataclass(frozen=True)
class Chosen:
    """The files of each split, by their names, and those that are not used."""

    splits: Mapping[str, Sequence[str]]
    unused: tuple[str, ...]


def load(name: str) -> type[Format]:
    """The class of a format. BadInput if there is none of this name."""
    known = {**FORMATS, **TABLES}
    if name not in known:
        raise BadInput(f"format `{name}` is not known, {choice(name, known)}")
    module, _, cls = known[name].partition(":")
    found: type[Format] = getattr(importlib.import_module(module), cls)
    return found


def format_of(files: Mapping[str, Path], wanted: str, columns: Columns) -> Format:
    """The format that a person named, or the one that recognises the files. BadInput for none, or several."""
    if wanted != AUTO:
        return load(wanted).of(columns)
    if columns.given():
        return load(_by_suffix(files)).of(columns)
    for names in (FORMATS, TABLES):
        matching = [name for name in names if load(name).recognises(files)]
        if len(matching) > 1:
            raise BadInput(f"{listed(files, 5)}: this may be {' or '.join(matching)}: {_SAY}, one of them")
        if matching:
            return load(matching[0]).of(columns)
    forms = "\n".join(f"  {name}: {load(name).summary}" for name in (*FORMATS, *TABLES))
    raise BadInput(
        f"{listed(files, 5)}: the format is not recognised: {_SAY}, and for your own csv, tsv or jsonl which columns it"
        f" has (`text: ...`, `label: ...`). Tried:\n{forms}"
    )


def choose(files: Mapping[str, Path], form: Format, patterns: Mapping[str, Sequence[str]]) -> Chosen:
    """The files of the splits: those that a person named by patterns, or those of the format."""
    found = named(files, patterns) or _of_format(files, form)
    if not found.get("train"):
        held = ", ".join(f"{split}: {listed(names, 5)}" for split, names in found.items()) or listed(files, 5)
        raise BadInput(
            f"format {form.name}: no file of train ({held}): say which it is with `train_files:`, a name or a pattern"
        )
    used = {name for names in found.values() for name in names}
    beside = {other for name in used for other in form.beside(files[name])}
    used |= {name for name, path in files.items() if path in beside}
    return Chosen(found, tuple(name for name in sorted(files) if name not in used))


def named(files: Mapping[str, Path], patterns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The files of each split that a person's patterns match. BadInput for a pattern that matches none."""
    found: dict[str, list[str]] = {}
    for split, given in patterns.items():
        for pattern in given:
            matching = [name for name in sorted(files) if fnmatchcase(name, pattern)]
            if not matching:
                raise BadInput(f"{split}_files `{pattern}` matches no file, there are: {listed(sorted(files))}")
            found[split] = [*found.get(split, []), *(n for n in matching if n not in found.get(split, []))]
    for name in files:
        if len(of := [split for split, names in found.items() if name in names]) > 1:
            raise BadInput(f"{name} is in {_and(of)}: name it once")
    return found


def _by_suffix(files: Mapping[str, Path]) -> str:
    kinds = sorted({_SUFFIXES[path.suffix.lower()] for path in files.values() if path.suffix.lower() in _SUFFIXES})
    if len(kinds) == 1:
        return kinds[0]
    raise BadInput(
        f"{listed(files, 5)}: {'files of ' + ' and '.join(kinds) if kinds else 'no csv, tsv or jsonl file'}: {_SAY}, "
        "csv, tsv or jsonl"
    )


def _of_format(files: Mapping[str, Path], form: Format) -> dict[str, list[str]]:
    by_path = {path: name for name, path in files.items()}
    return {split: [by_path[path] for path in paths] for split, paths in form.splits(files).items() if paths}


def _and(splits: Sequence[str]) -> str:
    return " and ".join(f"{split}_files" for split in splits)
