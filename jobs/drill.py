"""A drill: a small copy of a job's training is killed at chosen points, and must end as if nothing had happened."""

import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ernie_core.errors import Error, NotFound
from ernie_core.store import Manifest, Store, artefact
from ernie_core.store.base import STAGING
from ernie_core.store.manifest import OPEN
from jobs import runs
from jobs.local import capacity, environments, process
from jobs.local.process import StepProcess
from jobs.plan import plan
from jobs.plan.graph import Node
from jobs.plan.prepare import Prepared
from jobs.runs import Run

STEPS = 72
SMALL: Mapping[str, Any] = {
    "max_steps": STEPS, "checkpoint_steps": 12, "save_steps": 10**6, "logging_freq": 5, "use_amp": False,
}  # fmt: skip
"""What a drill changes of every training, beside what its component says (`drilled`): it takes seconds then; data,
masks, dropout and protocol stay."""
COMPARED = ("model_state.pdparams", "train_log.jsonl")
"""Files of the model that must have the same bytes."""
STARTS = 6
"""How often a disturbed training is started before it is given up."""
POLL = 0.01
_BEGUN = re.compile(r"^(?:training from .*|resuming after step (\d+) .*)", re.MULTILINE)
"""What a training says when it begins."""


@dataclass(frozen=True)
class Disturbance:
    """Something that happens to a training: its name, when it comes, what it does."""

    name: str
    due: Callable[["Training"], bool]
    act: Callable[["Training"], None]
    first: bool = False
    """Whether it must come before there is any checkpoint: a tiny training may be faster, then it is tried again."""


@dataclass(frozen=True)
class Outcome:
    """How a disturbed training ended beside the undisturbed one."""

    name: str
    hit: bool
    """Whether it came in time; what could not be tried proves nothing."""
    at: int
    """The step it was at, and the one it resumed after."""
    resumed: int
    starts: int
    seconds: float
    """From the first start to the end, with all that was done twice."""
    losses: bool
    weights: bool

    @property
    def passed(self) -> bool:
        """Nothing was lost but time."""
        return self.hit and self.losses and self.weights


@dataclass
class Training:
    """One life of the small training, as a process with all its children."""

    node: Node
    store: Store
    step: StepProcess

    @property
    def at(self) -> int:
        """The step it says it is at."""
        row = self.step.progress()
        return int(row.get("done") or 0) if row.get("unit") == "steps" else 0

    @property
    def trainers(self) -> list[int]:
        """The processes that compute: the children of a gang, or the process itself."""
        return _children(self.step.process.pid) or [self.step.process.pid]

    @property
    def is_saving(self) -> bool:
        """Whether a checkpoint is half written or half uploaded right now."""
        root = self.store.path("")
        if root is not None:
            return any((root / STAGING).glob("*/files/*"))
        return any(entry.key.endswith(f"/{OPEN}") for entry in self.store.list(self.node.address))


def run(prepared: Prepared, cache: Path, say: Callable[[str], None], name: str = "") -> list[Outcome]:
    """Train undisturbed, then once with each disturbance; the inputs of the training must be there."""
    node = small(prepared, name)
    record = runs.start(f"drill-{prepared.job.name}", "drill", prepared.store, prepared.provenance(), {})
    environments.build(type(node.step).image, say=say)
    drill = _Drill(prepared, node, record, cache, say)
    with runs.hold(cache, record.id):  # no other run removes its files between two starts
        try:
            expected = drill.undisturbed()
            return [drill.tried(disturbance, expected) for disturbance in disturbances(node)]
        finally:
            drill.clear()


def inputs(prepared: Prepared, name: str = "") -> Prepared:
    """The part of a job that the training reads."""
    wanted, nodes = {small(prepared, name).name}, list[Node]()
    for node in reversed(prepared.nodes):
        if node.name in wanted:
            wanted |= {link.name for group in node.links.values() for link in group if link.address}
            nodes.insert(0, node)
    kept = tuple(nodes[:-1])
    return replace(prepared, nodes=kept, plan=plan.make(kept, prepared.store))


def small(prepared: Prepared, name: str = "") -> Node:
    """The training of this name, or the first of a job, made small. NotFound if there is none."""
    trainings = {node.name: node for node in prepared.nodes if type(node.step).gang}
    if not trainings:
        raise NotFound(f"{prepared.job.file}: no step trains a model, there is nothing to drill")
    if name and name not in trainings:
        raise NotFound(f"{prepared.job.file}: `{name}` is not a step that trains, choose from: {', '.join(trainings)}")
    node = trainings[name] if name else next(iter(trainings.values()))
    values = {**node.step.parameters(), **SMALL, **type(node.step).drilled}
    ranks = min(2, node.ranks)
    return replace(node, step=type(node.step).model_validate(values), nodes=ranks, gpus=0, cpu=1, timeout=None,
                   points=(), best=None, halving=())  # fmt: skip


