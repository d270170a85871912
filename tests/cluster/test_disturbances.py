"""A training of two pods on a real cluster: whatever happens to it, it goes on and ends with the same bits."""

import itertools
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, stream
from machines import Machine

from components.launch.kube import Kube, Object
from ernie_core.store import Store, artefact, open_store, pointed

SPEC = Path(__file__).parents[2] / "specs" / "cluster_smoke.yaml"
EDITS = ("--set", "pretrain.max_steps=240", "--set", "pretrain.logging_freq=5")
BEFORE, AFTER = 60, 160
"""Steps between which a training is disturbed."""


@dataclass
class Training:
    """A run of the spec on the cluster, while it goes on."""

    machine: Machine
    kube: Kube
    store: Store
    run: str = ""
    address: str = ""
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def begin(self, *words: str) -> None:
        """Send it, and wait until the training is well under way."""
        sent = self.machine.kfp("run", str(SPEC), "--on", "cluster", "-y", "-d", "--json", *EDITS, *words, seconds=120)
        value = json.loads(sent.stdout)
        self.run, self.address = value["id"], value["steps"]["pretrain"]["address"]

    def until(self, true: Callable[[], Any], what: str, seconds: float = 240) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := true():
                return found
            time.sleep(0.5)
        raise AssertionError(f"{what} within {seconds:.0f} s: {self.machine.kfp('status', self.run).stdout}")

    def step(self) -> int:
        """Of the newest checkpoint."""
        return int((pointed(self.store, f"{self.address}/model_last") or "model_0").rpartition("_")[2])

    def pods(self, *labels: str) -> list[Object]:
        """Those of this run's training: of its launcher (`!ernie.io/work`) or of its gang."""
        selector = ",".join((f"ernie.io/run={self.run}", "ernie.io/step=pretrain", *labels))
        path = f"/api/v1/namespaces/{self.kube.namespace}/pods"
        rows: list[Object] = self.kube.read(path, labelSelector=selector)["items"]
        return [
            row
            for row in rows
            if row["status"].get("phase") == "Running" and "deletionTimestamp" not in row["metadata"]
        ]

    def worker(self, number: int) -> Object:
        found = self.pods(f"training.kubeflow.org/replica-index={number}")
        assert found, f"worker {number} does not run"
        return found[0]

    def end(self) -> None:
        """Follow it to its end, which must be a good one."""
        self.machine.kfp("status", self.run, "-w", "--json", seconds=420)
        state = json.loads(self.machine.kfp("status", self.run, "--json").stdout)["state"]
        assert state == "done", self.machine.kfp("status", self.run).stdout

    def weights(self) -> str:
        """SHA-256 of what was trained."""
        manifest = artefact.read(self.store, self.address)
        assert manifest
        return next(file.sha256 for file in manifest.files if file.name == "model_state.pdparams")

    def said(self) -> list[tuple[float, str]]:
        """The lines of the first rank of all attempts, with their times."""
        folder = f"runs/cluster-smoke/{self.run}/logs/pretrain"
        text = "".join(self.store.read(f"{folder}/{name}").decode() for name in self.store.children(folder)
                       if re.match(r"a\d+-0-", name))  # fmt: skip
        rows = (line.partition(" ") for line in text.splitlines())
        return sorted((_seconds(moment), said) for moment, _, said in rows)

    def report(self, name: str, moment: float) -> str:
        """How long it took to go on, and what was lost."""
        steps, back = [], None
        for at, said in self.said():
            if found := re.match(r"resuming after step (\d+) of", said):
                back = int(found[1]) if at > moment else None
            if found := re.match(r"global step (\d+),", said):
                steps.append((at, int(found[1])))
                if back is not None:
                    last = steps[-2][1] if len(steps) > 1 else back
                    return f"{name}: first line again after {at - moment:.0f} s, {max(0, last - back)} steps done twice"
        longest = max((b[0] - a[0] for a, b in itertools.pairwise(steps)), default=0.0)
        return f"{name}: the training did not stop, longest pause between two lines {longest:.0f} s"


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory, cluster: Any, kube: Kube) -> Training:
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(folder, folder / "home")
    return Training(machine, kube, open_store(cluster.store))


