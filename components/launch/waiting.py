"""Why pods do not start, in a line each, from what the cluster says of them; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.launch.observation import Reason

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
          "ImageInspectError", "SignatureValidationFailed")  # fmt: skip
_MISSING = re.compile(r"(secret|configmap|persistentvolumeclaim|serviceaccount) \"?([^\" ]+)\"? not found", re.I)
_UNITS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
          "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}  # fmt: skip
_EVENTS = {"FailedCreate", "FailedCreatePod", "FailedCreateService", "FailedMount", "FailedAttachVolume",
           "FailedScheduling", "FailedCreatePodSandBox", "Unschedulable", "PodGroupPending"}  # fmt: skip


def reasons(pods: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]) -> tuple[Reason, ...]:
    """Each once, the hopeless first: what only a person can change, and waiting cannot."""
    found = [reason for pod in pods if (reason := _of_pod(pod))]
    found += [reason for event in events if event.get("reason") in _EVENTS and (reason := _of_event(event))]
    return tuple(sorted(dict.fromkeys(found), key=lambda reason: not reason.hopeless))


def refused(message: str) -> Reason | None:
    """Why the cluster does not take an object now, if that is something that may pass; None if it is not."""
    if quota := _quota(message):
        return quota
    if "failed calling webhook" in message:
        return Reason(f"a webhook of the cluster does not answer: {_short(message)}")
    return None


def _of_pod(pod: Mapping[str, Any]) -> Reason | None:
    status = pod.get("status", {})
    for row in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        waiting = row.get("state", {}).get("waiting") or {}
        word, message = waiting.get("reason", ""), waiting.get("message", "")
        if word in _IMAGE:
            return Reason(f"image {row.get('image', '')} cannot be pulled ({word}): correct its name or digest, or the "
                          "secret for its registry", hopeless=True)  # fmt: skip
        if word in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
            return _missing(message) or Reason(f"the container cannot be created: {_short(message)}", hopeless=True)
    for row in status.get("conditions") or ():
        if row["type"] == "PodScheduled" and row["status"] == "False":
            return _unscheduled(str(row.get("message", "")))
    return None


def _of_event(event: Mapping[str, Any]) -> Reason | None:
    message, word = str(event.get("message", "")), event.get("reason")
    if found := _missing(message) or refused(message):
        return found
    if word == "FailedScheduling":
        return _unscheduled(message)
    # Admission says no in the same way each time: Pod Security, a policy, a limit range.
    return Reason(f"{_short(message)}", hopeless="forbidden" in message or "denied the request" in message)


def _unscheduled(message: str) -> Reason:
    return _missing(message) or Reason(
        f"no node accepts the pod: {_short(message) or 'the scheduler does not say why'}"
    )


def _missing(message: str) -> Reason | None:
    if match := _MISSING.search(message):
        return Reason(f"there is no {match[1].lower()} `{match[2]}` in this namespace: create it", hopeless=True)
    return None


def _quota(message: str) -> Reason | None:
    match = re.search(r"exceeded quota: ([^,]+), requested: (.*), used: (.*), limited: (.*)", message)
    if not match:
        return None
    asked, limited = _amounts(match[2]), _amounts(match[4])
    never = [name for name, amount in asked.items() if amount > limited.get(name, float("inf"))]
    remedy = (
        f"raise it, it allows {match[4].strip()}" if never else f"waiting for other runs to end, {match[3]} are in use"
    )
    return Reason(f"quota `{match[1]}` does not allow {match[2]}: {remedy}", hopeless=bool(never))


def _amounts(text: str) -> dict[str, float]:
    rows = (row.partition("=") for row in text.split(","))
    return {name.strip(): _amount(value.strip()) for name, _, value in rows}


def _amount(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", text)
    return float(match[1]) * _UNITS.get(match[2], 1) if match else 0.0


def _short(message: str, most: int = 300) -> str:
    text: Sequence[str] = " ".join(message.split())
    return f"{text[:most]}..." if len(text) > most else str(text)
