"""What the cluster reports about a run, for accounts that may read it: its pods, by label, and the engine."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.launch.backend import RUN, STEP, WORK
from ernie_core.errors import Error
from jobs.cluster.observe import StepPod
from jobs.runs import Run

if TYPE_CHECKING:
    from components.launch.kube import Kube, Object
    from components.launch.observation import Reason

OVER = ("Succeeded", "Failed")
COUNTED = ("pods", "cpu", "memory")
"""What a quota may limit that every pod needs."""


class Pods:
    """The pods of one run. A service that does not answer is noted, and no error: the store is what counts."""

    def __init__(self, run: Run) -> None:
        self._run, self._namespace = run.id, run.cluster.get("namespace", "")
        self._kube: Kube | None = None
        self.blind = False
        """Whether there is no way to the cluster from here."""
        self.doubts: list[str] = []

    def of_steps(self) -> dict[str, StepPod]:
        """By step, those that Kubeflow Pipelines made: of the step, or of its launcher."""
        from components.launch import waiting

        found: dict[str, StepPod] = {}
        for row in self._list("pods", labelSelector=f"{RUN}={self._run},!{WORK}"):  # WORK is a launcher's
            meta, phase, reason = row["metadata"], _phase(row), None
            if phase == "Pending":
                events = self._list("events", fieldSelector=f"involvedObject.name={meta['name']}")
                reason = next(iter(waiting.reasons([row], events)), None)
            if not (old := found.get(meta["labels"][STEP])) or old.over:
                pod = StepPod(meta["name"], phase == "Running", phase in OVER, reason)
                found[meta["labels"][STEP]] = pod
        return found

    def messages(self, sent: str, steps: Iterable[str]) -> dict[str, str]:
        """What the engine below Kubeflow Pipelines says of each step that is not well; under no name, of the run."""
        rows = self._list("workflows", "/apis/argoproj.io/v1alpha1", labelSelector=f"pipeline/runid={sent}")
        tasks = {name: name.replace("_", "-") for name in steps}
        found: dict[str, str] = {}
        for node in (node for row in rows for node in (row.get("status", {}).get("nodes") or {}).values()):
            message = " ".join(str(node.get("message") or "").split())
            if not message or node.get("phase") not in ("Pending", "Failed", "Error"):
                continue
            words = {re.sub(r"\(\d+\)$", "", word) for word in str(node.get("name", "")).split(".")}
            step = next((step for step, task in tasks.items() if {task, f"{task}-driver"} & words), "")
            if len(message) > len(found.get(step, "")):  # the nodes above only repeat that something below failed
                found[step] = message[:300]
        return found

    def full(self) -> "Reason | None":
        """The quota that keeps every pod from starting: an engine retries for ever, and may not report it."""
        from components.launch.observation import Reason

        for row in self._list("resourcequotas"):
            status, name = row.get("status", {}), row["metadata"]["name"]
            for what, hard in status.get("hard", {}).items():
                if what.removeprefix("count/").removeprefix("requests.").removeprefix("limits.") not in COUNTED:
                    continue
                if hard == "0":
                    return Reason(f"quota `{name}` allows no {what}: raise it", hopeless=True)
                if status.get("used", {}).get(what) == hard:
                    return Reason(f"quota `{name}` is used up, {what} {hard}: waiting for other runs to end")
        return None

    def log(self, step: str) -> tuple[str, Iterator[bytes]] | None:
        """The pod of a step and the lines that it says until it ends; None if there is none that runs."""
        pod, kube = self.of_steps().get(step), self._connect()
        return (pod.name, kube.log(pod.name, "main", follow="true")) if pod and pod.running and kube else None

    def clear(self) -> list[str]:
        """Remove what launchers made; returns what is still there, pods of all kinds included."""
        from components.launch import sweep

        if (kube := self._connect()) is None:
            return []
        left = sweep.run(kube, self._run)
        rows = self._list("pods", labelSelector=f"{RUN}={self._run}")
        return left + [f"pod {row['metadata']['name']}" for row in rows if _phase(row) not in OVER]

    def _connect(self) -> "Kube | None":
        from components.launch import kube as kubes

        if self._kube is None and not self.blind:
            try:
                self._kube = kubes.connect(self._namespace)
            except Error as error:
                self.blind = True
                self.doubts.append(str(error))
        return self._kube

    def _list(self, plural: str, api: str = "/api/v1", **query: str) -> "list[Object]":
        if (kube := self._connect()) is None:
            return []
        try:
            rows: list[Any] = kube.read(f"{api}/namespaces/{self._namespace}/{plural}", **query).get("items", [])
        except Error as error:
            self.doubts.append(str(error))
            return []
        return rows


def refused(messages: Mapping[str, str]) -> dict[str, StepPod]:
    """Steps whose pod the cluster rejects: the engine retries for ever, and only its own page shows it."""
    from components.launch import waiting

    reasons = {name: waiting.refused(text) for name, text in messages.items() if name}
    return {name: StepPod("", False, False, reason) for name, reason in reasons.items() if reason}


def _phase(row: "Object") -> str:
    return str(row.get("status", {}).get("phase", "Pending"))
