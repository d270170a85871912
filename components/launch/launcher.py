"""Drives a stage: looks, decides, acts, and says so, until the stage is done. Thin: what to do is decided in state.py.

It keeps nothing that is not in the store or in the cluster: killed at any line and started again, it goes on.
"""

import functools
import random
import time
from dataclasses import dataclass, replace

from components.launch import beat, logs, pending, record, state
from components.launch import own as owns
from components.launch.backend import Stage
from components.launch.kube import Kube
from components.launch.lease import Lease
from components.launch.look import Look
from components.launch.own import Own
from components.launch.patience import Patience, meaning
from components.launch.record import Record
from components.launch.seen import Limits, Past, Refusal, Seen, Unavailable
from components.place import utc
from ernie_core import errors
from ernie_core.store import Store, artefact


@dataclass(frozen=True)
class Pace:
    """Seconds of the launcher's own waits."""

    look: float = 10.0
    """Between two looks when nothing changes."""
    soon: float = 1.0
    """When something is about to change."""
    firm: float = 20.0
    """For which the same no must be heard before it is believed: a server that has just started says it to everyone."""
    outage: float = 3600.0
    """For which nobody may answer."""
    term: float = 60.0
    """Of the lease: after which another may have it."""
    renew: float = 20.0
    """Of the lease."""
    said: float = 60.0
    """After which the same is said again."""


class Launcher:
    """One stage of a step."""

    def __init__(self, kube: Kube, store: Store, stage: Stage, own: Own, lease: Lease, limits: Limits,
                 pace: Pace) -> None:  # fmt: skip
        self._kube, self._store, self._stage, self._own = kube, store, stage, own
        self._lease, self._limits, self._pace = lease, limits, pace
        self._task = stage.workload.task
        self._place = record.key(self._task)
        self._record = Record()
        self._look = Look(kube, store, stage, 0.0)
        self._follower: logs.Follower | None = None
        self._patience = Patience(self._say, pace.firm, pace.outage, functools.partial(meaning, stage=stage, kube=kube))
        self._said = ("", 0.0)
        self._done = False

    def run(self) -> None:
        """Until the stage is done; raises how it ended otherwise."""
        begun, rest = False, self._pace.look
        while not self._done:
            with self._patience:
                begun = begun or self._begin()
                rest = self._act(self._look.see(self._past())) if self._lease.hold() else self._leave()
            self._rest(self._pace.look if self._patience.tried else rest)
        self._end_follower()
        if self._stage.backend.together:
            with self._patience:
                self._store.delete(beat.key(self._task["address"]))

    def _begin(self) -> bool:
        """Take up what is on record."""
        found = record.read(self._store, self._place)
        self._record = replace(found, started=found.started or time.time(), pod=self._own.id)
        self._look = Look(self._kube, self._store, self._stage, self._record.started)
        return True

    def _act(self, seen: Seen) -> float:
        """Do one thing; returns for how long nothing is to be done then."""
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
                self._look.forced = True
                for pod in pods:
                    self._say(f"{pod.name} does not go, its node {pod.node or '?'} is lost: taking it off the books")
                    self._kube.delete(owns.path(self._kube, pod.name), uid=pod.uid, grace=0)
            case state.Wait(text, soon):
                self._say(text)
                self._keep(state="running" if seen.attempt and not seen.pending_for else "waiting", text=text)
                return self._pace.look if not soon else self._pace.soon
        return self._pace.soon

    def _past(self) -> tuple[Past, ...]:
        """Of this stage: making and joining are judged apart."""
        return tuple(entry for entry in self._record.past if entry.stage == self._stage.mark)

    def _create(self, number: int) -> None:
        self._guard()
        stage = self._stage
        found = beat.read(self._store, self._task["address"]) if stage.backend.together else {}
        stage = replace(stage, grace=beat.grace(found, stage.grace, stage.workload.grace))
        if stage.backend.together:
            beat.write(self._store, self._task["address"], number, {beat.NEEDS: found.get(beat.NEEDS, 0.0)})
        body = owns.owned(stage.backend.render(stage, number), self._own)
        self._look.begin()
        try:
            self._kube.create(self._path(), body)
        except (Refusal, Unavailable) as no:
            self._look.refused = pending.refused(str(no))
            if self._look.refused is None and not self._exists(no, body["metadata"]["name"]):
                raise
            if self._look.refused:
                self._say(f"attempt {number} cannot begin: {self._look.refused.text}")
            return
        self._look.refused = None
        begin = self._look.progress() or "the beginning"
        self._say(f"attempt {number} begins: {body['metadata']['name']}, from {begin}")
        self._keep(state="waiting", attempt=number)

    def _exists(self, no: Exception, name: str) -> bool:
        """Whether ours is there already, made by a launcher before this one, or by a request that was not answered."""
        if not (isinstance(no, Refusal) and no.status == 409):
            return False
        ours = self._kube.read(self._path(), labelSelector=self._stage.selector).get("items", [])
        if not any(found["metadata"]["name"] == name for found in ours):
            raise errors.Refused(f"there is another {name} in this namespace, which is not of this step: remove it")
        return True

    def _judge(self, past: Past, seen: Seen) -> None:
        """Put it on record, with the last words of the pod that ended first."""
        self._end_follower()
        past = replace(past, stage=self._stage.mark, progress=self._look.progress(), time=utc(time.time()))
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

    def _follow(self, seen: Seen) -> None:
        """The log of the first pod, from when it runs until it ends."""
        first = next((pod for pod in seen.pods if pod.number == 0 and pod.started), None)
        if seen.attempt and seen.attempt.earlier and seen.attempt.state != "active":
            return  # what it said is with the run that it was of
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
        """Leave it to whoever holds the step, until that one has made it."""
        self._say(f"another launcher is at this step ({self._lease.holder or 'just now'}): waiting for it")
        self._done = artefact.read(self._store, self._task["address"]) is not None
        return self._pace.look

    def _guard(self) -> None:
        """Change something only as long as nobody else may."""
        if not self._lease.held:
            raise Unavailable("the lease of this step ran out; asking for it again")

    def _rest(self, seconds: float) -> None:
        """Until something changes, or for a while; never for less than a moment, however often things change."""
        if self._done or not seconds:
            return
        seconds *= random.uniform(0.9, 1.1)
        time.sleep(min(1.0, seconds / 4))
        path = f"/api/v1/namespaces/{self._kube.namespace}/pods"
        try:
            if not self._patience.tried and self._look.version and self._lease.held:
                return self._kube.wait(path, self._stage.selector, self._look.version, max(1, round(seconds)))
        except (Unavailable, Refusal):
            pass  # looking again is all that a watch is for
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
        if text != self._said[0] or now - self._said[1] > self._pace.said:
            self._said = (text, now)
            self._print(text)

    def _print(self, text: str) -> None:
        print(f"step={self._task['name']} {text}", flush=True)
