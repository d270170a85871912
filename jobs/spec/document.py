"""YAML to plain values, with the line of every key and item, and with edits (`--set`) applied."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Union

from jobs.spec import nodes
from jobs.spec.problems import Problem, SpecError

Scalar = str | int | float | bool | None
Value = Union[Scalar, list["Value"], dict[str, "Value"]]  # noqa: UP007 - a name in quotes cannot stand beside |
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """One `--set a.b=value`: a change of the spec, shown and recorded."""

    path: str
    value: Value
    spelled: str | None = None
    """As it was typed: what makes the same edit again. `"1.10"` in quotes is text, `1.10` is not."""

    def __str__(self) -> str:
        return f"{self.path}={self.value if self.spelled is None else self.spelled}"


@dataclass
class Document:
    """A parsed file: its values, and where each of them stands."""

    file: str
    value: Value
    lines: dict[Path, int] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    edited: set[Path] = field(default_factory=set)
    """Places that `--set` changed: a mistake there stands in no line of the file."""
    spelled: dict[Path, str] = field(default_factory=dict)
    """How what is not text to YAML is written: `1.10` is the number 1.1."""
    numbered: bool = True
    """Whether its lines are those of a file."""

    def line(self, path: Path) -> int:
        """The line of a key or item, or of the nearest one that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str) -> Problem:
        """A problem at this place."""
        if any(path[: len(place)] == place for place in self.edited):
            return Problem("--set", 0, ".".join(map(str, path)), text)
        return Problem(self.file, self.line(path) if self.numbered else 0, ".".join(map(str, path)), text)


def parse(text: str, file: str, *, numbered: bool = True) -> Document:
    """Read YAML (1.2). SpecError for what is not, for duplicate keys, and for values that no spec can have."""
    document = Document(file, None, {(): 1}, numbered=numbered)
    nodes.fill(text, document)
    return document


def edit(text: str) -> Edit:
    """`pretrain.max_steps=100` -> Edit; the value is YAML."""
    path, sign, value = text.partition("=")
    if not sign or not path.strip():
        raise SpecError([Problem("--set", 0, text, "not an edit, write it as --set step.parameter=value")])
    path, value = path.strip(), value.strip()
    if path.count(".") >= nodes.MOST_DEPTH:
        raise SpecError([Problem("--set", 0, path, f"nested more than {nodes.MOST_DEPTH} levels deep")])
    if value.startswith((">", "|")):  # a block scalar makes no sense on one line: `>=0.75` is meant as text
        return Edit(path, value, value)
    return Edit(path, parse(value, f"--set {path}", numbered=False).value, value)


def apply(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with the edits in it. A path starts with a top-level key, the name of a step, or the name of a
    component: then it is for all steps of that component, if none has its name."""
    document.edits = tuple(edits)
    for change in document.edits:
        words = change.path.split(".")
        steps = _steps(document.value, words[0]) if len(words) > 1 else []
        for body, where in steps:
            _set(document, change, body, where, words[1:])
        if not steps:
            _set(document, change, document.value, (), words)
    return document


def _steps(value: Value, name: str) -> list[tuple[dict[str, Value], Path]]:
    """The parameters of the step of this name, or of all steps of this component, and where they are."""
    steps = value.get("steps") if isinstance(value, dict) else None
    named: list[tuple[dict[str, Value], Path]] = []
    alike: list[tuple[dict[str, Value], Path]] = []
    for i, item in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(item, dict) or len(item) != 1:
            continue
        component, body = next(iter(item.items()))
        if body is not None and not isinstance(body, dict):
            continue
        own = (body or {}).get("as", component)
        for wanted, group in ((own, named), (component, alike)):
            if wanted == name:
                body = item[component] = body if body is not None else {}
                group.append((body, ("steps", i, component)))
    return named[:1] or alike


def _set(document: Document, change: Edit, place: Value, where: Path, words: list[str]) -> None:
    for word in words[:-1]:
        where = (*where, word)
        place = place.setdefault(word, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise SpecError(
            [Problem("--set", 0, change.path, "nothing there to set, start with the name of a step or a top-level key")]
        )
    where = (*where, words[-1])
    place[words[-1]] = copy.deepcopy(change.value)  # several specs and steps may be edited alike
    document.edited.add(where)
    document.spelled = {path: text for path, text in document.spelled.items() if path[: len(where)] != where}
    if not isinstance(change.value, (str, list, dict)):
        document.spelled[where] = str(change.value) if change.spelled is None else change.spelled
