"""Why a step that is not done would be refused when its turn comes, found before anything runs."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from components.package import Package
from ernie_core.errors import BadInput, Refused
from ernie_core.serve import index
from ernie_core.store import Store
from jobs.local import capacity
from jobs.plan.graph import Node

if TYPE_CHECKING:
    from jobs.plan.plan import PlannedStep

Refuse = Callable[[Node], str]
"""The reason, or an empty text."""


def taken(node: Node, before: Iterable[Node], store: Store) -> str:
    """Whether its package has a version that is another package's, in the store or in the same job."""
    if not isinstance(node.step, Package):
        return ""
    name, version = node.step.name, node.step.named(node.fingerprint)
    for other in before:
        same = isinstance(other.step, Package) and (other.step.name, other.step.named(other.fingerprint))
        if same == (name, version) and other.fingerprint != node.fingerprint:
            return f"`{other.name}` makes {name}@{version} already: give this one another name or version"
    try:
        return index.clash(store, name, version, node.fingerprint)
    except BadInput as error:
        return str(error)


def here(cores: int, memory: int) -> Refuse:
    """Whether a step can never run on this machine, which has so much."""

    def refuse(node: Node) -> str:
        try:
            capacity.check(node, cores, memory)
        except Refused as error:
            return str(error)
        return ""

    return refuse


def check(steps: Iterable["PlannedStep"], cores: int, memory: int) -> None:
    """Refused if one of the steps to be made can never be on this machine, or its name is taken: before any is made."""
    for step in steps:
        if step.state != "done":
            capacity.check(step.node, cores, memory)
            if step.state == "refused" and isinstance(step.node.step, Package):
                raise Refused(f"step `{step.node.name}`: {step.reason}")
