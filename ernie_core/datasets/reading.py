"""The examples of a format as rows to write, with hashes by which equal ones are found."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ernie_core.datasets import names as of_files
from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop
from ernie_core.text import json_text
from ernie_core.wording import listed

NAMES = {"labels.txt": ("label", "labels"), "intent_labels.txt": ("intent",)}
"""File of label names -> the keys of an example that hold such names."""
_ANSWERS = ("label", "labels", "answers", "intent", "slots")
_APART = ("id", "group", "language", *_ANSWERS)
"""Keys that are no part of the question."""
_KEYS = tuple(key for keys in NAMES.values() for key in keys)
_spelled = json.JSONEncoder(ensure_ascii=False).encode
_canonical = json.JSONEncoder(sort_keys=True).encode
_EVERY = 1024
"""Rows between two reports of progress."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of `<split>.jsonl`, and what is compared of it."""

    line: bytes
    question: bytes
    """Hash of what is asked."""
    answer: bytes
    """Hash of the answer; empty without one."""
    group: bytes
    """Hash of the group; empty: none."""
    labels: tuple[str, ...]
    """The names of labels in it, each once."""
    language: str = ""
    parallel: bytes = b""
    """Hash of what its translations share; empty: there are none, or nobody asks."""


@dataclass(frozen=True)
class Read:
    """The rows of one split, and what was rejected, in the order of the files."""

    rows: list[Row]
    rejected: list[Mapping[str, Any]]
    """Rows of `rejected.jsonl`."""


def read(
    form: Format,
    files: Mapping[str, Path],
    split: str,
    names: Sequence[str],
    progress: Callable[[int], None],
    *,
    languages: Collection[str] = (),
    parallel: bool = False,
) -> Read:
    """Every example of these files of a split, or those in some languages. `progress` is told of each file's bytes and
    may raise Stopped. `parallel`: whether rows are to say what their translations share.

    Where several files have rows of one language, their names stand before the ids of the format."""
    found = Read([], [])
    apart = form.many_languages and of_files.several_of_a_language(names)
    known = {key: frozenset(of) for file, of in form.labels().items() for key in NAMES.get(file, ())}
    for name in names:
        path = files[name]
        shared = of_files.without_language(name) if parallel else None
        before = f"{name}:" if apart else ""
        for number, example in enumerate(form.rows(path, split)):
            if isinstance(example, Rejected):
                made: Row | Rejected = example
            elif languages and example.language not in languages:
                continue
            else:
                made = _row(example, split, known, path, name, before, shared)
            if isinstance(made, Rejected):
                found.rejected.append(_listed(made, path, name))
            else:
                found.rows.append(made)
            if number % _EVERY == _EVERY - 1:
                progress(0)
        progress(path.stat().st_size)
    return found


def reporter(progress: Progress, stop: Stop, total: int) -> Callable[[int], None]:
    """Told of bytes that were read, reports all so far, and raises Stopped if that is asked for."""
    done = 0

    def report(read: int) -> None:
        nonlocal done
        done += read
        progress(done, total, "B")
        if stop():
            raise Stopped("stopped while reading: it will start from the beginning")

    return report


def check(read: Mapping[str, Read], max_rejected: float) -> None:
    """BadInput if more is rejected than the share `max_rejected` of all rows."""
    faults = [row for part in read.values() for row in part.rejected if not row.get("expected")]
    rows = sum(len(part.rows) for part in read.values()) + len(faults)
    if len(faults) > max_rejected * rows:
        raise BadInput(
            f"{len(faults)} of {rows} rows cannot be used, more than max_rejected {max_rejected:g}: correct the files, "
            f"or raise max_rejected. The first:\n" + "\n".join(f"  {spell(row)}" for row in faults[:5])
        )


def spell(row: Mapping[str, Any]) -> str:
    """Place and reason of a rejected row, for messages."""
    place = f":{row['line']}" if "line" in row else f": {row['at']}" if "at" in row else ""
    return f"{row['file']}{place}: {row['why']}"


def _row(
    example: Example, split: str, known: Mapping[str, frozenset[str]], path: Path, name: str, before: str,
    shared: str | None,
) -> Row | Rejected:  # fmt: skip
    """`before`: what stands before ids; `shared`: what files of translations share, None: nobody asks."""
    values = example.values
    labels: dict[str, None] = {}
    for key in _KEYS:
        names = _names(values[key]) if key in values else ()
        labels.update(dict.fromkeys(names))
        of = known.get(key, frozenset())
        for label in names if of else ():
            if label not in of:
                return Rejected(example.where, f"{key} `{label}` is unknown, it must be one of {listed(sorted(of))}")
    question = {key: value for key, value in values.items() if key not in _APART}
    answer = {key: values[key] for key in _ANSWERS if key in values}
    if not answer and split != "test":
        return Rejected(example.where, "no answer")
    row = {"id": _relative(example.where, path, name), **values}
    if before and "id" in values:
        row["id"] = f"{before}{values['id']}"
    if half := json_text.half_character(text := _spelled(row)):
        return Rejected(example.where, f"half of a surrogate pair, {half}")
    group = example.group or str(values.get("context", ""))
    return Row(
        text.encode() + b"\n",
        _hash(question),
        _often(_canonical(answer)) if answer else b"",
        _often(_canonical(group)) if group else b"",
        _one(tuple(labels)),
        example.language,
        _hash([split, f"{shared} {example.parallel}"]) if shared is not None and example.parallel else b"",
    )


def _names(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple) else ()


def _hash(value: object) -> bytes:
    return hashlib.blake2b(_canonical(value).encode(), digest_size=16).digest()


@lru_cache(maxsize=1024)
def _often(canonical: str) -> bytes:
    """A hash that many rows share, of an answer or a group, as one object: millions of rows are in memory."""
    return hashlib.blake2b(canonical.encode(), digest_size=16).digest()


@lru_cache(maxsize=1024)
def _one(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


def _relative(where: str, path: Path, name: str) -> str:
    return name + where.removeprefix(str(path))


def _listed(rejected: Rejected, path: Path, name: str) -> dict[str, Any]:
    found = re.fullmatch(r":(\d+)", rest := rejected.where.removeprefix(str(path)))
    place = {"line": int(found[1])} if found else {"at": rest.lstrip(": ")} if rest else {}
    row = {"file": name, **place, "why": rejected.why, "begins": rejected.begins}
    return {**row, "expected": True} if rejected.expected else row
