"""One launcher at a time acts on a step: a Lease of the cluster, named after the artefact and held by renewing it.

Clocks are not compared: another holder is dead when its Lease has not changed for its whole term under observation.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from components.launch.identity import Identity, owned
from components.launch.kube import Kube, Object
from components.launch.observation import Refusal


class StepLease:
    """The right to act on a step."""

    def __init__(self, kube: Kube, name: str, own: Identity, labels: Mapping[str, str], term: float,
                 renew: float) -> None:  # fmt: skip
        self._kube, self._name, self._own, self._labels = kube, name, own, dict(labels)
        self._term, self._renew = term, renew
        self._until, self._due = 0.0, 0.0
        self._known, self._since = ("", ""), 0.0
        self.holder = ""
        """The holder, if it is another launcher."""

    @property
    def held(self) -> bool:
        """Whether this launcher holds it now; checked before every change."""
        return time.monotonic() < self._until

    def hold(self) -> bool:
        """Take it, or renew it when that is due; whether it is held. Unavailable does not change it."""
        now = time.monotonic()
        if self.held and now < self._due:
            return True
        found = self._kube.find(self._path(self._name))
        if found is None:
            done = self._try(lambda: self._kube.create(self._path(), self._body()))
        elif self._free(found, now):
            done = self._try(lambda: self._kube.replace(self._path(self._name), self._body(found)))
        else:
            done = False
        # Counted from before the request, as other launchers count from after it.
        self._until, self._due = (now + self._term, now + self._renew) if done else (0.0, 0.0)
        return done

    def release(self) -> None:
        """Let the next one have it at once."""
        if self._until:
            found = self._kube.find(self._path(self._name))
            if found and found["spec"].get("holderIdentity") == self._own.id:
                self._kube.delete(self._path(self._name), uid=found["metadata"]["uid"])
        self._until = 0.0

    def _free(self, found: Object, now: float) -> bool:
        holder = found["spec"].get("holderIdentity") or ""
        state = (holder, str(found["metadata"]["resourceVersion"]))
        if state != self._known:
            self._known, self._since = state, now
        self.holder = holder
        return holder in ("", self._own.id) or now - self._since > float(found["spec"]["leaseDurationSeconds"])

    def _try(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except Refusal as refusal:
            if refusal.status in (404, 409):  # somebody else was quicker
                return False
            raise
        return True

    def _path(self, name: str = "") -> str:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self._kube.namespace}/leases"
        return f"{path}/{name}" if name else path

    def _body(self, found: Object | None = None) -> Object:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        meta: Object = {"name": self._name, "labels": self._labels}
        taken = 0
        if found:
            meta["resourceVersion"] = found["metadata"]["resourceVersion"]
            taken = found["spec"].get("leaseTransitions", 0) + (found["spec"].get("holderIdentity") != self._own.id)
        body = {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta,
            "spec": {"holderIdentity": self._own.id, "leaseDurationSeconds": max(1, round(self._term)),
                     "renewTime": now, "leaseTransitions": taken},
        }  # fmt: skip
        return owned(body, self._own)
