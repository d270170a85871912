"""Which artefact goes into which port: `from:` decides, else the kind does; and what went into none."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from components.contract.base import Port, Step
from ernie_core.wording import listed
from jobs.spec import wanted as forms
from jobs.spec.document import Path, Value
from jobs.spec.problems import unknown
from jobs.spec.wanted import Binding, Group

__all__ = ["Binder", "Binding"]

Problems = list[tuple[tuple[str, ...], str]]


@dataclass(frozen=True)
class _Bound:
    """A step whose ports are bound."""

    name: str
    at: Path
    cls: type[Step]
    ports: Mapping[str, Group]
    chose: bool
    """Whether it has a `from:`; an empty list is a choice too."""

    @property
    def going_on(self) -> str | None:
        """The kind of artefact that it could continue from, if it continues from none."""
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
        self, name: str, cls: type[Step], wanted: Value, at: Path = (), filled: Collection[str] = ()
    ) -> tuple[dict[str, Group], Problems]:
        """The ports of the step at this place of the spec, bound; afterwards the step itself can be bound to.

        `filled`: ports whose place a parameter takes.
        """
        problems: Problems = []
        if name in self._kinds:
            problems.append(
                (("as",), f"`{name}` is already the name of an earlier step or input, add `as: another_name`")
            )
        vague: dict[str, list[str]] = {}
        if forms.is_by_port(wanted):
            bound = self._by_port(cls, wanted, problems)
        else:
            bound = self._by_kind(cls, wanted, problems, vague)
        self._doubtful = self._doubtful or bool(problems or vague)
        written, shared = dict(bound), _shared(cls)
        filled = {*filled, *(port for port, other in cls.instead.items() if bound.get(other))}
        asked = {port.name for port in cls.takes() if port.name in cls.instead.values()}
        for port in cls.takes():
            alone = port.kind not in shared and not _goes_on(cls, port) and port.name not in filled | asked
            other = _in_place_of(cls, port.name)
            if port.name not in bound and alone and (chosen := self._nearest(port, other, problems)):
                bound[port.name] = (Binding(chosen),)
        for kind in shared:
            self._tell_apart([p for p in cls.takes() if p.kind == kind], written, vague.get(kind, []), problems)
        ordered = {port.name: bound[port.name] for port in cls.takes() if bound.get(port.name)}
        sources = {b.source for group in ordered.values() for b in group}
        self._kinds[name] = cls.makes().kind
        self._above[name] = sources.union(*(self._above[s] for s in sources))
        self._steps.append(_Bound(name, at, cls, ordered, wanted is not None))
        return ordered, problems

    def unread(self) -> list[tuple[Path, str]]:
        """Once all steps are bound: inputs that none of them reads, and steps that could continue from what none reads.

        Either way the run would differ from what its spec seems to say. Nothing is reported while a binding is unclear.
        """
        if self._doubtful or not self.complete:
            return []
        read = {b.source for step in self._steps for group in step.ports.values() for b in group}
        found: list[tuple[Path, str]] = []
        for name, kind in self._inputs.items():
            # A candidate that a problem names is reported again only if it may have been meant for another step.
            if name not in read and (name not in self._asked or any(s.going_on == kind for s in self._steps)):
                found.append((("inputs", name), self._input_unread(name, kind)))
        for number, step in enumerate(self._steps):
            left = [s.name for s in self._steps[:number] if s.cls.makes().kind == step.going_on and s.name not in read]
            if left and not step.chose:
                names, ways = (" or ".join(f"`{before}{name}`" for name in left) for before in ("", "from: "))
                text = f"no step reads {names}, add {ways} to continue from it, or `from: []` to start without it"
                found.append((step.at, text))
        return found

    def _input_unread(self, name: str, kind: str) -> str:
        takers = [(step, port) for step in self._steps for port in step.cls.takes() if port.kind == kind]
        if not takers:
            takes = listed(sorted({port.kind for step in self._steps for port in step.cls.takes()})) or "nothing"
            return f"no step reads `{name}`, and none takes `{kind}`, remove it; the steps here take: {takes}"
        free = [(step, port) for step, port in takers if port.name not in step.ports or port.way == "many"]
        if free:
            step, port = min(free, key=lambda taker: (taker[0].going_on != kind, taker[0].chose))
            apart = kind in _shared(step.cls)
            entry = forms.spelled({port.name: (Binding(name),)}) if apart else name
            at = f", as in `{entry}`" if apart else ""
            way = f"name it in `from:` of `{step.name}`{at}" if step.chose else f"add `from: {entry}` to `{step.name}`"
        else:
            step, port = takers[0]
            way = f"name it in `from:` of `{step.name}` in the place of `{step.ports[port.name][0].source}`"
        return f"no step reads `{name}`, {way}, or remove it"

    def _by_kind(
        self, cls: type[Step], wanted: Value, problems: Problems, vague: dict[str, list[str]]
    ) -> dict[str, Group]:
        """Each name goes to the port of its kind; where several ports have that kind, it is vague."""
        try:
            names = forms.named(wanted)
        except ValueError as error:
            problems.append((("from",), str(error)))
            return {}
        bound: dict[str, Group] = {}
        for binding in names:
            kind = self._kinds.get(binding.source)
            if kind is None:
                problems.append((("from",), unknown(binding.source, self._kinds, "is not an earlier step or input")))
                continue
            port = next((p for p in cls.takes() if p.kind == kind), None)
            if port is None:
                takes = listed(p.kind for p in cls.takes()) or "nothing"
                problems.append((("from",), f"`{binding.source}` is `{kind}`, but this step takes: {takes}"))
            elif kind in _shared(cls):
                vague.setdefault(kind, []).append(binding.source)
            elif port.name in bound and port.way == "in":
                both = f"`{bound[port.name][0].source}` and `{binding.source}`"
                problems.append((("from",), f"{both} are both `{kind}`, but this step takes one of them"))
            else:
                bound[port.name] = (*bound.get(port.name, ()), binding)
        return bound

    def _by_port(self, cls: type[Step], wanted: Mapping[str, Value], problems: Problems) -> dict[str, Group]:
        """The binding of each named port; a port with a wrong binding is not reported twice."""
        bound: dict[str, Group] = {}
        ports = {port.name: port for port in cls.takes()}
        for name, value in wanted.items():
            if (port := ports.get(name)) is None:
                problems.append((("from", name), unknown(name, ports, "is not a port of this step")))
                continue
            try:
                bound[name] = forms.at(port, value)
            except ValueError as error:
                problems.append((("from", name), str(error)))
                bound[name] = ()
                continue
            if not bound[name] and not port.optional:
                problems.append((("from", name), f"`{name}` cannot be left empty, {self._choice(port.kind)}"))
            for source in (b.source for b in bound[name]):
                if (kind := self._kinds.get(source)) is None:
                    text = unknown(source, self._kinds, "is not an earlier step or input")
                elif kind != port.kind:
                    text = f"`{source}` is `{kind}`, but `{name}` takes `{port.kind}`, {self._choice(port.kind)}"
                else:
                    continue
                problems.append((("from", name), text))
                bound[name] = ()
        return bound

    def _tell_apart(self, ports: list[Port], bound: Mapping[str, Group], vague: list[str], problems: Problems) -> None:
        """Nothing is bound by its kind alone where several ports take that kind: they must be named."""
        missing = [p for p in ports if p.name not in bound and not p.optional]
        if len(vague) > len(missing):
            missing = [p for p in ports if p.name not in bound]
        made = [name for name, kind in self._kinds.items() if kind == ports[0].kind]
        if missing and made:
            self._asked.update(made)
            used = {b.source for group in bound.values() for b in group}
            names = list(dict.fromkeys([*vague, *(name for name in made if name not in used)])) or made
            guess = {p.name: (Binding(names[min(i, len(names) - 1)]),) for i, p in enumerate(missing)}
            form = forms.spelled({**{name: group for name, group in bound.items() if group}, **guess})
            which = " and ".join(f"`{p.name}`" for p in missing)
            text = f"say which `{ports[0].kind}` is {which}, as in `from: {form}`, {self._choice(ports[0].kind)}"
            problems.append((("from",) if vague else (), text))
        elif missing and self.complete:
            problems.append(((), self._nothing(ports[0].kind)))

    def _choice(self, kind: str) -> str:
        names = [name for name, other in self._kinds.items() if other == kind]
        return f"choose from: {listed(names)}" if names else f"no earlier step or input makes `{kind}`"

    def _nothing(self, kind: str, other: str = "") -> str:
        there = listed(f"{n} ({k})" for n, k in self._kinds.items()) or "nothing"
        or_ = f" or {other}" if other else ""
        return f"needs `{kind}`{or_}, but no earlier step or input makes it, there is: {there}"

    def _nearest(self, port: Port, other: str, problems: Problems) -> str | None:
        made = [name for name, kind in self._kinds.items() if kind == port.kind]
        # What a later producer of the same kind was made from is superseded by it.
        open_ = [name for name in made if not any(name in self._above[other] for other in made)]
        if len(open_) == 1:
            return open_[0]
        if not open_ and (other or not port.optional) and self.complete:
            problems.append(((), self._nothing(port.kind, other)))
        elif open_:
            self._asked.update(open_)
            problems.append(
                ((), f"needs one `{port.kind}`, but there are several: {listed(open_)}, choose with `from:`")
            )
        return None


def _in_place_of(cls: type[Step], port: str) -> str:
    """What can stand for a port, in words: a parameter, or another port."""
    other = cls.instead.get(port)
    kind = next((p.kind for p in cls.takes() if p.name == other), None)
    return f"`from:` with a `{kind}`" if kind else f"`{other}:`" if other else ""


def _goes_on(cls: type[Step], port: Port) -> bool:
    """Whether the port continues from an artefact of the step's own kind: a choice that is never made silently."""
    return port.optional and port.kind == cls.makes().kind


def _shared(cls: type[Step]) -> tuple[str, ...]:
    """Kinds that it takes at more than one port."""
    return tuple(kind for kind, count in Counter(port.kind for port in cls.takes()).items() if count > 1)
