"""The launcher's own pod: who it is, whose it is, and whether it is being moved."""

import os
import socket
from dataclasses import dataclass
from typing import Any

from components.launch.kube import Kube, Object
from components.launch.seen import Refusal


@dataclass(frozen=True)
class Own:
    """This launcher."""

    id: str
    """Of this very pod: one that is made anew under the same name is another one."""
    pod: str = ""
    owner: tuple[dict[str, Any], ...] = ()
    """The Workflow, which what is made belongs to. Not the pod: that one may go and come back."""


def find(kube: Kube) -> Own:
    """By what Kubeflow says in the environment, and by the pod's owner; outside of a cluster by host and process."""
    pod = os.environ.get("KFP_POD_NAME") or (os.environ.get("KUBERNETES_SERVICE_HOST") and socket.gethostname()) or ""
    if not pod:
        return Own(f"{socket.gethostname()}-{os.getpid()}")
    found = kube.find(path(kube, pod))
    if found is None:
        return Own(os.environ.get("KFP_POD_UID") or pod)
    keep = ("apiVersion", "kind", "name", "uid")
    owner = tuple(
        {**{key: row[key] for key in keep}, "controller": False, "blockOwnerDeletion": False}
        for row in found["metadata"].get("ownerReferences") or ()
        if row["kind"] == "Workflow"
    )
    return Own(found["metadata"]["uid"], pod, owner)


def is_moved(kube: Kube, own: Own) -> bool:
    """Whether the pod is told to go by itself, to come back elsewhere; else it is the run that is cancelled."""
    if not own.pod:
        return False
    try:
        found = kube.find(path(kube, own.pod))
    except Refusal:
        return True  # whoever cannot know must not destroy
    return found is None or "deletionTimestamp" in found["metadata"]


def path(kube: Kube, pod: str) -> str:
    """Of a pod."""
    return f"/api/v1/namespaces/{kube.namespace}/pods/{pod}"


def owned(body: Object, own: Own) -> Object:
    """The object, belonging to what this launcher belongs to."""
    meta = {**body["metadata"], **({"ownerReferences": list(own.owner)} if own.owner else {})}
    return {**body, "metadata": meta}
