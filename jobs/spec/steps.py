"""The entries of `steps:`, checked each by itself and beside those before it."""

import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

import components
from components.contract import scores
from components.contract.around import Around, Made
from components.contract.base import Step
from components.contract.gates import Gate
from ernie_core.errors import Error
from ernie_core.wording import shorten
from jobs.spec import bind, document, fields
from jobs.spec.document import Document, Value
from jobs.spec.job import STEP_NAME, JobStep, Placement, placement_keys
from jobs.spec.problems import Problem, unknown

M = TypeVar("M", bound=BaseModel)


class Reader:
    """Reads steps in the order of the spec, and gathers problems instead of stopping at the first."""

    def __init__(self, doc: Document, binder: bind.Binder) -> None:
        self.doc, self.binder = doc, binder
        self.problems: list[Problem] = []
        self._made: dict[str, Made] = {}

    def step(self, path: document.Path, item: Value) -> JobStep | None:
        """One entry; None if it cannot be used."""
        if isinstance(item, str):
            item = {item: None}
        if not isinstance(item, dict) or len(item) != 1:
            self._unread(path, "one component with its parameters: `- segment: {tool: jieba}`")
            return None
        component, body = next(iter(item.items()))
        path = (*path, component)
        if not components.exists(component):
            what = "is not a component" + (f" ({why})" if (why := components.not_one(component)) else "")
            self._unread(path, unknown(component, components.names(), what))
            return None
        if body is not None and not isinstance(body, dict):
            self._unread(path, "parameters are a mapping: `{tool: jieba}`")
            return None
        try:
            cls = components.find(component)
        except Error as error:
            self._unread(path, str(error))
            return None
        return self._read(path, component, cls, dict(body or {}))

    def _read(self, path: document.Path, component: str, cls: type[Step], body: dict[str, Value]) -> JobStep | None:
        name = body.pop("as", component)
        if not isinstance(name, str) or not re.fullmatch(STEP_NAME, name):
            not_text = fields.no_text(self.doc, (*path, "as"), name)
            self._bad((*path, "as"), not_text or f"`{shorten(name)}` is not a name, {fields.NAMES}")
            name = component
        inputs, problems = self.binder.bind(name, cls, body.pop("from", None), path)
        self.problems += [self.doc.problem((*path, *where), text) for where, text in problems]
        gates = self._gates((*path, "require"), body.pop("require", None))
        for key in Placement.model_fields.keys() & body.keys() - placement_keys(cls):
            why = "cannot be split" if key == "shards" else "is not trained by several processes"
            self._bad((*path, key), f"`{component}` {why}, leave `{key}` out")
        placement = self._fields(path, Placement, {k: body.pop(k) for k in Placement.model_fields if k in body})
        step = self._fields(path, cls, body)
        reads = {port: tuple(self._made.get(b.source, Made(b.source)) for b in group) for port, group in inputs.items()}
        self._made[name] = Made(name, step, reads)
        if step is None:
            return None
        for gate in gates:
            self._gate((*path, "require", gate.score), gate, component, step, self._made[name])
        if placement is None:
            return None
        for text in step.misfits(Around(reads, placement.nodes, placement.gpus)):
            self._bad(path, text)
        return JobStep(name, component, step, inputs, gates, placement)

    def _gates(self, path: document.Path, value: Value) -> tuple[Gate, ...]:
        if value is None:
            return ()
        if not isinstance(value, dict):
            self._bad(path, 'scores and their bounds: `{accuracy: ">=0.75"}`')
            return ()
        found = []
        for score, bound in value.items():
            try:
                found.append(Gate.parse(score, self.doc.spelled.get((*path, score), bound)))
            except ValueError as error:
                self._bad((*path, score), str(error))
        return tuple(found)

    def _gate(self, path: document.Path, gate: Gate, component: str, step: Step, made: Made) -> None:
        """A bound on what the step does not give, or that decides nothing, would be found when hours are spent."""
        if type(step).scores is None:
            return
        bound = [port for port, group in made.reads.items() if group]
        given = [score for score in step.gives(bound) if score.fits(made.task)]
        score = scores.find(gate.score, given)
        if score is None:
            self._bad(path, scores.missing(shorten(gate.score), given, type(step).scores or (), component, made.task))
        elif vain := gate.vain(score):
            self._bad(path, vain)

    def _fields(self, path: document.Path, model: type[M], values: dict[str, Value]) -> M | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for where, text in fields.problems(model, error, self.doc, path):
                self._bad((*path, *where), text)
            return None

    def _unread(self, path: document.Path, text: str) -> None:
        """What it would have made must not be reported as missing."""
        self.binder.complete = False
        self._bad(path, text)

    def _bad(self, path: document.Path, text: str) -> None:
        self.problems.append(self.doc.problem(path, text))
