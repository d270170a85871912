"""What is bound at the ports of a planned step, in the form of a task."""

from collections.abc import Mapping

from components.contract.task import TaskInput
from jobs.plan.graph import Link, Node
from jobs.plan.inputs import Content


def sources(node: Node, inputs: Mapping[str, Content]) -> dict[str, tuple[TaskInput, ...]]:
    """What is bound at each port of a step."""
    return {port: tuple(_source(link, inputs) for link in links) for port, links in node.links.items()}


def _source(link: Link, inputs: Mapping[str, Content]) -> TaskInput:
    files = () if link.address else inputs[link.name].files
    rows = [{"name": f.name, "url": f.url, "size": f.size, "tag": f.tag} for f in files]
    return TaskInput(link.name, link.kind, link.fingerprint, link.address, rows, link.weight)
