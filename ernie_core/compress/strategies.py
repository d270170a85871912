"""The ways to compress an exported model. Imports nothing heavy: the command line reads it too."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Name = Literal["none", "int8"]


@dataclass(frozen=True)
class Strategy:
    """A way to make the served model from the exported float model."""

    precision: str
    """The precision in `serving.json`."""
    tolerance: float
    """Least allowed difference of the probe's outputs: engines round differently, and int8 amplifies it."""
    apply: Callable[[Path, Path], object]
    """Writes the model to serve (the second path, ONNX) from the exported one (the first)."""


def _int8(source: Path, target: Path) -> None:
    from ernie_core.compress import quantise

    quantise.to_int8(source, target)


STRATEGIES: Mapping[Name, Strategy] = {
    "none": Strategy("fp32", 1e-3, shutil.copyfile),
    "int8": Strategy("int8", 0.1, _int8),
}
