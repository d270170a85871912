"""Drives a stage: observes, decides, acts and reports, until it is done. Thin: the decisions are in state.py.

It keeps nothing that is not in the store or in the cluster: killed at any line and restarted, it continues.
"""

import functools
import random
import time
from dataclasses import dataclass, replace

from components.launch import heartbeat, identity, logs, state, waiting
from components.launch.backend import Stage
from components.launch.identity import Identity
from components.launch.kube import Kube
from components.launch.lease import StepLease
from components.launch.observation import Limits, Observation, Refusal, Unavailable
from components.launch.observer import Observer
from components.launch.patience import Patience, meaning
from components.runtime import record
from components.runtime.provenance import utc
from components.runtime.record import PastAttempt, Record
from ernie_core import errors
from ernie_core.store import Store, artefact


@dataclass(frozen=True)
class Pace:
    """Seconds of the launcher's own waits."""

    look: float = 10.0
    """Between two observations when nothing changes."""
    soon: float = 1.0
    """When something is about to change."""
    firm: float = 20.0
    """For which the same refusal must last before it counts: a server that has just started refuses everyone."""
    outage: float = 3600.0
    """For which a service may not answer."""
    term: float = 60.0
    """Term of the lease, after which another launcher may take it."""
    renew: float = 20.0
    """Interval between renewals of the lease."""
    repeat: float = 60.0
    """After which the same message is repeated."""


