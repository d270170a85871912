"""What the scores of finished artefacts show about later steps, checked before hours are spent on them."""

from collections.abc import Mapping

from components.contract import sweep
from components.contract.around import Around, Made
from jobs.plan.graph import Link, Node

Scores = Mapping[str, Mapping[str, float]]
"""Scores of the finished steps, by step name."""


def misfit(node: Node, nodes: Mapping[str, Node], scores: Scores) -> str:
    """Why a step cannot do its work with what it will read, with the remedy; empty if nothing is known against it."""
    found: dict[str, Made] = {}

    def made(link: Link) -> Made:
        if link.address is None:
            return Made(link.name)
        if link.name not in found:
            above = nodes[link.name]
            found[link.name] = Made(link.name, above.step, reads(above), scores.get(link.name, {}))
        return found[link.name]

    def reads(of: Node) -> dict[str, tuple[Made, ...]]:
        return {port: tuple(map(made, links)) for port, links in of.links.items()}

    around = Around(reads(node), node.nodes, node.gpus)
    if not node.points:
        return "; ".join(node.step.misfits(around))
    labels = [sweep.label(point.varied) for point in node.points]
    return "; ".join(sweep.complaints(labels, [list(point.step.misfits(around)) for point in node.points]))