@pytest.fixture(scope="module")
def undisturbed(training: Training) -> str:
    """The weights that come of it when nothing happens."""
    training.begin("--redo", "pretrain")
    training.end()
    return training.weights()


def _worker_deleted(training: Training, **_: Any) -> None:
    _delete(training, training.worker(1))


def _launcher_deleted(training: Training, **_: Any) -> None:
    (pod,) = training.pods("!ernie.io/work")
    _delete(training, pod)


def _trainer_killed(training: Training, **_: Any) -> None:
    """With -9, inside of its container."""
    name = training.worker(1)["metadata"]["name"]
    kill = (
        "import os, signal, pathlib\n"
        "for p in pathlib.Path('/proc').glob('[0-9]*'):\n"
        " if b'components' in (p / 'cmdline').read_bytes() and b'--task' in (p / 'cmdline').read_bytes() and b'launch' "
        "not in (p / 'cmdline').read_bytes(): os.kill(int(p.name), signal.SIGKILL)"
    )
    stream.stream(client.CoreV1Api(training.kube._api).connect_get_namespaced_pod_exec, name, training.kube.namespace,
                  container="paddle", command=["python", "-c", kill], stdout=True, stderr=True)  # fmt: skip


def _node_drained(training: Training, **_: Any) -> None:
    """As `kubectl drain` does it: no new pods, and the old ones evicted."""
    node = training.worker(1)["spec"]["nodeName"]
    core = client.CoreV1Api(training.kube._api)
    core.patch_node(node, {"spec": {"unschedulable": True}})
    try:
        for pod in [p for p in training.pods() if p["spec"]["nodeName"] == node]:
            meta = client.V1ObjectMeta(name=pod["metadata"]["name"])
            core.create_namespaced_pod_eviction(meta.name, training.kube.namespace, client.V1Eviction(metadata=meta))
        time.sleep(20)
    finally:
        core.patch_node(node, {"spec": {"unschedulable": None}})


def _node_lost(training: Training, lose_node: Callable[[str], None]) -> None:
    """Without a word: nobody is told to stop, and its pods stay on the books."""
    lose_node(training.worker(1)["spec"]["nodeName"])


def _api_restarted(restart_api: Callable[[], None], **_: Any) -> None:
    restart_api()


def _store_stopped(stop_store: Callable[[], None], **_: Any) -> None:
    stop_store()


RARE = (_worker_deleted, _launcher_deleted, _node_drained, _node_lost, _api_restarted, _store_stopped)


@pytest.mark.parametrize(
    "disturb", [_trainer_killed, *(pytest.param(f, marks=pytest.mark.slow) for f in RARE)],
    ids=lambda f: f.__name__.strip("_"),
)  # fmt: skip
def test_it_goes_on_and_ends_with_the_same_bits(
    disturb: Callable[..., None], training: Training, undisturbed: str, request: pytest.FixtureRequest
) -> None:
    needs = {name: request.getfixturevalue(name) for name in ("restart_api", "stop_store", "lose_node")
             if name in disturb.__code__.co_varnames}  # fmt: skip
    training.begin("--redo", "pretrain")
    training.until(lambda: training.step() >= BEFORE, "a training under way")
    assert training.step() <= AFTER, "too late to disturb it"
    moment = time.time()
    disturb(training=training, **needs)
    training.end()
    print("\n" + training.report(disturb.__name__.strip("_").replace("_", " "), moment))
    assert training.weights() == undisturbed


def _delete(training: Training, pod: Object) -> None:
    training.kube.delete(f"/api/v1/namespaces/{training.kube.namespace}/pods/{pod['metadata']['name']}")


def _seconds(moment: str) -> float:
    whole, _, rest = moment.rstrip("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone + float(f"0.{rest or 0}")
