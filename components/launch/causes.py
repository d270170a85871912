"""Why an attempt ended, and whether it counts as a failure: the first rule that matches."""

from components.launch.observation import Attempt, Limits, Observation, Pod
from components.runtime.gang import NEVER_AGAIN
from components.runtime.record import PastAttempt

FINAL = ("user", "pending", "timeout")
"""Causes after which there is no further attempt."""
NODE_LOST = "DeletionByTaintManager"
"""What the control plane writes on pods whose node does not answer."""
STOPPED, MEMORY = 143, (137, 247)


def judge(attempt: Attempt, seen: Observation, limits: Limits) -> PastAttempt | None:
    """How it ended; None while it is in progress."""
    ended = sorted((pod for pod in seen.pods if pod.code), key=lambda pod: (pod.ended, pod.number))
    if attempt.state == "suspended":
        return None
    if seen.together or attempt.state == "failed":
        # An error of the step wins: the others die of it, with arbitrary symptoms.
        for pod in ended:
            if pod.code in NEVER_AGAIN:
                return _past(attempt, "user", False, pod.message or _died(pod), pod)
    if limits.timeout and seen.elapsed > limits.timeout:
        text = f"the step has taken {seen.elapsed:.0f} s, its `timeout` is {limits.timeout:.0f} s: raise it"
        return _past(attempt, "timeout", False, text)
    if found := _lost(attempt, seen):
        return found
    if attempt.state == "failed" or (seen.together and ended):
        return _crash(attempt, ended)
    if attempt.state == "succeeded":
        text = f"attempt {attempt.number} succeeded, but the artefact is missing: see its log"
        return _past(attempt, "crash", True, text)
    return _hang(attempt, seen, limits)


def hint(past: PastAttempt) -> str:
    """The remedy."""
    if past.cause == "memory":
        return "; give the step more `memory:`, or smaller batches"
    return "; see its log, then resume the run" if past.cause != "lost" else ""


def _lost(attempt: Attempt, seen: Observation) -> PastAttempt | None:
    """The end of an attempt by the cluster."""
    if attempt.gone or (attempt.leaving and attempt.state == "active"):
        return _past(attempt, "lost", False, f"{attempt.name} was deleted by somebody else")
    if not seen.together:
        return None  # the Job controller replaces pods of shards, and does not count these failures
    for pod in seen.pods:
        if pod.disrupted and pod.code != 0:
            return _past(attempt, "lost", False, f"{_who(pod)} was disrupted ({pod.disrupted})", pod)
    if seen.lost:
        return _past(attempt, "lost", False, f"{seen.lost[0]} is gone")
    for pod in seen.pods:
        if pod.leaving_for and pod.started and pod.code is None:
            return _past(attempt, "lost", False, f"{_who(pod)} was told to terminate", pod)
    return None


def _crash(attempt: Attempt, ended: list[Pod]) -> PastAttempt:
    ended = [pod for pod in ended if not pod.disrupted]
    if not ended:
        # The evidence was removed with the pods.
        message = attempt.message or "its pods are gone"
        return _past(attempt, "lost", False, f"attempt {attempt.number} failed: {message}")
    first = ended[0]
    if first.code == STOPPED:
        return _past(
            attempt, "stopped", True, f"{_who(first)} was asked to stop, the cluster does not say by whom", first
        )
    if first.reason == "OOMKilled" or first.code in MEMORY:
        return _past(attempt, "memory", True, f"{_who(first)} was killed, most likely for its use of memory", first)
    return _past(attempt, "crash", True, _died(first), first)


def _hang(attempt: Attempt, seen: Observation, limits: Limits) -> PastAttempt | None:
    if seen.silent_for is None:
        return None
    limit = limits.silent if seen.beaten else limits.starting
    if seen.silent_for <= limit:
        return None
    return _past(attempt, "hang", True, f"attempt {attempt.number} made no progress for {seen.silent_for:.0f} s")


def _past(attempt: Attempt, cause: str, counted: bool, text: str, pod: Pod | None = None) -> PastAttempt:
    code = pod.code if pod and pod.code and cause == "user" else 1
    return PastAttempt(attempt.number, attempt.uid, cause, counted, text, code, node=pod.node if pod else "")


def _died(pod: Pod) -> str:
    words = pod.message.strip().splitlines()
    return f"{_who(pod)} died with exit code {pod.code}" + (f": {words[-1][:300]}" if words else "")


def _who(pod: Pod) -> str:
    return f"pod {pod.number}" + (f" on {pod.node}" if pod.node else "")
