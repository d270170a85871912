"""YAML to plain values, with the line of every key and item, and with edits (`--set`) applied."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Union

from jobs.problems import Problem, SpecError

Scalar = str | int | float | bool | None
Value = Union[Scalar, list["Value"], dict[str, "Value"]]  # noqa: UP007 - a name in quotes cannot stand beside |
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """One `--set a.b=value`: a change of the spec, shown and recorded."""

    path: str
    value: Value

    def __str__(self) -> str:
        return f"{self.path}={self.value}"


@dataclass
class Document:
    """A parsed file: its values, and where each of them stands."""

    file: str
    value: Value
    lines: dict[Path, int] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    edited: set[Path] = field(default_factory=set)
    """Places that `--set` changed: a mistake there stands in no line of the file."""

    def line(self, path: Path) -> int:
        """The line of a key or item, or of the nearest one that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str) -> Problem:
        """A problem at this place."""
        if any(path[: len(place)] == place for place in self.edited):
            return Problem("--set", 0, ".".join(map(str, path)), text)
        return Problem(self.file, self.line(path), ".".join(map(str, path)), text)


def parse(text: str, file: str) -> Document:
    """Read YAML (1.2). SpecError for broken syntax, duplicate keys, keys that are not words."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    document = Document(file, None, {(): 1})
    try:
        node = yaml.compose(text)
        problems: list[Problem] = []
        if node is not None:
            document.value = _construct(yaml, node, (), document, problems)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise SpecError([Problem(file, mark.line + 1 if mark else 1, "", f"not YAML: {what}")]) from error
    except YAMLError as error:
        raise SpecError([Problem(file, 1, "", f"not YAML: {' '.join(str(error).split())}")]) from error
    if problems:
        raise SpecError(problems)
    return document


def edit(text: str) -> Edit:
    """`pretrain.max_steps=100` -> Edit; the value is YAML."""
    path, sign, value = text.partition("=")
    if not sign or not path.strip():
        raise SpecError([Problem("--set", 0, text, "not an edit, write it as --set step.parameter=value")])
    if value.lstrip().startswith((">", "|")):  # a block scalar makes no sense on one line: `>=0.75` is meant as text
        return Edit(path.strip(), value.strip())
    return Edit(path.strip(), parse(value, f"--set {path.strip()}").value)


def apply(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with the edits in it. A path starts with a top-level key or the name of a step."""
    document.edits = tuple(edits)
    for change in document.edits:
        _set(document, change)
    return document


def _construct(yaml: Any, node: Any, path: Path, document: Document, problems: list[Problem]) -> Value:
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, SequenceNode):
        items = []
        for i, child in enumerate(node.value):
            here = (*path, i)
            document.lines[here] = child.start_mark.line + 1
            items.append(_construct(yaml, child, here, document, problems))
        return items
    if not isinstance(node, MappingNode):
        value = yaml.constructor.construct_object(node)
        if not isinstance(value, (str, int, float, bool, type(None))):
            value = str(node.value)  # dates and the like are words here
        return value
    mapping: dict[str, Value] = {}
    for key_node, child in node.value:
        key = str(key_node.value)
        here = (*path, key)
        document.lines[here] = key_node.start_mark.line + 1
        if key in mapping:
            problems.append(document.problem(here, "this key stands here twice, remove one"))
        mapping[key] = _construct(yaml, child, here, document, problems)
    return mapping


def _set(document: Document, change: Edit) -> None:
    words = change.path.split(".")
    place: Value = document.value
    where: Path = ()
    steps = place.get("steps") if isinstance(place, dict) else None
    for i, item in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(item, dict) and len(item) == 1:
            component, body = next(iter(item.items()))
            name = body.get("as", component) if isinstance(body, dict) else component
            if name == words[0] and len(words) > 1:
                if body is None:
                    body = item[component] = {}
                place, where, words = body, ("steps", i, component), words[1:]
                break
    for word in words[:-1]:
        where = (*where, word)
        place = place.setdefault(word, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise SpecError(
            [Problem("--set", 0, change.path, "nothing there to set, start with the name of a step or a top-level key")]
        )
    place[words[-1]] = change.value
    document.edited.add((*where, words[-1]))
