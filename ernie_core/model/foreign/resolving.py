"""What the tensors of a checkpoint are, by its kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ernie_core.model.foreign import names, static_names
from ernie_core.model.foreign.names import Named
from ernie_core.model.foreign.tensors import Shape

_SCHEMES = (names.BERT, names.ERNIE_M, names.PADDLENLP, static_names.WRITTEN)


@dataclass(frozen=True)
class Resolved:
    """The tensors of a checkpoint that are parameters of a pretrained model, and those that are not."""

    sources: dict[str, list[tuple[str, Named]]] = field(default_factory=dict)
    """Our name, without the prefix of the encoder -> tensors of the checkpoint, of which all must be equal."""
    unknown: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    """Of heads of tasks."""


def resolve(shapes: Mapping[str, Shape]) -> Resolved | None:
    """What every tensor is. None for a checkpoint of another kind of net."""
    bare = [names.bare(name) for name in shapes]
    scheme = next((kind for kind in _SCHEMES if any(re.fullmatch(kind.mark, name) for name in bare)), None)
    counted = {name: shape for name, shape in shapes.items() if not static_names.is_state(name)}
    if scheme is None and not static_names.is_counted(counted):
        return None
    table, heads = ({}, []) if scheme else static_names.counted(counted)
    resolved = Resolved(heads=heads)
    for name in shapes:
        if names.is_buffer(name) or static_names.is_state(name) or name in heads:
            continue
        if names.of_a_task(name):
            resolved.heads.append(name)
        elif named := scheme.named(names.bare(name)) if scheme else table.get(name):
            resolved.sources.setdefault(named.name, []).append((name, named))
        else:
            resolved.unknown.append(name)
    return resolved
