"""How far a run on a cluster is, put together from those who know a part of it.

The store knows what was made and how each step ended; Kubeflow Pipelines, whether the run goes on; the cluster, why a
pod does not start. Where they disagree the store is right.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from components.launch import beat, record
from components.launch.record import Record
from components.launch.seen import Reason
from components.place import utc
from ernie_core.errors import Refused
from ernie_core.store import Manifest, Store, artefact
from jobs import runs, screen
from jobs.pipelines import Sent
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
class Sight:
    """What Kubeflow Pipelines and the cluster say at one moment; nothing at all where nobody could be asked."""

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


def update(store: Store, run: Run, sight: Sight) -> Run:
    """The record of a run as it is now; one that has ended stays as it is."""
    if run.state in runs.ENDED:
        return run
    steps = {name: _step(store, run, name, old, sight) for name, old in run.steps.items()}
    if sight.sent and sight.sent.active:
        return replace(run, steps=steps)  # even if all is made: whoever made it still has to clean up
    if all(step.state == "done" for step in steps.values()):
        return _end(run, steps, "done")
    if not sight.over:
        return replace(run, steps=steps)
    steps = {name: _left(name, step, sight) for name, step in steps.items()}
    if sight.sent and sight.sent.cancelled:
        return _end(run, steps, "stopped")
    states = {step.state for step in steps.values()}
    return _end(run, steps, next((state for state in ("failed", "refused") if state in states), "failed"))


def hopeless(run: Run, sight: Sight) -> dict[str, str]:
    """Steps that hold up the run until a person helps, and why: their pods cannot start; or they have failed for good,
    nothing else is running, and the engine only tries them again."""
    found = {}
    if not any(step.state == "running" for step in run.steps.values()):
        found = {name: step.error for name, step in run.steps.items() if step.state in ("failed", "refused")}
    for name, step in run.steps.items():
        pod = sight.pods.get(name)
        if step.state not in SETTLED and pod and not pod.running and pod.reason and pod.reason.hopeless:
            found[name] = pod.reason.text
    return found


def _step(store: Store, run: Run, name: str, old: StepRecord, sight: Sight) -> StepRecord:
    if old.state in SETTLED:
        return old
    said = record.read(store, record.key({"job": run.job, "run": run.id, "name": name}))
    pod, made = sight.pods.get(name), artefact.read(store, old.address)
    seconds = round(said.time - said.started, 1) if said.started and said.state != "running" else _since(said)
    if record.final(said) or (said.state == "failed" and sight.over):
        state = "refused" if said.code == Refused.exit_code else "failed"
        return replace(
            old, state=state, error=said.text, code=said.code, seconds=seconds, scores=_scores(made), note=""
        )
    if made:
        return replace(old, state="done", scores=_scores(made), seconds=seconds or float(made.info["seconds"]), note="")
    if pod and not pod.running and not pod.over:
        return replace(old, state="waiting", note=pod.reason.text if pod.reason else "its pod starts")
    if said.state == "failed":
        return replace(old, state="running", seconds=seconds, note=f"will be tried again: {said.text}")
    if said.state in ("running", "waiting") and said.started:
        note = said.text if said.state == "waiting" else _progress(store, old) or said.text
        return replace(old, state=said.state, seconds=_since(said), note=note)
    return replace(old, state="running" if pod and pod.running else "waiting", note=sight.messages.get(name, ""))


def _left(name: str, step: StepRecord, sight: Sight) -> StepRecord:
    """A step of a run that is over."""
    if step.state in SETTLED:
        return step
    said = sight.messages.get(name, "")
    if sight.sent and sight.sent.cancelled:
        return replace(step, state="stopped", error="the run was cancelled", note="")
    if sight.gone:
        return replace(step, state="failed", error="the run was deleted from Kubeflow Pipelines", note="")
    if said or step.state == "running":
        return replace(step, state="failed", code=1, note="",
                       error=said or "it ended without a word: its pod was killed, or never began")  # fmt: skip
    why = sight.messages.get("", "")
    return replace(step, state="skipped", error=why or "a step before it did not finish", note="")


def _end(run: Run, steps: Mapping[str, StepRecord], state: str) -> Run:
    if state == "failed" and not any(step.state in ("failed", "refused") for step in steps.values()):
        # Nothing of ours began, so what is known is known of the first step that was to begin.
        first = next(name for name, step in steps.items() if step.state != "done")
        steps = {**steps, first: replace(steps[first], state="failed", code=1)}
    return replace(run, steps=steps, state=state, ended=utc(time.time()))


def _scores(made: Manifest | None) -> Mapping[str, float]:
    return dict(made.info.get("scores", {})) if made else {}


def _since(said: Record) -> float:
    return round(max(0.0, time.time() - said.started), 1) if said.started else 0.0


def _progress(store: Store, step: StepRecord) -> str:
    """What a gang reports of itself."""
    found = {key: value for key, value in beat.read(store, step.address).items() if key != "attempt"}
    return "  ".join(f"{key} {value}" for key, value in screen.facts(found).items())
