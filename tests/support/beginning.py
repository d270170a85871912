"""Trainings that were begun and models that were finished, in a store on disk; by hand, nothing is trained."""

import time
from typing import Any

from machines import Machine
from train.committing import save

from components.contract.task import Task, TaskInput
from components.runtime import begun
from ernie_core.store import artefact, open_store
from ernie_core.train.checkpoint import commit
from ernie_core.train.checkpoint.commit import CheckpointLocation
from jobs.plan import prepare
from jobs.plan.graph import Node
from jobs.plan.plan import PlannedStep
from jobs.plan.prepare import Prepared
from jobs.spec import document

TEXT = "  - segment:\n  - vocab: {size: 600, english_size: 0, han: seen}\n  - ids:\n"
PRETRAIN = "  - pretrain: {arch: 1L32H2, max_seq_len: 32, max_steps: 900, max_lr: 0.001, max_restarts: 2}\n"


def prepared(machine: Machine, *edits: str) -> Prepared:
    """A spec with edits, planned."""
    return prepare.from_file(machine.folder / "demo.yaml", [document.edit(edit) for edit in edits], machine.folder)


def planned(machine: Machine, *edits: str, name: str = "pretrain") -> PlannedStep:
    """What the plan says of its training."""
    return next(step for step in prepared(machine, *edits).plan.steps if step.node.name == name)


def place(machine: Machine, *edits: str) -> CheckpointLocation:
    """The location of the checkpoints of the training of a spec."""
    return CheckpointLocation(
        open_store(machine.folder / "store"), planned(machine, *edits).node.address, machine.folder
    )


def begin(
    machine: Machine, *edits: str, steps: tuple[int, ...] = (480, 500), started: float | None = None
) -> CheckpointLocation:
    """Begin a training as its process does, and commit checkpoints."""
    node, there = planned(machine, *edits).node, place(machine, *edits)
    started = time.time() if started is None else started
    begun.write(_task(node, there), node.step, there.store, started)
    commit.attempt(there, limit=9)
    for step in steps:
        save(there, step)
    return there


def _task(node: Node, there: CheckpointLocation) -> Task:
    inputs = {
        port: tuple(TaskInput(link.name, link.kind, link.fingerprint, link.address, (), link.weight) for link in group)
        for port, group in node.links.items()
    }
    return Task(node.component, node.name, node.step.model_dump(mode="json"), node.fingerprint, node.address,
                there.store.url, inputs, "demo", "20260131-120000-abcd", {}, {}, "", "", "", "")  # fmt: skip


def finish(machine: Machine, *edits: str, ended: str) -> None:
    """Publish a model, as if it had been trained."""
    node, there = planned(machine, *edits).node, place(machine, *edits)
    folder = artefact.staging(there.store, node.address, machine.folder / "scratch")
    (folder / "model_state.pdparams").write_text(str(node.fingerprint))
    info = {"step": node.name, "component": node.component, "revision": type(node.step).revision,
            "settings": node.step.settings(), "inputs": _inputs(node), "ended": ended, "seconds": 9.0}  # fmt: skip
    artefact.publish(there.store, node.address, folder, kind="model", info=info)


def _inputs(node: Node) -> dict[str, list[dict[str, Any]]]:
    return {
        port: [{"name": link.name, "fingerprint": link.fingerprint, "weight": link.weight} for link in group]
        for port, group in node.links.items()
    }
