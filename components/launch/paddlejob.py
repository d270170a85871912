"""A gang as a PaddleJob of the training operator: one per attempt, never restarted, never changed.

A worker that is restarted alone waits for ever for a gang that continued without it, so a pod that fails fails
the whole (`Never`, no retries), and the launcher begins the next attempt. Ranks and addresses are not negotiated: the
number of a pod is pinned by its label, its name follows from the job's, its ports are its own.
"""

from collections.abc import Mapping
from typing import Any

from components.launch import template
from components.launch import workload as workloads
from components.launch.backend import DIGEST, Backend, Stage, State, condition

PORT = 36543
"""Port of the first process of a pod; the others have the ports after it."""
KEPT = 7 * 86400
"""Seconds that the cluster keeps one that has ended."""
CONTAINER = "paddle"
"""The only name that the operator takes."""
_INDEX = "training.kubeflow.org/replica-index"


def render(stage: Stage, number: int) -> dict[str, Any]:
    """An attempt as the cluster takes it."""
    workload, name = stage.workload, stage.name(number)
    hosts = [f"{name}-worker-{i}" for i in range(stage.count)]
    command = [
        *workload.command[:2], "components.launch.member", "--hosts", ",".join(hosts), "--number", "$(PADDLE_RANK)",
        "--port", str(PORT), "--processes", str(max(1, workload.gpus)), "--attempt", str(number),
        "--grace", str(stage.grace),
        "--task", template.argument(dict(workload.task)), "--", *workload.command,
    ]  # fmt: skip
    rank = {"name": "PADDLE_RANK", "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{_INDEX}']"}}}
    gloo = [] if workload.gpus else [{"name": "PADDLE_DISTRI_BACKEND", "value": "gloo"}]
    pod = template.pod(stage, number, {
        "name": CONTAINER, "command": command, "ports": [{"name": "master", "containerPort": PORT}],
    })  # fmt: skip
    container = pod["spec"]["containers"][0]
    container["env"] = [rank, *gloo, *container["env"]]
    labels = {**stage.labels(number), **({"kueue.x-k8s.io/queue-name": workload.queue} if workload.queue else {})}
    return {
        "apiVersion": "kubeflow.org/v1", "kind": "PaddleJob",
        "metadata": {"name": name, "labels": labels, "annotations": {DIGEST: workloads.digest(workload)}},
        "spec": {
            "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": 0, "ttlSecondsAfterFinished": KEPT},
            "paddleReplicaSpecs": {
                "Worker": {"replicas": stage.count, "restartPolicy": "Never", "template": pod}
            },
        },
    }  # fmt: skip


def state(job: Mapping[str, Any]) -> State:
    """All workers must have succeeded, one that failed fails all."""
    if failed := condition(job, "Failed"):
        return "failed", str(failed.get("message", ""))
    if condition(job, "Succeeded"):
        return "succeeded", ""
    if job["spec"].get("runPolicy", {}).get("suspend") or condition(job, "Suspended"):
        return "suspended", ""
    return "active", ""


BACKEND = Backend(
    group="kubeflow.org/v1", plural="paddlejobs", render=render, state=state, number=_INDEX, container=CONTAINER,
    remedy="this cluster has no PaddleJob: install the training operator 1.9 (its paddlejobs.kubeflow.org and the "
    "program), or give the step one node and no GPU", together=True,
)  # fmt: skip
