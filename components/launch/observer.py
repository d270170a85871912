"""Observes the cluster and the store: all facts for a decision, at one moment, and for how long they have held."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from components.launch import backend, heartbeat, podstate, waiting
from components.launch import workload as workloads
from components.launch.backend import Stage
from components.launch.kube import Kube, Object
from components.launch.observation import Attempt, Observation, Pod, Reason
from components.runtime import points
from components.runtime.record import PastAttempt
from ernie_core.store import Store, artefact
from ernie_core.train.checkpoint import standing

SETTLED = ("done", "failed")
MOST_PENDING = 3
"""Most pods whose events are read: the others wait for the same."""


class Observer:
    """Observes one stage repeatedly."""

    def __init__(self, kube: Kube, store: Store, stage: Stage, started: float) -> None:
        self._kube, self._store, self._stage, self._started = kube, store, stage, started
        self._since: dict[str, float] = {}
        self._known: Attempt | None = None
        self._ran: dict[int, Pod] = {}
        self._beat: tuple[str, float] = ("", 0.0)
        self._beats = 0
        self._address = str(stage.workload.task["address"])
        self._before: int | None = None
        self.forced = False
        self.refused: Reason | None = None
        """Why an attempt could not be created."""
        self.version = ""
        """Resource version of the pods at the last observation."""

    def observe(self, past: Sequence[PastAttempt]) -> Observation:
        """One observation. The cluster before the store: a pod that succeeded has committed before."""
        namespace, selector, stage = self._kube.namespace, self._stage.selector, self._stage
        found = self._kube.read(stage.backend.path(namespace), labelSelector=selector).get("items", [])
        judged = {entry.uid for entry in past}
        attempt = self._newest([backend.attempt(stage, row) for row in found], judged)
        answer = self._kube.read(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)
        self.version = str(answer["metadata"].get("resourceVersion", ""))
        rows = answer.get("items", [])
        pods = tuple(self._pod(row) for row in rows)
        open_ = attempt is not None and attempt.uid not in judged
        mine = tuple(pod for pod in pods if attempt and pod.attempt == attempt.number)
        waiting = self._waiting(attempt, mine) if open_ else self.refused is not None
        calm = open_ and attempt is not None and attempt.state == "active" and not waiting and stage.backend.together
        if not calm:  # waiting for a node, or in a queue, is not silence; the clock starts again afterwards
            self._beat, self._beats = ("", time.monotonic()), 0
        return Observation(
            done=self._done(attempt), digest=workloads.digest(stage.workload), attempt=attempt,
            pods=mine if open_ else pods, lost=self._lost(attempt, mine) if open_ else (),
            reasons=self._reasons(attempt, rows) if waiting else (), pending_for=self._for("pending", waiting),
            silent_for=self._silent() if calm else None, beaten=self._beats > 1,
            elapsed=time.time() - self._started if self._started else 0.0,
            rested=self._for("rest", attempt is None and all(pod.over for pod in pods)),
            forced=self.forced, begun=self._begun() if attempt is None and not past else 0,
            together=stage.backend.together,
        )  # fmt: skip

    def progress(self) -> str:
        """The newest checkpoint, or how many pieces are there, or how many points of a sweep are made or given up."""
        if self._stage.backend.together:
            found = standing.look(self._store, self._address)
            return found.last or found.name
        if self._stage.workload.task.get("best"):
            settled = [row for row in points.read(self._store, self._address).values() if row.state in SETTLED]
            return f"{len(settled)} points" if settled else ""
        keys = (entry.key for entry in self._store.list(self._address))
        made = sum(1 for key in keys if "/piece-" in key and key.endswith(f"/{artefact.MANIFEST}"))
        return f"{made} pieces" if made else ""

    def begin(self) -> None:
        """Forget the last attempt, before a new one is created."""
        self._known, self._ran, self._beat, self._beats, self.forced = None, {}, ("", 0.0), 0, False

    def _newest(self, found: list[Attempt], judged: set[str]) -> Attempt | None:
        newest = max(found, key=lambda attempt: attempt.number, default=None)
        if newest is None and self._known and self._known.uid not in judged:
            return replace(self._known, gone=True)
        if newest and (self._known is None or self._known.uid != newest.uid):
            self.begin()
        self._known = newest
        return newest

    def _done(self, attempt: Attempt | None) -> bool:
        if attempt and attempt.state in ("active", "suspended") and not attempt.gone:
            return False
        if artefact.read(self._store, self._address) is not None:
            return True
        return not self._stage.proof and attempt is not None and attempt.state == "succeeded"

    def _pod(self, row: Object) -> Pod:
        name = f"leaving {row['metadata']['uid']}"
        leaving = self._for(name, "deletionTimestamp" in row["metadata"])
        return podstate.read(row, self._stage.backend, max(leaving, 1e-3))

    def _waiting(self, attempt: Attempt | None, mine: tuple[Pod, ...]) -> bool:
        if attempt is None or attempt.state != "active" or attempt.gone:
            return False
        started = sum(pod.started for pod in mine)
        if self._stage.backend.together:
            return started < self._stage.count
        return not any(pod.started and not pod.over for pod in mine)

    def _lost(self, attempt: Attempt | None, mine: tuple[Pod, ...]) -> tuple[str, ...]:
        """Pods that ran and are not there any more, or not the same. A queue may take them all, and does so openly."""
        if attempt is None or attempt.state == "suspended":
            self._ran = {}
            return ()
        there = {pod.number: pod for pod in mine}
        self._ran |= {pod.number: pod for pod in mine if pod.started and pod.number not in self._ran}
        gone = [pod for n, pod in sorted(self._ran.items()) if n not in there or there[n].uid != pod.uid]
        return tuple(f"pod {pod.number} on {pod.node}" for pod in gone)

    def _reasons(self, attempt: Attempt | None, rows: list[Object]) -> tuple[Reason, ...]:
        if attempt is None:
            return (self.refused,) if self.refused else ()
        wait = [row for row in rows if row.get("status", {}).get("phase", "Pending") == "Pending"]
        names = [attempt.name, *(row["metadata"]["name"] for row in wait[:MOST_PENDING])]
        return waiting.reasons(wait, [event for name in names for event in self._events(name)])

    def _events(self, name: str) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{self._kube.namespace}/events"
        rows = self._kube.read(path, fieldSelector=f"involvedObject.name={name}").get("items", [])
        newest = {str(row.get("reason")): row for row in rows}
        return list(newest.values())

    def _begun(self) -> int:
        """Before this launcher began any itself."""
        if self._before is None:
            found = heartbeat.read(self._store, self._address) if self._stage.backend.together else {}
            self._before = int(found.get("attempt", 0))
        return self._before

    def _silent(self) -> float:
        beat, now = str(sorted(heartbeat.read(self._store, self._address).items())), time.monotonic()
        if beat != self._beat[0]:
            self._beat, self._beats = (beat, now), self._beats + 1
        return now - self._beat[1]

    def _for(self, what: str, so: bool) -> float:
        """Seconds for which something has been so, at each look."""
        now = time.monotonic()
        if not so:
            self._since.pop(what, None)
            return 0.0
        return now - self._since.setdefault(what, now) or 1e-6
