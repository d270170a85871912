"""How an artefact was made, for its manifest; and what the manifests of all before it say."""

import platform
import resource
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from components.contract.base import Step
from components.contract.task import Task
from ernie_core.store import Store, artefact


def lineage(task: Task, store: Store) -> Mapping[str, Any]:
    """What the manifests of all ancestors say, by address; this step under its own."""
    found: dict[str, Any] = {task.address: {"spec": task.spec, "inputs": _inputs(task), "settings": task.parameters}}
    open_ = [source.address for group in task.inputs.values() for source in group if source.address]
    while open_:
        address = open_.pop()
        if address in found:
            continue
        manifest = artefact.read(store, address)
        found[address] = dict(manifest.info) if manifest else {"missing": True}
        open_ += filter(None, [found[address].get("continues"), found[address].get("sweep", {}).get("address")])
        rows = found[address].get("inputs", {}).values()
        open_ += [row["address"] for group in rows for row in group if row.get("address")]
    return found


def provenance(task: Task, cls: type[Step], step: Step, scores: Mapping[str, float], started: float) -> dict[str, Any]:
    """What a manifest says of how its artefact was made."""
    usage = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    kib = 1024 if sys.platform != "darwin" else 1
    return {
        **({"continues": task.continues} if task.continues else {}),
        "step": task.name, "component": task.component, "revision": cls.revision, "fingerprint": task.fingerprint,
        "settings": step.settings(), "inputs": _inputs(task), "scores": dict(scores),
        "job": task.job, "run": task.run, "spec": task.spec, "image": task.image,
        "host": {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version(),
                 "cpus": task.cpus},
        "started": utc(started), "ended": utc(time.time()), "seconds": round(time.time() - started, 3),
        "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in usage), 3),
        "peak_memory": max(u.ru_maxrss for u in usage) * kib,
    }  # fmt: skip


def utc(seconds: float) -> str:
    """`2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _inputs(task: Task) -> dict[str, list[dict[str, Any]]]:
    keep = ("name", "kind", "fingerprint", "address", "weight")
    return {
        port: [{**{k: getattr(s, k) for k in keep}, "files": [f["url"] for f in s.files]} for s in group]
        for port, group in task.inputs.items()
    }
