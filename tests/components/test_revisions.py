"""The code behind a component does not change unnoticed: its `revision` says whether what was made before still holds.

tests/golden/code.json records, for each component, its revision and the digest of every module that it can reach.
Digests are over syntax trees without docstrings, so comments and layout do not count; native sources count as they are.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import components
from ernie_core.datasets.known import FORMATS, TABLES
from ernie_core.tasks.known import TASKS

TOP = Path(__file__).parents[2]
RECORD = TOP / "tests/golden/code.json"
WITHOUT_RESULT = (
    "ernie_core.errors", "ernie_core.patience", "ernie_core.progress", "ernie_core.store", "ernie_core.streams",
    "ernie_core.train.monitor", "ernie_core.waiting",
)  # fmt: skip
"""What moves, waits and tells, and decides nothing of what is made."""
REMEDY = """the code behind `{name}` has changed since its revision {revision} was recorded:
  {changed}
Can the same parameters and inputs now give another artefact? Then raise `revision` in components/{name}.py: what was
made before will be made again. If not, leave it: what was made before stays valid. Either way record what was judged:
  python -m pytest tests/components/test_revisions.py --update-golden"""


def found(name: str) -> dict[str, str]:
    """Digests of the file of a component, of every module of ernie_core that it reaches, of native sources there."""
    reached = {f"components.{name}": _digest(f"components.{name}")}
    waiting = sorted(_imports(f"components.{name}"))
    while waiting:
        module = waiting.pop()
        if module in reached or module.startswith(WITHOUT_RESULT) or not module.startswith("ernie_core."):
            continue
        reached[module] = _digest(module)
        waiting += _imports(module)
        if module == "ernie_core.tasks.task":  # which imports the tasks by their names
            waiting += [f"ernie_core.tasks.{name}" for name in TASKS]
        if module == "ernie_core.datasets.known":  # whose formats are imported by their names
            waiting += sorted({place.partition(":")[0] for place in {**FORMATS, **TABLES}.values()})
        for source in _native(module):
            text = source.read_bytes()
            reached[str(source.relative_to(TOP))] = hashlib.sha256(text).hexdigest()[:16]
    return dict(sorted(reached.items()))


@cache
def _file(module: str) -> Path | None:
    path = TOP / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    assert file is not None
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):  # what is only said is no code
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [e for e in body if not (isinstance(e, ast.Expr) and isinstance(e.value, ast.Constant))]  # type: ignore[attr-defined]
    return tree


@cache
def _digest(module: str) -> str:
    return hashlib.sha256(repr(_shape(_tree(module))).encode()).hexdigest()[:16]


def _shape(node: object) -> object:
    """A syntax tree in a form that does not depend on the version of Python."""
    if isinstance(node, list):
        return [_shape(each) for each in node]
    if isinstance(node, ast.AST):
        held = ((name, _shape(value)) for name, value in ast.iter_fields(node) if name not in ("ctx", "kind"))
        return type(node).__name__, [(name, value) for name, value in held if value not in (None, [])]
    return node


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of this tree that one imports, at its top or when it needs them."""
    names = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in names if name.startswith("ernie_core.") and _file(name))


def _native(module: str) -> Iterator[Path]:
    """The native sources of the room that a module is in."""
    file = _file(module)
    assert file is not None
    for kind in ("*.pyx", "*.pxi", "*.h", "*.hpp", "*.cpp", "*.inc"):
        yield from sorted(file.parent.glob(kind))


def differing(then: dict[str, str], now: dict[str, str]) -> list[str]:
    """Names whose digests are not equal, with what became of each."""
    words = dict.fromkeys(then.keys() - now.keys(), "gone") | dict.fromkeys(now.keys() - then.keys(), "new")
    words |= {name: "changed" for name in then.keys() & now.keys() if then[name] != now[name]}
    return [f"{name}: {word}" for name, word in sorted(words.items())]


@pytest.fixture(scope="module")
def record(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.config.getoption("--update-golden"):
        rows = {n: {"revision": components.find(n).revision, "code": found(n)} for n in components.names()}
        RECORD.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")
    recorded: dict[str, Any] = json.loads(RECORD.read_text())
    return recorded


@pytest.mark.parametrize("name", components.names())
def test_code_that_changes_is_judged(record: dict[str, Any], name: str) -> None:
    assert name in record, f"`{name}` is new: record it with --update-golden"
    revision = record[name]["revision"]
    changed = differing(record[name]["code"], found(name))
    assert not changed, REMEDY.format(name=name, revision=revision, changed="\n  ".join(changed))
    assert components.find(name).revision == revision, f"`{name}`: record its new revision with --update-golden"


def test_a_component_reaches_the_code_that_it_imports_when_it_runs() -> None:
    reached = found("segment")
    assert {"ernie_core.text.lines", "ernie_core/text/jieba/_jieba.pyx"} <= reached.keys()
    assert not any(name.startswith("ernie_core.store") for name in reached)
    assert not any(name.startswith("ernie_core.train") for name in reached)
    assert "ernie_core.tasks.sequence_classification" in found("finetune")
    assert "ernie_core/text/lac/net.cpp" in reached


def test_what_changed_is_named() -> None:
    assert differing({"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}) == [
        "a: gone",
        "c: changed",
        "d: new",
    ]
