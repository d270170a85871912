"""What is done for a workload, one stage after the other; pure, so that a plan can show every object beforehand."""

from dataclasses import replace
from typing import Any

from components.launch import indexed, paddlejob
from components.launch.backend import Stage
from components.launch.workload import Workload


def stages(workload: Workload) -> list[Stage]:
    """A gang is one; shards are made, then joined; a single shard is the whole step."""
    if workload.kind == "gang":
        # Each pod starts its own processes, so a task says to none of them that there are more.
        alone = replace(workload, task={**workload.task, "ranks": 1})
        return [Stage(paddlejob.BACKEND, alone, "a", workload.count)]
    join = Stage(indexed.BACKEND, workload, "j", 1)
    if workload.count == 1:
        return [join]
    return [Stage(indexed.BACKEND, workload, "a", workload.count, proof=False, share=True), join]


def manifests(workload: Workload) -> list[dict[str, Any]]:
    """The objects of the first attempts, as they are created but for their owner."""
    return [stage.backend.render(stage, 1) for stage in stages(workload)]
