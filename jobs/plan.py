"""What a run will do: for each node done, run, resume at step N, or refused, with the reason. Reads manifests only."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from components import gates
from ernie_core.store import Manifest, Store, artefact, pointed
from jobs import history
from jobs.graph import Node

State = Literal["done", "run", "resume", "refused", "blocked"]


@dataclass(frozen=True)
class PlannedStep:
    """One node and what will happen to it."""

    node: Node
    state: State
    reason: str
    manifest: Manifest | None = None
    expected_seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        scores = dict(self.manifest.info.get("scores", {})) if self.manifest else {}
        return {"step": self.node.name, "component": self.node.component, "state": self.state, "reason": self.reason,
                "address": self.node.address, "fingerprint": self.node.fingerprint, "scores": scores,
                "expected_seconds": self.expected_seconds}  # fmt: skip


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
        """Steps whose finished artefact does not pass its gate."""
        return tuple(step for step in self.steps if step.state == "refused")


def make(nodes: Iterable[Node], store: Store) -> Plan:
    """Look each node up in the store."""
    planned: dict[str, PlannedStep] = {}
    for node in nodes:
        planned[node.name] = _look(node, planned, store)
    return Plan(tuple(planned.values()), store.url)


def _look(node: Node, before: dict[str, PlannedStep], store: Store) -> PlannedStep:
    manifest = artefact.read(store, node.address)
    if manifest:
        failed = gates.failures(node.gates, manifest.info.get("scores", {}))
        if failed:
            return PlannedStep(node, "refused", "gate: " + "; ".join(failed), manifest)
        made = manifest.info
        return PlannedStep(
            node, "done", f"made {made.get('ended', '?')} in {made.get('job', '?')}/{made.get('run', '?')}", manifest
        )
    # Refusals spread only to what is not done yet: a finished artefact stays usable.
    if stopped := next((name for name in node.after if before[name].state in ("refused", "blocked")), None):
        return PlannedStep(node, "blocked", f"waits for `{stopped}`, which is {before[stopped].state}")
    like = history.closest(store, node)
    seconds = like.info.get("seconds") if like else None
    if newest := pointed(store, f"{node.address}/model_last"):
        total = getattr(node.step, "max_steps", None)
        at = f"resume at step {newest.removeprefix('model_')}" + (f" of {total}" if total else "")
        return PlannedStep(node, "resume", at, None, seconds)
    if pieces := [name for name in store.children(node.address) if name.startswith("piece-")]:
        many = f"{len(pieces)} pieces" if len(pieces) > 1 else "1 piece"
        return PlannedStep(node, "resume", f"{many} made before", None, seconds)
    reason = "; ".join(history.changes(node, like)) if like else "never made in this store"
    return PlannedStep(node, "run", reason, None, seconds)
