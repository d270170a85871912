"""A spec: YAML -> Job. Strict, all errors at once, each with file:line and a remedy."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import components
from components.base import Step
from components.gates import Gate
from components.values import Duration, Size
from jobs import bind, document, fields, paths, site
from jobs.bind import Binding
from jobs.document import Document, Edit, Value
from jobs.problems import Problem, SpecError, unknown, unknown_key

JOB_NAME = r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?"
STEP_NAME = r"[a-z][a-z0-9_]{0,39}"
M = TypeVar("M", bound=BaseModel)


class Placement(BaseModel):
    """What a step is given; never part of its fingerprint."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    cpu: int | None = Field(None, ge=1, le=1024)
    """Cores, also the number of threads of its numeric libraries."""
    memory: Size | None = None
    """Memory that is kept free for it."""
    timeout: Duration | None = None
    """The step fails after this time."""
    shards: int | None = Field(None, ge=1, le=10_000)
    """Processes that share the work of a step that is cut (segment, vocab, ids); what it makes is the same for any
    number. One for each core if absent; on one machine as many run side by side as it has cores and memory for."""
    nodes: int = Field(1, ge=1, le=1000)
    """Machines that train together (pretrain); on one machine without GPUs, processes. `cpu` and `memory` are those of
    each."""
    gpus: int = Field(0, ge=0, le=16)
    """GPUs of each of them."""


@dataclass(frozen=True)
class InputFiles:
    """An artefact that exists already, as files or patterns (`*`, `?`, `[...]`, `**`), relative to the spec."""

    kind: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class JobStep:
    """One entry of `steps:`."""

    name: str
    component: str
    step: Step
    inputs: Mapping[str, tuple[Binding, ...]]
    """Port -> what is bound to it."""
    gates: tuple[Gate, ...]
    placement: Placement


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
        return hashlib.sha256("\n".join([self.text, *map(str, self.edits)]).encode()).hexdigest()[:16]


def load(file: Path, edits: Iterable[Edit] = ()) -> Job:
    """Read and check a spec file. SpecError with every problem; NotFound if there is no such file."""
    from ernie_core.errors import NotFound

    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"no spec at `{file}`; `kfp new NAME` writes one to start from") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([Problem(str(file), 1, "", f"cannot be read as UTF-8 text: {error}")]) from error
    return parse(text, str(file), edits)


def parse(text: str, file: str, edits: Iterable[Edit] = ()) -> Job:
    """Check the text of a spec; `file` is its name in messages and the folder that relative paths start from."""
    edits = tuple(edits)
    doc = document.apply(document.parse(text, file), edits)
    where = site.find(Path(file).parent)
    reader = _Reader(doc, where)
    job = reader.job(text)
    if reader.problems or job is None:
        raise SpecError(reader.problems)
    return job


def placement_keys(cls: type[Step]) -> set[str]:
    """The keys of `Placement` that a component can have."""
    apart = {"shards": cls.is_cut(), "nodes": cls.gang, "gpus": cls.gang}
    return {key for key in Placement.model_fields if apart.get(key, True)}


