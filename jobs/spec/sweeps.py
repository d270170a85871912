"""`sweep:` and `best:` of a step: its points, each a complete set of parameters, and which of them is kept."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pydantic import ValidationError

from components.contract import sweep
from components.contract.base import Step
from components.contract.sweep import Best
from ernie_core.tasks import known
from ernie_core.wording import shorten
from jobs.spec import fields
from jobs.spec.document import Document, Path, Value
from jobs.spec.job import Point, Sweep
from jobs.spec.problems import unknown

UNSWEPT = {
    "package": "packages are published under their names: make a package of the best instead",
    "text": "text has no scores to choose by, and its readers would read the table of points too",
}
"""Kinds that no sweep makes, and why."""
_TESTED = "test_"
"""How the scores begin that a training has at its end only."""
FORMS = (
    "parameters with lists of values, `{learning_rate: [1e-5, 2e-5]}`, or a list of points, `[{learning_rate: 1e-5}]`"
)

Raw = Mapping[str, tuple[Path, Value]]
"""Of one point: parameter -> where its value stands below the step, and the value."""


@dataclass
class Reading:
    """A sweep as it was read, and what is wrong with it: the place below the step, and the text."""

    points: tuple[Point, ...] = ()
    problems: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """Each point in words."""
        return [sweep.label(point.varied) for point in self.points]


def read(cls: type[Step], value: Value, fixed: Mapping[str, Value], doc: Document, at: Path) -> Reading:
    """The points of a step; `fixed` are its other parameters, and `at` is where the step stands."""
    found = Reading()
    raw = list(_raw(cls, value, fixed, found))
    if found.problems:
        return found
    points: list[Point] = []
    faults: list[list[str]] = []
    for row in raw:
        values = {**fixed, **{name: value for name, (_, value) in row.items()}}
        try:
            step = cls.model_validate(values)
        except ValidationError as error:
            faults.append(list(_faults(cls, error, row, doc, at, found)))
            continue
        dumped = step.model_dump(mode="json", include=set(row))
        points.append(Point({name: dumped[name] for name in row}, step))
        faults.append([])
    labels = [sweep.label({name: value for name, (_, value) in row.items()}) for row in raw]
    found.problems += [(("sweep",), text) for text in sweep.complaints(labels, faults)]
    found.points = tuple(points)
    found.problems += [(("sweep",), text) for text in _same(points)]
    return found


def best(value: Value) -> tuple[Best | None, str]:
    """Which point is kept; or what is wrong with that."""
    if value is None:
        return None, "which point is kept? Add `best: max SCORE` or `best: min SCORE`, of a score of the step"
    try:
        return Best.parse(value), ""
    except ValueError as error:
        return None, str(error)


def halving(value: Value, cls: type[Step], swept: bool, rule: Best | None) -> tuple[tuple[int, ...], str]:
    """The steps at which the worse half is stopped; or what is wrong with them."""
    if value is None:
        return (), ""
    if not swept or not cls.gang:
        return (), "stops trainings of a `sweep:`, leave it out"
    rows = value if isinstance(value, list) else [value]
    steps = [row for row in rows if isinstance(row, int) and not isinstance(row, bool) and row > 0]
    if not rows or len(steps) != len(rows) or sorted(set(steps)) != steps:
        return (), f"`{shorten(value)}` is not a list of steps, write them from the first to the last: `[200, 400]`"
    if rule and rule.score.startswith(_TESTED):
        return (), f"compares trainings that are not at their end, where `{rule.score}` is not known: choose by another"
    if rule and any(fnmatchcase(rule.score, name) for name in known.BY_LANGUAGE):
        what = f"where languages are not told apart, and `{rule.score}` is not known"
        return (), f"compares trainings that are not at their end, {what}: choose by `{rule.score.rpartition('_')[0]}`"
    return tuple(steps), ""


def whole(points: Sequence[Point], rule: Best | None, steps: tuple[int, ...] = ()) -> Sweep | None:
    """A sweep of which everything is known."""
    return Sweep(tuple(points), rule, steps) if points and rule else None


def _raw(cls: type[Step], value: Value, fixed: Mapping[str, Value], found: Reading) -> Iterator[Raw]:
    if isinstance(value, dict) and value:
        yield from _grid(cls, value, fixed, found)
    elif isinstance(value, list) and value:
        yield from _list(cls, value, fixed, found)
    else:
        what = "has no points" if value in ({}, [], None) else f"`{shorten(value)}` has no points"
        found.problems.append((("sweep",), f"{what}, write {FORMS}"))


def _grid(cls: type[Step], value: Mapping[str, Value], fixed: Mapping[str, Value], found: Reading) -> Iterator[Raw]:
    columns: dict[str, list[tuple[Path, Value]]] = {}
    for name, values in value.items():
        place: Path = ("sweep", name)
        if fault := _fault(cls, name, fixed):
            found.problems.append((place, fault))
        elif not isinstance(values, list):
            found.problems.append((place, f"`{shorten(values)}` is not a list of values, write `[{shorten(values)}]`"))
        elif not values:
            found.problems.append((place, "an empty list leaves no point: give it values, or leave it out"))
        else:
            columns[name] = [((*place, i), each) for i, each in enumerate(values)]
    count = math.prod(len(column) for column in columns.values())
    if count > sweep.MOST:
        found.problems.append((("sweep",), _many(count)))
    if not found.problems:
        yield from (dict(zip(columns, row, strict=True)) for row in itertools.product(*columns.values()))


def _list(cls: type[Step], value: Sequence[Value], fixed: Mapping[str, Value], found: Reading) -> Iterator[Raw]:
    if len(value) > sweep.MOST:
        found.problems.append((("sweep",), _many(len(value))))
        return
    for i, row in enumerate(value):
        if not isinstance(row, dict) or not row:
            text = f"`{shorten(row)}` is not a point, write its parameters: `{{learning_rate: 1e-5}}`"
            found.problems.append((("sweep", i), text))
            continue
        for name in row:
            if fault := _fault(cls, name, fixed):
                found.problems.append((("sweep", i, name), fault))
        yield {name: (("sweep", i, name), each) for name, each in row.items()}


def _fault(cls: type[Step], name: str, fixed: Mapping[str, Value]) -> str:
    """Why a key cannot be varied; empty if it can."""
    if name not in cls.model_fields:
        return unknown(name, cls.model_fields, "is not a parameter of this step")
    if name in fixed:
        return f"`{name}` is given to all points too, leave one of the two out"
    return ""


def _faults(
    cls: type[Step], error: ValidationError, row: Raw, doc: Document, at: Path, found: Reading
) -> Iterator[str]:
    """Problems of a point: of one value where that stands, of fixed ones where those stand, else of the whole."""
    for where, text in fields.problems(cls, error, doc, at):
        if not where:
            yield text
        elif (name := str(where[0])) in row:
            found.problems.append(((*row[name][0], *where[1:]), text))
        else:
            found.problems.append((where, text))


def _same(points: Sequence[Point]) -> Iterator[str]:
    """Points that are the same work."""
    first: dict[str, str] = {}
    for point in points:
        key, name = json.dumps(point.step.settings(), sort_keys=True), sweep.label(point.varied)
        if key not in first:
            first[key] = name
        elif first[key] == name:
            yield f"point `{name}` is there twice: remove one"
        else:
            yield f"point `{name}` is the same work as `{first[key]}`: remove one"


def _many(count: int) -> str:
    return f"{count:,} points, {sweep.MOST:,} at most: leave values out, or make several steps of it"
