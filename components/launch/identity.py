"""The launcher's own pod: its identity, its owner, and whether it is being moved."""

import os
import socket
from dataclasses import dataclass
from typing import Any

from components.launch.kube import Kube, Object
from components.launch.observation import Refusal


@dataclass(frozen=True)
class Identity:
    """The identity of this launcher."""

    id: str
    """Uid of this pod: one that is recreated under the same name is another one."""
    pod: str = ""
    owner: tuple[dict[str, Any], ...] = ()
    """The Workflow, the owner of created objects. Not the pod: that one may be recreated."""


def find(kube: Kube) -> Identity:
    """By Kubeflow's environment variables and the pod's owner; outside of a cluster by host and process."""
    pod = os.environ.get("KFP_POD_NAME") or (os.environ.get("KUBERNETES_SERVICE_HOST") and socket.gethostname()) or ""
    if not pod:
        return Identity(f"{socket.gethostname()}-{os.getpid()}")
    found = kube.find(path(kube, pod))
    if found is None:
        return Identity(os.environ.get("KFP_POD_UID") or pod)
    keep = ("apiVersion", "kind", "name", "uid")
    owner = tuple(
        {**{key: row[key] for key in keep}, "controller": False, "blockOwnerDeletion": False}
        for row in found["metadata"].get("ownerReferences") or ()
        if row["kind"] == "Workflow"
    )
    return Identity(found["metadata"]["uid"], pod, owner)


def is_moved(kube: Kube, own: Identity) -> bool:
    """Whether only this pod is deleted, to be recreated elsewhere; else the run is cancelled."""
    if not own.pod:
        return False
    try:
        found = kube.find(path(kube, own.pod))
    except Refusal:
        return True  # without this knowledge nothing is removed
    return found is None or "deletionTimestamp" in found["metadata"]


def path(kube: Kube, pod: str) -> str:
    """API path of a pod."""
    return f"/api/v1/namespaces/{kube.namespace}/pods/{pod}"


def owned(body: Object, own: Identity) -> Object:
    """The object, with the owner of this launcher."""
    meta = {**body["metadata"], **({"ownerReferences": list(own.owner)} if own.owner else {})}
    return {**body, "metadata": meta}
