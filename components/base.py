"""The contract of a component: parameters are fields, artefacts are arguments of `run`."""

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from components.kinds import Kind
from ernie_core.progress import Progress, Stop

if TYPE_CHECKING:
    from ernie_core.store import Store

T = TypeVar("T")
K = TypeVar("K", bound=Kind)

FREE = "free"
Free = Annotated[T, FREE]
"""Marks a parameter that cannot change the result (worker counts, log intervals): it stays out of the fingerprint."""

Scores = Mapping[str, float]
"""What `run` may return: figures for the manifest, and for the gates of `require:`."""


@dataclass(frozen=True)
class Port:
    """One artefact that a component takes or makes."""

    name: str
    kind: str
    way: Literal["in", "many", "out"]
    optional: bool = False


@dataclass(frozen=True)
class Source:
    """One of the artefacts bound to a `Many` port: its folder, its name in the spec, its weight."""

    path: Path
    name: str
    weight: float = 1.0


if TYPE_CHECKING:

    class In(Path, Generic[K]):
        """A folder to read."""

    class Out(Path, Generic[K]):
        """An empty folder to fill; it becomes the artefact when `run` returns."""

    class Many(tuple[Source, ...], Generic[K]):
        """One or more folders to read, in the order of the spec."""

else:

    class _Way:
        def __init__(self, way: str) -> None:
            self.way = way

        def __getitem__(self, kind: type[Kind]) -> Any:
            base = tuple[Source, ...] if self.way == "many" else Path
            return Annotated[base, (self.way, snake(kind.__name__))]

    In, Out, Many = _Way("in"), _Way("out"), _Way("many")


@dataclass(frozen=True)
class Here:
    """All that a step may know of where it runs."""

    scratch: Path
    """An empty folder that disappears with the step."""
    progress: Progress
    stop: Stop
    store: "Store"
    address: str
    """Where the step's artefact will be in the store; the checkpoints of a step in progress lie below it."""
    cpus: int = 1
    shard: tuple[int, int] = (0, 1)
    """This piece and the number of pieces."""
    fingerprint: str = ""
    lineage: Callable[[], Mapping[str, Any]] = field(default=dict)
    """The provenance of this step and all its ancestors: address -> what its manifest says."""


class Step(BaseModel):
    """A kind of step: one class in one file of `components/`, named like the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    image: ClassVar[str]
    """The environment: a folder under `images/`."""
    revision: ClassVar[int] = 1
    """Raised when behaviour changes without a parameter; part of the fingerprint."""
    cpu: ClassVar[int] = 1
    """Cores that a run on one machine gives it, unless the spec says otherwise."""
    memory: ClassVar[str] = "2GiB"
    """Memory that it may need, likewise."""

    run: ClassVar[Callable[..., Scores | None]]

    @classmethod
    def ports(cls) -> tuple[Port, ...]:
        """The artefacts among the arguments of `run`, in their order."""
        return _ports(cls)

    @classmethod
    def makes(cls) -> Port:
        """The one artefact that it makes."""
        return next(p for p in cls.ports() if p.way == "out")

    @classmethod
    def takes(cls) -> tuple[Port, ...]:
        """The artefacts that it reads."""
        return tuple(p for p in cls.ports() if p.way != "out")

    def settings(self) -> dict[str, Any]:
        """The parameters that can change the result, as JSON values: what enters the fingerprint."""
        free = {name for name, f in type(self).model_fields.items() if FREE in f.metadata}
        return self.model_dump(mode="json", exclude=free)


@functools.cache
def _ports(cls: type[Step]) -> tuple[Port, ...]:
    hints = typing.get_type_hints(cls.run, include_extras=True)
    found = []
    for name in inspect.signature(cls.run).parameters:
        hint, optional = hints.get(name), False
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
            optional = True
            hint = next(h for h in typing.get_args(hint) if h is not type(None))
        if typing.get_origin(hint) is Annotated:
            way, kind = typing.get_args(hint)[1]
            found.append(Port(name, kind, way, optional))
    if [p.way for p in found].count("out") != 1:
        raise TypeError(f"{cls.__name__}.run must have exactly one Out argument: a step makes one artefact")
    return tuple(found)


def snake(name: str) -> str:
    """`TaskData` -> `task_data`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
