"""The contract of a component: parameters are fields, artefacts are arguments of `run`."""

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import model_validator

from components.contract.around import Around
from components.contract.kinds import Kind
from components.contract.scores import Score
from components.contract.strict import Strict
from ernie_core.declared import FREE, Declared
from ernie_core.declared import Free as Free
from ernie_core.progress import Progress, Stop

if TYPE_CHECKING:
    from ernie_core.store import Store
    from ernie_core.store.files import StoredFile
    from ernie_core.store.lease import Lease

T = TypeVar("T")
K = TypeVar("K", bound=Kind)

Scores = Mapping[str, float]
"""What `run` may return: figures for the manifest, and for the gates of `require:`."""


@dataclass(frozen=True)
class Unmeasured:
    """Why a score may not be there, with the remedy; `count` is the score that says of how many it was measured: where
    that is 0, what earlier versions gave as 0 was not measured either."""

    why: str
    count: str = ""


@dataclass(frozen=True)
class Port:
    """One artefact that a component takes or makes."""

    name: str
    kind: str
    way: Literal["in", "many", "out"]
    optional: bool = False
    as_files: bool = False
    """Whether the step reads single files in place, instead of a complete folder that is fetched first."""
    as_records: bool = False
    """Whether the step reads only how the artefacts were made, and none of their files."""


@dataclass(frozen=True)
class Record:
    """One of the artefacts bound to a `Records` port: its name in the spec, its address, and what its manifest says of
    how it was made: `settings`, `scores`, `sweep` and more."""

    name: str
    address: str
    info: Mapping[str, Any]


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

    class Files(Sequence[StoredFile], Generic[K]):
        """The files of an artefact, which may be too large to fetch as a whole: the work is split along them."""

    class ManyFiles(Sequence[StoredFile], Generic[K]):
        """The same for the files of one or more artefacts, in the order of the spec."""

    class Records(tuple[Record, ...], Generic[K]):
        """How one or more artefacts were made, in the order of the spec; no file of them is fetched."""

else:

    class _Way:
        def __init__(self, way: str, **form: bool) -> None:
            self.way, self.form = way, tuple(form.items())

        def __getitem__(self, kind: type[Kind]) -> Any:
            if not (isinstance(kind, type) and issubclass(kind, Kind)):
                raise TypeError(f"{kind!r} is not a kind of artefact, name a class of components/contract/kinds.py")
            return Annotated[Path, (self.way, snake(kind.__name__), self.form)]

    In, Out, Many = _Way("in"), _Way("out"), _Way("many")
    Files, ManyFiles = _Way("in", as_files=True), _Way("many", as_files=True)
    Records = _Way("many", as_records=True)


@dataclass(frozen=True)
class Piece:
    """A part of a step's work that is committed separately: its number, and its entry of `pieces`."""

    number: int
    work: Any


@dataclass(frozen=True)
class Here:
    """All that a step may know of where it runs."""

    scratch: Path
    """An empty folder that disappears with the step."""
    progress: Progress
    stop: Stop
    store: "Store"
    address: str
    """Address of the step's artefact in the store; the checkpoints of a step in progress are below it."""
    cpus: int = 1
    piece: Piece | None = None
    """The piece that this call of `run` makes, for a split step."""
    cache: Path | None = None
    """A folder of one or more machines for what is expensive to make again; anything in it may be deleted."""
    metrics: Path | None = None
    """Text file folder of Prometheus' node exporter, if there is one."""
    fingerprint: str = ""
    lease: "Lease | None" = None
    """For a step whose progress is kept at its address: the right to write there, checked before each write."""
    continues: str = ""
    """For a training: address of an earlier one whose newest checkpoint it continues, if it has none of its own."""
    lineage: Callable[[], Mapping[str, Any]] = field(default=dict)
    """The provenance of this step and all its ancestors: address -> what its manifest says."""
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """What to do once the artefact is committed, such as to remove what was kept in the cache to make it."""


