"""The share of this machine that a step gets next to those that run already."""

from collections.abc import Iterable
from dataclasses import dataclass

from components.contract.task import Task
from components.contract.values import spell_size
from ernie_core.errors import Refused
from jobs.plan.graph import Node


@dataclass(frozen=True)
class Allocation:
    """Cores of each process, and number of processes that run in parallel."""

    cpus: int
    at_once: int


def check(node: Node, cores: int, memory: int) -> None:
    """Refused if the step can never run on this machine."""
    if node.gpus:
        raise Refused(
            f"`{node.name}` needs {node.nodes} x {node.gpus} GPUs, a run on this machine uses none: use a cluster, or "
            f"make it smaller: --set {node.name}.gpus=0 --set {node.name}.nodes=1 (nodes are processes then)"
        )
    if node.memory * node.ranks > memory:
        wants, has = spell_size(node.memory * node.ranks), spell_size(memory)
        each = f" ({node.ranks} processes)" if node.ranks > 1 else ""
        raise Refused(f"`{node.name}` needs {wants} of memory{each}, this machine has {has}: lower its `memory:`")


def find(node: Node, running: Iterable[Task], cores: int, memory: int) -> Allocation | None:
    """What a step gets now; None while it must wait for others.

    A split step or a sweep takes what is free, up to its `shards`; processes of a gang share the cores of its `cpu:`.
    """
    tasks = list(running)
    free_cores = cores - sum(task.cpus * task.at_once * task.ranks for task in tasks)
    free_memory = memory - sum(task.memory * task.at_once * task.ranks for task in tasks)
    cpus = max(1, min(node.cpu, cores // node.ranks))
    wanted = (node.shards or cores) if node.is_split else 1
    if node.points:
        wanted = min(node.shards or 1, len(node.points))
    fitting = min(free_cores // (cpus * node.ranks) if tasks else max(1, cores // (cpus * node.ranks)),
                  free_memory // (node.memory * node.ranks) if node.memory else wanted, wanted)  # fmt: skip
    return Allocation(cpus, fitting) if fitting > 0 else None
