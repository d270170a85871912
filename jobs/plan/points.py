"""What is there of the points of a sweep, and how long the others may take. Reads manifests and names only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.contract.values import spell_duration
from components.runtime import points
from ernie_core.errors import BadInput, Refused
from ernie_core.store import Store, artefact
from ernie_core.train.checkpoint import standing
from jobs.plan import history
from jobs.plan.graph import Node
from jobs.plan.history import EarlierWork


@dataclass(frozen=True)
class PlannedPoints:
    """The points of a sweep that is not done."""

    node: Node
    """The sweep; points that continue an earlier training say so."""
    rows: tuple[Mapping[str, Any], ...]
    """For each: `varied`, `address`, `state` (done, resume, run), and `why` where there is something to say."""
    done: int
    resumed: int
    seconds: float | None
    """For the points that are left, from what such points took; None if none was made before."""

    @property
    def reason(self) -> str:
        """`12 points, 5 done; 1 resumes; 2 failed before and are retried`."""
        total, failed = len(self.rows), sum(row["state"] == "failed" for row in self.rows)
        parts = [f"{total} point{'s' * (total != 1)}, {self.done} done"]
        if self.resumed:
            parts.append(f"{self.resumed} resume{'s' * (self.resumed == 1)}")
        if failed:
            parts.append(f"{failed} failed before, retried")
        if self.seconds:
            parts.append(f"about {spell_duration(self.seconds)} expected")
        return "; ".join(parts)


def look(node: Node, store: Store, besides: Collection[str]) -> PlannedPoints:
    """Look up every point, as its step without a sweep is looked up."""
    failures = {number: row for number, row in points.read(store, node.address).items() if row.state == "failed"}
    past: EarlierWork | None = None
    rows, nodes, took = list[Mapping[str, Any]](), list[Node](), list[float]()
    for number, point in enumerate(node.points):
        row: dict[str, Any] = {"varied": dict(point.varied), "address": point.address, "state": "run"}
        if manifest := artefact.read(store, point.address):
            row["state"] = "done"
            took.append(float(manifest.info.get("seconds") or 0.0))
        else:
            past = past or history.look(store, point)
            point, state = _open(point, store, past, besides)
            row |= state
            if number in failures:
                row |= {"state": "failed", "why": failures[number].why}
        rows.append(row)
        nodes.append(point)
    closest = past.closest.info.get("seconds") if past and past.closest else None
    each = sum(took) / len(took) if took else closest
    left = len(rows) - len(took)
    rounds = -(-left // max(1, node.shards or 1))
    resumed = sum(row["state"] == "resume" for row in rows)
    return PlannedPoints(replace(node, points=tuple(nodes)), tuple(rows), len(took), resumed,
                         each * rounds if each else None)  # fmt: skip


def _open(point: Node, store: Store, past: EarlierWork, besides: Collection[str]) -> tuple[Node, dict[str, Any]]:
    """A point that is not made: what its training will do, as far as its checkpoints show."""
    if not type(point.step).gang:
        pieces = any(name.startswith("piece-") for name in store.children(point.address))
        return point, {"state": "resume"} if pieces else {}
    try:
        found = standing.look(store, point.address, store.children(point.address))
        step = found.begin(
            fresh=bool(getattr(point.step, "start_fresh", False)),
            limit=int(getattr(point.step, "max_restarts", standing.STARTS)),
        )
    except (Refused, BadInput) as error:  # found again when its turn comes, which ends no other point
        return point, {"why": str(error)}
    if step is not None:
        return point, {"state": "resume", "checkpoint": step}
    if earlier := history.continued(store, point, past, besides):
        address, step = earlier
        return replace(point, continues=address), {"state": "resume", "checkpoint": step, "continues": address}
    return point, {}
