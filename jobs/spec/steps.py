"""The entries of `steps:`, checked each by itself and beside those before it."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

import components
from components.contract import scores, sweep
from components.contract.around import Around, Made
from components.contract.base import Step
from components.contract.gates import Gate
from components.contract.scores import Score
from components.contract.sweep import Best
from ernie_core.errors import Error
from ernie_core.wording import shorten
from jobs.spec import bind, document, fields, sweeps
from jobs.spec.document import Document, Value
from jobs.spec.job import STEP_NAME, JobStep, Placement, Point, placement_keys
from jobs.spec.problems import Problem, unknown
from jobs.spec.wanted import Binding

M = TypeVar("M", bound=BaseModel)


class Reader:
    """Reads steps in the order of the spec, and gathers problems instead of stopping at the first."""

    def __init__(self, doc: Document, binder: bind.Binder) -> None:
        self.doc, self.binder = doc, binder
        self.problems: list[Problem] = []
        self._made: dict[str, list[Made]] = {}
        """Name -> what it may be: of a sweep each point, and what is made of it, for any of them may be the best."""

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
        inputs, problems = self.binder.bind(name, cls, body.pop("from", None), path, _filled(cls, body))
        self.problems += [self.doc.problem((*path, *where), text) for where, text in problems]
        gates = self._gates((*path, "require"), body.pop("require", None))
        swept, wanted, best = "sweep" in body, body.pop("sweep", None), body.pop("best", None)
        halving = body.pop("halving", None)
        for key in Placement.model_fields.keys() & body.keys() - placement_keys(cls, swept=swept):
            why = "cannot be split" if key == "shards" else "is not trained by several processes"
            self._bad((*path, key), f"`{component}` {why}, leave `{key}` out")
        placement = self._fields(path, Placement, {k: body.pop(k) for k in Placement.model_fields if k in body})
        if swept:
            points = self._points(path, cls, wanted, body)
        else:
            step = self._fields(path, cls, body)
            points = (Point({}, step),) if step else ()
        around = self._around(inputs)
        made = [Made(name, point.step, around[0]) for point in points]
        more = [Made(name, point.step, reads) for point in points[:1] for reads in around[1:]]
        self._made[name] = [*made, *more] or [Made(name, None, around[0])]
        rule = self._rule((*path, "best"), best, made, component) if swept else None
        if best is not None and not swept:
            self._bad((*path, "best"), "chooses among the points of a `sweep:`, add that, or leave `best` out")
        steps, wrong = sweeps.halving(halving, cls, swept, rule)
        if wrong:
            self._bad((*path, "halving"), wrong)
        if not points:
            return None
        for gate, each in itertools.product(gates, made):
            self._gate((*path, "require", gate.score), gate, component, each)
        if placement is None:
            return None
        for text in _misfits(points, around, placement):
            self._bad((*path, *(["sweep"] if text.startswith("point `") else [])), text)
        found = sweeps.whole(points, rule, steps) if swept else None
        return (
            None if swept and not found else JobStep(name, component, points[0].step, inputs, gates, placement, found)
        )

    def _points(self, path: document.Path, cls: type[Step], wanted: Value, body: dict[str, Value]) -> tuple[Point, ...]:
        """The points of a sweep; none if something is wrong with it."""
        if why := sweeps.UNSWEPT.get(cls.makes().kind):
            self._bad((*path, "sweep"), why)
            return ()
        read = sweeps.read(cls, wanted, body, self.doc, path)
        for where, text in read.problems:
            self._bad((*path, *where), text)
        return () if read.problems else read.points

    def _rule(self, path: document.Path, value: Value, made: Sequence[Made], component: str) -> Best | None:
        """Which point of a sweep is kept: by a score that every one of them gives."""
        rule, wrong = sweeps.best(value)
        declared = [each for each in made if each.step and type(each.step).scores is not None]
        faults = [wrong] if rule is None else [_missing(rule.score, component, each) for each in declared]
        for text in filter(None, faults):
            self._bad(path, text)
        return rule

    def _around(self, inputs: Mapping[str, tuple[Binding, ...]]) -> list[Mapping[str, tuple[Made, ...]]]:
        """What a step reads, first with the first point of every sweep before it, then with each of the others."""
        first = {name: self._made.get(name, [Made(name)])[0] for name in _sources(inputs)}
        cases = [first]
        for name in first:
            cases += [{**first, name: other} for other in self._made.get(name, [])[1:]]
        return [{port: tuple(case[b.source] for b in group) for port, group in inputs.items()} for case in cases]

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

    def _gate(self, path: document.Path, gate: Gate, component: str, made: Made) -> None:
        """A bound on what the step does not give, or that decides nothing, would be found when hours are spent."""
        if made.step is None or type(made.step).scores is None:
            return
        score = scores.find(gate.score, _given(made))
        if score is None:
            self._bad(path, _missing(gate.score, component, made))
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


def _filled(cls: type[Step], body: Mapping[str, Value]) -> list[str]:
    """Ports whose place a parameter takes, in the step itself or in its sweep."""
    swept = body.get("sweep")
    given = {**(swept if isinstance(swept, dict) else {}), **body}
    return [port for port, parameter in cls.instead.items() if given.get(parameter) is not None]


def _given(made: Made) -> list[Score]:
    """The scores that a step gives where it stands."""
    bound = [port for port, group in made.reads.items() if group]
    return [score for score in made.step.gives(bound) if score.fits(made.task)] if made.step else []


def _missing(score: str, component: str, made: Made) -> str:
    """What to say of a score that it does not give; empty if it does."""
    if made.step is None or scores.find(score, given := _given(made)):
        return ""
    return scores.missing(shorten(score), given, type(made.step).scores or (), component, made.task)


def _misfits(
    points: Sequence[Point], around: Sequence[Mapping[str, tuple[Made, ...]]], placement: Placement
) -> list[str]:
    """What contradicts the spec around it, of a step or of the points of one, whatever becomes of sweeps before it."""
    labels = [sweep.label(point.varied) for point in points]
    faults = [list(point.step.misfits(_place(around[0], placement))) for point in points]
    for reads in around[1:]:
        faults[0] += [text for text in points[0].step.misfits(_place(reads, placement)) if text not in faults[0]]
    return faults[0] if len(points) == 1 else sweep.complaints(labels, faults)


def _place(reads: Mapping[str, tuple[Made, ...]], placement: Placement) -> Around:
    return Around(reads, placement.nodes, placement.gpus)


def _sources(inputs: Mapping[str, tuple[Binding, ...]]) -> list[str]:
    return list(dict.fromkeys(b.source for group in inputs.values() for b in group))
