"""Shards as an Indexed Job: each index makes its share of the pieces; what fails is tried again by the cluster.

The pieces are joined by a second job of one pod, with the image of the step, for only that one has the libraries: the
plain command, which makes whatever piece is missing and joins them. A step that is not split is that second job only.
"""

from collections.abc import Mapping
from typing import Any

from components.launch import template
from components.launch import workload as workloads
from components.launch.backend import DIGEST, Backend, Stage, State, condition
from components.runtime.gang import NEVER_AGAIN

KEPT = 7 * 86400
CONTAINER = "step"
TRIES = 2
"""How often the cluster starts an index again that died; what it did to it itself does not count."""
SWEPT = TRIES + 2
"""The same for an index that is a point of a sweep: the point gives up before, and says why, and the Job continues with
the others."""
_INDEX = "batch.kubernetes.io/job-completion-index"


def render(stage: Stage, number: int) -> dict[str, Any]:
    """An attempt as the cluster takes it."""
    workload = stage.workload
    share = ["--shard", f"$(JOB_COMPLETION_INDEX)/{stage.count}"] if stage.share else []
    command = [*workload.command, "--task", template.argument(dict(workload.task)), *share]
    pod = template.pod(stage, number, {"name": CONTAINER, "command": command})
    pod["spec"]["restartPolicy"] = "Never"
    labels = {**stage.labels(number), **({"kueue.x-k8s.io/queue-name": workload.queue} if workload.queue else {})}
    rules = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [*NEVER_AGAIN]}},
    ]
    return {
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": stage.name(number), "labels": labels, "annotations": {DIGEST: workloads.digest(workload)}},
        "spec": {
            "completionMode": "Indexed", "completions": stage.count,
            "parallelism": min(workload.parallelism or stage.count, stage.count),
            "backoffLimitPerIndex": SWEPT if workload.task.get("best") else TRIES,
            "maxFailedIndexes": 0, "podFailurePolicy": {"rules": rules},
            "ttlSecondsAfterFinished": KEPT, "template": pod,
        },
    }  # fmt: skip


def state(job: Mapping[str, Any]) -> State:
    """Failed as soon as one index is given up, which the cluster says before its pods are gone."""
    if failed := condition(job, "Failed", "FailureTarget"):
        return "failed", str(failed.get("message", ""))
    if condition(job, "Complete"):
        return "succeeded", ""
    if job["spec"].get("suspend") or condition(job, "Suspended"):
        return "suspended", ""
    return "active", ""


BACKEND = Backend(
    group="batch/v1", plural="jobs", render=render, state=state, number=_INDEX, container=CONTAINER,
    remedy="this cluster has no Indexed Jobs: it must be Kubernetes 1.29 or newer", together=False,
)  # fmt: skip
