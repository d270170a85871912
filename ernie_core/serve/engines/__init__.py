"""Engines, which compute the outputs of an exported model; one file per engine."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from ernie_core.errors import BadInput, NotFound

if TYPE_CHECKING:
    import numpy as np

Name = Literal["fastdeploy", "onnxruntime"]
Choice = Literal["auto", "fastdeploy", "onnxruntime"]
NAMES: tuple[Name, ...] = get_args(Name)


class Engine(Protocol):
    """Inputs by name, int64 [rows, tokens] each -> all outputs of the graph in its order, float32 [rows, ...] each."""

    def __call__(self, **inputs: "np.ndarray") -> "Sequence[np.ndarray]": ...


def load(model: Path, choice: str, order: Sequence[str], threads: int) -> Engine:
    """The engine of that name over an ONNX file; `auto` is the first of `order` that is installed, logged to stderr.

    A named engine is never replaced by another. BadInput if it is unknown or not installed, NotFound without a model.
    """
    if choice not in get_args(Choice):
        raise BadInput(f"engine `{choice}` is not known, choose from: {', '.join(get_args(Choice))}")
    if threads < 1:
        raise BadInput(f"{threads} threads: an engine needs at least 1")
    if not model.is_file():
        raise NotFound(f"{model}: no such file, this folder holds no exported model")
    name = _first(order) if choice == "auto" else choice
    if not _installed(name):
        raise BadInput(f"engine `{name}` is not installed here: install it, or choose another with engine=auto")
    if choice == "auto":
        print(f"engine: {name}", file=sys.stderr)
    engine: Engine = importlib.import_module(f"{__name__}.{name}").load(model, threads)
    return engine


def _first(order: Sequence[str]) -> str:
    known = [name for name in order if name in NAMES]
    for name in known:
        if _installed(name):
            return name
    raise BadInput(f"none of the engines for this model is installed here: {', '.join(known or order)}")


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
