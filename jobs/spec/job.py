"""What a spec says, checked: a job, its steps, and what each of them is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from components.contract.base import Step
from components.contract.gates import Gate
from components.contract.strict import Strict
from components.contract.sweep import Best
from components.contract.values import Duration, Size
from jobs.spec import site
from jobs.spec.document import Edit
from jobs.spec.wanted import Binding

JOB_NAME = r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?"
STEP_NAME = r"[a-z][a-z0-9_]{0,39}"


class Placement(Strict):
    """What a step is given; never part of its fingerprint."""

    cpu: int | None = Field(None, ge=1, le=1024)
    """Number of cores, and of threads of its numeric libraries."""
    memory: Size | None = None
    """Memory reserved for the step, such as `4GiB`."""
    timeout: Duration | None = None
    """Longest running time, such as `2h`; the step fails after it."""
    shards: int | None = Field(None, ge=1, le=10_000)
    """Number of processes that a split step (segment, vocab, ids) is divided among; the result is the same for any
    number. Default: one for each core; on one machine as many run in parallel as it has cores and memory for. Of a step
    with a `sweep`: number of points that are made in parallel; default: 1."""
    nodes: int = Field(1, ge=1, le=1000)
    """Number of machines that train together (pretrain); on one machine without GPUs, number of processes. `cpu` and
    `memory` are those of each."""
    gpus: int = Field(0, ge=0, le=16)
    """Number of GPUs of each node."""


@dataclass(frozen=True)
class InputFiles:
    """An artefact that exists already, as files or patterns (`*`, `?`, `[...]`, `**`), relative to the spec."""

    kind: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One set of parameters of a sweep."""

    varied: Mapping[str, Any]
    """What sets it apart, as JSON values."""
    step: Step


@dataclass(frozen=True)
class Sweep:
    """The points of a step, in the order of the spec, and which of them is kept."""

    points: tuple[Point, ...]
    best: Best
    halving: tuple[int, ...] = ()
    """Steps of training at which the worse half of the points that are left is stopped."""


@dataclass(frozen=True)
class JobStep:
    """One entry of `steps:`."""

    name: str
    component: str
    step: Step
    """Of a sweep: that of its first point."""
    inputs: Mapping[str, tuple[Binding, ...]]
    """Port -> what is bound to it."""
    gates: tuple[Gate, ...]
    placement: Placement
    sweep: Sweep | None = None


@dataclass(frozen=True)
class Job:
    """A checked spec."""

    name: str
    store: str
    inputs: Mapping[str, InputFiles]
    steps: tuple[JobStep, ...]
    file: str
    text: str
    edits: tuple[Edit, ...]
    site: site.Site

    @property
    def digest(self) -> str:
        """Of the text and its edits: which spec a run was made from."""
        import hashlib

        return hashlib.sha256("\n".join([self.text, *map(str, self.edits)]).encode()).hexdigest()[:16]


def placement_keys(cls: type[Step], *, swept: bool = False) -> set[str]:
    """The keys of `Placement` that a component can have, or a sweep of it."""
    apart = {"shards": cls.is_split() or swept, "nodes": cls.gang, "gpus": cls.gang}
    return {key for key in Placement.model_fields if apart.get(key, True)}
