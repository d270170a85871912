"""Signals, sweeping, rights, logs, and what cannot start: the edges of a launcher."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from components.launch import identity, logs, sweep, waiting
from components.launch.backend import RUN, WORK
from components.launch.rights import RIGHTS
from components.launch.stages import manifests
from components.launch.workload import NAME, Workload, name
from components.runtime import record
from ernie_core.store import artefact

ROOT = Path(__file__).parents[2]
OLD = "2026-01-01T00:00:00Z"


def start(place, tmp_path, *arguments, **env):
    """The launcher as a process, as its pod starts it."""
    config = tmp_path / "kubeconfig"
    config.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": place.url}}], "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x", "namespace": "ns"}}],
    }))  # fmt: skip
    env = {**os.environ, "KUBECONFIG": str(config), "PYTHONPATH": str(ROOT), **env}
    command = [sys.executable, "-m", "components.launch", *arguments]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def launched(place, tmp_path, **env):
    workload, manifest = json.dumps(place.workload.to_json()), str(tmp_path / "out" / "manifest.json")
    process = start(place, tmp_path, "--workload", workload, "--manifest", manifest, **env)
    place.until(lambda: place.cluster.all("leases"), seconds=30)
    return process


def test_the_command_makes_the_step_and_tells_the_pipeline(place, tmp_path):
    process = launched(place, tmp_path)
    place.succeed(place.attempt(1))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    made = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert made["address"] == place.workload.task["address"] and made["scores"] == {"loss": 1.0}


def test_cancelled_it_removes_what_it_made(place, tmp_path):
    process = launched(place, tmp_path)
    place.attempt(1)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert place.cluster.all("paddlejobs") == [] and place.cluster.all("leases") == []


def test_moved_to_another_node_it_leaves_the_gang_alone(place, tmp_path):
    body = {"metadata": {"name": "launcher", "labels": {}, "ownerReferences": [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "flow", "uid": "w1", "controller": True}]},
        "spec": {}}  # fmt: skip
    place.cluster.put("pods", body)
    process = launched(place, tmp_path, KFP_POD_NAME="launcher")
    job = place.attempt(1)
    owners = place.cluster.objects["paddlejobs", job]["metadata"]["ownerReferences"]
    assert [(o["kind"], o["uid"], o["controller"]) for o in owners] == [("Workflow", "w1", False)]
    place.cluster.objects["pods", "launcher"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert len(place.cluster.pods(job)) == 2


def test_killed_it_is_taken_up_by_the_next(place, tmp_path):
    process = launched(place, tmp_path)
    job = place.attempt(1)
    process.kill()
    process.communicate(timeout=60)
    with place.cluster.lock:  # so long as it is said to live, nobody else acts
        lease = place.cluster.all("leases")[0]
        lease["spec"]["leaseDurationSeconds"] = 1
    second = place.launch()
    place.succeed(job)
    second.end()
    assert len(place.cluster.all("paddlejobs")) == 1


def test_sweeping_a_run_removes_all_of_it_and_nothing_else(place, tmp_path):
    launched = place.launch()
    place.attempt(1)
    other = {"metadata": {"name": "other", "labels": {RUN: "run2", WORK: "w2"}}, "spec": {}}
    place.cluster.start = None
    place.cluster.put("jobs", other)
    removed = sweep.run(place.kube(), "run1")
    assert [row.partition("/")[0] for row in removed] == ["paddlejobs", "leases"]
    assert [job["metadata"]["name"] for job in place.cluster.all("jobs")] == ["other"]
    assert launched.running


def test_orphans_are_what_has_neither_a_launcher_nor_a_run(place):
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
    place.cluster.start = None
    for flow, phase in (("done", "Failed"), ("going", "Running")):
        body = place.cluster.put("workflows", {"metadata": {"name": flow}})
        body["status"] = {"phase": phase}
        owners = [{**owner, "name": flow, "uid": body["metadata"]["uid"]}]
        meta = {"name": f"of-{flow}", "labels": {WORK: flow}, "creationTimestamp": OLD, "ownerReferences": owners}
        place.cluster.put("jobs", {"metadata": meta, "spec": {}})
    fresh = {"name": "fresh", "labels": {WORK: "fresh"}}
    place.cluster.put("jobs", {"metadata": fresh, "spec": {}})
    assert sweep.orphans(place.kube()) == ["jobs/of-done"]


def test_every_right_is_used(place, monkeypatch):
    """None too few: the cluster of these tests gives no other. None too many: each is asked for here."""
    cluster = place.cluster
    cluster.put("pods", {"metadata": {"name": "launcher", "labels": {}}, "spec": {}})
    monkeypatch.setenv("KFP_POD_NAME", "launcher")
    single = replace(place, workload=replace(place.workload, kind="shards", count=1))
    launched = single.launch()
    single.succeed(single.attempt(1, "j"))
    launched.end()
    artefact.remove(place.store, place.workload.task["address"])
    cluster.start = False
    launched = place.launch()
    job = place.attempt(1)
    place.until(lambda: ("", "events", "list") in cluster.calls)
    cluster.run(f"{job}-worker-0")
    place.until(lambda: ("", "pods/log", "get") in cluster.calls)
    cluster.stuck = {"node1"}
    cluster.disrupt(f"{job}-worker-1", "DeletionByTaintManager")
    cluster.start = True
    place.succeed(place.attempt(2))
    launched.end()
    flow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "flow", "uid": "w1"}
    meta = {"name": "old", "labels": {RUN: "run1", WORK: "w"}, "creationTimestamp": OLD, "ownerReferences": [flow]}
    cluster.start = None
    for plural in ("jobs", "paddlejobs"):
        cluster.put(plural, {"metadata": dict(meta), "spec": {}})
    sweep.orphans(place.kube())
    assert cluster.calls == {(*key, verb) for key, verbs in RIGHTS.items() for verb in verbs}


def test_the_word_of_the_backend_is_in_its_file_only():
    rooms = [path for room in ("components", "jobs") for path in (ROOT / room).rglob("*.py")]
    found = [path.name for path in rooms if "PaddleJob" in path.read_text(encoding="utf-8")]
    assert found == ["paddlejob.py"]


def test_names_are_equal_for_equal_work_and_fit():
    words = ("a-job-with-quite-a-long-name-indeed", "the_step_with_an_even_longer_name", "f" * 40, "s3://one")
    long = name(*words)
    assert long == name(*words)
    assert len(long) <= NAME and name("1", "2", "f", "s") != name("1", "2", "e", "s")
    assert name("1", "2", "f", "s3://one") != name("1", "2", "f", "s3://other"), "they may run side by side"
    assert Workload.from_json(json.loads(json.dumps(workload(long).to_json()))) == workload(long)


def workload(name_):
    return Workload("gang", name_, "i", ("python",), {"name": "x"}, 2, secrets=("s",), volumes=({"claim": "c"},))


def test_what_is_said_of_pods_that_do_not_start():
    quota = "exceeded quota: q, requested: limits.memory=8Gi, used: limits.memory=0, limited: limits.memory=4Gi"
    assert waiting.refused(quota).hopeless
    assert not waiting.refused(quota.replace("8Gi", "512Mi")).hopeless
    event = {"reason": "FailedMount", "message": 'MountVolume.SetUp failed: secret "s" not found'}
    assert "no secret `s`" in waiting.reasons([], [event])[0].text


def test_logs_are_followed_over_cuts_each_line_once_and_without_secrets(place, capfd):
    launched = place.launch()
    job = place.attempt(1)
    lines = place.cluster.logs.setdefault(f"{job}-worker-0", [])
    for i in range(6):
        lines.append(f"2026-01-01T00:00:{i // 3:02d}.{i}Z line {i} password=hunter2")
        place.asked(2)
    place.succeed(job)
    launched.end()
    said = [row for row in capfd.readouterr().out.splitlines() if " line " in row]
    assert said == [f"step=pretrain attempt=1 pod=0 line {i} password=[redacted]" for i in range(6)]
    assert [line.partition("Z ")[2] for line in kept(place)] == [f"line {i} password=[redacted]" for i in range(6)]


def test_the_log_goes_on_where_an_earlier_launcher_left_it(place):
    place.cluster.logs["pod"] = [f"2026-01-01T00:00:00.{i}Z line {i}" for i in range(3)]
    place.cluster.put("pods", {"metadata": {"name": "pod", "labels": {}}, "spec": {}})
    about = (place.kube(), place.store, record.logs(place.workload.task), "a1-0-u", "pod", "paddle", "")
    logs.Follower(*about).end()
    del place.cluster.logs["pod"][:2]  # the node has thrown away what is old
    place.cluster.logs["pod"].append("2026-01-01T00:00:00.3Z line 3")
    logs.Follower(*about).end()
    assert [line.partition(" ")[2] for line in kept(place)] == ["line 0", "line 1", "line 2", "line 3"]


def kept(place):
    folder = record.logs(place.workload.task)
    return b"".join(place.store.read(f"{folder}/{part}") for part in place.store.children(folder)).decode().splitlines()


def test_the_last_words_of_what_died_first_are_kept(place):
    launched = place.launch()
    job = place.attempt(1)
    place.cluster.logs[f"{job}-worker-1"] = ["2026-01-01T00:00:00Z step 7", "2026-01-01T00:00:01Z IndexError"]
    place.cluster.exit(f"{job}-worker-1", 1)
    place.succeed(place.attempt(2))
    launched.end()
    words = place.store.read(f"{record.logs(place.workload.task)}/a1-end-1.log")
    assert words.decode() == "step 7\nIndexError\n"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("AWS_SECRET_ACCESS_KEY=abc/def", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ('{"token": "abc"}', '{"token": "[redacted]"}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("key AKIAABCDEFGHIJKLMNOP here", "key [redacted] here"),
        ("tokens=512 loss=7.1", "tokens=512 loss=7.1"),
    ],
)
def test_credentials_are_not_kept(line, kept):
    assert logs.redact(line) == kept


def test_objects_are_what_their_models_say(shards):
    training = pytest.importorskip("kubeflow.training", reason="kubeflow-training 1.9.4 is not installed")
    from kubeflow.training.api_client import ApiClient

    class Answer:
        def __init__(self, value):
            self.data = json.dumps(value)

    gang = replace(shards.workload, kind="gang")
    (job,) = manifests(gang)
    model = ApiClient().deserialize(Answer(job), training.KubeflowOrgV1PaddleJob)
    assert ApiClient().sanitize_for_serialization(model) == job
    assert identity.owned(job, identity.Identity("x"))["metadata"] == job["metadata"]