def disturbances(node: Node) -> list[Disturbance]:
    """What is done to it, in the order of the report."""
    last = STEPS
    early, late = random.Random(4).sample(range(8, last - 8), 2)

    def after(step: int) -> Callable[[Training], bool]:
        return lambda training: training.at >= step

    def kill(which: int) -> Callable[[Training], None]:
        return lambda training: os.kill(training.trainers[which], signal.SIGKILL)

    found = [
        Disturbance("kill a trainer", after(early), kill(0)),
        Disturbance("kill the last trainer", after(late), kill(-1)),
        Disturbance("kill during a save", lambda t: t.at >= 12 and t.is_saving, kill(0)),
        Disturbance("the launcher dies", after(early), _orphan),
        Disturbance("asked to stop (SIGTERM)", after(late), lambda t: t.step.stop()),
        Disturbance("kill before the first checkpoint", after(2), kill(0), first=True),
    ]
    return found if node.ranks > 1 else [d for d in found if d.name != "kill the last trainer"]


class _Drill:
    def __init__(self, prepared: Prepared, node: Node, record: Run, cache: Path, say: Callable[[str], None]) -> None:
        self.prepared, self.node, self.record, self.cache, self.say = prepared, node, record, cache, say
        self.store, self.made = prepared.store, list[Node]()

    def undisturbed(self) -> Manifest:
        """The model that all others must be equal to."""
        node = self._copy()
        with self._training(node) as training:
            training.step.process.wait()
        manifest = artefact.read(self.store, node.address)
        if manifest is None:
            words = process.last_lines(training.step.log)
            raise Error("\n  | ".join(["the undisturbed training failed already:", *words]))
        self.say(f"undisturbed: {STEPS} steps in {training.step.seconds:.0f} s")
        return manifest

    def tried(self, disturbance: Disturbance, expected: Manifest) -> Outcome:
        """The outcome of a disturbance that came in time, or of one more try if it did not."""
        outcome = self.disturbed(disturbance, expected)
        if disturbance.first and outcome.resumed:  # too late: as soon as there is a trainer, then
            sooner = replace(disturbance, due=lambda training: bool(training.trainers))
            outcome = self.disturbed(sooner, expected)
        return replace(outcome, hit=outcome.hit and not (disturbance.first and outcome.resumed))

    def disturbed(self, disturbance: Disturbance, expected: Manifest) -> Outcome:
        """Disturb a training once, then start it until it ends."""
        node, began = self._copy(), time.monotonic()
        with self._training(node) as training:
            while not (hit := disturbance.due(training)) and training.step.process.poll() is None:
                time.sleep(POLL)
            at = training.at
            if hit:
                disturbance.act(training)
            _await(training)
        for _ in range(STARTS):
            if artefact.read(self.store, node.address) is None:
                with self._training(node) as again:
                    again.step.process.wait()
        made, seconds = artefact.read(self.store, node.address), time.monotonic() - began
        equal = {name: _digest(made, name) == _digest(expected, name) for name in COMPARED}
        begins = [int(found[1] or 0) for found in _BEGUN.finditer(training.step.log.read_text(encoding="utf-8"))]
        resumed = begins[1] if len(begins) > 1 else 0
        verdict = "equal" if all(equal.values()) else "NOT equal"
        self.say(f"{disturbance.name}: at step {at}, resumed after {resumed}, {verdict}")
        return Outcome(disturbance.name, hit, at, resumed, len(begins), seconds, equal[COMPARED[1]], equal[COMPARED[0]])

    def clear(self) -> None:
        """Remove what the drill made."""
        for node in self.made:
            artefact.remove(self.store, node.address)

    def _copy(self) -> Node:
        fingerprint = f"drill-{self.record.id}-{len(self.made)}"
        self.made.append(replace(self.node, fingerprint=fingerprint, name=f"drill_{len(self.made)}"))
        return self.made[-1]

    @contextmanager
    def _training(self, node: Node) -> Iterator[Training]:
        space = capacity.Allocation(1, 1)
        step = process.start(node, self.record, self.store, self.prepared.inputs, self.cache, space)
        try:
            yield Training(node, self.store, step)
        finally:
            if step.process.poll() is None:
                step.kill()
                step.process.wait()
            step.close()


def _orphan(training: Training) -> None:
    """The launcher of a gang dies at once; that of a single process is this one, whose death closes a pipe."""
    if _children(training.step.process.pid):
        os.kill(training.step.process.pid, signal.SIGKILL)
    elif training.step.process.stdin:
        training.step.process.stdin.close()


def _await(training: Training) -> None:
    """Until the process and all that it started have ended."""
    children = _children(training.step.process.pid)
    training.step.process.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        time.sleep(POLL)


def _children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return sorted(map(int, found))


def _digest(manifest: Manifest | None, name: str) -> str | None:
    return next((file.sha256 for file in manifest.files if file.name == name), None) if manifest else None
