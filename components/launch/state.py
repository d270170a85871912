"""What a launcher does next: pure, from its observation of the cluster and the store, and from past attempts.

A step is made in attempts: one object of the cluster each, never restarted and never changed. Whatever ends an attempt
is put on record with its cause, then the object is removed, then all pods must be gone, then the next one begins, from
`model_last`. A failure of the step follows from the record only: a restarted launcher comes to the same verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from components.launch import causes
from components.launch.observation import Attempt, Limits, Observation, Pod
from components.runtime.record import PastAttempt

SOON = 20.0
"""Seconds in which pods are made when nothing is wrong."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do; why."""

    text: str
    soon: bool = False
    """Whether the wait is short."""


@dataclass(frozen=True)
class Create:
    """Start an attempt."""

    number: int


@dataclass(frozen=True)
class Judge:
    """Put an ended attempt on record."""

    past: PastAttempt


@dataclass(frozen=True)
class Delete:
    """Remove an attempt that is on record, and its pods."""

    attempt: Attempt
    text: str


@dataclass(frozen=True)
class Force:
    """Delete the objects of pods on lost nodes: no kubelet is left to confirm their end."""

    pods: tuple[Pod, ...]


@dataclass(frozen=True)
class Done:
    """The stage is done."""


@dataclass(frozen=True)
class Fail:
    """The step ends with this exit code."""

    code: int
    text: str


Action = Wait | Create | Judge | Delete | Force | Done | Fail


def decide(seen: Observation, past: Sequence[PastAttempt], limits: Limits) -> Action:
    """One action; the next observation decides again, so nothing is lost when the launcher dies before or after it."""
    attempt = seen.attempt
    if seen.done:
        return Done()
    if stuck := tuple(pod for pod in seen.pods if pod.leaving_for > _patience(pod, limits)):
        return Force(stuck)
    judged = {entry.uid for entry in past if entry.uid}
    if attempt is not None and attempt.uid not in judged:
        return _attend(attempt, seen, past, limits)
    if attempt is not None and not attempt.leaving:
        return Delete(attempt, past[-1].text)
    if left := [pod for pod in seen.pods if not pod.over]:
        return Wait(f"waiting for {len(left)} pods of attempt {past[-1].number if past else 0} to end", True)
    if attempt is not None:
        return Wait(f"waiting for {attempt.name} to be removed", True)
    return _begin(seen, past, limits)


def verdict(past: Sequence[PastAttempt], limits: Limits) -> Fail | None:
    """How the step has ended by the record; None while it may continue."""
    if not past:
        return None
    last = past[-1]
    if last.cause in causes.FINAL:
        return Fail(last.code, last.text)
    row: list[PastAttempt] = []
    for entry in reversed(past):
        if entry.progress != last.progress:
            break
        row.append(entry)
    counted = sum(entry.counted for entry in row)
    if counted < limits.failures and len(row) - counted < limits.losses:
        return None
    begin = last.progress or "the beginning"
    return Fail(1, f"{last.text}; that was attempt {len(row)} without progress after {begin}{causes.hint(last)}")


def _attend(attempt: Attempt, seen: Observation, past: Sequence[PastAttempt], limits: Limits) -> Action:
    """The action for an attempt that is not on record yet."""
    if attempt.state in ("active", "suspended") and attempt.digest != seen.digest and not attempt.leaving:
        return Fail(
            78,
            f"{attempt.name} makes the same artefact with other settings ({attempt.digest}, here {seen.digest}): let "
            "it end, or cancel its run first",
        )
    if attempt.earlier and attempt.state in ("failed", "succeeded"):
        # Its own run has judged it, or its artefact was removed since; this run retries.
        return Judge(PastAttempt(attempt.number, attempt.uid, "earlier", False, "it ended in an earlier run"))
    if found := causes.judge(attempt, seen, limits):
        return Judge(replace(found, ran=any(pod.started for pod in seen.pods)))
    if attempt.state == "suspended":
        return Wait(f"attempt {attempt.number} is in the queue")
    if seen.pending_for > 0:
        return _pend(attempt.number, attempt.uid, seen, past, limits)
    running = sum(pod.started and not pod.over for pod in seen.pods)
    return Wait(f"attempt {attempt.number}: {running} pods running")


def _begin(seen: Observation, past: Sequence[PastAttempt], limits: Limits) -> Action:
    if ended := verdict(past, limits):
        return ended
    if limits.timeout and seen.elapsed > limits.timeout:
        return Fail(1, f"the step has taken {seen.elapsed:.0f} s, its `timeout` is {limits.timeout:.0f} s: raise it")
    number = 1 + max((entry.number for entry in past), default=seen.begun)
    if seen.reasons and isinstance(action := _pend(number, "", seen, past, limits), Judge):
        return action
    pause = _pause(past, limits) + (limits.fence if seen.forced else 0)
    if past and seen.rested < pause:
        return Wait(f"attempt {number} starts {pause:.0f} s after the previous one ended", True)
    return Create(number)


def _pend(number: int, uid: str, seen: Observation, past: Sequence[PastAttempt], limits: Limits) -> Action:
    """What keeps pods from starting, and for how long that is tolerated."""
    hopeless = [reason.text for reason in seen.reasons if reason.hopeless]
    unknown = (
        "no pod has started, the cluster does not say why" if seen.pending_for > SOON else "its pods are being created"
    )
    text = "; ".join(hopeless or [reason.text for reason in seen.reasons]) or unknown
    # What has run before is likely to run again, and gets more time than a mistake in a setting.
    ran = any(entry.ran for entry in past) or any(pod.started for pod in seen.pods)
    limit = limits.hopeless if hopeless and not ran else limits.pending
    if seen.pending_for <= limit:
        return Wait(f"attempt {number} has not started: {text}")
    message = f"the pods could not start within {limit:.0f} s: {text}"
    return Judge(PastAttempt(number, uid, "pending", False, message, code=1, ran=ran))


def _pause(past: Sequence[PastAttempt], limits: Limits) -> float:
    """Longer with each attempt without progress."""
    in_vain = sum(1 for entry in past if entry.progress == past[-1].progress)
    return float(min(limits.pause * 2 ** max(0, in_vain - 1), limits.pause * 6))


def _patience(pod: Pod, limits: Limits) -> float:
    return limits.stuck + (0 if pod.disrupted == causes.NODE_LOST else pod.grace)