class Step(Strict):
    """A kind of step: one class in one file of `components/`, named like the file.

    A step that reads `Files` is split: `pieces` divides its work by its input alone, `run` makes one piece, each is
    committed by whichever process makes it, and `join` makes the artefact of them. So the artefact is the same for any
    number of processes, and one that dies loses only the piece in progress.
    """

    image: ClassVar[str]
    """The environment: a folder under `images/`."""
    revision: ClassVar[int] = 1
    """Raised when behaviour changes without a parameter; part of the fingerprint."""
    cpu: ClassVar[int] = 1
    """Cores that a run on one machine gives it, unless the spec says otherwise."""
    memory: ClassVar[str] = "2GiB"
    """Memory that a run on one machine gives it, unless the spec says otherwise."""

    unmeasured: ClassVar[Mapping[str, Unmeasured]] = {}
    """Scores that a run may not have, or have of nothing, and why."""

    added: ClassVar[frozenset[str]] = frozenset()
    """Parameters that an earlier version did not have, and whose defaults are what that version did. At its default
    such a parameter stays out of the fingerprint: what was made before is found."""

    tabled: ClassVar[frozenset[str]] = frozenset()
    """Parameters whose default depends on what the step reads: the step looks it up when it runs, and `given` says
    which of them a person wrote. Without a value they are neither in a task nor in the fingerprint."""

    instead: ClassVar[Mapping[str, str]] = {}
    """Ports for which something else can stand: port -> a parameter, or another port. The step needs one of the two;
    with the other nothing is bound to the port by kind, and to a port that stands for another nothing ever is."""
    downloads: ClassVar[bool] = False
    """Whether it may read from the network: its process then learns of the site's mirror and proxy."""

    gang: ClassVar[bool] = False
    """Whether several processes, on one machine or on many, do its work together and live and die together."""

    drilled: ClassVar[Mapping[str, Any]] = {}
    """For a step that trains: the parameters with which a drill makes it small enough to train in seconds."""

    scores: ClassVar[tuple[Score, ...] | None] = None
    """What `run` (of a split step: `join`) returns: no more and no less, or the step ends with an error. If it is
    absent, `run` may return anything, and a gate on that is only tested when it ends."""
    main_scores: ClassVar[tuple[str, ...]] = ()
    """Those of them that say most, in the order in which they are shown; no list of scores leaves them out."""
    hands_on: ClassVar[bool] = False
    """Whether they are those of what it reads, which may have more than are declared."""

    run: ClassVar[Callable[..., Scores | None]]
    pieces: ClassVar[Callable[..., Sequence[Any]]]
    """For a split step: what there is to do, from the arguments that are `Files`."""
    join: ClassVar[Callable[..., Scores | None]]
    """For a split step: given the folders of all pieces and the arguments of `run`, fill the folder of the
    artefact. Files of a piece named `part-...` are in the artefact by themselves; `join` sees all the others."""

    @model_validator(mode="after")
    def _contradicts_nothing(self) -> "Step":
        if isinstance(self, Declared) and (contradictions := self.contradictions()):
            raise ValueError("; ".join(contradictions))
        return self

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

    @classmethod
    def is_split(cls) -> bool:
        """Whether its work can be shared out among processes."""
        return any(p.as_files for p in cls.ports())

    def gives(self, bound: Collection[str]) -> tuple[Score, ...]:
        """The scores of a step with these parameters and something bound at these ports."""
        return tuple(score for score in type(self).scores or () if score.when is None or score.when(self, bound))

    def misfits(self, around: Around) -> Iterable[str]:
        """What of its parameters contradicts each other or the spec around it, each with the remedy.

        Called for a spec, where `model_fields_set` says what a person wrote; a task has all that are not `tabled`.
        Called again when scores of what the step will read are known.
        """
        return ()

    @property
    def tells_task(self) -> str:
        """The task of the labelled examples or the model that it makes, if its parameters tell; empty if not."""
        return str(getattr(self, "task", None) or "")

    @property
    def given(self) -> frozenset[str]:
        """The parameters that are not left to what the step reads."""
        return frozenset(type(self).model_fields) - (self.tabled - self.model_fields_set)

    def parameters(self) -> dict[str, Any]:
        """The parameters of a task, as JSON values."""
        return self.model_dump(mode="json", include=set(self.given))

    def settings(self) -> dict[str, Any]:
        """The parameters that can change the result, as JSON values: what enters the fingerprint."""
        fields = type(self).model_fields
        free = {name for name, field in fields.items() if FREE in field.metadata}
        # a tabled one that a person gave counts even at its default: without it the data may say another value
        unused = {name for name in self.added - self.tabled if getattr(self, name) == fields[name].default}
        return self.model_dump(mode="json", include=set(self.given - free - unused))


@functools.cache
def _ports(cls: type[Step]) -> tuple[Port, ...]:
    if not hasattr(cls, "run"):
        raise TypeError(f"{cls.__name__} has no `run`: add one, with exactly one Out argument")
    hints = typing.get_type_hints(cls.run, include_extras=True)
    ports = []
    for name in [*inspect.signature(cls.run).parameters][1:]:
        hint, optional = hints.get(name), False
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
            optional = True
            hint = next(h for h in typing.get_args(hint) if h is not type(None))
        if typing.get_origin(hint) is Annotated:
            way, kind, form = typing.get_args(hint)[1]
            ports.append(Port(name, kind, way, optional, **dict(form)))
        elif hint is not Here:
            raise TypeError(
                f"{cls.__name__}.run: `{name}` is neither `Here` nor an artefact such as In[Text]: say which"
            )
    if [p.way for p in ports].count("out") != 1:
        raise TypeError(f"{cls.__name__}.run must have exactly one Out argument: a step makes one artefact")
    return tuple(ports)


def snake(name: str) -> str:
    """`TaskData` -> `task_data`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
