"""Which artefact goes into which port: `from:` decides, else the kind does; and what went into none."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.base import Port, Step
from jobs.document import Path, Value
from jobs.problems import unknown

Problems = list[tuple[tuple[str, ...], str]]


@dataclass(frozen=True)
class Binding:
    """One artefact at a port: the name of the step or input that makes it, and its weight among several."""

    source: str
    weight: float = 1.0


@dataclass(frozen=True)
class _Bound:
    """A step whose ports are bound."""

    name: str
    at: Path
    cls: type[Step]
    ports: Mapping[str, tuple[Binding, ...]]
    chose: bool
    """Whether it has a `from:`; an empty list is a choice too."""

    @property
    def going_on(self) -> str | None:
        """The kind of artefact that it could go on from, if it goes on from none."""
        return next((p.kind for p in self.cls.takes() if _goes_on(self.cls, p) and p.name not in self.ports), None)


class Binder:
    """Knows what has been made so far, in the order of the spec."""

    def __init__(self, inputs: Mapping[str, str], complete: bool = True) -> None:
        self._inputs, self._kinds = dict(inputs), dict(inputs)
        self.complete = complete
        """False once a step or input could not be read: what it would have made must not be reported as missing, nor
        what it would have read as unread."""
        self._above: dict[str, set[str]] = {name: set() for name in inputs}
        self._steps: list[_Bound] = []
        self._asked: set[str] = set()
        """Candidates of a port between which no `from:` decides: a problem asks for them already."""
        self._doubtful = False
        """True once an `as:` or `from:` was wrong: it may have meant anything."""

    def bind(
        self, name: str, cls: type[Step], wanted: Value, at: Path = ()
    ) -> tuple[dict[str, tuple[Binding, ...]], Problems]:
        """The ports of the step at this place of the spec, bound; afterwards the step itself can be bound to."""
        problems: Problems = []
        if name in self._kinds:
            problems.append((("as",), f"`{name}` is taken by an earlier step or input, add `as: another_name`"))
        bound = self._explicit(cls, wanted, problems)
        self._doubtful = self._doubtful or bool(problems)
        for port in cls.takes():
            if port.name not in bound and not _goes_on(cls, port) and (chosen := self._nearest(port, problems)):
                bound[port.name] = (Binding(chosen),)
        ordered = {port.name: bound[port.name] for port in cls.takes() if port.name in bound}
        sources = {b.source for group in ordered.values() for b in group}
        self._kinds[name] = cls.makes().kind
        self._above[name] = sources.union(*(self._above[s] for s in sources))
        self._steps.append(_Bound(name, at, cls, ordered, wanted is not None))
        return ordered, problems

    def unread(self) -> list[tuple[Path, str]]:
        """Once all steps are bound: inputs that none of them reads, and steps that could go on from what none reads.

        Either way the run would not be what its spec seems to say. Nothing is said while it is in doubt who reads what.
        """
        if self._doubtful or not self.complete:
            return []
        read = {b.source for step in self._steps for group in step.ports.values() for b in group}
        found: list[tuple[Path, str]] = []
        for name, kind in self._inputs.items():
            # A candidate that a problem asks for is told again only if it may have been meant for another step.
            if name not in read and (name not in self._asked or any(s.going_on == kind for s in self._steps)):
                found.append((("inputs", name), self._input_unread(name, kind)))
        for number, step in enumerate(self._steps):
            left = [s.name for s in self._steps[:number] if s.cls.makes().kind == step.going_on and s.name not in read]
            if left and not step.chose:
                names, ways = (" or ".join(f"`{before}{name}`" for name in left) for before in ("", "from: "))
                text = f"no step reads {names}, add {ways} to go on from it, or `from: []` to begin without it"
                found.append((step.at, text))
        return found

    def _input_unread(self, name: str, kind: str) -> str:
        takers = [(step, port) for step in self._steps for port in step.cls.takes() if port.kind == kind]
        if not takers:
            takes = ", ".join(sorted({port.kind for step in self._steps for port in step.cls.takes()})) or "nothing"
            return f"no step reads `{name}`, and none takes `{kind}`, remove it; the steps here take: {takes}"
        free = [step for step, port in takers if port.name not in step.ports or port.way == "many"]
        if free:
            step = min(free, key=lambda s: (s.going_on != kind, s.chose))
            way = f"name it in `from:` of `{step.name}`" if step.chose else f"add `from: {name}` to `{step.name}`"
        else:
            step, port = takers[0]
            way = f"name it in `from:` of `{step.name}` in the place of `{step.ports[port.name][0].source}`"
        return f"no step reads `{name}`, {way}, or remove it"

    def _explicit(self, cls: type[Step], wanted: Value, problems: Problems) -> dict[str, tuple[Binding, ...]]:
        bound: dict[str, tuple[Binding, ...]] = {}
        for binding in _named(wanted, problems):
            kind = self._kinds.get(binding.source)
            if kind is None:
                problems.append((("from",), unknown(binding.source, self._kinds, "is not an earlier step or input")))
                continue
            port = next((p for p in cls.takes() if p.kind == kind), None)
            if port is None:
                takes = ", ".join(p.kind for p in cls.takes()) or "nothing"
                problems.append((("from",), f"`{binding.source}` is `{kind}`, but this step takes: {takes}"))
            elif port.name in bound and port.way == "in":
                both = f"`{bound[port.name][0].source}` and `{binding.source}`"
                problems.append((("from",), f"{both} are both `{kind}`, but this step takes one of them"))
            else:
                bound[port.name] = (*bound.get(port.name, ()), binding)
        return bound

    def _nearest(self, port: Port, problems: Problems) -> str | None:
        made = [name for name, kind in self._kinds.items() if kind == port.kind]
        # What a later producer of the same kind was made from is superseded by it.
        open_ = [name for name in made if not any(name in self._above[other] for other in made)]
        if len(open_) == 1:
            return open_[0]
        if not open_ and not port.optional and self.complete:
            there = ", ".join(f"{n} ({k})" for n, k in self._kinds.items()) or "nothing"
            problems.append(((), f"needs `{port.kind}`, but no earlier step or input makes it, there is: {there}"))
        elif open_:
            self._asked.update(open_)
            problems.append(
                ((), f"needs one `{port.kind}`, but there are several: {', '.join(open_)}, choose with `from:`")
            )
        return None


def _goes_on(cls: type[Step], port: Port) -> bool:
    """To go on from an artefact of one's own kind is a choice that is never made in silence."""
    return port.optional and port.kind == cls.makes().kind


def _named(wanted: Value, problems: Problems) -> list[Binding]:
    if wanted is None:
        return []
    if isinstance(wanted, str):
        return [Binding(wanted)]
    if isinstance(wanted, list) and all(isinstance(w, str) for w in wanted):
        return [Binding(str(w)) for w in wanted]
    weights = list(wanted.values()) if isinstance(wanted, dict) else [None]
    if isinstance(wanted, dict) and all(
        isinstance(w, (int, float)) and not isinstance(w, bool) and w > 0 for w in weights
    ):
        return [Binding(name, float(str(weight))) for name, weight in wanted.items()]
    problems.append((("from",), "a name, a list of names, or a mapping of names to positive weights"))
    return []
