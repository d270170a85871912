"""Which split a file is of, and in which language it is, by its name."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ernie_core.datasets.known import LANGUAGES

_NAMES = {
    "train": "train", "training": "train",
    "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev", "eval": "dev",
    "test": "test",
}  # fmt: skip
_WORD = re.compile("[A-Za-z]+")


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


def languages_of(name: str) -> tuple[str, ...]:
    """The languages that are words of the name of a file, as in `dev-ar.tsv` or `xnli.test.ar.en.tsv`, or else of the
    folder it is in; each once, in their order."""
    path = PurePosixPath(name)
    for text in (path.stem, path.parent.name):
        words = [word.lower() for word in _WORD.findall(text)]
        if found := dict.fromkeys(word for word in words if word in LANGUAGES):
            return tuple(found)
    return ()


def language_of(name: str) -> str:
    """The language of a file by its name, or else by that of its folder; empty without one, or with several: a name
    such as `xnli.test.ar.en.tsv` says from which language into which it was translated."""
    found = languages_of(name)
    return found[0] if len(found) == 1 else ""


def in_language(name: str, language: str) -> str:
    """The name that the same file has in another language: `dev-sw.tsv` of `dev-ar.tsv`."""
    return _replaced(name, language_of(name), language)


def without_language(name: str) -> str:
    """What the names of the files of all languages share, with their folders: `x dev tsv` of `x/dev-ar.tsv`."""
    return " ".join(re.split(r"[\W_]+", _replaced(name, language_of(name), " ").lower()))


def several_of_a_language(files: Sequence[str]) -> bool:
    """Whether rows of one language are in several of these files; one that does not say its language may have all."""
    spoken = [language_of(name) for name in files]
    return len(set(spoken)) < len(spoken) or ("" in spoken and len(spoken) > 1)


def _replaced(name: str, language: str, by: str) -> str:
    """The name with something else in place of each word that is its language."""
    return _WORD.sub(lambda word: by if language and word[0].lower() == language else word[0], name)