class Launcher:
    """One stage of a step."""

    def __init__(self, kube: Kube, store: Store, stage: Stage, own: Identity, lease: StepLease, limits: Limits,
                 pace: Pace) -> None:  # fmt: skip
        self._kube, self._store, self._stage, self._own = kube, store, stage, own
        self._lease, self._limits, self._pace = lease, limits, pace
        self._task = stage.workload.task
        self._place = record.key(self._task)
        self._record = Record()
        self._observer = Observer(kube, store, stage, 0.0)
        self._follower: logs.Follower | None = None
        self._patience = Patience(self._say, pace.firm, pace.outage, functools.partial(meaning, stage=stage, kube=kube))
        self._reported = ("", 0.0)
        self._done = False

    def run(self) -> None:
        """Until the stage is done; raises how it ended otherwise."""
        begun, rest = False, self._pace.look
        while not self._done:
            with self._patience:
                begun = begun or self._begin()
                rest = self._act(self._observer.observe(self._past())) if self._lease.hold() else self._leave()
            self._rest(self._pace.look if self._patience.tried else rest)
        self._end_follower()
        if self._stage.backend.together:
            with self._patience:
                self._store.delete(heartbeat.key(self._task["address"]))

    def _begin(self) -> bool:
        """Load the record of the step."""
        found = record.read(self._store, self._place)
        self._record = replace(found, started=found.started or time.time(), pod=self._own.id)
        self._observer = Observer(self._kube, self._store, self._stage, self._record.started)
        return True

    def _act(self, seen: Observation) -> float:
        """Carry out one action; returns the seconds to rest afterwards."""
        action = state.decide(seen, self._past(), self._limits)
        self._follow(seen)
        match action:
            case state.Done():
                self._done = True
            case state.Fail(code, text):
                self._end_follower()
                self._keep(state="failed", code=code, text=text)
                raise errors.kind(code)(text)
            case state.Judge(past):
                self._judge(past, seen)
                return 0.0
            case state.Create(number):
                self._create(number)
            case state.Delete(attempt, text):
                self._say(f"removing {attempt.name}: {text}")
                self._guard()
                self._kube.delete(self._path(attempt.name), uid=attempt.uid, wait=True)
            case state.Force(pods):
                self._guard()
                self._observer.forced = True
                for pod in pods:
                    self._say(f"{pod.name} does not terminate, its node {pod.node or '?'} is lost: deleting its object")
                    self._kube.delete(identity.path(self._kube, pod.name), uid=pod.uid, grace=0)
            case state.Wait(text, soon):
                self._say(text)
                self._keep(state="running" if seen.attempt and not seen.pending_for else "waiting", text=text)
                return self._pace.look if not soon else self._pace.soon
        return self._pace.soon

    def _past(self) -> tuple[PastAttempt, ...]:
        """Past attempts of this stage: making and joining are judged separately."""
        return tuple(entry for entry in self._record.past if entry.stage == self._stage.mark)

    def _create(self, number: int) -> None:
        self._guard()
        stage = self._stage
        found = heartbeat.read(self._store, self._task["address"]) if stage.backend.together else {}
        stage = replace(stage, grace=heartbeat.grace(found, stage.grace, stage.workload.grace))
        if stage.backend.together:
            heartbeat.write(
                self._store, self._task["address"], number, {heartbeat.NEEDS: found.get(heartbeat.NEEDS, 0.0)}
            )
        body = identity.owned(stage.backend.render(stage, number), self._own)
        self._observer.begin()
        try:
            self._kube.create(self._path(), body)
        except (Refusal, Unavailable) as no:
            self._observer.refused = waiting.refused(str(no))
            if self._observer.refused is None and not self._exists(no, body["metadata"]["name"]):
                raise
            if self._observer.refused:
                self._say(f"attempt {number} cannot start: {self._observer.refused.text}")
            return
        self._observer.refused = None
        begin = self._observer.progress() or "the beginning"
        self._say(f"attempt {number} starts: {body['metadata']['name']}, from {begin}")
        self._keep(state="waiting", attempt=number)

    def _exists(self, no: Exception, name: str) -> bool:
        """Whether the attempt exists already, created by an earlier launcher or by a request that was not answered."""
        if not (isinstance(no, Refusal) and no.status == 409):
            return False
        ours = self._kube.read(self._path(), labelSelector=self._stage.selector).get("items", [])
        if not any(found["metadata"]["name"] == name for found in ours):
            raise errors.Refused(f"a {name} that does not belong to this step exists in this namespace: remove it")
        return True

    def _judge(self, past: PastAttempt, seen: Observation) -> None:
        """Put it on record, with the last lines of the pod that ended first."""
        self._end_follower()
        past = replace(past, stage=self._stage.mark, progress=self._observer.progress(), time=utc(time.time()))
        died = sorted((pod for pod in seen.pods if pod.code), key=lambda pod: (pod.ended, pod.number))
        for pod in died[:1]:
            words = logs.last_words(self._kube, pod.name, self._stage.backend.container)
            for line in words:
                self._print(f"pod={pod.number} {line}")
            if words:
                name = f"{self._stage.mark}{past.number}-end-{pod.number}.log"
                self._store.write(f"{record.logs(self._task)}/{name}", ("\n".join(words) + "\n").encode())
        kind = "counted" if past.counted else "not counted"
        self._say(f"attempt {past.number} ended ({past.cause}, {kind}): {past.text}")
        self._keep(text=past.text, past=(*self._record.past, past))

    def _follow(self, seen: Observation) -> None:
        """The log of the first pod, from when it runs until it ends."""
        first = next((pod for pod in seen.pods if pod.number == 0 and pod.started), None)
        if seen.attempt and seen.attempt.earlier and seen.attempt.state != "active":
            return  # its log is kept with its own run
        if first is None or (self._follower and self._follower.pod == first.name):
            return
        self._end_follower()
        series, prefix = f"{self._stage.mark}{first.attempt}-0-{first.uid[:8]}", f"attempt={first.attempt} pod=0"
        self._follower = logs.Follower(
            self._kube, self._store, record.logs(self._task), series, first.name, self._stage.backend.container,
            f"step={self._task['name']} {prefix}",
        )  # fmt: skip

    def _end_follower(self) -> None:
        if self._follower:
            self._follower.end()
            self._follower = None

    def _leave(self) -> float:
        """Wait for the launcher that holds the step, until that one has made it."""
        self._say(f"another launcher holds this step ({self._lease.holder or 'just now'}): waiting for it")
        self._done = artefact.read(self._store, self._task["address"]) is not None
        return self._pace.look

    def _guard(self) -> None:
        """Unavailable unless this launcher holds the lease."""
        if not self._lease.held:
            raise Unavailable("the lease of this step expired; acquiring it again")

    def _rest(self, seconds: float) -> None:
        """Until something changes, or for a while; never for less than a moment, however often things change."""
        if self._done or not seconds:
            return
        seconds *= random.uniform(0.9, 1.1)
        time.sleep(min(1.0, seconds / 4))
        path = f"/api/v1/namespaces/{self._kube.namespace}/pods"
        try:
            if not self._patience.tried and self._observer.version and self._lease.held:
                return self._kube.wait(path, self._stage.selector, self._observer.version, max(1, round(seconds)))
        except (Unavailable, Refusal):
            pass  # a watch only wakes the next observation
        time.sleep(seconds / 2)

    def _keep(self, **changes: object) -> None:
        """On record, if anything is new."""
        changed = replace(self._record, **changes)  # type: ignore[arg-type]
        if changed != self._record:
            self._record = replace(changed, time=time.time())
            record.write(self._store, self._place, self._record)

    def _path(self, name: str = "") -> str:
        return self._stage.backend.path(self._kube.namespace, name)

    def _say(self, text: str) -> None:
        now = time.monotonic()
        if text != self._reported[0] or now - self._reported[1] > self._pace.repeat:
            self._reported = (text, now)
            self._print(text)

    def _print(self, text: str) -> None:
        print(f"step={self._task['name']} {text}", flush=True)
