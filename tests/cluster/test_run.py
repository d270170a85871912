"""The command line on a real cluster: from text to package, stopped and gone on with, and seen by the stock command."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from machines import Machine, wait_for

from components.launch.kube import Kube
from components.launch.sweep import BACKENDS
from ernie_core.store import Manifest, Store, artefact, open_store
from jobs import runs

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.slow
def test_the_quickstart_makes_the_same_as_on_a_laptop(machine: Machine, store: Store) -> None:
    spec = _spec(machine, "quickstart.yaml", store.url)
    machine.kfp("run", spec, "--on", "cluster", "-y", seconds=900)
    machine.kfp("pull", "quickstart", "--store", store.url, "--into", "there", "--verify", seconds=120)
    here = _spec(machine, "quickstart.yaml", "store", name="here.yaml")
    machine.kfp("run", here, "--on", "local", "-y", seconds=900)
    machine.kfp("pull", "quickstart", "--store", "store", "--into", "here", "--verify", seconds=120)
    local = open_store(machine.folder / "store")
    made = dict(artefact.find(local))
    assert {address: manifest.kind for address, manifest in artefact.find(store)} == {
        address: manifest.kind for address, manifest in made.items()}, "the same fingerprints"  # fmt: skip
    for address, manifest in made.items():
        assert _files(store, address) == _files(local, address), address
        there = artefact.read(store, address)
        assert there and _scores(there) == _scores(manifest), address
    texts = ("服务态度很好，下次还会来", "质量太差了，退货也没人理")
    assert machine.kfp("predict", "there", *texts).stdout == machine.kfp("predict", "here", *texts).stdout


def test_cancel_leaves_nothing_and_resume_goes_on(machine: Machine, store: Store, kube: Kube) -> None:
    spec = _spec(machine, "cluster_smoke.yaml", store.url)
    edits = ("--set", "pretrain.max_steps=2000")
    run = json.loads(machine.kfp("run", spec, "--on", "cluster", "-y", "-d", "--json", *edits).stdout)
    address = run["steps"]["pretrain"]["address"]
    wait_for(lambda: store.get(f"{address}/model_last"), 240)
    again = json.loads(machine.kfp("run", spec, "--on", "cluster", "-y", "-d", "--json", *edits).stdout)
    assert again["id"] == run["id"], "whoever asks for the same work joins it"

    began = time.monotonic()
    machine.kfp("cancel", run["id"], seconds=60)
    assert _left(kube, run["id"]) == []
    assert time.monotonic() - began < 30
    last = store.read(f"{address}/model_last")

    shown = machine.kfp("resume", run["id"], "-d", "--json")
    resumed = json.loads(shown.stdout)
    assert resumed["id"] != run["id"] and resumed["steps"]["segment"]["already"]
    wait_for(lambda: store.read(f"{address}/model_last") != last, 120)
    log = "".join(store.read(entry.key).decode() for entry in store.list(f"runs/cluster-smoke/{resumed['id']}/logs"))
    assert "resuming after step" in log or "training from random weights" not in log
    machine.kfp("cancel", resumed["id"], seconds=60)
    assert _left(kube, resumed["id"]) == []


def test_the_stock_command_sees_the_runs(machine: Machine, store: Store) -> None:
    spec = _spec(machine, "cluster_smoke.yaml", store.url)
    run = json.loads(machine.kfp("run", spec, "--on", "cluster", "-y", "-d", "--json").stdout)
    machine.environment["KFP_ENDPOINT"] = run["cluster"]["endpoint"]
    listed = json.loads(machine.kfp("--output", "json", "run", "list", "--max-size", "5").stdout)
    assert run["cluster"]["name"] in [row["display_name"] for row in listed]
    machine.kfp("cancel", run["id"], seconds=60)
    assert runs.read(store, "cluster-smoke", run["id"]).state == "stopped"


def _spec(machine: Machine, file: str, store: str, name: str = "") -> str:
    """One of ours, with a store of the test's own."""
    text = (SPECS / file).read_text(encoding="utf-8")
    path = machine.folder / (name or file)
    path.write_text(text.replace("store: ../store", f"store: {store}"), encoding="utf-8")
    return str(path)


def _files(store: Store, address: str) -> dict[str, str]:
    manifest = artefact.read(store, address)
    assert manifest
    return {file.name: file.sha256 for file in manifest.files if file.name != "provenance.json"}


def _scores(manifest: Manifest) -> dict[str, float]:
    """All but how fast it was."""
    return {name: value for name, value in manifest.info.get("scores", {}).items() if "_ms" not in name}


def _left(kube: Kube, run: str) -> list[str]:
    """Of everything that a run makes, what is still there and not over."""
    paths = [backend.path(kube.namespace) for backend in BACKENDS]
    paths.append(f"/apis/coordination.k8s.io/v1/namespaces/{kube.namespace}/leases")
    found: list[dict[str, Any]] = [row for path in paths for row in _list(kube, path, run)]
    pods = _list(kube, f"/api/v1/namespaces/{kube.namespace}/pods", run)
    found += [row for row in pods if row["status"].get("phase") not in ("Succeeded", "Failed")]
    return [row["metadata"]["name"] for row in found]


def _list(kube: Kube, path: str, run: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = kube.read(path, labelSelector=f"ernie.io/run={run}")["items"]
    return rows
