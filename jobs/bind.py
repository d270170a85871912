"""Which artefact goes into which port: `from:` decides, else the kind does."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.base import Port, Step
from jobs.document import Value
from jobs.problems import unknown

Problems = list[tuple[tuple[str, ...], str]]


@dataclass(frozen=True)
class Binding:
    """One artefact at a port: the name of the step or input that makes it, and its weight among several."""

    source: str
    weight: float = 1.0


class Binder:
    """Knows what has been made so far, in the order of the spec."""

    def __init__(self, inputs: Mapping[str, str], complete: bool = True) -> None:
        self._kinds = dict(inputs)
        self.complete = complete
        """False once a producer could not be read: what it would have made must not be reported as missing."""
        self._above: dict[str, set[str]] = {name: set() for name in inputs}

    def bind(self, name: str, cls: type[Step], wanted: Value) -> tuple[dict[str, tuple[Binding, ...]], Problems]:
        """The ports of a step, bound; afterwards the step itself can be bound to."""
        problems: Problems = []
        if name in self._kinds:
            problems.append((("as",), f"`{name}` is taken by an earlier step or input, add `as: another_name`"))
        bound = self._explicit(cls, wanted, problems)
        for port in cls.takes():
            # To go on from an artefact of one's own kind is a choice that is never made in silence.
            going_on = port.optional and port.kind == cls.makes().kind
            if port.name not in bound and not going_on and (chosen := self._nearest(port, problems)):
                bound[port.name] = (Binding(chosen),)
        ordered = {port.name: bound[port.name] for port in cls.takes() if port.name in bound}
        sources = {b.source for group in ordered.values() for b in group}
        self._kinds[name] = cls.makes().kind
        self._above[name] = sources.union(*(self._above[s] for s in sources))
        return ordered, problems

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
            problems.append(
                ((), f"needs one `{port.kind}`, but there are several: {', '.join(open_)}, choose with `from:`")
            )
        return None


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
