"""What the `from:` of a step says: names, names with weights, or either by port."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from components.contract.base import Port
from ernie_core.wording import shorten
from jobs.spec.document import Value

FORMS = "a name, a list of names, a mapping of names to positive weights, or a mapping of ports to any of these"


@dataclass(frozen=True)
class Binding:
    """One artefact at a port: the name of the step or input that makes it, and its weight among several."""

    source: str
    weight: float = 1.0


Group = tuple[Binding, ...]
"""What is bound at one port."""


def is_by_port(wanted: Value) -> TypeGuard[dict[str, Value]]:
    """Numbers are the weights of names; anything else in a mapping is what its ports are given."""
    return isinstance(wanted, dict) and any(isinstance(value, (str, list, dict)) for value in wanted.values())


def named(wanted: Value) -> Group:
    """Names, with their weights or without. ValueError with the forms there are."""
    if wanted is None:
        return ()
    if isinstance(wanted, str):
        return (Binding(wanted),)
    if isinstance(wanted, list) and all(isinstance(w, str) for w in wanted):
        return tuple(Binding(str(w)) for w in wanted)
    if isinstance(wanted, dict) and all(
        isinstance(w, (int, float)) and not isinstance(w, bool) and w > 0 for w in wanted.values()
    ):
        return tuple(Binding(name, float(str(weight))) for name, weight in wanted.items())
    raise ValueError(FORMS)


def at(port: Port, wanted: Value) -> Group:
    """What a port is given, none for an empty list. ValueError with what is wrong and what it takes."""
    try:
        if wanted is None or (port.way == "in" and isinstance(wanted, dict)):
            raise ValueError
        found = named(wanted)
    except ValueError:
        forms = "a name, a list of names, or names with positive weights" if port.way == "many" else "one name"
        raise ValueError(f"`{shorten(wanted)}` cannot be given to `{port.name}`, write {forms}") from None
    if port.way == "in" and len(found) > 1:
        names = ", ".join(f"`{shorten(b.source, 40)}`" for b in found[:3])
        raise ValueError(f"{names} are given to `{port.name}`, which takes one: choose one of them")
    return found


def spelled(ports: Mapping[str, Group]) -> str:
    """A `from:` by port, as YAML on one line; read again it binds the same."""
    return f"{{{', '.join(f'{name}: {_spelled(group)}' for name, group in ports.items())}}}"


def _spelled(group: Group) -> str:
    if any(b.weight != 1.0 for b in group):
        return f"{{{', '.join(f'{b.source}: {b.weight!r}' for b in group)}}}"
    return group[0].source if len(group) == 1 else f"[{', '.join(b.source for b in group)}]"
