"""Runs on a cluster, with a Kubeflow Pipelines and a Kubernetes that are played."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_cluster import FakeCluster
from fake_cluster import serve as serve_cluster
from fake_pipelines import FakePipelines
from fake_pipelines import serve as serve_pipelines
from machines import Machine, wait_for
from pipelines import SITE

from components.launch.rights import RIGHTS
from components.runtime import points, record
from components.runtime.points import PointRecord
from components.runtime.record import Record
from ernie_core.store import Store, artefact, open_store
from jobs import runs
from jobs.cluster import watch

STEPS = "  - segment: {shards: 3}\n  - vocab: {size: 500, han: seen}\n"


@dataclass
class Cloud:
    """Both of them, and a machine from which they are used."""

    machine: Machine
    pipelines: FakePipelines
    kube: FakeCluster
    store: Store

    def send(self, *words: str) -> dict[str, Any]:
        """Send the spec and leave it to itself; its record."""
        done = self.machine.kfp("run", "demo.yaml", "--on", "cluster", "-y", "-d", "--json", *words)
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def status(self, run: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.machine.kfp("status", run, "--json").stdout)
        return value

    def make(self, run: dict[str, Any], step: str, **scores: float) -> None:
        """A step commits its artefact."""
        address = run["steps"][step]["address"]
        folder = artefact.staging(self.store, address, Path("unused"))
        (folder / "data.txt").write_text("made")
        artefact.publish(self.store, address, folder, kind=step, info={"scores": scores, "seconds": 3.0})

    def say(self, run: dict[str, Any], step: str, state: record.State, text: str = "", code: int = 0) -> None:
        """A step puts on record how it is."""
        place = record.key({"job": run["job"], "run": run["id"], "name": step})
        record.write(self.store, place, Record(state, text, code, time.time() - 5, time.time()))

    def pod(self, run: dict[str, Any], step: str, phase: str = "Running") -> str:
        """The pod that the engine makes for a step."""
        name = f"demo-x-{step}"
        labels = {"ernie.io/run": run["id"], "ernie.io/step": step}
        self.kube.put("pods", {"metadata": {"name": name, "labels": labels}, "spec": {"containers": [{"name": "main"}]},
                               "status": {"phase": phase}})  # fmt: skip
        return name


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    machine = Machine(tmp_path, tmp_path / "home")
    machine.corpus()
    machine.spec(STEPS)
    volume = f"  volumes: [{{claim: nfs, path: {machine.folder}}}]\n"
    (tmp_path / "site.yaml").write_text(SITE.replace("  queue:", volume + "  queue:"), encoding="utf-8")
    pipelines, kube = FakePipelines(), FakeCluster({**RIGHTS, ("argoproj.io", "workflows"): ("get", "list")})
    with serve_pipelines(pipelines) as endpoint, serve_cluster(kube) as url:
        config = {"clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {}}],
                  "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "kubeflow"}}],
                  "current-context": "x"}  # fmt: skip
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        machine.environment |= {"KF_PIPELINES_ENDPOINT": endpoint, "KUBECONFIG": str(tmp_path / "kubeconfig")}
        yield Cloud(machine, pipelines, kube, open_store(tmp_path / "store"))


def test_a_run_is_sent_once_however_often_it_is_asked_for(cloud: Cloud) -> None:
    first, second = cloud.send(), cloud.send()
    assert first["id"] == second["id"]
    (sent,) = cloud.pipelines.runs.values()
    assert sent["display_name"] == first["cluster"]["name"] == f"demo-{first['work'][:8]}-{first['id']}"
    assert sent["service_account"] == "ernie-jobs"
    assert "enableCache" not in json.dumps(sent["pipeline_spec"]), "what may be reused is decided by fingerprints alone"


def test_an_endpoint_and_a_site_file_are_enough_to_go_to_a_cluster(cloud: Cloud) -> None:
    said = cloud.machine.kfp("run", "demo.yaml", "-y", "-d").stderr
    assert "demo on cluster http://127.0.0.1" in said and "named by $KF_PIPELINES_ENDPOINT" in said


def test_without_a_cluster_in_the_site_file_it_stays_here_and_says_why(cloud: Cloud) -> None:
    (cloud.machine.folder / "site.yaml").unlink()
    said = cloud.machine.kfp("plan", "demo.yaml").stdout
    assert "on this machine: $KF_PIPELINES_ENDPOINT names" in said and "no site file has a `cluster:` block" in said


def test_how_far_it_is_is_put_together_from_the_store_and_the_cluster(cloud: Cloud) -> None:
    run = cloud.send()
    assert {name: step["state"] for name, step in cloud.status(run["id"])["steps"].items()} == {
        "segment": "waiting", "vocab": "waiting"}  # fmt: skip
    cloud.pod(run, "segment")
    cloud.say(run, "segment", "running", "attempt 1: 3 pods running")
    step = cloud.status(run["id"])["steps"]["segment"]
    assert (step["state"], step["note"]) == ("running", "attempt 1: 3 pods running") and step["seconds"] >= 5
    cloud.make(run, "segment", documents=7.0)
    step = cloud.status(run["id"])["steps"]["segment"]
    assert (step["state"], step["scores"]) == ("done", {"documents": 7.0})


def test_a_sweep_says_how_many_of_its_points_are_made(cloud: Cloud) -> None:
    cloud.machine.spec(STEPS.replace("size: 500", "sweep: {size: [500, 600, 700]}, best: max coverage"))
    run = cloud.send()
    address = run["steps"]["vocab"]["address"]
    rows = [{"varied": {"size": size}, "address": f"vocab/{size}"} for size in (500, 600, 700)]
    cloud.store.write(f"{address}/{points.LIST}", points.listing(rows, "max coverage"))
    points.write(cloud.store, address, 0, PointRecord("done"))
    points.write(cloud.store, address, 1, PointRecord("failed", "out of memory"))
    cloud.say(run, "vocab", "running")
    step = cloud.status(run["id"])["steps"]["vocab"]
    assert (step["state"], step["note"]) == ("running", "points 1/3, 1 failed")
    lines = cloud.machine.kfp("status", run["id"]).stdout.partition("vocab: 3 points")[2].splitlines()
    assert [line.split()[1:] for line in lines[3:]] == [
        ["500", "done"], ["600", "failed:", "out", "of", "memory"], ["700", "waiting"]
    ]  # fmt: skip


def test_it_is_done_when_all_is_made_and_the_engine_has_ended(cloud: Cloud) -> None:
    run = cloud.send()
    cloud.make(run, "segment")
    cloud.make(run, "vocab")
    assert cloud.status(run["id"])["state"] == "running", "a launcher may still be cleaning up"
    cloud.pipelines.end(run["cluster"]["id"], "SUCCEEDED")
    done = cloud.machine.kfp("status", run["id"], "-w")
    assert f"demo/{run['id']}: done" in done.stdout
    assert "all is done, nothing to run" in cloud.machine.kfp("run", "demo.yaml", "-y").stdout


@pytest.mark.parametrize(("code", "state", "exit_code"), [(65, "failed", 1), (78, "refused", 4)])
def test_a_step_that_ended_badly_is_shown_with_its_own_words(
    cloud: Cloud, code: int, state: str, exit_code: int
) -> None:
    following = cloud.machine.start("run", "demo.yaml", "-y", "--on", "cluster")
    run = wait_for(lambda: next(iter(runs.list_runs(cloud.store)), None))
    run = wait_for(lambda: found if (found := runs.read(cloud.store, "demo", run.id)).cluster["id"] else None)
    cloud.say(run.to_json(), "segment", "failed", "line 3 of a.txt is no JSON", code)
    cloud.pipelines.end(run.cluster["id"], "FAILED")
    out, _ = following.communicate(timeout=60)
    assert following.returncode == exit_code
    assert f"demo/{run.id}: {state}" in out and "line 3 of a.txt is no JSON" in out
    assert cloud.status(run.id)["steps"]["vocab"]["state"] == "skipped"


def test_what_the_engine_alone_knows_is_shown_too(cloud: Cloud) -> None:
    run = cloud.send()
    node = {"name": "demo-x.root.segment.executor", "phase": "Error", "message": "pods is forbidden: no account `x`"}
    labels = {"pipeline/runid": run["cluster"]["id"]}
    cloud.kube.put("workflows", {"metadata": {"name": "demo-x", "labels": labels}, "status": {"nodes": {"n": node}}})
    cloud.pipelines.end(run["cluster"]["id"], "FAILED")
    step = cloud.status(run["id"])["steps"]["segment"]
    assert (step["state"], step["error"]) == ("failed", "pods is forbidden: no account `x`")


def test_a_pod_that_only_a_person_can_help_ends_the_run(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    run = cloud.send()
    cloud.kube.wait_for(cloud.pod(run, "segment", "Pending"), "ImagePullBackOff")
    for name, value in cloud.machine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(watch, "HOPELESS", 0.0)
    eye = watch.Watch(cloud.store, runs.read(cloud.store, "demo", run["id"]), {})
    eye.look()
    time.sleep(0.01)
    eye.look()
    assert "step `segment`: image" in eye.hopeless and "cannot be pulled" in eye.hopeless
    cloud.pipelines.end(run["cluster"]["id"], "FAILED")
    cloud.kube.delete("pods", "demo-x-segment", 0)
    ended = eye.give_up()
    assert ended.state == "failed" and "cannot be pulled" in ended.steps["segment"].error


def test_cancel_ends_it_and_removes_what_launchers_made(cloud: Cloud) -> None:
    run = cloud.send()
    labels = {"ernie.io/run": run["id"], "ernie.io/step": "segment", "ernie.io/work": "w"}
    cloud.kube.start = None  # nobody makes pods
    cloud.kube.put("jobs", {"metadata": {"name": "demo-segment-a1", "labels": labels}, "spec": {}})
    cancelling = cloud.machine.start("cancel", run["id"])
    wait_for(lambda: cloud.pipelines.runs[run["cluster"]["id"]]["state"] == "CANCELING")
    cloud.pipelines.end(run["cluster"]["id"], "FAILED")
    _, said = cancelling.communicate(timeout=60)
    assert cancelling.returncode == 0 and f"demo/{run['id']} stopped; resume with: kfp resume {run['id']}" in said
    assert cloud.kube.all("jobs") == []
    assert cloud.status(run["id"])["steps"]["segment"]["error"] == "the run was cancelled"


def test_resume_sends_what_is_left_as_a_new_run(cloud: Cloud) -> None:
    first = cloud.send()
    cloud.make(first, "segment")
    cloud.pipelines.end(first["cluster"]["id"], "FAILED")
    cloud.status(first["id"])
    done = cloud.machine.kfp("resume", first["id"], "-d", "--json")
    second = json.loads(done.stdout)
    assert second["id"] != first["id"] and second["work"] == first["work"]
    (spec,) = (sent["pipeline_spec"] for sent in cloud.pipelines.runs.values() if second["id"] in sent["display_name"])
    assert "vocab" in json.dumps(spec) and '"segment"' not in json.dumps(spec)
    assert second["steps"]["segment"]["already"]


def test_redo_waits_for_nobody_who_is_at_it(cloud: Cloud) -> None:
    run = cloud.send()
    said = cloud.machine.kfp("run", "demo.yaml", "-y", "--on", "cluster", "--redo", "segment", check=4).stderr
    assert f"demo/{run['id']} is making this right now: `kfp cancel {run['id']}` before `--redo`" in said


def test_an_answer_that_is_lost_is_not_a_second_run(cloud: Cloud) -> None:
    cloud.pipelines.after_fault = True
    cloud.pipelines.fault = lambda method, path: 503 if (method, path) == ("POST", "/apis/v2beta1/runs") else None
    run = cloud.send()
    assert list(cloud.pipelines.runs) == [run["cluster"]["id"]]


def test_a_submitter_that_was_killed_while_sending_is_found_out(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.pipelines.fault = lambda method, path: 503 if (method, path) == ("POST", "/apis/v2beta1/runs") else None
    said = cloud.machine.kfp("run", "demo.yaml", "--on", "cluster", "-y", "-d", check=1).stderr
    assert "failed (503): as the test wants it" in said
    (left,) = runs.list_runs(cloud.store)
    assert left.state == "running" and not left.cluster["id"], "nobody knows yet whether it has arrived"
    for name, value in cloud.machine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(watch, "ARRIVAL", -1.0)
    assert watch.Watch(cloud.store, left, {}).look().state == "failed"


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(401, 1, "denies this account access (401)"), (400, 1, "rejects it (400)"), (500, 1, "failed (500)")],
)
def test_errors_of_the_server_are_one_line(cloud: Cloud, status: int, code: int, said: str) -> None:
    cloud.pipelines.fault = lambda method, path: None if path.endswith("healthz") else status
    done = cloud.machine.kfp("run", "demo.yaml", "--on", "cluster", "-y", "-d", check=code)
    assert said in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_nobody_at_the_endpoint_is_said_at_once(cloud: Cloud) -> None:
    cloud.machine.environment["KF_PIPELINES_ENDPOINT"] = "http://127.0.0.1:9"
    said = cloud.machine.kfp("run", "demo.yaml", "--on", "cluster", "-y", check=1).stderr
    assert said.splitlines()[-1].startswith("error: http://127.0.0.1:9 does not answer")
    assert list(runs.list_runs(cloud.store)) == []


def test_no_endpoint_at_all_is_said_with_what_to_set(cloud: Cloud) -> None:
    del cloud.machine.environment["KF_PIPELINES_ENDPOINT"]
    site = cloud.machine.folder / "site.yaml"
    site.write_text(site.read_text().replace("  endpoint: http://ml-pipeline.kubeflow.svc:8888\n", ""))
    said = cloud.machine.kfp("run", "demo.yaml", "--on", "cluster", "-y", check=3).stderr
    assert "name it with $KFP_ENDPOINT or $KF_PIPELINES_ENDPOINT, or `cluster.endpoint` in the site file" in said


def test_a_token_goes_with_every_request_and_nowhere_else(cloud: Cloud) -> None:
    cloud.machine.environment["KFP_EXISTING_TOKEN"] = "not-for-logs"
    run = cloud.send()
    assert cloud.pipelines.tokens[-1] == "not-for-logs"
    assert "not-for-logs" not in json.dumps(run) and "not-for-logs" not in json.dumps(
        list(cloud.pipelines.runs.values())
    )


def test_a_server_that_is_away_for_a_while_ends_nothing(cloud: Cloud) -> None:
    run = cloud.send()
    cloud.pipelines.fault = lambda method, path: 503
    done = cloud.machine.kfp("status", run["id"])
    assert f"demo/{run['id']}: running" in done.stdout and "currently unknown: " in done.stderr


def test_another_server_that_knows_nothing_of_a_run_ends_nothing(cloud: Cloud) -> None:
    run = cloud.send()
    with serve_pipelines(FakePipelines()) as other:
        cloud.machine.environment["KFP_ENDPOINT"] = other
        assert f"demo/{run['id']}: running" in cloud.machine.kfp("status", run["id"]).stdout


def test_a_run_that_was_deleted_there_has_failed(cloud: Cloud) -> None:
    run = cloud.send()
    cloud.pipelines.runs.clear()
    assert "the run was deleted from Kubeflow Pipelines" in cloud.machine.kfp("status", run["id"]).stdout


def test_logs_are_those_that_the_store_keeps(cloud: Cloud) -> None:
    run = cloud.send()
    for number, text in enumerate(("first", "second"), 1):
        cloud.store.write(f"runs/demo/{run['id']}/logs/segment/step-1-0000{number}.log", f"{text}\n".encode())
    assert cloud.machine.kfp("logs", run["id"], "segment").stdout == "first\nsecond\n"


def test_logs_are_followed_from_the_pod_while_it_runs(cloud: Cloud) -> None:
    run = cloud.send()
    pod = cloud.pod(run, "segment")
    cloud.kube.logs[pod] = ["2026-01-01T00:00:00Z one", "2026-01-01T00:00:01Z two"]
    following = cloud.machine.start("logs", "-f", run["id"])
    time.sleep(3)
    for step in ("segment", "vocab"):
        cloud.make(run, step)
    cloud.kube.delete("pods", pod, 0)
    cloud.store.write(f"runs/demo/{run['id']}/logs/vocab/step-1-00001.log", b"three\n")
    cloud.pipelines.end(run["cluster"]["id"], "SUCCEEDED")
    out, _ = following.communicate(timeout=60)
    assert [line.split()[-1] for line in out.splitlines()] == ["segment", "one", "two", "vocab", "three"]


def test_a_run_is_found_by_its_spec(cloud: Cloud) -> None:
    run = cloud.send()
    assert run["id"] in cloud.machine.kfp("status", "demo.yaml").stdout
    assert run["id"] in cloud.machine.kfp("ls", "--runs", "--store", str(cloud.machine.folder / "store")).stdout
