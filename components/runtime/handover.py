"""What a step of a pipeline hands over: a small manifest, what the pipeline's page shows, and whether others may start.

Through the pipeline pass addresses and figures only; the artefact is in the store. The launcher of Kubeflow Pipelines
tells a step in JSON, its executor input, which outputs it expects and where; a step answers with a file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import components
from components.contract import gates
from components.contract.gates import Gate
from components.contract.task import Task
from components.runtime import reports
from ernie_core import errors
from ernie_core.store import Store, artefact

SCORES = "scores"
"""The output whose properties are the figures of a step."""


def write(task: Task, store: Store, manifest: Path, executor_input: str = "") -> None:
    """Hand over a finished step. Refused if its scores are out of the bounds that the task names: what waits for it
    must not start."""
    committed = artefact.read(store, task.address)
    if committed is None:
        raise errors.Error(f"{store.url}/{task.address}: the step succeeded, but there is no artefact: see its log")
    scores = committed.info.get("scores", {})
    made = {"address": task.address, "kind": committed.kind, "fingerprint": task.fingerprint,
            "digest": committed.digest, "size": committed.size, "scores": dict(scores)}  # fmt: skip
    manifest.parent.mkdir(parents=True, exist_ok=True)
    reports.write(manifest, json.dumps(made, ensure_ascii=False, sort_keys=True).encode(), durable=False)
    if executor_input:
        _show(json.loads(executor_input)["outputs"], made)
    bounds = [Gate.parse(score, bound) for score, bound in task.require.items()]
    failed = gates.failures(bounds, scores, components.find(task.component).unmeasured)
    if failed:
        raise errors.Refused("gate: " + "; ".join(failed))


def _show(outputs: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    facts = {key: made[key] for key in ("address", "kind", "fingerprint", "size")}
    rows = {}
    for name, committed in outputs["artifacts"].items():
        first = committed["artifacts"][0]
        shown = made["scores"] if name == SCORES else facts
        rows[name] = {"artifacts": [{**first, "metadata": {**first.get("metadata", {}), **shown}}]}
    file = Path(outputs["outputFile"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"artifacts": rows}, ensure_ascii=False, sort_keys=True), encoding="utf-8")
