"""Which split a file is of, by its name."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

_NAMES = {
    "train": "train", "training": "train",
    "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev", "eval": "dev",
    "test": "test",
}  # fmt: skip


def split_of(name: str) -> str:
    """train, dev or test; empty if the name does not say. Numbers may follow the word, as in `train50k`."""
    words = re.split(r"[^a-z]+", PurePosixPath(name).stem.lower())
    found = {_NAMES[word] for word in words if word in _NAMES}
    return found.pop() if len(found) == 1 else ""


def with_suffix(files: Mapping[str, Path], suffixes: Collection[str]) -> dict[str, Path]:
    """The files with one of these suffixes, such as `.json`, by name."""
    return {name: files[name] for name in sorted(files) if PurePosixPath(name).suffix.lower() in suffixes}


def by_split(files: Mapping[str, Path]) -> dict[str, Sequence[Path]]:
    """The files of each split; one file alone is train, whatever it is called."""
    if len(files) == 1:
        return {"train": list(files.values())}
    found: dict[str, list[Path]] = {}
    for name in sorted(files):
        if split := split_of(name):
            found.setdefault(split, []).append(files[name])
    return {split: found[split] for split in ("train", "dev", "test") if split in found}


def sample(files: Mapping[str, Path]) -> Path | None:
    """The file to recognise a format by: one that has labels, so none of test if there is another."""
    chosen = by_split(files)
    first = next((chosen[split][0] for split in ("train", "dev") if split in chosen), None)
    return first or next((files[name] for name in sorted(files)), None)
