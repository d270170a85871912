"""Remove orphaned objects of launchers: of a run that is cancelled, or of all runs that are over."""

import time
from collections.abc import Iterator
from datetime import datetime

from components.launch import indexed, paddlejob
from components.launch.backend import RUN, WORK, Backend
from components.launch.kube import Kube, Object
from components.launch.observation import Refusal

BACKENDS: tuple[Backend, ...] = (paddlejob.BACKEND, indexed.BACKEND)
OLD = 7200.0
"""Seconds without a launcher, after which what has no living run any more is removed."""
_OVER = ("Succeeded", "Failed", "Error")


def run(kube: Kube, name: str) -> list[str]:
    """Everything of one run, whatever it is at. What had been made for it is in the store."""
    objects = [_remove(kube, path, found) for path, found in _objects(kube, f"{RUN}={name}")]
    return objects + [_remove(kube, _leases_path(kube), found) for found in _leases(kube, f"{RUN}={name}")]


def step(kube: Kube, work: str) -> list[str]:
    """The attempts at one artefact."""
    return [_remove(kube, path, found) for path, found in _objects(kube, f"{WORK}={work}")]


def orphans(kube: Kube) -> list[str]:
    """Objects whose launcher has been gone for long, and whose Workflow is over or gone."""
    fresh = {found["metadata"]["labels"][WORK] for found in _leases(kube, WORK) if _age(found) < OLD}
    removed = []
    for path, found in _objects(kube, WORK):
        if found["metadata"]["labels"][WORK] not in fresh and _left(kube, found):
            removed.append(_remove(kube, path, found))
    for found in _leases(kube, WORK):
        if found["metadata"]["labels"][WORK] not in fresh:
            removed.append(_remove(kube, _leases_path(kube), found))
    return removed


def _objects(kube: Kube, selector: str) -> Iterator[tuple[str, Object]]:
    for backend in BACKENDS:
        path = backend.path(kube.namespace)
        try:
            rows = kube.read(path, labelSelector=selector).get("items", [])
        except Refusal as refusal:
            if refusal.status != 404:  # a cluster without this kind has none of them
                raise
            continue
        yield from ((path, row) for row in rows)


def _left(kube: Kube, found: Object) -> bool:
    born = datetime.fromisoformat(found["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
    if time.time() - born.timestamp() < OLD:
        return False  # its launcher is between two steps of its own
    for owner in found["metadata"].get("ownerReferences") or ():
        path = f"/apis/{owner['apiVersion']}/namespaces/{kube.namespace}/workflows/{owner['name']}"
        flow = kube.find(path)
        if flow and flow["metadata"]["uid"] == owner["uid"] and flow.get("status", {}).get("phase") not in _OVER:
            return False
    return True


def _leases(kube: Kube, selector: str) -> list[Object]:
    found = kube.read(_leases_path(kube), labelSelector=selector).get("items", [])
    return [row for row in found if WORK in row["metadata"].get("labels", {})]


def _age(lease: Object) -> float:
    renewed = lease["spec"].get("renewTime")
    return time.time() - datetime.fromisoformat(renewed.replace("Z", "+00:00")).timestamp() if renewed else OLD


def _leases_path(kube: Kube) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{kube.namespace}/leases"


def _remove(kube: Kube, path: str, found: Object) -> str:
    meta = found["metadata"]
    kube.delete(f"{path}/{meta['name']}", uid=meta["uid"])
    return f"{path.rpartition('/')[2]}/{meta['name']}"
