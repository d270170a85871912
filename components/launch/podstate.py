"""A pod as the cluster describes it, read into the few things that decide; pure."""

from collections.abc import Mapping
from typing import Any

from components.launch.backend import ATTEMPT, Backend
from components.launch.observation import Pod

_TAKEN = ("Evicted", "Preempting", "Preempted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity",
          "UnexpectedAdmissionError", "OutOfcpu", "OutOfmemory", "OutOfpods", "Outofnvidia.com/gpu")  # fmt: skip
"""Reasons of a pod that kubelet or the scheduler ended, from the time before they said so in a condition too."""


def read(body: Mapping[str, Any], backend: Backend, leaving_for: float) -> Pod:
    """`leaving_for` is measured by the observer, for clocks need not agree."""
    meta, status = body["metadata"], body.get("status", {})
    box = _container(status, backend.container)
    over = box.get("state", {}).get("terminated")
    phase = status.get("phase", "Pending")
    return Pod(
        name=meta["name"], uid=meta["uid"], number=int(meta["labels"].get(backend.number, "0")),
        attempt=int(meta["labels"].get(ATTEMPT, "0")), node=body["spec"].get("nodeName", ""),
        code=over["exitCode"] if over else (1 if phase == "Failed" else None),
        ended=str((over or {}).get("finishedAt") or ""),
        started=bool(over or box.get("state", {}).get("running")), over=phase in ("Succeeded", "Failed"),
        reason=str((over or {}).get("reason") or status.get("reason") or ""),
        message=str((over or {}).get("message") or status.get("message") or ""),
        disrupted=_disrupted(status), leaving_for=leaving_for if "deletionTimestamp" in meta else 0.0,
        grace=float(meta.get("deletionGracePeriodSeconds", body["spec"].get("terminationGracePeriodSeconds", 30))),
    )  # fmt: skip


def _container(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    rows = status.get("containerStatuses") or ()
    return next((row for row in rows if row["name"] == name), {})


def _disrupted(status: Mapping[str, Any]) -> str:
    """The reason of its disruption. An exit code of 64 to 78 is checked before, so the step's own verdict counts."""
    for row in status.get("conditions") or ():
        if row["type"] == "DisruptionTarget" and row["status"] == "True":
            return str(row.get("reason") or "disruption")
    reason = str(status.get("reason") or "")
    return reason if reason in _TAKEN else ""
