"""The interface to the controllers that run the pods: how an attempt is written, where it is, how its state is read.

Creating, observing and deleting are the same for all of them, for all are objects of a namespace; another way to run a
gang is another file beside paddlejob.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.launch import workload as workloads
from components.launch.observation import Attempt
from components.launch.workload import Workload

RUN, STEP, FINGERPRINT, WORK, STAGE, ATTEMPT = (
    f"ernie.io/{name}" for name in ("run", "step", "fingerprint", "work", "stage", "attempt")
)
"""Labels of everything a launcher makes."""
DIGEST = "ernie.io/settings"

State = tuple[Literal["active", "suspended", "succeeded", "failed"], str]


@dataclass(frozen=True)
class Backend:
    """A kind of object that runs pods."""

    group: str
    """As in `kubeflow.org/v1`."""
    plural: str
    render: Callable[["Stage", int], dict[str, Any]]
    """An attempt by its number; pure."""
    state: Callable[[Mapping[str, Any]], State]
    """Its state, and a message, from what the cluster says of it."""
    number: str
    """Label that tells the pods of an attempt apart."""
    container: str
    remedy: str
    """What to do when the cluster does not know this kind."""
    together: bool
    """Whether the pods live and die together."""

    def path(self, namespace: str, name: str = "") -> str:
        """API path of all objects, or of one."""
        return f"/apis/{self.group}/namespaces/{namespace}/{self.plural}" + (f"/{name}" if name else "")


@dataclass(frozen=True)
class Stage:
    """A workload, or what remains of it to be done once its shards are made."""

    backend: Backend
    workload: Workload
    mark: str
    """A letter in the names of its attempts."""
    count: int
    proof: bool = True
    """Whether only the committed artefact shows that it is done."""
    share: bool = False
    """Whether each pod makes its share of the pieces."""
    grace: int = 120
    """Seconds that a pod has to save when it is told to terminate; one that needs less exits sooner."""

    def name(self, number: int) -> str:
        """Name of an attempt: the same for every launcher of the same work."""
        return f"{self.workload.name}-{self.mark}{number}"

    @property
    def selector(self) -> str:
        """Label selector of all attempts and their pods."""
        return f"{WORK}={workloads.work(self.workload)},{STAGE}={self.mark}"

    def labels(self, number: int) -> dict[str, str]:
        """Labels of an attempt and its pods."""
        task = self.workload.task
        return {
            **self.workload.labels, RUN: task["run"], STEP: task["name"], FINGERPRINT: task["fingerprint"][:63],
            WORK: workloads.work(self.workload), STAGE: self.mark, ATTEMPT: str(number),
        }  # fmt: skip


def attempt(stage: Stage, body: Mapping[str, Any]) -> Attempt:
    """An object of the cluster as an attempt."""
    meta, (state, message) = body["metadata"], stage.backend.state(body)
    return Attempt(
        int(meta["labels"][ATTEMPT]), meta["name"], meta["uid"], state, meta.get("annotations", {}).get(DIGEST, ""),
        message, leaving="deletionTimestamp" in meta, earlier=meta["labels"][RUN] != stage.workload.task["run"],
    )  # fmt: skip


def condition(body: Mapping[str, Any], *kinds: str) -> Mapping[str, Any] | None:
    """The first of these conditions that holds. Their order means nothing, the last one is not the newest."""
    for kind in kinds:
        for row in body.get("status", {}).get("conditions") or ():
            if row["type"] == kind and row["status"] == "True":
                return dict(row)
    return None
