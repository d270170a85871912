"""A job as a graph of nodes, each with the fingerprint of its work. Pure: a job and the content of its inputs go in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from components.contract import fingerprints, sweep
from components.contract.base import Step
from components.contract.fingerprints import digest
from components.contract.gates import Gate
from components.contract.sweep import Best
from components.contract.values import size
from jobs.plan.inputs import Content
from jobs.spec.job import Job, Sweep


@dataclass(frozen=True)
class Link:
    """What is bound at a port: its name in the spec, its fingerprint, its address in the store (None: an input)."""

    name: str
    kind: str
    fingerprint: str
    address: str | None
    weight: float = 1.0


@dataclass(frozen=True)
class Node:
    """One step of a job, ready to be planned."""

    name: str
    component: str
    step: Step
    links: Mapping[str, tuple[Link, ...]]
    gates: tuple[Gate, ...]
    after: tuple[str, ...]
    """Steps that must have finished, and passed their gates, before this one starts."""
    cpu: int
    memory: int
    timeout: int | None
    fingerprint: str
    kind: str = field(default="")
    shards: int | None = None
    nodes: int = 1
    gpus: int = 0
    continues: str = ""
    """The address of an earlier training that this one takes up, as a plan found it."""
    points: tuple["Node", ...] = ()
    """Of a sweep: each point, as the node of the same step without it; `step` is that of the first one."""
    varied: Mapping[str, Any] = field(default_factory=dict)
    """Of a point: what sets it apart from the others."""
    best: Best | None = None
    """Of a sweep: which point is kept."""
    halving: tuple[int, ...] = ()
    """Of a sweep: steps at which the worse half of its trainings is stopped."""

    @property
    def is_split(self) -> bool:
        """Whether processes can share its work."""
        return type(self.step).is_split()

    @property
    def ranks(self) -> int:
        """Processes of a gang: one for each GPU, or for each node where there are none."""
        return self.nodes * max(1, self.gpus)

    @property
    def address(self) -> str:
        """Where its artefact is in the store. That of a sweep is apart from its points."""
        return f"{self.component}{sweep.SUFFIX if self.best else ''}/{self.fingerprint}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where what it makes is in the store: its artefact, and that of each point of a sweep."""
        return (self.address, *(point.address for point in self.points))


def build(job: Job, inputs: Mapping[str, Content]) -> tuple[Node, ...]:
    """The nodes of a job, in the order of the spec."""
    nodes: dict[str, Node] = {}
    for entry in job.steps:
        links = {
            port: tuple(_link(b.source, b.weight, nodes, inputs) for b in group) for port, group in entry.inputs.items()
        }
        sources = {link.name for group in links.values() for link in group if link.address}
        gated = {n.name for n in nodes.values() if n.gates}
        node = Node(
            name=entry.name,
            component=entry.component,
            step=entry.step,
            links=links,
            gates=entry.gates,
            after=tuple(name for name in nodes if name in sources | gated),
            cpu=entry.placement.cpu or entry.step.cpu,
            memory=entry.placement.memory or size(entry.step.memory),
            timeout=entry.placement.timeout,
            fingerprint=fingerprint(entry.component, entry.step, links),
            kind=type(entry.step).makes().kind,
            shards=entry.placement.shards,
            nodes=entry.placement.nodes,
            gpus=entry.placement.gpus,
        )
        nodes[entry.name] = _swept(node, entry.sweep) if entry.sweep else node
    return tuple(nodes.values())


def _swept(node: Node, found: Sweep) -> Node:
    """A sweep is its points and the choice among them. Their order decides between equal scores."""
    points = tuple(
        replace(node, step=point.step, varied=point.varied, gates=(), shards=None,
                fingerprint=fingerprint(node.component, point.step, node.links))
        for point in found.points
    )  # fmt: skip
    facts: dict[str, object] = {
        "sweep": [p.fingerprint for p in points],
        "best": str(found.best),
        "revision": sweep.REVISION,
    }
    if found.halving:
        facts["halving"] = list(found.halving)
    return replace(node, points=points, best=found.best, halving=found.halving, fingerprint=digest(facts))


def fingerprint(component: str, step: Step, links: Mapping[str, Iterable[Link]]) -> str:
    """Of the work of a step: component, version, what can change its result, and the fingerprints of its inputs."""
    inputs = {port: [[link.fingerprint, link.weight] for link in group] for port, group in links.items()}
    return digest({**fingerprints.work(component, type(step), step), "inputs": inputs})


def work(nodes: Iterable[Node]) -> str:
    """The fingerprint of a whole job: two runs with the same one do the same work."""
    return digest([node.fingerprint for node in nodes])


def _link(source: str, weight: float, nodes: Mapping[str, Node], inputs: Mapping[str, Content]) -> Link:
    if source in nodes:
        node = nodes[source]
        return Link(source, node.kind, node.fingerprint, node.address, weight)
    return Link(source, inputs[source].kind, inputs[source].fingerprint, None, weight)
