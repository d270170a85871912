"""The progress of a run on a cluster, combined from three sources.

The store knows what was made and how each step ended; Kubeflow Pipelines, whether the run is in progress; the cluster,
why a pod does not start. Where they disagree the store is right.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from components.contract.sweep import is_sweep
from components.launch import heartbeat
from components.launch.observation import Reason
from components.runtime import record
from components.runtime.provenance import utc
from components.runtime.record import Record
from ernie_core.errors import Refused
from ernie_core.store import Manifest, Store, artefact
from jobs import points, runs, screen
from jobs.cluster.pipelines import Sent
from jobs.runs import Run, StepRecord

SETTLED = ("done", "failed", "refused", "stopped", "skipped")


@dataclass(frozen=True)
class StepPod:
    """The pod of a step that Kubeflow Pipelines made: of the step itself, or of its launcher."""

    name: str
    running: bool
    over: bool
    reason: Reason | None = None
    """Why it does not start."""


@dataclass(frozen=True)
class RunSnapshot:
    """What Kubeflow Pipelines and the cluster report at one moment; empty where neither could be reached."""

    sent: Sent | None = None
    gone: bool = False
    """Whether Kubeflow Pipelines knows no such run any more."""
    pods: Mapping[str, StepPod] = field(default_factory=dict)
    """By step."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """What the engine below Kubeflow Pipelines says of a step, or of the whole run under the name of no step."""

    @property
    def over(self) -> bool:
        """Whether the run is known to have ended."""
        return self.gone or (self.sent is not None and not self.sent.active)


def update(store: Store, run: Run, snapshot: RunSnapshot) -> Run:
    """The record of a run as it is now; one that has ended stays as it is."""
    if run.state in runs.ENDED:
        return run
    steps = {name: _step(store, run, name, old, snapshot) for name, old in run.steps.items()}
    if snapshot.sent and snapshot.sent.active:
        return replace(run, steps=steps)  # even if all is made: the engine still has to clean up
    if all(step.state == "done" for step in steps.values()):
        return _end(run, steps, "done")
    if not snapshot.over:
        return replace(run, steps=steps)
    steps = {name: _left(name, step, snapshot) for name, step in steps.items()}
    if snapshot.sent and snapshot.sent.cancelled:
        return _end(run, steps, "stopped")
    states = {step.state for step in steps.values()}
    return _end(run, steps, next((state for state in ("failed", "refused") if state in states), "failed"))


def hopeless(run: Run, snapshot: RunSnapshot) -> dict[str, str]:
    """Steps that hold up the run until a person helps, and why: their pods cannot start; or they have failed for good,
    nothing else is running, and the engine only tries them again."""
    found = {}
    if not any(step.state == "running" for step in run.steps.values()):
        found = {name: step.error for name, step in run.steps.items() if step.state in ("failed", "refused")}
    for name, step in run.steps.items():
        pod = snapshot.pods.get(name)
        if step.state not in SETTLED and pod and not pod.running and pod.reason and pod.reason.hopeless:
            found[name] = pod.reason.text
    return found


def _step(store: Store, run: Run, name: str, old: StepRecord, snapshot: RunSnapshot) -> StepRecord:
    if old.state in SETTLED:
        return old
    noted = record.read(store, record.key({"job": run.job, "run": run.id, "name": name}))
    pod, made = snapshot.pods.get(name), artefact.read(store, old.address)
    seconds = round(noted.time - noted.started, 1) if noted.started and noted.state != "running" else _since(noted)
    if record.final(noted) or (noted.state == "failed" and snapshot.over):
        state = "refused" if noted.code == Refused.exit_code else "failed"
        return replace(
            old, state=state, error=noted.text, code=noted.code, seconds=seconds, scores=_scores(made), note=""
        )
    if made:
        return replace(old, state="done", scores=_scores(made), seconds=seconds or float(made.info["seconds"]), note="")
    if pod and not pod.running and not pod.over:
        return replace(old, state="waiting", note=pod.reason.text if pod.reason else "its pod starts")
    if noted.state == "failed":
        return replace(old, state="running", seconds=seconds, note=f"will be retried: {noted.text}")
    if noted.state in ("running", "waiting") and noted.started:
        note = noted.text if noted.state == "waiting" else _progress(store, old) or noted.text
        return replace(old, state=noted.state, seconds=_since(noted), note=note)
    return replace(old, state="running" if pod and pod.running else "waiting", note=snapshot.messages.get(name, ""))


def _left(name: str, step: StepRecord, snapshot: RunSnapshot) -> StepRecord:
    """A step of a run that is over."""
    if step.state in SETTLED:
        return step
    message = snapshot.messages.get(name, "")
    if snapshot.sent and snapshot.sent.cancelled:
        return replace(step, state="stopped", error="the run was cancelled", note="")
    if snapshot.gone:
        return replace(step, state="failed", error="the run was deleted from Kubeflow Pipelines", note="")
    if message or step.state == "running":
        return replace(step, state="failed", code=1, note="",
                       error=message or "it ended without a message: its pod was killed, or never started")  # fmt: skip
    why = snapshot.messages.get("", "")
    return replace(step, state="skipped", error=why or "a step before it did not finish", note="")


def _end(run: Run, steps: Mapping[str, StepRecord], state: str) -> Run:
    if state == "failed" and not any(step.state in ("failed", "refused") for step in steps.values()):
        # No step started, so the message belongs to the first one that was to start.
        first = next(name for name, step in steps.items() if step.state != "done")
        steps = {**steps, first: replace(steps[first], state="failed", code=1)}
    return replace(run, steps=steps, state=state, ended=utc(time.time()))


def _scores(made: Manifest | None) -> Mapping[str, float]:
    return dict(made.info.get("scores", {})) if made else {}


def _since(noted: Record) -> float:
    return round(max(0.0, time.time() - noted.started), 1) if noted.started else 0.0


def _progress(store: Store, step: StepRecord) -> str:
    """What a gang reports of itself, or what is noted of the points of a sweep."""
    if is_sweep(step.address):
        return points.progress(store, step.address)
    found = {key: value for key, value in heartbeat.read(store, step.address).items() if key != "attempt"}
    return "  ".join(f"{key} {value}" for key, value in screen.facts(found).items())