class _Reader:
    """Walks a document once and gathers problems instead of stopping at the first."""

    def __init__(self, doc: Document, where: site.Site) -> None:
        self.doc, self.site = doc, where
        self.problems: list[Problem] = []

    def job(self, text: str) -> Job | None:
        top = self.doc.value
        if not isinstance(top, dict):
            self._bad((), "a spec is a mapping with `version`, `name`, `store` and `steps`")
            return None
        for key in top.keys() - {"version", "name", "store", "inputs", "steps"}:
            self._bad((key,), unknown_key(key, ("version", "name", "store", "inputs", "steps")))
        if top.get("version") != 1:
            self._bad(("version",), f"`{top.get('version')}` is not a version of this format, write `version: 1`")
        name = top.get("name")
        if not isinstance(name, str) or not re.fullmatch(JOB_NAME, name):
            self._bad(("name",), f"`{name}` is not a job name, use lower-case letters, digits and `-`, 52 at most")
        store = self._store(top.get("store"))
        inputs = self._inputs(top.get("inputs"))
        steps = self._steps(top.get("steps"), inputs)
        if self.problems:
            return None
        return Job(str(name), store, inputs, steps, self.doc.file, text, self.doc.edits, self.site)

    def _store(self, value: Value) -> str:
        if value is None and self.site.store:
            return self.site.store
        try:
            return paths.store(value, Path(self.doc.file).parent)
        except ValueError as error:
            self._bad(("store",), str(error))
            return ""

    def _inputs(self, value: Value) -> dict[str, InputFiles]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._bad(("inputs",), "a mapping of names, each `{KIND: files}`")
            return {}
        return {name: entry for name, body in value.items() if (entry := self._input(name, body))}

    def _input(self, name: str, body: Value) -> InputFiles | None:
        path = ("inputs", name)
        if not re.fullmatch(STEP_NAME, name):
            self._bad(path, f"`{name}` is not a name, use lower-case letters, digits and `_`")
        if not isinstance(body, dict) or len(body) != 1:
            self._bad(path, "needs exactly one key, the kind: `{text: corpus/*.txt}`")
            return None
        kind, files = next(iter(body.items()))
        if kind not in fields.kinds():
            self._bad((*path, kind), unknown(kind, fields.kinds(), "is not a kind of artefact"))
            return None
        files = [files] if isinstance(files, str) else files
        if not isinstance(files, list) or not files or not all(isinstance(f, str) and f for f in files):
            self._bad((*path, kind), "name a file, a pattern with `*`, or a list of them")
            return None
        for i, text in paths.wrong(map(str, files)):
            self._bad((*path, kind, i) if (*path, kind, i) in self.doc.lines else (*path, kind), text)
        return InputFiles(kind, tuple(str(f) for f in files))

    def _steps(self, value: Value, inputs: Mapping[str, InputFiles]) -> tuple[JobStep, ...]:
        if not isinstance(value, list) or not value:
            self._bad(("steps",), "a list of steps, each a component and its parameters: `- segment: {tool: jieba}`")
            return ()
        broken = any(problem.path.startswith("inputs") for problem in self.problems)
        binder = bind.Binder({name: entry.kind for name, entry in inputs.items()}, complete=not broken)
        steps = [step for i, item in enumerate(value) if (step := self._step(("steps", i), item, binder))]
        for path, text in binder.unread():
            self._bad(path, text)
        return tuple(steps)

    def _step(self, path: document.Path, item: Value, binder: bind.Binder) -> JobStep | None:
        if isinstance(item, str):
            item = {item: None}
        if not isinstance(item, dict) or len(item) != 1:
            self._bad(path, "one component with its parameters: `- segment: {tool: jieba}`")
            binder.complete = False
            return None
        component, body = next(iter(item.items()))
        path = (*path, component)
        if component not in components.names():
            self._bad(path, unknown(component, components.names(), "is not a component"))
            binder.complete = False
            return None
        if body is not None and not isinstance(body, dict):
            self._bad(path, "parameters are a mapping: `{tool: jieba}`")
            binder.complete = False
            return None
        body = dict(body or {})
        cls = components.find(component)
        name = body.pop("as", component)
        if not isinstance(name, str) or not re.fullmatch(STEP_NAME, name):
            self._bad((*path, "as"), f"`{name}` is not a name, use lower-case letters, digits and `_`")
            name = component
        inputs, problems = binder.bind(name, cls, body.pop("from", None), path)
        self.problems += [self.doc.problem((*path, *where), text) for where, text in problems]
        gates = self._gates((*path, "require"), body.pop("require", None))
        for key in Placement.model_fields.keys() & body.keys() - placement_keys(cls):
            why = "cannot be cut" if key == "shards" else "is not trained by several processes"
            self._bad((*path, key), f"`{component}` {why}, leave `{key}` out")
        placement = self._fields(path, Placement, {k: body.pop(k) for k in Placement.model_fields if k in body})
        step = self._fields(path, cls, body)
        if step is None or placement is None:
            return None
        return JobStep(name, component, step, inputs, gates, placement)

    def _gates(self, path: document.Path, value: Value) -> tuple[Gate, ...]:
        if value is None:
            return ()
        if not isinstance(value, dict) or not value:
            self._bad(path, 'scores and their bounds: `{accuracy: ">=0.75"}`')
            return ()
        found = []
        for score, bound in value.items():
            try:
                found.append(Gate.parse(score, bound))
            except ValueError as error:
                self._bad((*path, score), str(error))
        return tuple(found)

    def _fields(self, path: document.Path, model: type[M], values: dict[str, Value]) -> M | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for where, text in fields.problems(model, error):
                self._bad((*path, *where), text)
            return None

    def _bad(self, path: document.Path, text: str) -> None:
        self.problems.append(self.doc.problem(path, text))
