"""What is bound at the ports of a planned step, in the form of a task."""

from collections.abc import Mapping
from typing import Any

from components.contract.task import TaskInput
from jobs.plan.graph import Link, Node
from jobs.plan.inputs import Content


def sources(node: Node, inputs: Mapping[str, Content]) -> dict[str, tuple[TaskInput, ...]]:
    """What is bound at each port of a step."""
    return {port: tuple(_source(link, inputs) for link in links) for port, links in node.links.items()}


def parameters(node: Node) -> dict[str, Any]:
    """The parameters of a step, as JSON values; of a sweep those that all points have in common."""
    found = _parameters(node)
    for point in node.points:
        own = _parameters(point)
        found = {name: value for name, value in found.items() if name in own and own[name] == value}
    return found


def points(node: Node) -> tuple[dict[str, Any], ...]:
    """The points of a sweep, without what they have in common."""
    common = parameters(node)
    return tuple(
        {"varied": list(point.varied), "fingerprint": point.fingerprint,
         "parameters": {name: value for name, value in _parameters(point).items() if name not in common},
         **({"continues": point.continues} if point.continues else {})}
        for point in node.points
    )  # fmt: skip


def _parameters(node: Node) -> dict[str, Any]:
    return node.step.parameters()


def _source(link: Link, inputs: Mapping[str, Content]) -> TaskInput:
    files = () if link.address else inputs[link.name].files
    rows = [{"name": f.name, "url": f.url, "size": f.size, "tag": f.tag} for f in files]
    return TaskInput(link.name, link.kind, link.fingerprint, link.address, rows, link.weight)
