"""The nodes of a YAML text as plain values, with the line and the spelling of each; no text takes without end."""

import math
import re
from typing import TYPE_CHECKING, Any

from components.contract.values import LARGEST
from ernie_core.wording import shorten
from jobs.spec import reading
from jobs.spec.problems import Problem, SpecError

if TYPE_CHECKING:
    from jobs.spec.document import Document, Path, Value

MOST_DEPTH = 40
MOST_VALUES = 50_000
"""Values of a text, those of an alias counted each time it is used."""
_MANY = (
    f"more than {MOST_VALUES:,} values, with those that aliases repeat: use fewer aliases, or name files by a pattern"
)
_TEXTS = {"str", "timestamp", "value"}
_PLAIN = {*_TEXTS, "int", "float", "bool", "null", "map", "seq", "merge"}


def fill(text: str, document: "Document") -> None:
    """Read YAML 1.2 into a document. SpecError for what is no YAML, is more than one document, or has no bound."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if (wrong := reading.control(text)) is not None:
        raise _at(document, wrong[0], f"{wrong[1]} is not allowed here, remove it")
    yaml = YAML(typ="safe", pure=True)
    try:
        _survey(YAML(typ="safe", pure=True).parse(text), document)
        node = yaml.compose(text)
        reader = _NodeReader(yaml, document)
        if node is not None:
            document.value = reader.value(node, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        if "'\\t'" in what:
            what = "a tab cannot indent or begin a value, use spaces"
        raise _at(document, mark.line + 1 if mark else 1, f"not YAML: {what}") from error
    except (YAMLError, ValueError, NotImplementedError) as error:
        raise _at(document, 1, f"not YAML: {' '.join(str(error).split())}") from error
    if reader.problems:
        raise SpecError(reader.problems)


def _at(document: "Document", line: int, text: str) -> SpecError:
    return SpecError([Problem(document.file, line if document.numbered else 0, "", text)])


def _survey(events: Any, document: "Document") -> None:
    """Look through the text, which takes no memory, before any of it is built."""
    from ruamel.yaml import events as kinds

    depth = documents = values = 0
    for event in events:
        values += isinstance(event, kinds.NodeEvent)
        depth += isinstance(event, kinds.CollectionStartEvent) - isinstance(event, kinds.CollectionEndEvent)
        documents += isinstance(event, kinds.DocumentStartEvent)
        line = event.start_mark.line + 1
        if depth > MOST_DEPTH:
            raise _at(document, line, f"nested more than {MOST_DEPTH} levels deep: close the brackets")
        if values > 2 * MOST_VALUES:  # keys are counted too; what aliases repeat is counted when it is built
            raise _at(document, line, _MANY)
        if documents > 1:
            raise _at(document, line, "a second document begins here (`---`), put it in a file of its own")
        if isinstance(event, kinds.DocumentStartEvent) and event.version not in (None, (1, 2)):
            raise _at(document, line, "this is read as YAML 1.2, remove the line `%YAML ...`")


class _NodeReader:
    """Builds values, and gathers what is wrong with them."""

    def __init__(self, yaml: Any, document: "Document") -> None:
        self._yaml, self._document, self._count = yaml, document, 0
        self._open: set[int] = set()
        self.problems: list[Problem] = []

    def value(self, node: Any, path: "Path") -> "Value":
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        self._enter(node, path)
        if (tag := str(node.tag).rpartition(":")[2]) not in _PLAIN:
            self._wrong(path, node, f"`{shorten(str(node.tag))}` is an unknown type tag, remove it")
            return None
        if not isinstance(node, (MappingNode, SequenceNode)):
            return self._scalar(node, tag, path)
        self._open.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._list(node, path)
        finally:
            self._open.discard(id(node))

    def _list(self, node: Any, path: "Path") -> "Value":
        items = []
        for i, child in enumerate(node.value):
            here = (*path, i)
            self._document.lines[here] = child.start_mark.line + 1
            items.append(self.value(child, here))
        return items

    def _mapping(self, node: Any, path: "Path") -> "Value":
        made: dict[str, Value] = {}
        for key_node, child in self._pairs(node, path):
            key = str(key_node.value)
            here = (*path, key)
            self._document.lines[here] = key_node.start_mark.line + 1
            if found := reading.CONTROL.search(key):
                self._wrong(here, key_node, f"the key contains {reading.name(found[0])}, remove it")
            made[key] = self.value(child, here)
        return made

    def _pairs(self, node: Any, path: "Path", depth: int = 0) -> list[tuple[Any, Any]]:
        """Keys and values, then those that `<<` merges and that are not there yet: what is nearer goes before."""
        from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

        pairs, merged = dict[str, tuple[Any, Any]](), list[Any]()
        for key, child in node.value:
            if depth:
                self._enter(child, path, depth)
            if not isinstance(key, ScalarNode):
                self._wrong(path, key, "a key is a word, not a list or a mapping: remove the `?` or the brackets")
            elif str(key.tag).endswith(":merge") and not merged:
                merged += child.value if isinstance(child, SequenceNode) else [child]
            elif str(key.value) in pairs or str(key.tag).endswith(":merge"):
                self._wrong((*path, str(key.value)), key, "duplicate key, remove one")
            else:
                pairs[str(key.value)] = key, child
        for other in merged:
            if not isinstance(other, MappingNode):
                self._wrong((*path, "<<"), other, "`<<` merges a mapping or a list of them: `<<: *name`")
                continue
            self._enter(other, path, depth)
            self._open.add(id(other))
            for key, child in self._pairs(other, path, depth + 1):
                pairs.setdefault(str(key.value), (key, child))
            self._open.discard(id(other))
        return list(pairs.values())

    def _scalar(self, node: Any, tag: str, path: "Path") -> "Value":
        text = str(node.value)
        if tag in _TEXTS:  # dates and the like are words here
            if found := reading.CONTROL.search(text):
                self._wrong(path, node, f"the value contains {reading.name(found[0])}, write it on one line without it")
            return text
        self._document.spelled[path] = text
        quoted = f"`{shorten(text)}`"
        if tag == "int" and re.fullmatch(r"[-+]?0[\d_]+", text):
            self._wrong(path, node, f"{quoted} begins with 0: write `{text.lstrip('+-0_') or 0}` for the number, "
                        f'`0o{text.lstrip("+-0_") or 0}` if it is octal, or "{text}" for text')  # fmt: skip
            return None
        value = None if tag == "int" and len(text) > 100 else self._yaml.constructor.construct_object(node)
        if tag == "int" and (value is None or abs(value) > LARGEST):
            self._wrong(path, node, f"{quoted} is too large a number, {LARGEST} is the largest, or put it in quotes")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._wrong(path, node, f"{quoted} is not a finite number, write one such as 1e-4")
            return None
        if isinstance(value, float):
            return value + 0.0  # the negative zero is the same number, and must be the same work
        return value if isinstance(value, (int, bool)) else None

    def _enter(self, node: Any, path: "Path", depth: int = 0) -> None:
        """Count a value. SpecError where there is no end to it."""
        self._count += 1
        line = self._document.lines.get(path, node.start_mark.line + 1)
        if id(node) in self._open:
            raise _at(self._document, line, "an alias (`*name`) within its own anchor (`&name`) has no end, remove it")
        if len(path) + depth > MOST_DEPTH:
            raise _at(self._document, line, f"aliases nest more than {MOST_DEPTH} deep, write the values out")
        if self._count > MOST_VALUES:
            raise _at(self._document, line, _MANY)

    def _wrong(self, path: "Path", node: Any, text: str) -> None:
        line = node.start_mark.line + 1 if self._document.numbered else 0
        self.problems.append(Problem(self._document.file, line, ".".join(map(str, path)), text))
