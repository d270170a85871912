"""A cluster, a store, and launchers that run against them in threads."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fake_cluster import FakeCluster, serve
from kubernetes import client

from components.contract.task import Task
from components.launch.__main__ import launch
from components.launch.kube import Kube, open_api
from components.launch.launcher import Pace
from components.launch.observation import Limits
from components.launch.rights import RIGHTS
from components.launch.workload import Workload
from ernie_core.store import Store, artefact, open_store, point

PACE = Pace(look=0.2, soon=0.1, firm=0.4, outage=60, term=3, renew=0.3, repeat=60)
LIMITS = Limits(hopeless=0.3, pending=60, silent=60, starting=60, stuck=0.2, fence=0.2, pause=0.02)
"""What a test is about is short in it; all else is long, for the machine may be busy."""


@dataclass
class Launched:
    """A launcher in a thread."""

    errors: list[BaseException] = field(default_factory=list)
    thread: threading.Thread | None = None

    def end(self, seconds: float = 60) -> None:
        assert self.thread
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the launcher goes on and on"
        if self.errors:
            raise self.errors[0]

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


@dataclass
class Place:
    """The cluster, the store, and what is to be made."""

    cluster: FakeCluster
    url: str
    store: Store
    workload: Workload

    def kube(self) -> Kube:
        settings = client.Configuration(host=self.url)
        return Kube(open_api(settings), "ns")

    def launch(self, limits: Limits = LIMITS, pace: Pace = PACE, workload: Workload | None = None) -> Launched:
        launched = Launched()

        def run() -> None:
            try:
                launch(self.kube(), workload or self.workload, limits, pace)
            except BaseException as error:
                launched.errors.append(error)

        launched.thread = threading.Thread(target=run, daemon=True)
        launched.thread.start()
        return launched

    def until(self, true: Callable[[], Any], what: str = "", seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := true():
                return found
            time.sleep(0.01)
        raise AssertionError(what or "it never came to that")

    def attempt(self, number: int, mark: str = "a") -> str:
        """The name of an attempt, once its pods are there."""
        name = f"{self.workload.name}-{mark}{number}"
        self.until(lambda: self.cluster.pods(name), f"{name} was never made")
        return name

    def asked(self, times: int) -> None:
        """Once the cluster was asked so many times more."""
        before = self.cluster.requests
        self.until(lambda: self.cluster.requests >= before + times)

    def checkpoint(self, step: int) -> None:
        point(self.store, f"{self.workload.task['address']}/model_last", f"model_{step}")

    def commit(self) -> None:
        address, info = self.workload.task["address"], {"scores": {"loss": 1.0}}
        folder = artefact.staging(self.store, address, Path("unused"))
        (folder / "data.txt").write_text("made")
        artefact.publish(self.store, address, folder, kind="model", info=info)

    def succeed(self, job: str) -> None:
        """All pods of an attempt do what they are there for."""
        self.commit()
        for pod in self.cluster.pods(job):
            self.cluster.exit(pod["metadata"]["name"], 0)


def make_task(store: str) -> Task:
    return Task(
        component="pretrain", name="pretrain", parameters={}, fingerprint="f" * 40, address=f"pretrain/{'f' * 40}",
        store=store, inputs={}, job="job", run="run1", spec={}, image={}, scratch="/scratch/step",
        cache="/scratch/cache", progress="/scratch/progress.json", outcome="/scratch/outcome.json",
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A gang of two."""
    for name in ("KUBERNETES_SERVICE_HOST", "KFP_POD_NAME"):
        monkeypatch.delenv(name, raising=False)
    store = open_store(tmp_path / "store")
    os.makedirs(tmp_path / "store", exist_ok=True)
    workload = Workload(
        kind="gang", name="job-pretrain-12345678", image="host/train@sha256:00", count=2,
        command=("python", "-m", "components", "pretrain"), task=make_task(store.url).to_json(),
    )  # fmt: skip
    cluster = FakeCluster(RIGHTS)
    with serve(cluster) as url:
        yield Place(cluster, url, store, workload)


@pytest.fixture
def shards(place: Place) -> Place:
    """Three shards instead."""
    return replace(place, workload=replace(place.workload, kind="shards", count=3))


@pytest.fixture
def limits() -> Limits:
    """What launchers are started with."""
    return LIMITS


@pytest.fixture
def pace() -> Pace:
    """The launcher's own waits."""
    return PACE
