"""The tensors of a checkpoint, whatever its files: names and shapes at once, numbers one tensor at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.model.arrays import floats
from ernie_core.wording import shorten

Shape = tuple[int, ...]


class Tensors(ABC):
    """Named tensors of one file or of several. `path` is the file or folder that messages name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shapes: dict[str, Shape] = {}

    @abstractmethod
    def load(self, name: str) -> np.ndarray:
        """The tensor as the file has it, in any precision."""

    def read(self, name: str) -> np.ndarray:
        """The tensor as float32. BadInput if it has numbers that are not finite, or is not of floats."""
        array = self.load(name)
        if array.dtype.kind != "f":
            raise BadInput(f"{self.path}: `{shorten(name)}` is of {array.dtype}, weights are of floats: save it again")
        with np.errstate(over="ignore"):  # a float64 beyond float32 is inf, which is refused next
            array = np.ascontiguousarray(array, np.float32)
        with np.errstate(all="ignore"):  # a sum of float32 in float64 cannot overflow, and needs no memory
            total = array.sum(dtype=np.float64)
        if not np.isfinite(total):
            wrong = int(array.size - np.isfinite(array).sum())
            raise BadInput(
                f"{self.path}: `{shorten(name)}` has {wrong:,} numbers of {array.size:,} that are NaN or infinite: "
                "take a checkpoint from before the training broke"
            )
        return array


class Held(Tensors):
    """Tensors of a file of Paddle, which are in memory."""

    def __init__(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(path)
        self._arrays = arrays
        self.shapes = {name: tuple(array.shape) for name, array in arrays.items()}

    def load(self, name: str) -> np.ndarray:
        return floats(self._arrays[name])


class Several(Tensors):
    """Tensors of several files as one. BadInput if two files have the same name."""

    def __init__(self, path: Path, parts: Iterable[Tensors]) -> None:
        super().__init__(path)
        self._owner: dict[str, Tensors] = {}
        for part in parts:
            for name, shape in part.shapes.items():
                if name in self._owner:
                    raise BadInput(f"`{shorten(name)}` is in {self._owner[name].path} and in {part.path}: remove one")
                self._owner[name], self.shapes[name] = part, shape

    def load(self, name: str) -> np.ndarray:
        return self._owner[name].load(name)

    def read(self, name: str) -> np.ndarray:
        return self._owner[name].read(name)
