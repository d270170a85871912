"""A task: one step of a planned job, written down so that any process or container can do it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

_RARE = ("work", "continues", "points", "points_listing", "best", "halving")


@dataclass(frozen=True)
class TaskInput:
    """What is bound at a port: an artefact of the store (`address`), or files (`files`: name, url, size, and
    the tag `sha256:...` or `etag:...` that they had when this was planned; earlier versions noted none), which are in
    a `listing` in the store if they are too many for a command line."""

    name: str
    kind: str
    fingerprint: str
    address: str | None = None
    files: Sequence[Mapping[str, Any]] = ()
    weight: float = 1.0
    listing: str = ""
    """`listings/<SHA-256>.json`."""


@dataclass(frozen=True)
class Task:
    """All that a step's process receives. Contains no secret: credentials come from the environment of the process."""

    component: str
    name: str
    parameters: Mapping[str, Any]
    fingerprint: str
    address: str
    store: str
    inputs: Mapping[str, Sequence[TaskInput]]
    job: str
    run: str
    spec: Mapping[str, Any]
    """File name, digest, text and edits of the spec."""
    image: Mapping[str, str]
    scratch: str
    cache: str
    progress: str
    outcome: str
    cpus: int = 1
    """Cores of one process."""
    memory: int = 0
    """Bytes that one process may use; 0 is any number."""
    shards: int = 1
    """Processes that share the work of a split step."""
    at_once: int = 1
    """Number of them that run in parallel on this machine."""
    ranks: int = 1
    """Processes that do the work of a step together, if it is one of a gang."""
    require: Mapping[str, str] = field(default_factory=dict)
    """Score -> bound, where no runner checks them: the step itself then refuses scores out of bounds when it ends."""
    continues: str = ""
    """The address of an earlier training that this one takes up, if it has no checkpoint of its own yet."""
    points: Sequence[Mapping[str, Any]] = ()
    """Of a sweep: names of the parameters that are `varied`, `parameters` besides those of the task, `fingerprint`, and
    `continues` if it has one. Everything else is the same for all of them."""
    points_listing: str = ""
    """`listings/<SHA-256>.json`: where they are in the store, if they are too many for a command line."""
    best: str = ""
    """Of a sweep: which point is kept, as `max accuracy`; empty for every other step."""
    work: str = ""
    """Digest of what the step does, apart from its inputs, where an image of another version might do it; or empty."""
    halving: Sequence[int] = ()
    """Of a sweep of trainings: steps at which the worse half of the points that are left is stopped."""

    def to_json(self) -> dict[str, Any]:
        """As JSON values; what few tasks have only where it is, so that other tasks are what they were before."""
        row = {"format": 1, **asdict(self)}
        return {name: value for name, value in row.items() if value or name not in _RARE}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Task":
        """The reverse. ValueError for another format."""
        if value.get("format") != 1:
            raise ValueError(
                f"task of format {value.get('format')}, this version reads 1: use the image of its version"
            )
        if later := sorted(value.keys() - {"format", *(field.name for field in fields(cls))}):
            raise ValueError(f"task with `{later[0]}`, which this version does not know: use the image of its version")
        inputs = {port: tuple(TaskInput(**source) for source in group) for port, group in value["inputs"].items()}
        return cls(**{**{k: v for k, v in value.items() if k != "format"}, "inputs": inputs})
