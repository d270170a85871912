"""What a run will do: for each node done, run, resume at step N, or refused, with the reason. Reads manifests only."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from components.contract import gates
from ernie_core.errors import BadInput, Refused
from ernie_core.store import Manifest, Store, artefact, lease
from ernie_core.train.checkpoint import standing
from ernie_core.wording import listed
from jobs.plan import foresight, history, points, refusals
from jobs.plan.graph import Node
from jobs.plan.history import HalfDone
from jobs.plan.refusals import Refuse

State = Literal["done", "run", "resume", "refused", "blocked"]


@dataclass(frozen=True)
class PlannedStep:
    """One node and what will happen to it."""

    node: Node
    state: State
    reason: str
    manifest: Manifest | None = None
    expected_seconds: float | None = None
    checkpoint: int | None = None
    """The step after which a training resumes."""
    leaves: str = ""
    """Text on half-done work that this step does not continue, where a plan should show it."""
    half_done: tuple[HalfDone, ...] = ()
    points: tuple[Mapping[str, Any], ...] = ()
    """Of a sweep that is not done: what it varies, where each point is, and its state."""

    @property
    def why(self) -> str:
        """All there is to say in one line."""
        return f"{self.reason}; {self.leaves}" if self.leaves else self.reason

    @property
    def scores(self) -> dict[str, float]:
        """Scores of its artefact, if that is made."""
        return dict(self.manifest.info.get("scores", {})) if self.manifest else {}

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        reads = {port: [link.name for link in links] for port, links in self.node.links.items()}
        return {"step": self.node.name, "component": self.node.component, "state": self.state, "reason": self.why,
                "address": self.node.address, "fingerprint": self.node.fingerprint, "reads": reads,
                "scores": self.scores, "continues": self.node.continues,
                "expected_seconds": self.expected_seconds, "checkpoint": self.checkpoint,
                "half_done": [half.to_json() for half in self.half_done],
                **({"points": list(self.points)} if self.points else {})}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """All steps, in the order of the spec."""

    steps: tuple[PlannedStep, ...]
    store: str = field(default="")

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        return all(step.state == "done" for step in self.steps)

    @property
    def refusals(self) -> tuple[PlannedStep, ...]:
        """Steps whose finished artefact does not pass its gate, or whose training would be refused."""
        return tuple(step for step in self.steps if step.state == "refused")


def make(nodes: Iterable[Node], store: Store, refuse: Refuse | None = None) -> Plan:
    """Look each node up in the store; `refuse` says what cannot run where the run would be, which is noted."""
    nodes, planned = tuple(nodes), dict[str, PlannedStep]()
    addresses = {address for node in nodes for address in node.addresses}
    for node in nodes:
        found = _look(node, planned, store, addresses)
        if found.state not in ("done", "refused"):
            earlier = {name: step.node for name, step in planned.items()}
            scores = {name: step.scores for name, step in planned.items()}
            if why := refusals.taken(node, earlier.values(), store) or foresight.misfit(node, earlier, scores):
                found = PlannedStep(node, "refused", why)
            elif why := refuse(node) if refuse else "":  # a note: one plans here what is sent to a cluster later
                found = replace(found, leaves="; ".join(filter(None, (found.leaves, f"not here: {why}"))))
        planned[node.name] = found
    return Plan(tuple(planned.values()), store.url)


def _look(node: Node, before: dict[str, PlannedStep], store: Store, addresses: Collection[str]) -> PlannedStep:
    manifest = artefact.read(store, node.address)
    if manifest:
        failed = gates.failures(node.gates, manifest.info.get("scores", {}), type(node.step).unmeasured)
        if failed:
            return PlannedStep(node, "refused", "gate: " + "; ".join(failed), manifest)
        made = manifest.info
        return PlannedStep(
            node, "done", f"made {made.get('ended', '?')} in {made.get('job', '?')}/{made.get('run', '?')}", manifest
        )
    # Refusals spread only to what is not done yet: a finished artefact stays usable.
    if stopped := next((name for name in node.after if before[name].state in ("refused", "blocked")), None):
        return PlannedStep(node, "blocked", f"waits for `{stopped}`, which is {before[stopped].state}")
    if node.points:
        return _sweep(node, store, addresses)
    past, names = history.look(store, node), store.children(node.address)
    seconds = past.closest.info.get("seconds") if past.closest else None
    if type(node.step).gang and (found := _training(node, store, names, seconds)):
        return found
    if pieces := [name for name in names if name.startswith("piece-")]:
        many = f"{len(pieces)} pieces" if len(pieces) > 1 else "1 piece"
        return PlannedStep(node, "resume", f"{many} made before", None, seconds)
    if earlier := history.continued(store, node, past, addresses):
        address, step = earlier
        reason = f"resume at step {step}{_total(node)}, from {address}"
        if writer := lease.busy(store, address):
            reason += f", which {writer} is still training"
        return PlannedStep(replace(node, continues=address), "resume", reason, None, seconds, step)
    halves = history.half_done(store, node, past, addresses)
    reason, leaves = history.reason(node, past, halves)
    return PlannedStep(node, "run", reason, None, seconds, leaves=leaves, half_done=halves)


def _sweep(node: Node, store: Store, addresses: Collection[str]) -> PlannedStep:
    """What becomes of a sweep: what of its points is there, and how long the others may take."""
    found = points.look(node, store, addresses)
    begun = found.done or found.resumed
    return PlannedStep(found.node, "resume" if begun else "run", found.reason, None, found.seconds, points=found.rows)


def _total(node: Node) -> str:
    """` of 900`, where the spec says so."""
    total = getattr(node.step, "max_steps", None)
    return f" of {total}" if total and total > 0 else ""


def _training(node: Node, store: Store, names: Collection[str], seconds: float | None) -> PlannedStep | None:
    """What becomes of a training that was begun, as the trainer itself will decide it; None if there is no trace."""
    fresh = bool(getattr(node.step, "start_fresh", False))
    try:
        found = standing.look(store, node.address, names)
        step = found.begin(fresh=fresh, limit=int(getattr(node.step, "max_restarts", standing.STARTS)))
        traces = [] if step is not None or not fresh else found.traces()
    except (Refused, BadInput) as error:
        return PlannedStep(node, "refused", str(error))
    if step is not None:
        at = f"resume at step {step}{_total(node)}"
        return PlannedStep(node, "resume", "; ".join([at, *found.odd()]), None, seconds, step)
    if traces:
        text = f"start_fresh: starts again at step 0, no checkpoint is complete ({listed(traces)})"
        return PlannedStep(node, "run", text, None, seconds)
    return None
