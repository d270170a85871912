"""What a step is: one file per component, found by its name."""

import ast
import importlib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from components.contract import scores as declared
from components.contract.base import Scores, Step
from ernie_core.errors import Error

T = TypeVar("T")
FOLDER = Path(__file__).parent


@cache
def names() -> tuple[str, ...]:
    """Every component there is, without importing any: the files that define a `Step`."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if _defines_step(path.stem)))


def exists(name: str) -> bool:
    """Whether there is a component of that name; reads its own file alone, not those of all."""
    return name.isidentifier() and name == name.lower() and bool(_defines_step(name))


@cache
def find(name: str) -> type[Step]:
    """The class of a component, by the name of its file.

    KeyError if there is none; Error, with the file and what to change, if it is not what a component must be.
    """
    if not exists(name):
        raise KeyError(name)
    try:
        module = importlib.import_module(f"components.{name}")
        classes = [
            c
            for c in vars(module).values()
            if isinstance(c, type) and issubclass(c, Step) and c.__module__ == module.__name__
        ]
        if not classes:
            raise TypeError("no class of this file is a `Step` when it is loaded")
        classes[0].ports()
        classes[0].model_rebuild()  # what is wrong with a parameter's type is said here, too
        if not hasattr(classes[0], "image"):
            raise TypeError(f'{classes[0].__name__} has no `image`, add `image = "text"` or another folder of images/')
    except Exception as error:  # whatever the code of a component's author raises when it is loaded
        what = str(error) or type(error).__name__
        raise Error(f"components/{name}.py cannot be used as a component: {' '.join(what.split())}") from error
    return classes[0]


def not_one(name: str) -> str:
    """Why a name is not a component although a file of `components/` is called so; empty if none is."""
    path = FOLDER / f"{name}.py"
    if not name.isidentifier() or not path.is_file() or exists(name):
        return ""
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        return f"components/{name}.py is not Python: {error}"
    return f"components/{name}.py is a helper, no class in it is a `Step`"


def mismatch(step: Step, scores: Scores, bound: Collection[str]) -> str:
    """How the scores that a step returned differ from those its class declares; empty if they do not."""
    cls = type(step)
    if cls.scores is None:
        return ""
    difference = declared.mismatch(scores, step.gives(bound), more=cls.hands_on)
    return (
        f"{cls.__module__.replace('.', '/')}.py: {cls.__name__} {difference}: correct its `scores`"
        if difference
        else ""
    )


def in_order(component: str, scores: Mapping[str, T]) -> tuple[dict[str, T], int]:
    """Scores of a component's artefact as they are shown everywhere, and how many of them are main ones; in the order
    of their names if this version does not have that component."""
    try:
        cls = find(component)
    except (KeyError, Error):
        return dict(sorted(scores.items())), 0
    return declared.ordered(scores, cls.main_scores, cls.scores or ()), sum(n in scores for n in cls.main_scores)


def is_share(component: str, name: str) -> bool:
    """Whether a score is from 0 to 1, as far as this version knows."""
    try:
        score = declared.find(name, find(component).scores or ())
    except (KeyError, Error):
        return False
    return score is not None and score.most == 1.0


@cache
def _defines_step(name: str, derived: bool = True) -> tuple[str, ...]:
    """The classes of a file that derive from `Step`, or, if such count, from the class of another component."""
    path = FOLDER / f"{name}.py"
    if name in ("__init__", "__main__") or not path.is_file() or b"class " not in (source := path.read_bytes()):
        return ()
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return ()
    steps = {"Step", "base.Step"}
    for node in body:
        module = (node.module or "") if isinstance(node, ast.ImportFrom) and derived else ""
        if isinstance(node, ast.ImportFrom) and module.startswith("components."):
            known = _defines_step(module.removeprefix("components."), derived=False)
            steps |= {alias.asname or alias.name for alias in node.names if alias.name in known}
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    return tuple(node.name for node in classes if steps & {ast.unparse(base) for base in node.bases})
