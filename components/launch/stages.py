"""What is done for a workload, one stage after the other; pure, so that a plan can show every object beforehand."""

from dataclasses import replace
from typing import Any

from components.launch import indexed, paddlejob
from components.launch.backend import Stage
from components.launch.workload import Workload

SWEPT = 900
"""Most seconds that a pod with a point of a sweep may take to save."""


def stages(workload: Workload) -> list[Stage]:
    """A gang is one; shards are made, then joined; a single shard is the whole step. A point of a sweep is a shard."""
    if workload.kind == "gang":
        # Each pod starts its own processes, so a task says to none of them that there are more.
        alone = replace(workload, task={**workload.task, "ranks": 1})
        return [Stage(paddlejob.BACKEND, alone, "a", workload.count)]
    grace = _grace(workload)
    join = Stage(indexed.BACKEND, workload, "j", 1, grace=grace)
    if workload.count == 1:
        return [join]
    return [Stage(indexed.BACKEND, workload, "a", workload.count, proof=False, share=True, grace=grace), join]


def _grace(workload: Workload) -> int:
    """Seconds that a pod may take to save. What a training in a sweep needs is not known beforehand; it exits as soon
    as it has saved."""
    if not workload.task.get("best"):
        return Stage.grace
    return min(SWEPT, workload.grace) if workload.grace else SWEPT


def manifests(workload: Workload) -> list[dict[str, Any]]:
    """The objects of the first attempts, as they are created but for their owner."""
    return [stage.backend.render(stage, 1) for stage in stages(workload)]
