"""The pods of a workload, as Kubernetes objects: unprivileged, read-only but for what they need, removed when done."""

import json
from collections.abc import Mapping
from typing import Any

from components.launch.backend import Stage

SCRATCH, USER = "/scratch", 1000
ALONE = {"sidecar.istio.io/inject": "false"}
"""A proxy beside a gang keeps its processes from finding each other."""
_LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def pod(stage: Stage, number: int, container: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template around what the backend says of its one container."""
    workload = stage.workload
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": stage.grace,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "seccompProfile": {"type": "RuntimeDefault"},
        },
        # A lost node counts as gone after half a minute, not after five.
        "tolerations": [
            *map(dict, workload.tolerations),
            *({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30} for key in _LOST),
        ],
        "containers": [{**_container(stage), **container}],
        "volumes": [
            {"name": "scratch", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "shm", "emptyDir": {"medium": "Memory"}},
            *({"name": f"volume-{i}", "persistentVolumeClaim": {"claimName": volume["claim"]}}
              for i, volume in enumerate(workload.volumes)),
        ],
    }  # fmt: skip
    if workload.service_account:
        spec["serviceAccountName"] = workload.service_account
    if workload.node_selector:
        spec["nodeSelector"] = dict(workload.node_selector)
    labels = {**stage.labels(number), **ALONE}
    return {"metadata": {"labels": labels, "annotations": dict(ALONE)}, "spec": spec}


def argument(value: object) -> str:
    """JSON for a command line in which Kubernetes replaces `$(NAME)`."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace("$", "\\u0024")


def _container(stage: Stage) -> dict[str, Any]:
    workload = stage.workload
    size: dict[str, str] = {"cpu": str(workload.cpu)}
    if workload.memory:
        size["memory"] = str(workload.memory)
    if workload.gpus:
        size["nvidia.com/gpu"] = str(workload.gpus)
    container: dict[str, Any] = {
        "image": workload.image,
        "env": [{"name": name, "value": value} for name, value in sorted(workload.env.items())],
        "resources": {"requests": size, "limits": size},
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
        },
        # The last lines of a process that died are in the pod's own record, where no log can be read any more.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "scratch", "mountPath": SCRATCH}, {"name": "tmp", "mountPath": "/tmp"},
            {"name": "shm", "mountPath": "/dev/shm"},
            *({"name": f"volume-{i}", "mountPath": volume["path"],
               **({"subPath": volume["sub_path"]} if volume.get("sub_path") else {})}
              for i, volume in enumerate(workload.volumes)),
        ],
    }  # fmt: skip
    if workload.secrets:
        container["envFrom"] = [{"secretRef": {"name": name}} for name in workload.secrets]
    return container
