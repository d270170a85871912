"""What is wrong with a cluster, or with what a site file says of it: one clear line within a minute, never a hang."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from machines import Machine

from components.launch.kube import Kube
from components.launch.observation import Unavailable
from ernie_core.store import Store

SPEC = Path(__file__).parents[2] / "specs" / "cluster_smoke.yaml"
NOBODY = "sha256:" + 64 * "0"
Site = dict[str, Any]


@pytest.fixture
def report(machine: Machine, store: Store) -> Callable[..., str]:
    """Run the spec with a changed site file; what is said of it, in time and with the exit code of a failure."""

    def run(change: Callable[[Site], None], *words: str, url: str = store.url) -> str:
        site = yaml.safe_load(Path(os.environ["ERNIE_JOBS_SITE"]).read_text(encoding="utf-8"))
        site["cluster"]["store"] = url
        change(site["cluster"])
        file = machine.folder / "site.yaml"
        file.write_text(yaml.safe_dump(site), encoding="utf-8")
        machine.environment["ERNIE_JOBS_SITE"] = str(file)
        began = time.monotonic()
        done = machine.kfp("run", str(SPEC), "--on", "cluster", "-y", *words, check=None, seconds=120)
        took = time.monotonic() - began
        assert done.returncode in (1, 4), f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert took < 60, f"{took:.0f} s\n{done.stderr}"
        print(f"\nafter {took:.0f} s, exit code {done.returncode}")
        return done.stdout + done.stderr

    return run


@pytest.fixture
def quota(kube: Kube) -> Iterator[None]:
    """No pod at all."""
    core = client.CoreV1Api(kube._api)
    meta = client.V1ObjectMeta(name="none-at-all")
    body = client.V1ResourceQuota(metadata=meta, spec=client.V1ResourceQuotaSpec(hard={"pods": "0"}))
    core.create_namespaced_resource_quota(kube.namespace, body)
    time.sleep(3)  # until admission knows of it
    yield
    core.delete_namespaced_resource_quota(meta.name, kube.namespace)


@pytest.fixture
def no_paddlejobs(kube: Kube) -> Iterator[None]:
    """A cluster that does not know the kind."""
    api, name = client.ApiextensionsV1Api(kube._api), "paddlejobs.kubeflow.org"
    found = kube.read(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    api.delete_custom_resource_definition(name)
    path = f"/apis/kubeflow.org/v1/namespaces/{kube.namespace}/paddlejobs"
    _until(lambda: kube.find(path) is None)
    keep = {key: found["metadata"].get(key) for key in ("name", "annotations", "labels")}
    yield
    body = {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": keep, "spec": found["spec"]}
    kube.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    _until(lambda: _knows(kube, path))


@pytest.fixture
def made(machine: Machine, store: Store) -> None:
    """All that a training needs is there."""
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    spec["steps"] = [step for step in spec["steps"] if "pretrain" not in step]
    file = machine.folder / "before.yaml"
    file.write_text(yaml.safe_dump({**spec, "store": store.url}, allow_unicode=True), encoding="utf-8")
    machine.kfp("run", str(file), "--on", "cluster", "-y", seconds=200)


def test_an_image_that_is_not_there(report: Callable[..., str]) -> None:
    said = report(lambda site: site["images"].update(text=f"registry.invalid/ernie/text@{NOBODY}"))
    assert f"step `snownlp_text`: image registry.invalid/ernie/text@{NOBODY} cannot be pulled" in said


def test_a_secret_that_is_not_there(report: Callable[..., str]) -> None:
    said = report(lambda site: site.update(secrets={"forgotten": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]}))
    assert "step `snownlp_text`: there is no secret `forgotten` in this namespace: create it" in said


def test_a_bucket_that_is_not_there(report: Callable[..., str]) -> None:
    said = report(lambda site: None, url="s3://no-such-bucket/store")
    assert "no-such-bucket" in said


def test_an_endpoint_where_nobody_is(report: Callable[..., str], machine: Machine) -> None:
    machine.environment["KF_PIPELINES_ENDPOINT"] = "http://127.0.0.1:9"
    assert "http://127.0.0.1:9 does not answer" in report(lambda site: None)


def test_a_quota_of_nothing(report: Callable[..., str], quota: None) -> None:
    assert "step `snownlp_text`: quota `none-at-all` allows no pods: raise it" in report(lambda site: None)


def test_an_account_without_any_rights(report: Callable[..., str]) -> None:
    said = report(lambda site: site.update(service_account="default"))
    assert "step `snownlp_text` failed" in said or "forbidden" in said or "workflowtaskresults" in said


@pytest.mark.slow
def test_an_account_that_may_run_steps_but_no_launchers(report: Callable[..., str], made: None, kube: Kube) -> None:
    """As in a namespace where the chart's Role was made by hand, and not wholly."""
    role, subject = client.RbacAuthorizationV1Api(kube._api), client.RbacV1Subject
    name, part = "only-steps", [("argoproj.io", "workflowtaskresults", ["create", "patch"]),
                                ("", "configmaps", ["get"]), ("", "secrets", ["get"])]  # fmt: skip
    rules = [client.V1PolicyRule(api_groups=[g], resources=[r], verbs=v) for g, r, v in part]
    meta = client.V1ObjectMeta(name=name)
    client.CoreV1Api(kube._api).create_namespaced_service_account(
        kube.namespace, client.V1ServiceAccount(metadata=meta)
    )
    role.create_namespaced_role(kube.namespace, client.V1Role(metadata=meta, rules=rules))
    role.create_namespaced_role_binding(kube.namespace, client.V1RoleBinding(
        metadata=meta, role_ref=client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name=name),
        subjects=[subject(kind="ServiceAccount", name=name, namespace=kube.namespace)]))  # fmt: skip
    try:
        said = report(lambda site: site.update(service_account=name), "--set", "pretrain.seed=7")
        assert "the cluster denies this account access, give it the Role of the chart" in said
    finally:
        role.delete_namespaced_role_binding(name, kube.namespace)
        role.delete_namespaced_role(name, kube.namespace)
        client.CoreV1Api(kube._api).delete_namespaced_service_account(name, kube.namespace)


@pytest.mark.slow
def test_a_cluster_without_the_training_operator(report: Callable[..., str], made: None, no_paddlejobs: None) -> None:
    said = report(lambda site: None, "--set", "pretrain.seed=8")
    assert "training operator" in said


def test_nothing_was_left(kube: Kube) -> None:
    """Of all the runs above, which were given up."""
    rows = kube.read(f"/api/v1/namespaces/{kube.namespace}/pods", labelSelector="ernie.io/job=cluster-smoke")["items"]
    assert [row["metadata"]["name"] for row in rows if row["status"]["phase"] in ("Pending", "Running")] == []


def _knows(kube: Kube, path: str) -> bool:
    """Whether a kind is served; one that has just been made is not, for a moment."""
    try:
        return kube.find(path) is not None
    except Unavailable:
        return False


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.3)
