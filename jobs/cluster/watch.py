"""A run on a cluster: observe it, cancel it; through Kubeflow Pipelines, the store, and the cluster itself."""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ernie_core.errors import Error, NotFound
from ernie_core.store import Store
from jobs import runs
from jobs.cluster import observe, pipelines, pods
from jobs.cluster.observe import RunSnapshot, StepPod
from jobs.cluster.pods import Pods
from jobs.runs import Run
from jobs.spec import endpoints

if TYPE_CHECKING:
    from jobs.cluster.pipelines import Pipelines, Sent

HOPELESS, FAILED = 20.0, 8.0
"""Seconds for which a pod must be known not to start before its run is given up; and for which nothing else must run
beside a step that has failed for good."""
ARRIVAL = 120.0
"""Seconds after which a run that was to be sent, and is nowhere, is known not to have been."""
PATIENCE, TELL = 900.0, 10.0
"""Seconds that a cancelled run gets to save and go, and between two words on what it is waited for."""
POLL = 1.0


class Watch:
    """Observes one run repeatedly."""

    def __init__(self, store: Store, run: Run, options: Mapping[str, str]) -> None:
        self._store, self._options, self.run = store, options, run
        self._server: Pipelines | None = None
        self._pods = Pods(run)
        self._since: dict[str, tuple[str, float]] = {}
        self.doubts: list[str] = []
        """Which services could not be reached, and why: the state shown then lacks what they know."""
        self.hopeless = ""
        """Why the run cannot continue without a person, once that has lasted for a while."""

    def look(self) -> Run:
        """The run as it is now, kept in the store once it has ended."""
        if self.run.state in runs.ENDED:
            return self.run
        self.doubts = self._pods.doubts = []
        snapshot = self._snapshot()
        self.run = observe.update(self._store, self.run, snapshot)
        if self.run.state in runs.ENDED:
            self.run = runs.save(self._store, self.run)
        else:
            self._judge(observe.hopeless(self.run, snapshot))
        return self.run

    def cancel(self) -> Run:
        """End a run, and wait until nothing of it is left; what it had made is in the store."""
        end, told = time.monotonic() + PATIENCE, time.monotonic()
        self.look()
        if self.run.state in runs.ENDED:
            self._pods.clear()
            return self.run
        if self.run.cluster["id"]:
            self.server().terminate(self.run.cluster["id"])
        while (left := self._pods.clear()) or ((sent := self._sent()[0]) and sent.active):
            if time.monotonic() > end:
                raise Error(f"{self.run.id} was asked to stop, but after {PATIENCE:.0f}s there is still "
                            f"{', '.join(left[:3]) or 'its run in Kubeflow Pipelines'}")  # fmt: skip
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                at = ", ".join(left[:3]) or "its run in Kubeflow Pipelines"
                more = f"it has {end - told:.0f} s more, Ctrl-C here only stops waiting"
                print(f"still saving: {at}; {more}", file=sys.stderr)
            time.sleep(POLL)
        if self._pods.blind:
            print(f"what launchers started ends by itself: {'; '.join(self.doubts)}", file=sys.stderr)
        self.look()
        if self.run.state not in ("done", "stopped"):
            self.run = runs.end(self._store, self.run, "stopped")
        return self.run

    def give_up(self) -> Run:
        """End a run that waits for what only a person can change, as failed for that reason."""
        waiting = {name: text for name, (text, _) in self._since.items()
                   if self.run.steps[name].state not in observe.SETTLED}  # fmt: skip
        refused = not waiting and all(self.run.steps[name].state == "refused" for name in self._since)
        ended = self.cancel()
        if ended.state == "done":
            return ended
        failed = {
            name: replace(ended.steps[name], state="failed", error=text, code=1) for name, text in waiting.items()
        }
        why = "a step before it did not finish"
        steps = {name: replace(step, state="skipped", error=why) if step.state == "stopped" else step
                 for name, step in {**ended.steps, **failed}.items()}  # fmt: skip
        self.run = runs.end(self._store, replace(ended, steps=steps), "refused" if refused else "failed")
        return self.run

    def server(self) -> "Pipelines":
        """Kubeflow Pipelines, as the run's record or the user names it."""
        if self._server is None:
            place = self.run.cluster
            named = endpoints.url(self._options["endpoint"]) if self._options.get("endpoint") else place["endpoint"]
            self._server = pipelines.connect(named, place["namespace"], self._options)
        return self._server

    def log(self, step: str) -> tuple[str, Iterator[bytes]] | None:
        """The pod of a step and the lines that it says until it ends; None if there is none that runs."""
        return self._pods.log(step)

    def _snapshot(self) -> RunSnapshot:
        sent, gone = self._sent()
        found = self._pods.of_steps()
        open_ = [name for name, step in self.run.steps.items() if step.state not in observe.SETTLED]
        told = sent is not None and (not sent.active or any(name not in found for name in open_))
        messages = self._pods.messages(sent.id, self.run.steps) if sent and told else {}
        stuck = pods.refused(messages)
        if sent and sent.active and open_ and not any(name in found and not found[name].over for name in open_):
            stuck = {open_[0]: StepPod("", False, False, reason), **stuck} if (reason := self._pods.full()) else stuck
        return RunSnapshot(sent, gone, {**stuck, **found}, messages)

    def _sent(self) -> "tuple[Sent | None, bool]":
        """What Kubeflow Pipelines knows; a record without an id is of somebody who was killed while sending."""
        try:
            if self.run.cluster["id"]:
                return self.server().look(self.run.cluster["id"]), False
            found = self.server().find(self.run.cluster["name"])
        except NotFound as error:
            gone = self.server().endpoint == self.run.cluster["endpoint"]  # another server knows nothing of it
            self.doubts += [] if gone else [str(error)]
            return None, gone
        except Error as error:
            self.doubts.append(str(error))
            return None, False
        if found:
            self.run = replace(self.run, cluster={**self.run.cluster, "id": found.id})
            runs.save(self._store, self.run)
        return found, found is None and time.time() - self.run.beat > ARRIVAL

    def _judge(self, found: Mapping[str, str]) -> None:
        now = time.monotonic()
        self._since = {name: self._since.get(name, (text, now)) for name, text in found.items()}
        limits = {name: FAILED if self.run.steps[name].state in observe.SETTLED else HOPELESS for name in found}
        lasting = [(name, text) for name, (text, since) in self._since.items() if now - since > limits[name]]
        self.hopeless = "; ".join(f"step `{name}`: {text}" for name, text in lasting)
